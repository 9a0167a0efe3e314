"""What a call may spell of what was read: in white space, ways of writing, lists and choices."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.core.flow.tools import FETCH, MAIL, reading

from jackline.core.flow import (
    Declared,
    Plan,
    Planned,
    Question,
    ToolFlow,
    endorse,
    flow_of,
    judge,
)

TEXT: dict[str, Any] = {"type": "string"}
FLAG: dict[str, Any] = {"type": "boolean"}
KIND: dict[str, Any] = {"enum": ["a", "b", "c", "d"]}
HIDDEN = "\u2003\u2009\u00a0" * 20


def listed(items: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def posting(**shapes: dict[str, Any]) -> ToolFlow:
    """Return a tool that publishes what it is given."""
    return flow_of("post", "once", {"properties": shapes}, Declared(outbound=True))


def tier(flow: ToolFlow, call: Mapping[str, object], said: str, **pins: object) -> str:
    """Return by which tier a planned call runs, or what it is asked about for."""
    open_too = frozenset(call.keys() - pins.keys())
    question = Question(reading(said, "x"), Plan((Planned(flow.name, pins, open_too),)))
    verdict = judge(flow, call, question)
    assert (verdict.decision == "ask") == (verdict.tier in {"origin", "readers", "taint"})
    return verdict.tier


def test_white_space_that_nobody_wrote_carries_what_was_read() -> None:
    post, said = posting(text=TEXT), "Post 'Good morning'"
    assert tier(post, {"text": "Good morning"}, said, text="Good morning") == "plan"
    for other in (f"Good morning{HIDDEN}", f"{HIDDEN}Good morning", "Good morning\n"):
        assert tier(post, {"text": other}, said, text="Good morning") == "readers"
    assert tier(post, {"text": "Good morning"}, said) == "plan"
    assert tier(post, {"text": f"Good{HIDDEN}morning"}, said) == "readers"
    for spaced in ("Good\nmorning", f"Good{HIDDEN}morning"):
        assert tier(post, {"text": "Good morning"}, f"Post {spaced}") == "plan"
        assert tier(post, {"text": spaced}, f"Post {spaced}") == "plan"


@pytest.mark.parametrize(
    ("said", "written", "otherwise"),
    [
        ("on 3 May 2026", "2026-05-03", "2026-5-3"),
        ("at 9 am", "09:00", "9:00"),
        ("at 9 am", "09:00:00", "9:00 am"),
        ("at 10:00 UTC", "10:00Z", "10:00z"),
        ("at 10:00:30", "10:00:30", "10:00:30\u2003"),
        ("on 3 May 2026 at 9 am", "2026-05-03T09:00:00", "2026-05-03 09:00:00"),
        ("on 3 May 2026 at 9 am", "2026-05-03 09:00", "2026-05-03T09:00"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "DE893704 0044 0532 0130 00"),
        ("https://A.example", "https://a.example/", "HTTPS://A.example"),
        ("to Bob@X.com", "Bob@x.com", "Bob@X.COM"),
        ("the sum of 1,200.50", "1200.5", "1200.50"),
        ("No. 5", "5", "5\u2003"),
    ],
)
def test_what_may_be_written_in_many_ways_carries_but_in_one_or_two(
    said: str, written: str, otherwise: str
) -> None:
    post = posting(text=TEXT)
    assert tier(post, {"text": written}, said) == "plan"
    assert tier(post, {"text": otherwise}, said) == "readers"
    assert tier(post, {"text": otherwise}, said, text=written) in {"readers", "taint"}


def test_a_number_carries_nothing_however_it_was_said() -> None:
    post = posting(cents={"type": "number"})
    assert tier(post, {"cents": 1200.5}, "the sum of 1,200.50") == "plan"
    assert tier(post, {"cents": 5.0}, "five", cents=5) == "plan"


URL = "https://a.example/post"


@pytest.mark.parametrize(
    ("url", "is_said"),
    [
        (URL, True),
        ("https://B.example", True),
        ("https://b.example/", True),
        (f"{URL}{HIDDEN}", False),
        (f"{HIDDEN}{URL}", False),
        ("https://A.example/post", False),
        ("https://a.example:443/post", False),
    ],
)
def test_a_url_of_a_read_has_to_be_written_as_the_user_wrote_it(url: str, *, is_said: bool) -> None:
    known = reading(f"What do {URL} and https://B.example say?", "x")
    assert judge(FETCH, {"url": url}, Question(known)).tier == ("read" if is_said else "origin")


def test_urls_of_a_read_are_asked_for_once_each_and_not_too_many() -> None:
    look = flow_of("look", "read", {"properties": {"urls": listed(TEXT)}})
    urls = [f"https://a.example/{number}" for number in range(17)]
    question = Question(reading(f"Compare {' '.join(urls)}", "x"))
    assert judge(look, {"urls": urls[:16]}, question).tier == "read"
    for spelling in (urls, [urls[0], urls[1], urls[0]]):
        verdict = judge(look, {"urls": spelling}, question)
        assert (verdict.decision, verdict.tier) == ("ask", "origin")


def test_a_pinned_url_is_asked_for_as_it_was_pinned() -> None:
    save = flow_of("save", "once", {"properties": {"url": TEXT}})
    assert tier(save, {"url": URL}, "Save it", url=URL) == "plan"
    assert tier(save, {"url": f"{URL}{HIDDEN}"}, f"Save {URL}", url=URL) == "origin"


@pytest.mark.parametrize("items", [TEXT, KIND, FLAG, {"type": "object", "properties": {"a": FLAG}}])
def test_a_list_that_nobody_pinned_spells(items: dict[str, Any]) -> None:
    declared = Declared(outbound=True, critical={"list": endorse("no harm")})
    post = flow_of("post", "once", {"properties": {"list": listed(items)}}, declared)
    one: object = {"a": True} if "properties" in items else True if items is FLAG else "a"
    assert tier(post, {"list": [one, one]}, "say a") == "readers"
    assert tier(post, {"list": [one, one]}, "say a", list=[one, one]) == "plan"
    assert tier(post, {"list": [one, one, one]}, "say a", list=[one, one]) == "taint"


def test_of_a_list_one_value_that_was_said_carries_nothing() -> None:
    post = posting(tags=listed(TEXT))
    assert tier(post, {"tags": ["summer"]}, "tag summer, party") == "plan"
    assert tier(post, {"tags": ["summer", "party"]}, "tag summer, party") == "readers"
    assert tier(posting(tags=listed(KIND)), {"tags": ["a", "b"]}, "answer it") == "origin"


def test_a_set_in_another_order_than_it_was_pinned_in_carries() -> None:
    post = posting(tags=listed(TEXT, uniqueItems=True))
    assert tier(post, {"tags": ["x", "y"]}, "tag x, y", tags=["x", "y"]) == "plan"
    assert tier(post, {"tags": ["y", "x"]}, "tag x, y", tags=["x", "y"]) == "readers"


def test_recipients_who_may_read_it_are_told_in_any_order() -> None:
    call = {"to": ["bob@x.com", "ann@x.com"], "subject": "a", "body": "b"}
    said = "Mail ann@x.com and bob@x.com"
    assert tier(MAIL, call, said) == "plan"
    assert tier(MAIL, call, said, to=["ann@x.com", "bob@x.com"]) == "plan"


@pytest.mark.parametrize("is_inside", [True, False])
def test_what_one_call_may_choose_of_few_is_bounded(*, is_inside: bool) -> None:
    fields = {f"f{number}": FLAG for number in range(17)}
    schema = {"form": {"type": "object", "properties": fields}} if is_inside else fields
    post = posting(**schema)
    for count, runs in ((16, "plan"), (17, "readers")):
        call: dict[str, object] = dict.fromkeys([*fields][:count], True)
        assert tier(post, {"form": call} if is_inside else call, "fill it in") == runs
    pinned: dict[str, object] = dict.fromkeys(fields, True)
    call = {"form": pinned} if is_inside else pinned
    assert tier(post, call, "all of them", **call) == "plan"
    defaults = {each: FLAG | {"default": True} for each in fields}
    post = posting(form={"type": "object", "properties": defaults})
    assert tier(post, {"form": pinned}, "fill it in") == "plan"


def test_a_set_of_few_counts_each_of_them() -> None:
    post = posting(kinds=listed(KIND, uniqueItems=True), other=KIND)
    call = {"kinds": ["a", "b", "c", "d"], "other": "a"}
    assert tier(post, call, "choose") == "plan"
    assert tier(post, call | {"kinds": ["a", "b"] * 4}, "choose") == "readers"


def test_several_keys_that_nobody_pinned_spell() -> None:
    post = posting(share={"type": "object", "additionalProperties": TEXT})
    said = "let ann and bob read"
    assert tier(post, {"share": {"ann": "read"}}, said) == "plan"
    both = {"share": {"ann": "read", "bob": "read"}}
    assert tier(post, both, said) == "readers"
    assert tier(post, both, said, **both) == "plan"


def test_a_key_that_another_place_of_the_tool_has_is_chosen_by_whoever_writes_it() -> None:
    fields = {"type": "object", "additionalProperties": TEXT}
    for other in ("owner", "only_of"):
        schema = {"properties": {"id": TEXT, "fields": fields, other: TEXT | {"default": ""}}}
        update = flow_of("update", "once", schema)
        call = {"id": "7", "fields": {"owner": "closed"}}
        assert tier(update, call, "set the status of 7 to closed", id="7") == "origin"
        status = {"id": "7", "fields": {"status": "closed"}}
        assert tier(update, status, "set the status of 7 to closed", id="7") == "plan"


def test_what_is_empty_inside_an_argument_is_chosen_like_any_other_value() -> None:
    numbers = listed({"type": "integer"})
    fields: dict[str, Any] = {"folder": TEXT, "ids": numbers}
    fields["not"] = numbers | {"default": list[int]()}
    delete = flow_of(
        "delete", "once", {"properties": {"where": {"type": "object", "properties": fields}}}
    )
    said = "delete 4711 in archive"
    where: dict[str, object] = {"folder": "archive", "ids": [4711], "not": []}
    assert tier(delete, {"where": where}, said) == "plan"
    nothings: list[Any] = [[], {}, ""]
    for nothing in nothings:
        assert tier(delete, {"where": where | {"ids": nothing}}, said) == "origin"
    question = Question(reading(said, "x"), Plan((Planned("delete", {}, frozenset({"where"})),)))
    none_of_them: dict[str, object] = {"where": {**where, "ids": list[int]()}}
    question.known.approve(delete, none_of_them)
    assert judge(delete, none_of_them, question).tier == "plan"


def test_an_argument_of_very_many_values_is_one_that_nobody_looks_into() -> None:
    act = flow_of("act", "once", {"properties": {"numbers": listed({"type": "integer"})}})
    assert tier(act, {"numbers": [1] * 512}, "take 1") == "plan"
    assert tier(act, {"numbers": [1] * 513}, "take 1") == "origin"
    known = reading("take 1", "x")
    plan = Plan((Planned("act", {}, frozenset({"numbers"})),))
    verdict = judge(act, {"numbers": [1] * 513}, Question(known, plan))
    assert [each.standing for each in verdict.origins] == ["open"]
