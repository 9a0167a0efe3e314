"""A committed plan: what it pins is pinned, what it leaves open is a hole, nothing else fits."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.flow.tools import FETCH, LETTER, MAIL, PAY

from jackline.core.flow import Declared, Plan, Planned, flow_of, plan_of, plan_schema, same

FLOWS = {each.name: each for each in (MAIL, PAY, FETCH)}
OPEN = frozenset({"subject", "body"})


def test_a_call_with_the_pinned_values_is_the_planned_one_and_may_be_made_once() -> None:
    plan = Plan((Planned("pay"), Planned("send_email", {"to": ["bob@X.com"]}, OPEN)))
    assert plan.match(MAIL, LETTER) == 1
    assert plan.match(MAIL, LETTER, {1}) is None


def test_a_call_is_the_planned_one_that_pins_the_most_of_it_whatever_comes_first() -> None:
    pinned = Planned("pay", {"account": "bob"}, frozenset({"amount"}))
    hole = Planned("pay", {}, frozenset({"account", "amount"}))
    bob, ann = {"account": "bob", "amount": 5}, {"account": "ann", "amount": 5}
    for plan in (Plan((hole, pinned)), Plan((pinned, hole))):
        one = plan.calls.index(pinned)
        assert plan.match(PAY, bob) == one
        assert plan.match(PAY, ann, {one}) == plan.match(PAY, bob, {one}) == 1 - one


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
        (["a@x.com", "b@x.com"], ["a@X.com", "b@x.com "]),
        ({"when": "2024-05-19", "n": 1}, {"n": 1.0, "when": "19.05.2024"}),
        ("24", 24),
        ("1.125", " 1.125 "),
        (1.125, 1.1250),
        (" two  words\n", "two  words"),
        ("write to  a@x.com", "write to  a@X.com"),
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
        (["a", "b"], ["b", "a"]),
        ({"pair": ["a", "b"]}, {"pair": ["b", "a"]}),
        ({"admin": "ann", "viewer": "eve"}, {"admin:'ann',viewer": "eve"}),
        ({"a": "b"}, {"a:'b'": ""}),
        (["a", "b"], ["a','b"]),
        ("echo rm -rf /data", "echo\nrm -rf /data"),
        ("two  words", "two words"),
        ("two\u00a0words", "two words"),
        ("4412345678", "+4412345678"),
        ("12345", "12345.0"),
        ("12345", "12,345.00"),
        ("12345", "0012345"),
        ("12.5", "12.50"),
        (24, "+24"),
        (True, "True"),
        (None, "None"),
        (7, 70),
        ("a;b", "a b"),
        ("bob@strasse.de", "bob@stra\u00dfe.de"),
        ("Bob@x.com", "bob@x.com"),
        ("10", "10.000"),
        (10, "10.000"),
        (10_000, "10.000"),
        ("1,500", "1.500"),
        (1.5, "1.500"),
        ("https://bit.ly/AbC", "https://bit.ly/aBc"),
        ("https://strasse.de/x", "https://stra\u00dfe.de/x"),
        ("10:30", "10:30 && rm -rf /data"),
        ("2024-05-19 10:00", "2024-05-19 10:00Z"),
    ],
)
def test_two_values_that_look_alike_are_not_the_same(one: object, other: object) -> None:
    assert not same(one, other)


SET: dict[str, Any] = {"type": "array", "uniqueItems": True}
LIST: dict[str, Any] = {"type": "array"}
PAIR: dict[str, Any] = {"type": "array", "prefixItems": [{}, {}]}


@pytest.mark.parametrize(
    ("shape", "is_recipients", "fits"),
    [
        (LIST, False, False),
        (LIST, True, True),
        ({}, True, True),
        (SET, False, True),
        ({"anyOf": [SET, {"type": "null"}]}, False, True),
        ({"anyOf": [SET, LIST]}, False, False),
        ({"anyOf": [SET, True]}, True, False),
        (PAIR, True, False),
        (SET | PAIR, False, False),
    ],
)
def test_a_list_keeps_its_order_but_where_the_tool_says_that_none_is_meant(
    shape: Any,
    is_recipients: bool,  # noqa: FBT001 - the case
    fits: bool,  # noqa: FBT001 - the case
) -> None:
    said = Declared(readers_from=("who",)) if is_recipients else Declared()
    flow = flow_of("move", "once", {"properties": {"who": shape}}, said)
    plan = Plan((Planned("move", {"who": ["A1", "B2"]}),))
    assert plan.match(flow, {"who": ["A1", "B2"]}) == 0
    assert (plan.match(flow, {"who": ["B2", "A1"]}) == 0) is fits
    assert plan.match(flow, {"who": ["B2", "B2"]}) is None


def strictly(text: str) -> str:
    """Return what a reader takes a text for that folds but what every one of its kind does."""
    text = text.strip()
    if "://" in text:
        scheme, _, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        host = _small(host).removesuffix({"http": ":80", "https": ":443"}.get(_small(scheme), " "))
        return (
            f"{_small(scheme)}://{host}/{path}" if path or slash else f"{_small(scheme)}://{host}/"
        )
    name, at, domain = text.rpartition("@")
    return text if "/" in text or not at else f"{name}@{_small(domain)}"


def _small(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)


NEAR = {
    "s": "sS\u017f\uff53",
    "i": "iI\u0131\u0130",
    "k": "kK\u212a\uff4b",
    "t": "tT\uff34",
    ".": [".", "..", "\uff0e", "\u3002"],
    "/": ["/", "//", "\\", "%2F", "%2f", "\uff0f"],
    "ss": ["ss", "\u00df", "SS"],
}
NAMES = ["https://ski.st/kit", "http://ski.st:80/", "bob@ski.st", "/ski/st@ski.st", "ski.st", "kit"]


@st.composite
def variants(draw: st.DrawFn) -> str:
    """A name in a writing that some reader may take for it."""
    name = draw(st.sampled_from(NAMES))
    written = "".join([draw(st.sampled_from([*NEAR.get(each, each)])) for each in name])
    return written + draw(st.sampled_from(["", "", ".", "/", " ", "\u200b"]))


@given(st.data())
@settings(max_examples=500)
def test_values_that_are_the_same_are_one_value_to_a_strict_reader(data: st.DataObject) -> None:
    one, other = data.draw(variants()), data.draw(variants())
    assert not same(one, other) or strictly(one) == strictly(other)
    assert same(one, f" {one} ")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sign", NEAR)
def test_no_letter_of_a_name_may_be_another(name: str, sign: str) -> None:
    name = name.replace("s", "ss") if sign == "ss" else name
    for each in NEAR[sign]:
        other = name.replace(sign, each)
        assert same(name, other) == (strictly(name) == strictly(other))


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
    text, tree = {"type": "string"}, {"items": {"$ref": "#/$defs/Tree"}}
    put = {
        "properties": {
            "what": text,
            "where": {"$ref": "#/$defs/Place"},
            "how": {"$ref": "#/$defs/Tree"},
        },
        "$defs": {"Place": text, "Tree": tree},
    }
    calls = plan_schema({"put": put, "end": {}})["properties"]["calls"]["items"]["anyOf"]
    assert [call["properties"]["tool"]["enum"] for call in calls] == [["end"], ["put"]]
    assert all(call["additionalProperties"] is False for call in calls)
    known = calls[1]["properties"]["known"]
    assert (known["properties"], known["required"]) == ({"what": text, "where": text}, [])
    assert calls[1]["properties"]["unknown"]["items"]["enum"] == ["what", "where", "how"]
    assert calls[0]["properties"]["unknown"]["items"] == {"type": "string"}
