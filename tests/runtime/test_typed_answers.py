"""A typed answer stays JSON whatever is taken out of it; one that cannot is not asked for anew."""

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel

from jackline import Agent, DenyList, MaximumSize, Redactor, Result, Runtime, User
from jackline.core import events as e
from jackline.core.answers import judged
from jackline.core.guards import Guard
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
