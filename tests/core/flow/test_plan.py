"""A committed plan: what it pins is pinned, what it leaves open is a hole, nothing else fits."""

import json
from typing import Any

import pytest
from tests.core.flow.tools import FETCH, LETTER, MAIL, PAY

from jackline.core.flow import Plan, Planned, plan_of, plan_schema, same

FLOWS = {each.name: each for each in (MAIL, PAY, FETCH)}
OPEN = frozenset({"subject", "body"})


def test_a_call_with_the_pinned_values_is_the_planned_one_and_may_be_made_once() -> None:
    plan = Plan((Planned("pay"), Planned("send_email", {"to": ["Bob@x.com"]}, OPEN)))
    assert plan.match(MAIL, LETTER) == 1
    assert plan.match(MAIL, LETTER, {1}) is None


def test_a_call_that_repeats_is_never_spent() -> None:
    plan = Plan((Planned("send_email", {}, OPEN | {"to"}, repeat=True),))
    assert plan.match(MAIL, LETTER, {0}) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"to": ["eve@evil.com"]},
        {"to": ["bob@x.com", "eve@evil.com"]},
        {"to": []},
        {"attachments": ["secrets.txt"]},
        {"to": "bob@x.com"},
    ],
)
def test_any_other_value_of_a_pin_is_another_call(change: dict[str, Any]) -> None:
    plan = Plan((Planned("send_email", {"to": ["bob@x.com"]}, OPEN),))
    assert plan.match(MAIL, LETTER | change) is None


def test_a_pin_that_the_call_leaves_out_does_not_fit() -> None:
    plan = Plan((Planned("send_email", {"to": ["bob@x.com"], "cc": ["ann@x.com"]}, OPEN),))
    assert plan.match(MAIL, LETTER) is None


def test_a_critical_argument_that_the_plan_does_not_speak_of_has_to_be_the_default() -> None:
    plan = Plan((Planned("send_email", {"to": ["bob@x.com"]}),))
    assert plan.match(MAIL, LETTER) == 0
    assert plan.match(MAIL, LETTER | {"attachments": ["a"]}) is None
    hole = Plan((Planned("send_email", {"to": ["bob@x.com"]}, frozenset({"attachments"})),))
    assert hole.match(MAIL, LETTER | {"attachments": ["a"]}) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a@x.com", "b@x.com"], ["B@x.com", "a@x.com"]),
        ({"when": "2024-05-19", "n": 1}, {"n": 1.0, "when": "19.05.2024"}),
        ("24", 24),
        (" two  words ", "two words"),
        ("6 pm", "18:00"),
        (None, None),
    ],
)
def test_one_value_in_two_writings_is_the_same(one: object, other: object) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Secret", "secret"),
        (["a"], ["a", "a"]),
        (True, "True"),
        (None, "None"),
        (7, 70),
        ("a;b", "a b"),
    ],
)
def test_two_values_that_look_alike_are_not_the_same(one: object, other: object) -> None:
    assert not same(one, other)


def test_a_plan_is_read_from_what_a_model_wrote_and_reads_need_none() -> None:
    written: dict[str, Any] = {
        "calls": [
            {"tool": "pay", "known": {"account": "A1"}, "unknown": ["amount"]},
            {"tool": "fetch", "known": {}, "unknown": []},
            {"tool": "nothing", "known": {}, "unknown": []},
        ]
    }
    assert plan_of(json.dumps(written), FLOWS) == Plan(
        (Planned("pay", {"account": "A1"}, frozenset({"amount"})),)
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"calls": 1}', '{"calls": [{"known": {}}]}', "[" * 5_000),
        json.dumps({"calls": [{"tool": "pay"}] * 65}),
        f'{{"calls": [{{"tool": "pay", "known": {{"account": {"[" * 70}1{"]" * 70}}}}}]}}',
    ],
)
def test_what_is_no_plan_plans_nothing(text: str) -> None:
    assert plan_of(text, FLOWS) is None


def test_the_schema_names_tools_and_arguments_and_nothing_else_may_be_said() -> None:
    where = {"$ref": "#/$defs/Place"}
    put = {"properties": {"what": {"type": "string"}, "where": where}}
    calls = plan_schema({"put": put, "end": {}})["properties"]["calls"]["items"]["anyOf"]
    assert [call["properties"]["tool"]["enum"] for call in calls] == [["end"], ["put"]]
    assert all(call["additionalProperties"] is False for call in calls)
    known = calls[1]["properties"]["known"]
    assert (known["properties"], known["required"]) == ({"what": {"type": "string"}}, [])
    assert calls[1]["properties"]["unknown"]["items"]["enum"] == ["what", "where"]
    assert calls[0]["properties"]["unknown"]["items"] == {"type": "string"}
