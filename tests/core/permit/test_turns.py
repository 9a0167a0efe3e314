"""What becomes of turns and their calls under the rules of operators, as the journal tells it."""

import pytest
from tests.core.permit.rules import Refuses, overlay
from tests.core.story import FREE, Story, agent, kinds

from jackline.core import events as e
from jackline.core.agent import Agent, Budget, Limits
from jackline.core.budget import Price, Terms
from jackline.core.codec import decode, encode
from jackline.core.messages import ToolCall
from jackline.core.permit.overlay import Overlay
from jackline.core.tools import digest, tool
from jackline.core.value import replace

CENTS = '{"cents":500}'
ROLES = frozenset({"support"})
NONE = Overlay()


def bound(rules: Overlay | str, who: Agent | None = None) -> Agent:
    """Return the agent of the stories as it works for Ann."""
    read = overlay(rules) if isinstance(rules, str) else rules
    return read.tightened(who or agent(), "t", ROLES)


def story(rules: Overlay | str, *names: str, arguments: str = "{}") -> tuple[Story, list[e.Event]]:
    told = Story(bound(rules)).asked()
    return told, told.calls(*names, arguments=arguments)


def approved(told: Story, arguments: str | None = None) -> None:
    """Let a person say yes to what is asked, or to other arguments."""
    (question,) = told.session.questions
    asked = told.events[question - 1][1]
    assert isinstance(asked, e.InputRequested)
    answer = e.InputProvided(question, approved=True, by="bob", digest=asked.digest)
    if arguments is not None:
        made = told.agent.by_name[asked.name]
        principal = told.turn.submitted.principal
        edited = digest(asked.name, arguments, principal, made.version)
        answer = replace(answer, arguments=arguments, digest=edited)
    told.told(answer)


def refusal(events: list[e.Event]) -> e.ToolRefused:
    (found,) = [event for event in events if isinstance(event, e.ToolRefused)]
    return found


def test_a_plain_call_that_is_allowed_costs_the_journal_nothing() -> None:
    _, plain = story(NONE, "look")
    _, other = story('[[rule]]\ntool = "pay"\ndeny = true', "look")
    assert b"rules" not in encode(plain[0])
    assert encode(other[0]) == encode(plain[0])


def test_the_journal_names_the_rules_that_let_a_call_begin() -> None:
    rules = overlay('[[rule]]\nname = "trusted"\ntool = "look"\nrequire_roles = "support"')
    _, (started,) = story(rules, "look")
    assert isinstance(started, e.ToolStarted)
    assert started.rules == (f"policy/{rules.digest}/trusted",)
    assert decode(encode(started)) == started


def test_what_operators_deny_is_refused_and_told() -> None:
    _, events = story('[[rule]]\nname = "no"\ntool = "pay"\ndeny = "Not today."', "pay", "look")
    assert kinds(events) == ["tool.refused", "tool.started"]
    refused = refusal(events)
    assert refused.code == "policy"
    assert refused.rules[0].endswith("/no")
    assert refused.text.startswith(
        "The user may not use pay: Not today. For them you may use: look"
    )


def test_what_operators_want_approved_waits_for_a_person_and_then_runs() -> None:
    told, (asked, paused) = story('[[rule]]\ntool = "pay"\napprove = "It is dear."', "pay")
    assert isinstance(asked, e.InputRequested)
    assert isinstance(paused, e.TurnPaused)
    assert asked.text == "pay needs approval by the operator's policy: It is dear."
    assert asked.rules[0].startswith("policy/")
    approved(told)
    started = told.goes_on()[1]
    assert isinstance(started, e.ToolStarted)
    assert started.rules == asked.rules


def test_where_nobody_is_there_to_ask_the_rule_is_told_with_the_refusal() -> None:
    who = bound('[[rule]]\ntool = "pay"\napprove = true', agent(on_ask="refuse"))
    told = Story(who).asked()
    refused = refusal(told.calls("pay"))
    assert refused.code == "needs_approval"
    assert refused.rules[0].startswith("policy/")


@pytest.mark.parametrize(
    "stricter",
    [
        overlay('[[rule]]\ntool = "refund"\ndeny = true'),
        overlay('[[rule]]\ntool = "refund"\nrequire_roles = "lead"'),
        Overlay((), "0a1b2c3d", Refuses("refund")),
        Overlay((), "0a1b2c3d", Refuses(fails=("refund",))),
    ],
    ids=["denied", "without the role", "refused elsewhere", "not judged"],
)
def test_an_approval_of_a_laxer_day_is_judged_again_when_the_call_begins(stricter: Overlay) -> None:
    told, _ = story(NONE, "refund", arguments=CENTS)
    approved(told)
    told.agent = bound(stricter)
    events = told.goes_on()
    assert refusal(events).code == "policy"
    assert "tool.started" not in kinds(events)


