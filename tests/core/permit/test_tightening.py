"""A rule of operators never lets a call run that was asked about without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.flow.tools import LETTER, MAIL, reading

from jackline.core.flow import (
    Declared,
    From,
    Integrity,
    Plan,
    Planned,
    Provenance,
    Question,
    Source,
    ToolFlow,
    endorse,
    flow_of,
    judge,
)
from jackline.core.flow.labels import LEVELS
from jackline.core.permit.overlay import tightened_flow
from jackline.core.permit.rules import Rule

NAMES = ("to", "text", "note")
SCHEMA = {
    "properties": {
        "to": {"type": "string"},
        "text": {"type": "string", "default": ""},
        "note": {"type": "string", "default": "none"},
    }
}
WORDS = st.sampled_from(["ann", "bob", "eve", "", "none"])
NAMED = st.sampled_from(NAMES)
CALLS = st.dictionaries(NAMED, WORDS, min_size=1)
FLOORS = st.sampled_from([endorse("harmless"), *map(From, LEVELS)])
RULES = st.lists(
    st.builds(
        Rule,
        st.just("rule"),
        outbound=st.booleans(),
        critical=st.dictionaries(NAMED, st.sampled_from(LEVELS[1:])),
    ),
    max_size=3,
)
PLANS = st.lists(st.builds(Planned, st.just("post"), CALLS, st.frozensets(NAMED)), max_size=2).map(
    lambda calls: Plan(tuple(calls))
)


def post(
    effect: str,
    floors: dict[str, From] | None,
    recipients: tuple[str, ...],
    *,
    outbound: bool | None,
) -> ToolFlow:
    """Return how a tool is judged whose author says this of it."""
    return flow_of("post", effect, SCHEMA, Declared(outbound, floors, recipients))


FLOWS = st.builds(
    post,
    st.sampled_from(["read", "idempotent", "once", "transactional"]),
    st.none() | st.dictionaries(NAMED, FLOORS),
    st.sampled_from([(), ("to",)]),
    outbound=st.booleans() | st.none(),
)
SOURCES = st.lists(st.tuples(WORDS, st.sampled_from(LEVELS)), max_size=4)


def known(read: list[tuple[str, Integrity]], *, private: bool) -> Provenance:
    made = Provenance("ann")
    made.read(Source(1, "x", text, level, turn=1) for text, level in read)
    made.restrict(None, private=private)
    return made


@given(FLOWS, RULES, CALLS, CALLS, st.data())
def test_under_any_rules_a_call_is_judged_at_least_as_strictly_as_without_them(
    flow: ToolFlow,
    rules: list[Rule],
    call: dict[str, str],
    approved: dict[str, str],
    data: st.DataObject,
) -> None:
    read, private = data.draw(SOURCES), data.draw(st.booleans())
    plan, bound = data.draw(st.none() | PLANS), tightened_flow(flow, rules)
    allowed = list[bool]()
    for each in (flow, bound):
        here = known(read, private=private)
        here.approve(each, approved)
        allowed.append(judge(each, call, Question(here, plan)).decision == "allow")
    without, within = allowed
    assert without >= within


def test_what_becomes_critical_still_carries_what_was_read() -> None:
    here = reading("mail bob@x.com the Minutes: All of it", "Salary of Ann")
    here.restrict(frozenset({"ann@x.com"}))
    plan = Plan((Planned("send_email", {"to": ["bob@x.com"]}, frozenset({"subject", "body"})),))
    rules = [Rule("o", critical={"subject": "system", "body": "system"})]
    for flow in (MAIL, tightened_flow(MAIL, rules)):
        assert judge(flow, LETTER, Question(here, plan)).tier == "readers"


@pytest.mark.parametrize("told", ["hi", "again"])
def test_a_floor_of_operators_makes_no_approval_of_what_the_code_asks_about_each_time(
    told: str,
) -> None:
    flow = flow_of("post", "idempotent", SCHEMA, Declared(critical={}))
    bound = tightened_flow(flow, [Rule("r", critical={"to": "user"})])
    here = reading("hi", "x")
    here.approve(bound, {"to": "bob", "text": "hi"})
    assert judge(bound, {"to": "bob", "text": told}, Question(here)).tier == "taint"


def test_what_a_person_approved_under_a_rule_may_be_done_again_as_it_may_without_it() -> None:
    flow = flow_of("post", "idempotent", SCHEMA, Declared(critical={"to": From("user")}))
    bound = tightened_flow(flow, [Rule("r", critical={"text": "user"})])
    here = reading("hi", "x")
    here.approve(bound, {"to": "bob", "text": "hi"})
    assert judge(bound, {"to": "bob", "text": "hi"}, Question(here)).tier == "endorsed"
    assert judge(bound, {"to": "bob", "text": "no"}, Question(here)).tier == "taint"
    assert judge(bound, {"to": "bob"}, Question(here)).tier == "taint"
