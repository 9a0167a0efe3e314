"""A typed answer stays JSON whatever is taken out of it; one that cannot is not asked for anew."""

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel

from jackline import Agent, DenyList, Links, MaximumSize, Redactor, Result, Runtime, Unguarded, User
from jackline.core import events as e
from jackline.core.answers import judged
from jackline.core.codec import encode
from jackline.core.guards import Guard, Verdict
from jackline.core.outputs import Output
from jackline.testing import ScriptedModel

CARD = 4000000000000002


class Loose(BaseModel):
    number: int | str
    note: str = ""


class Strict(BaseModel):
    number: int


def answered(
    kind: type, reply: str, guards: tuple[Guard, ...] = ()
) -> tuple[Result, list[e.Event]]:
    async def run() -> tuple[Result, list[e.Event]]:
        agent = Agent("a", ScriptedModel([reply]), output=kind, guards=guards)
        async with asyncio.timeout(30), Runtime([agent], store="memory://") as runtime:
            result = await runtime.run("a", "Which?", user=User("ann"), session="s")
            where = await runtime.sessions.open("a", User("ann"), "s")
            return result, [
                each.event for each in await runtime.sessions.events(where, User("ann"))
            ]

    return asyncio.run(run())


@pytest.mark.parametrize("written", ['{{"number":{}}}', '```json\n{{"number": {}}}\n```'])
def test_a_card_that_is_a_number_becomes_a_text_where_its_type_allows_one(written: str) -> None:
    result, _ = answered(Loose, written.format(CARD))
    assert result.outcome == "completed"
    assert result.output == Loose(number="[redacted:card]")
    assert str(CARD) not in result.text


@pytest.mark.parametrize(
    "note", ["4000 0000 0000 0002", "a\n4000000000000002", "\u0027x,4000000000000002,1"]
)
def test_a_card_in_a_text_is_taken_out_and_the_rest_stays(note: str) -> None:
    result, _ = answered(Loose, json.dumps({"number": 7, "note": note}))
    assert isinstance(result.output, Loose)
    assert result.output.number == 7
    assert result.output.note.count("[redacted:card]") == 1
    assert "0002" not in result.text


def test_an_answer_that_cannot_do_without_is_blocked_once_and_says_why() -> None:
    result, events = answered(Strict, json.dumps({"number": CARD}))
    assert (result.outcome, result.output) == ("stopped", None)
    assert sum(isinstance(each, e.ModelReplied) for each in events) == 1
    (stopped,) = [each for each in events if isinstance(each, e.TurnStopped)]
    assert stopped.code == "blocked"
    assert "it contains card, and without that it does not match its JSON schema" in stopped.text
    assert str(CARD) not in repr(events)


def test_an_answer_that_was_wrong_anyway_is_asked_for_again() -> None:
    result, events = answered(Strict, f'{{"numbers": {CARD}}}')
    assert result.code == "output_invalid"
    assert sum(isinstance(each, e.ModelReplied) for each in events) == 3
    assert str(CARD) not in repr(events)


def test_what_other_guards_say_of_it_holds() -> None:
    guards = (DenyList(["secret"]), MaximumSize())
    result, _ = answered(Loose, '{"number": 7, "note": "secret"}', guards=guards)
    assert result.outcome == "stopped"


def test_what_is_hidden_in_an_escape_is_taken_out_of_its_field() -> None:
    text = '{"number": "4000\\u0020000000000002"}'
    hidden = text.replace("4000\\u0020000000000002", "\\u0034000000000000002")
    guards = [Redactor(), DenyList(["denied"], decision="flag")]
    typed = Output(dict[str, Any])
    passed, (said,) = judged(guards, typed, hidden, "k")
    assert passed == '{"number":"[redacted:card]"}'
    assert (said.decision, said.guard) == ("redact", "redactor")
    assert judged(guards, typed, '{"number":"denied"}', "k")[1][0].decision == "flag"
    assert judged(guards, typed, " ", "k") == (" ", ())
    strict = Output(dict[str, int])
    both = json.dumps({"denied": CARD})
    assert [each.decision for each in judged(guards[::-1], strict, both, "k")[1]] == [
        "flag",
        "block",
    ]