@pytest.mark.parametrize("changed", ["outbound = true", 'critical = { cents = "user" }'])
def test_where_flow_was_tightened_since_the_approval_is_void(changed: str) -> None:
    told, _ = story(NONE, "refund", arguments=CENTS)
    approved(told)
    told.agent = bound(f'[[rule]]\ntool = "refund"\n{changed}')
    assert refusal(told.goes_on()).code == "void"


def test_an_approval_stands_where_rules_have_changed_that_ask_for_no_more() -> None:
    told, _ = story('[[rule]]\ntool = "refund"\napprove = true', "refund", arguments=CENTS)
    approved(told)
    other = '[[rule]]\noutbound = true\ntool = "pay"'
    told.agent = bound(f'[[rule]]\ntool = "refund"\napprove = "Look twice."\n{other}')
    assert kinds(told.goes_on()) == ["turn.resumed", "tool.started"]


def test_an_edit_passes_the_tool_s_own_predicate() -> None:
    @tool(effect="once", approve=True, name="refund", allow=lambda said: said["cents"] < 600)
    async def careful(cents: int) -> str:
        """Pay back a little."""
        return str(cents)

    for cents, kind in ((599, "tool.started"), (600, "tool.refused")):
        told = Story(agent(tools=[careful])).asked()
        told.calls("refund", arguments=CENTS)
        approved(told, f'{{"cents":{cents}}}')
        assert kind in kinds(told.goes_on())


@pytest.mark.parametrize(("name", "outcome"), [("look", "tool.failed"), ("put", "tool.unknown")])
@pytest.mark.parametrize("rule", ["deny = true", "approve = true"])
def test_a_lost_call_is_not_begun_again_where_it_may_no_longer_be(
    name: str, outcome: str, rule: str
) -> None:
    told, _ = story(NONE, name)
    told.told(told.taken())
    told.agent = bound(f'[[rule]]\ntool = "{name}"\n{rule}')
    assert outcome in kinds(told.goes_on())


def test_a_lost_call_that_was_approved_is_begun_again() -> None:
    told, _ = story('[[rule]]\ntool = "look"\napprove = true', "look")
    approved(told)
    told.goes_on()
    told.told(told.taken())
    assert told.next(e.ToolStarted).attempt == 2


@pytest.mark.parametrize("raised", [5, 0])
def test_nobody_raises_a_limit_above_what_operators_allow(raised: int) -> None:
    told = Story(bound("[[rule]]\nlimits = { tool_calls = 2 }")).asked()
    told.told(e.LimitsRaised({"tool_calls": raised}))
    assert kinds(told.calls(*["look"] * 4)) == ["tool.started"] * 2 + ["tool.refused"] * 2


def test_what_operators_lower_holds_in_place_of_the_agent_s_and_below_it_a_session_s() -> None:
    told = Story(bound("[[rule]]\nlimits = { model_calls = 1, driven_s = 3 }")).asked()
    told.calls("look")
    told.returned()
    assert told.next(e.TurnStopped).code == "model_calls"
    slow = Story(bound("[[rule]]\nlimits = { driven_s = 3 }")).asked()
    slow.calls("look")
    assert slow.wakes_at() == slow.turn.driven_at + 3 - slow.turn.driven_s
    lower = Story(bound("[[rule]]\nlimits = { tool_calls = 3 }")).asked()
    lower.told(e.LimitsRaised({"tool_calls": 1}))
    assert kinds(lower.calls("look", "look")) == ["tool.started", "tool.refused"]
    free = Story(bound("[[rule]]\nbudget = { usd = 1 }", agent(budget=Budget(usd=None)))).asked()
    free.terms = (Terms("dear", Price(1_000, 1_000)),)
    stopped = free.next(e.TurnStopped)
    assert (stopped.code, "The turn has $1.00 left" in stopped.text) == ("budget", True)
    unlimited = agent(limits=Limits(tool_calls=None))
    many = Story(bound("[[rule]]\nlimits = { model_calls = 9 }", unlimited)).asked()
    assert kinds(many.calls(*["look"] * 60)) == ["tool.started"] * 60


def test_a_forbidden_model_is_not_asked_and_the_next_one_is() -> None:
    told = Story(
        bound('[[rule]]\nforbid_models = "fr*"'), FREE, Terms("other", Price(0, 0))
    ).asked()
    assert told.next(e.ModelReserved).model == "other"
    alone = Story(bound('[[rule]]\nforbid_models = "free"')).asked()
    failed = alone.next(e.TurnFailed)
    assert failed.code == "model_forbidden"
    told.replied(ToolCall("look", "{}"))
    assert kinds(told.goes_on()) == ["tool.started"]
