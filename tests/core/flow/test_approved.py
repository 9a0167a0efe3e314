"""One yes is a yes to one call: whatever else another one says, it is another."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow.tools import reading

from jackline.core.flow import Declared, From, Question, endorse, flow_of, judge

SHAPES: dict[str, Any] = {
    "path": {"type": "string"},
    "text": {"type": "string"},
    "role": {"enum": ["reader", "admin"]},
    "notify": {"type": "boolean", "default": True},
    "times": {"type": "integer"},
    "tags": {"type": "array", "items": {"type": "string"}, "default": []},
    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
}
DEFAULTS: dict[str, Any] = {"notify": True, "tags": []}
DECLARED = [
    Declared(),
    Declared(critical={}),
    Declared(critical={"path": From("user")}),
    Declared(critical={"path": From("user"), "text": endorse("short")}),
]
WORD = st.sampled_from(["", "a", "b", "5"])
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "path": WORD,
        "text": WORD,
        "role": st.sampled_from(["reader", "admin"]),
        "notify": st.booleans(),
        "times": st.sampled_from([5, 6]),
        "tags": st.lists(WORD, max_size=2),
        "note": st.none() | WORD,
    },
)


@pytest.mark.parametrize("declared", DECLARED)
@given(one=CALLS, other=CALLS)
def test_a_yes_to_one_call_is_one_to_the_same_call_and_to_no_other(
    declared: Declared, one: dict[str, Any], other: dict[str, Any]
) -> None:
    put, known = flow_of("put", "idempotent", {"properties": SHAPES}, declared), reading("", "x")
    known.approve(put, one)
    decides = {name for name, floor in put.critical.items() if floor.level != "untrusted"}
    chosen = {name for name, each in other.items() if DEFAULTS.get(name, ...) != each}
    is_same = bool(chosen & decides) and DEFAULTS | other == DEFAULTS | one
    assert known.is_approved(put, other) == is_same
    assert (judge(put, other, Question(known)).tier == "endorsed") == is_same


@pytest.mark.parametrize(
    ("declared", "one", "other"),
    [
        (Declared(), {"path": "eve", "role": "reader"}, {"path": "eve", "role": "admin"}),
        (DECLARED[2], {"path": "run.sh", "text": "hi"}, {"path": "run.sh", "text": "rm"}),
        (DECLARED[3], {"path": "run.sh", "text": "hi"}, {"path": "run.sh", "text": "rm"}),
    ],
)
def test_who_approved_a_harmless_call_is_asked_about_another_of_the_same_critical_values(
    declared: Declared, one: dict[str, Any], other: dict[str, Any]
) -> None:
    put, known = flow_of("put", "idempotent", {"properties": SHAPES}, declared), reading("", "x")
    known.approve(put, one)
    assert judge(put, one, Question(known)).tier == "endorsed"
    assert judge(put, other, Question(known)).tier == "taint"