HIDDEN = '"\\u0034000000000000002"'
KEY = '"\\u0041KIAIOSFODNN7EXAMPLE"'
WAYS = (
    '{"number":7,"note":%s}',
    '{"note":"x","number":7,"note":%s}',
    '{"z":1,"z":2,"number":7,"note":%s}',
    '```json\n{"number":7,"note":%s}\n```',
    '```{"number":7,"note":%s}\n{"number":7,"note":%s}\n```',
)


def written(way: str, value: str) -> str:
    return way.replace("%s", value)


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_writing_an_answer_hides_a_card(way: str) -> None:
    result, events = answered(Loose, written(way, HIDDEN))
    assert result.output == Loose(number=7, note="[redacted:card]")
    assert "0034" not in result.text
    assert str(CARD) not in repr(events)


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_writing_an_answer_hides_a_key_from_the_journal(way: str) -> None:
    result, events = answered(Loose, written(way, KEY), (Unguarded("redactor", reason="a test"),))
    assert isinstance(result.output, Loose)
    assert result.output.note.startswith("[secret:aws-key:")
    for each in events:
        assert b"KIAIOSFODNN7EXAMPLE" not in encode(each)


@pytest.mark.parametrize("number", ["4000000000000002.0", "4.000000000000002e15"])
def test_a_card_is_one_as_a_float_too(number: str) -> None:
    guards, typed = [Redactor()], Output(dict[str, float | str])
    assert judged(guards, typed, f'{{"n":{number}}}', "k")[0] == '{"n":"[redacted:card]"}'
    (said,) = judged(guards, Output(dict[str, float]), f'{{"n":{number}}}', "k")[1]
    assert said.decision == "block"
    for other in ("4000000000000002.5", "1e300", "0.0", "12.0"):
        assert judged(guards, typed, f'{{"n":{other}}}', "k") == (f'{{"n":{other}}}', ())


@pytest.mark.parametrize("number", ["4000000000000002", "4000000000000002.0"])
def test_a_number_in_a_list_is_looked_at_as_one_with_a_name_is(number: str) -> None:
    guards = [Redactor()]
    passed, _ = judged(guards, Output(list[float | str]), f"[{number}]", "k")
    assert passed == '["[redacted:card]"]'
    (said,) = judged(guards, Output(list[float]), f"[{number}]", "k")[1]
    assert said.decision == "block"


PICTURES = (
    r"![a](https\u003a//evil.example/?d=1)",
    r"![a](\u002f\u002fevil.example/?d=1)",
    r"<img src=\u0022\u0068ttps\u003a\u002f\u002fevil.example/?d=1\u0022>",
    r"<meta http-equiv=refresh \u0063ontent=\u00220;//evil.example\u0022>",
    r"<img src=\"https:\t//evil.example\">",
)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_writing_an_answer_hides_a_link(way: str, picture: str) -> None:
    result, _ = answered(Loose, written(way, f'"{picture}"'))
    assert isinstance(result.output, Loose)
    assert "#link-withheld" in result.output.note
    assert "evil" not in result.output.note


def test_links_are_withheld_in_each_field_and_name_and_the_rest_stays_as_it_is() -> None:
    typed, guards = Output(dict[str, Any]), [Links(["good.example"])]
    evil = "https://evil.example"
    said = json.dumps({"a": [1, None, f"see {evil}"], evil: True, "b": "https://good.example"})
    passed, (heard,) = judged(guards, typed, said, "k")
    wanted = {"a": [1, None, "see #link-withheld"], "#link-withheld": True}
    assert json.loads(passed) == wanted | {"b": "https://good.example"}
    assert (heard.decision, heard.guard) == ("redact", "links")
    html = json.dumps({"a": '<a href="https://good.example/x">it</a>'})
    assert judged(guards, typed, html, "k") == (html, ())


def test_what_is_denied_is_denied_behind_an_escape_too() -> None:
    result, _ = answered(Loose, r'{"number":7,"note":"\u0073ecret"}', (DenyList(["secret"]),))
    assert result.outcome == "stopped"


class Blocking(Redactor):
    """Redacts, and blocks what is worse."""

    def judge(self, gate: e.Gate, text: str) -> Verdict:
        return Verdict("block", "worse") if "worse" in text else super().judge(gate, text)


def test_a_guard_that_filters_may_block() -> None:
    said = judged([Blocking()], Output(dict[str, str]), '{"a":"worse"}', "k")[1]
    assert [each.decision for each in said] == ["block"]
