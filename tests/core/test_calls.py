"""What becomes of the tool calls of a reply."""

from typing import Any

import pytest
from tests.core.story import ANN, LEASE_S, TOOLS, Story, agent, kinds, refund

from jackline.core import events as e
from jackline.core.agent import Limits
from jackline.core.guards import DenyList, Guard, Verdict
from jackline.core.messages import Pasted, Text, ToolCall, ToolResult
from jackline.core.tools import digest, tool
from jackline.core.turn import Facts, broken, decide
from jackline.core.value import replace

CENTS = '{"cents":500}'
DAY_S = 86_400.0


def story(*names: str, arguments: str = "{}", **changes: Any) -> tuple[Story, list[e.Event]]:
    """Return a story whose model has just asked for these tools, and what became of it."""
    told = Story(agent(**changes)).asked()
    return told, told.calls(*names, arguments=arguments)


def results(told: Story) -> list[ToolResult]:
    """Return the results that the model reads next."""
    last = told.session.messages[-1]
    assert last.role == "tool", last
    return [part for part in last.parts if isinstance(part, ToolResult)]


def answered(told: Story, **changes: Any) -> e.InputProvided:
    """Return a person's yes to the first question that waits."""
    question = told.session.questions[0]
    (asked,) = [event for n, (_, event) in enumerate(told.events, 1) if n == question]
    assert isinstance(asked, e.InputRequested)
    answer = e.InputProvided(question, approved=True, by="bob", digest=asked.digest)
    return replace(answer, **changes)


def test_calls_of_one_reply_begin_together_each_under_its_own_key() -> None:
    told, events = story("look", "put", "pay", "write")
    assert kinds(events) == ["tool.started"] * 4
    started = [event for event in events if isinstance(event, e.ToolStarted)]
    assert [each.key for each in started] == [told.tool_key(n) for n in range(4)]
    assert len({each.effect_key for each in started}) == 4
    assert all(each.attempt == 1 and each.version for each in started)


def test_results_enter_the_messages_in_the_order_of_the_calls() -> None:
    told, _ = story("look", "put", "pay")
    told.returned("second", 1).returned("third", 2)
    assert told.session.messages[-1].role == "assistant"
    told.returned("first", 0)
    assert [part.parts for part in results(told)] == [
        (Text("first"),),
        (Text("second"),),
        (Text("third"),),
    ]
    assert [part.provider_id for part in results(told)] == ["id0", "id1", "id2"]


def test_the_same_call_id_twice_is_two_calls() -> None:
    told = Story().asked()
    told.goes_on()
    told.replied(ToolCall("look", "{}", "same"), ToolCall("put", "{}", "same"))
    assert kinds(told.goes_on()) == ["tool.started"] * 2
    told.returned("a", 0).returned("b", 1)
    assert [each.name for each in results(told)] == ["look", "put"]


@pytest.mark.parametrize(
    ("name", "arguments", "code", "told"),
    [
        ("nothing", "{}", "unknown_tool", "no tool 'nothing'.*look, put, pay"),
        ("x" * 500, "{}", "unknown_tool", "no tool 'x{64}'"),
        ("refund", "{}", "arguments", "cents is missing"),
        ("refund", "{cents: 5", "arguments", "no JSON"),
        ("refund", '{"cents":"many"}', "arguments", "cents"),
        ("refund", '{"cents":1,"euros":2}', "arguments", "no argument 'euros'"),
        ("secrets", "{}", "forbidden", "may not use secrets. For them you may use: look, put"),
    ],
)
def test_what_cannot_be_called_is_refused_to_the_model(
    name: str, arguments: str, code: str, told: str
) -> None:
    one, events = story(name, arguments=arguments)
    assert isinstance(events[0], e.ToolRefused)
    assert events[0].code == code
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(events[0].text)
    assert isinstance(events[1], e.ModelReserved), "and the model is asked again"
    assert results(one)[0].failed


def test_an_agent_without_tools_says_so() -> None:
    _, events = story("look", tools=())
    assert isinstance(events[0], e.ToolRefused)
    assert events[0].text == "There is no tool 'look'. There are: none."


def test_one_refused_call_does_not_hold_up_the_others() -> None:
    _, events = story("nothing", "look")
    assert kinds(events) == ["tool.refused", "tool.started"]


def test_a_role_opens_a_tool() -> None:
    told = Story().asked(principal=e.Principal("root", frozenset({"admin"})))
    assert kinds(told.calls("secrets")) == ["tool.started"]


def test_of_200_calls_at_once_as_many_are_made_as_the_limit_lets_then_the_turn_stops() -> None:
    told, events = story(*["look"] * 200)
    assert kinds(events) == ["tool.started"] * 50 + ["tool.refused"] * 150
    for number in range(50):
        assert not told.goes_on()
        told.returned("here", number)
    stopped = told.next(e.TurnStopped)
    assert stopped.code == "tool_calls"
    assert len(results_before_end(told)) == 200


def results_before_end(told: Story) -> list[ToolResult]:
    parts = told.session.messages[-1].parts
    return [part for part in parts if isinstance(part, ToolResult)]


def test_calls_that_wait_for_a_person_count_towards_the_limit() -> None:
    told, events = story("refund", "refund", "refund", arguments=CENTS, limits=Limits(tool_calls=2))
    assert kinds(events) == ["input.requested"] * 2 + ["tool.refused", "turn.paused"]
    told.told(answered(told))
    assert kinds(told.goes_on()) == ["turn.resumed", "tool.started"]


def test_without_a_limit_any_number_of_calls_is_made() -> None:
    _, events = story(*["look"] * 200, limits=Limits(tool_calls=None))
    assert kinds(events) == ["tool.started"] * 200


def test_a_raised_limit_holds_in_place_of_the_agent_s() -> None:
    told = Story(agent(limits=Limits(tool_calls=1))).asked()
    told.told(e.LimitsRaised({"tool_calls": 3}))
    assert kinds(told.calls(*["look"] * 4)) == ["tool.started"] * 3 + ["tool.refused"]
    told = Story(agent(limits=Limits(tool_calls=1))).asked()
    told.told(e.LimitsRaised({"tool_calls": 0}))
    assert kinds(told.calls(*["look"] * 4)) == ["tool.started"] * 4


@pytest.mark.parametrize("name", ["look", "put", "write"])
def test_a_lost_call_that_may_be_repeated_is_begun_again_under_its_key(name: str) -> None:
    told, (first,) = story(name)
    told.told(told.taken())
    again = told.next(e.ToolStarted)
    assert isinstance(first, e.ToolStarted)
    assert (again.attempt, again.effect_key) == (2, first.effect_key)


def test_a_lost_once_call_is_unknown_and_never_begun_again() -> None:
    told, _ = story("pay")
    told.told(told.taken())
    unknown, asked = told.goes_on()
    assert isinstance(unknown, e.ToolUnknown)
    assert "unknown" in unknown.text
    assert unknown.reconcile_at is None
    assert isinstance(asked, e.ModelReserved)
    assert results(told)[0].failed


@pytest.mark.parametrize(
    ("name", "outcome"), [("look", e.ToolFailed), ("write", e.ToolFailed), ("put", e.ToolUnknown)]
)
def test_after_so_many_lost_attempts_a_call_is_given_up(name: str, outcome: type[e.Event]) -> None:
    told, _ = story(name, limits=Limits(attempts=2, drivers=9))
    told.told(told.taken())
    assert told.next(e.ToolStarted).attempt == 2
    told.told(told.taken())
    assert isinstance(told.goes_on()[0], outcome)


def test_a_lost_call_of_a_tool_that_has_changed_since_is_not_begun_again() -> None:
    @tool(effect="read", name="look", version="2")
    async def changed(place: str = "") -> str:
        """Look elsewhere."""
        return place

    told, _ = story("look")
    told.agent = agent(tools=[changed])
    told.told(told.taken())
    assert isinstance(told.goes_on()[0], e.ToolFailed)


@pytest.mark.parametrize("name", ["look", "put", "pay"])
def test_a_lost_call_of_a_tool_that_is_gone_has_an_unknown_outcome(name: str) -> None:
    told, _ = story(name)
    told.agent = agent(tools=())
    told.told(told.taken())
    unknown, asked = told.goes_on()
    assert isinstance(unknown, e.ToolUnknown)
    assert isinstance(asked, e.ModelReserved)


def test_the_outside_is_asked_about_a_lost_call_once_its_worker_must_have_stopped() -> None:
    told, _ = story("charge", arguments=CENTS)
    told.told(told.taken())
    unknown, paused = told.goes_on()
    assert isinstance(unknown, e.ToolUnknown)
    at = told.now + LEASE_S + 7
    assert unknown.reconcile_at == at
    assert paused == e.TurnPaused("timer", at)
    assert told.turn.steps(at - 0.1) == []
    assert [step.key for step in told.turn.steps(at)] == [unknown.key]
    told.now = at
    assert told.next(e.TurnResumed).reason == "timer"
    told.told(e.ToolReconciled(unknown.key, happened=True, text="It took effect."))
    assert told.next(e.ModelReserved)
    assert not results(told)[0].failed


def test_a_short_wait_for_the_outside_is_waited_for_here() -> None:
    told, (started,) = story("charge", arguments=CENTS)
    assert isinstance(started, e.ToolStarted)
    told.told(e.ToolUnknown(started.key, "?", reconcile_at=told.now + 3))
    assert told.goes_on() == []
    assert told.wakes_at() == told.now + 3


def test_an_open_question_about_a_call_ends_where_nobody_can_be_asked_any_more() -> None:
    told, _ = story("charge", arguments=CENTS)
    told.told(told.taken())
    told.goes_on()
    told.agent = agent(tools=())
    told.told(e.TurnResumed("asked"))
    reconciled, asked = told.goes_on()
    assert isinstance(reconciled, e.ToolReconciled)
    assert reconciled.happened is None
    assert isinstance(asked, e.ModelReserved)


def test_a_call_that_turned_out_late_is_told_to_the_model() -> None:
    told, _ = story("pay")
    told.told(told.taken())
    told.goes_on()
    told.told(e.ToolReconciled("turn/2/model/0/tool/0", happened=True, text="1 paid"))
    assert told.turn.steers[0].text == "[The call pay, given up before, has returned: 1 paid]"
    assert isinstance(told.turn.steers[0].parts[0], Pasted), "the user has not typed it"


def test_what_a_call_turned_out_as_is_told_with_its_name_while_its_round_is_open() -> None:
    told, started = story("pay", "read")
    lost = next(each for each in started if isinstance(each, e.ToolStarted))
    told.told(e.ToolUnknown(lost.key, "?"))
    told.told(e.ToolReconciled(lost.key, happened=True, text="1 paid"))
    assert told.turn.steers[0].text == "[The call pay, given up before, has returned: 1 paid]"


def test_what_turns_out_after_the_turn_changes_nothing() -> None:
    told = Story()
    before = told.session.messages
    told.told(e.ToolReconciled("turn/2/model/0/tool/0", happened=True, text="1 paid"))
    assert told.session.messages == before


def unknown_payment() -> Story:
    told, _ = story("pay", arguments='{"cents":7}')
    told.told(told.taken())
    told.goes_on()
    return told


@pytest.mark.parametrize("arguments", ['{"cents":7}', ' { "cents" : 7 } '])
def test_the_same_once_call_after_an_unknown_outcome_needs_a_person(arguments: str) -> None:
    told = unknown_payment().replied(ToolCall("pay", arguments))
    asked, paused = told.goes_on()
    assert isinstance(asked, e.InputRequested)
    assert "unknown" in asked.text
    assert isinstance(paused, e.TurnPaused)


@pytest.mark.parametrize(
    ("first", "second"),
    [("{}", '{"cents":1}'), ('{"cents":"1"}', "{}"), ('{"cents":1.0}', '{"cents":" 1"}')],
)
def test_a_call_written_otherwise_is_the_same_to_its_tool_and_needs_a_person(
    first: str, second: str
) -> None:
    told, _ = story("pay", arguments=first)
    told.told(told.taken())
    told.goes_on()
    told.replied(ToolCall("pay", second))
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]


def test_a_call_that_says_all_that_its_tool_reads_has_no_fingerprint_of_its_own() -> None:
    for arguments, has_one in (
        ('{"cents":7}', False),
        ('{"cents": 7}', True),
        ('{"cents":"7"}', True),
        ("{}", True),
    ):
        _, (started,) = story("pay", arguments=arguments)
        assert isinstance(started, e.ToolStarted)
        assert bool(started.fingerprint) == has_one


def test_another_call_after_an_unknown_outcome_needs_nobody() -> None:
    told = unknown_payment().replied(ToolCall("pay", '{"cents":8}'))
    assert kinds(told.goes_on()) == ["tool.started"]


def test_the_same_call_needs_a_person_in_the_next_turn_too() -> None:
    told = unknown_payment().replied("I do not know.")
    told.goes_on()
    told.asked("Again")
    assert kinds(told.calls("pay", arguments='{"cents":7}')) == ["input.requested", "turn.paused"]


def test_once_the_outcome_is_known_the_same_call_needs_nobody() -> None:
    told, _ = story("charge", arguments=CENTS)
    told.told(told.taken())
    told.goes_on()
    told.told(e.TurnResumed("timer"))
    told.told(e.ToolReconciled(told.tool_key(), happened=False, text="no"))
    told.goes_on()
    told.replied(ToolCall("charge", CENTS))
    assert told.next(e.ModelReserved).purpose == "plan", "the outside has said something"
    told.replied('{"calls":[{"tool":"charge","known":{"cents":500}}]}')
    assert kinds(told.goes_on()) == ["tool.started"]


def test_who_knows_nothing_of_what_was_read_asks() -> None:
    told = Story().asked()
    told.goes_on()
    told.replied(ToolCall("look", "{}"), ToolCall("pay", '{"cents":5}'))
    _, events = decide(told.session, told.agent, Facts(told.now, told.terms))
    assert kinds(events) == ["tool.started", "input.requested"]
    assert isinstance(asked := events[1], e.InputRequested)
    assert asked.flow
    assert asked.flow.tier == "taint"
    assert kinds(told.goes_on()) == ["tool.started"] * 2, "nothing was read"


def test_what_jackline_itself_breaks_closes_all_that_was_begun() -> None:
    told, _ = story("look", "pay")
    session, events = broken(told.session, told.agent, Facts(told.now, told.terms), "a bug")
    assert kinds(events) == ["tool.failed", "tool.unknown", "turn.failed"]
    assert session.turn is None


def test_an_approval_binds_tool_arguments_user_and_version_and_the_turn_waits() -> None:
    told, (asked, paused) = story("refund", arguments='{ "cents": 500 }')
    assert isinstance(asked, e.InputRequested)
    assert asked.arguments == CENTS
    assert asked.digest == digest("refund", CENTS, ANN, refund.version)
    assert asked.expires_at == told.now + DAY_S
    assert paused == e.TurnPaused("person", asked.expires_at)
    assert told.turn.steps(told.now) == []
    assert told.goes_on() == []


def test_a_yes_runs_what_was_shown_once() -> None:
    told, _ = story("refund", arguments=CENTS)
    told.told(answered(told))
    resumed, started = told.goes_on()
    assert isinstance(resumed, e.TurnResumed)
    assert isinstance(started, e.ToolStarted)
    assert started.arguments is None
    told.returned("done")
    assert results(told)[0].parts == (Text("done"),)


@pytest.mark.parametrize(("reason", "text"), [("too much", ": too much"), ("", ".")])
def test_a_no_is_told_to_the_model_with_its_reason(reason: str, text: str) -> None:
    told, _ = story("refund", arguments=CENTS)
    told.told(answered(told, approved=False, reason=reason))
    _, refused, _ = told.goes_on()
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "rejected"
    assert refused.text == f"refund was not approved{text}"


def test_an_edit_runs_what_it_says_and_the_model_is_told() -> None:
    told, _ = story("refund", arguments=CENTS)
    edited = '{"cents":1}'
    bound = digest("refund", edited, ANN, refund.version)
    told.told(answered(told, arguments=edited, digest=bound))
    _, started = told.goes_on()
    assert isinstance(started, e.ToolStarted)
    assert started.arguments == edited
    told.returned("done")
    assert results(told)[0].parts == (
        Text('[A person changed the arguments to {"cents":1}]\n'),
        Text("done"),
    )


@pytest.mark.parametrize(
    ("arguments", "code"), [('{"cents":"x"}', "arguments"), ("", "arguments"), ("[]", "arguments")]
)
def test_an_edit_passes_validation_like_the_model_s_own_arguments(
    arguments: str, code: str
) -> None:
    told, _ = story("refund", arguments=CENTS)
    told.told(answered(told, arguments=arguments))
    refused = told.goes_on()[1]
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == code


def test_an_edit_passes_the_guards_again() -> None:
    told, _ = story("refund", arguments=CENTS, guards=[DenyList(["666"])])
    edited = '{"cents":666}'
    bound = digest("refund", edited, ANN, refund.version)
    told.told(answered(told, arguments=edited, digest=bound))
    _, judged, refused, _ = told.goes_on()
    assert isinstance(judged, e.GuardJudged)
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "guard"


def test_an_edit_keeps_its_arguments_when_the_call_is_begun_again() -> None:
    @tool(effect="idempotent", approve=True)
    async def send(to: str) -> str:
        """Send."""
        return to

    told, _ = story("send", arguments='{"to":"a"}', tools=[send])
    edited = '{"to":"b"}'
    bound = digest("send", edited, ANN, send.version)
    told.told(answered(told, arguments=edited, digest=bound))
    told.goes_on()
    told.told(told.taken())
    assert told.next(e.ToolStarted).arguments == edited


@pytest.mark.parametrize("bound", ["", "somebody else's"])
def test_an_answer_to_another_call_is_void(bound: str) -> None:
    told, _ = story("refund", arguments=CENTS)
    told.told(answered(told, digest=bound))
    refused = told.goes_on()[1]
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "void"


def test_a_tool_that_has_changed_since_voids_the_approval() -> None:
    @tool(effect="once", approve=True, name="refund", version="2")
    async def changed(cents: int) -> str:
        """Pay back, to somebody else."""
        return str(cents)

    told, _ = story("refund", arguments=CENTS)
    told.agent = agent(tools=[changed])
    told.told(answered(told))
    refused = told.goes_on()[1]
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "void"


def test_arguments_that_no_longer_fit_void_the_approval() -> None:
    @tool(effect="once", approve=True, name="refund", version="1")
    async def changed(euros: int) -> str:
        """Pay back in euros."""
        return str(euros)

    told, _ = story("refund", arguments=CENTS)
    told.agent = agent(tools=[changed])
    told.told(answered(told))
    refused = told.goes_on()[1]
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "arguments"


def test_a_tool_that_takes_other_roles_now_voids_the_approval() -> None:
    @tool(effect="once", approve=True, name="refund", version="1", roles={"boss"})
    async def changed(cents: int) -> str:
        """Pay back."""
        return str(cents)

    told, _ = story("refund", arguments=CENTS)
    told.agent = agent(tools=[changed])
    told.told(answered(told))
    refused = told.goes_on()[1]
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "forbidden"


def test_a_tool_that_is_gone_voids_the_approval() -> None:
    told, _ = story("refund", arguments=CENTS)
    told.agent = agent(tools=())
    told.told(answered(told))
    refused = told.goes_on()[1]
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "unknown_tool"


def test_a_question_that_nobody_answers_in_time_is_refused_and_the_turn_goes_on() -> None:
    told, _ = story("refund", arguments=CENTS, limits=Limits(answer_s=60))
    assert told.goes_on(59.9) == []
    resumed, refused, asked = told.goes_on(0.2)
    assert isinstance(resumed, e.TurnResumed)
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "expired"
    assert isinstance(asked, e.ModelReserved)


def test_an_approval_that_came_in_time_and_is_used_too_late_has_expired() -> None:
    told, _ = story("refund", arguments=CENTS, limits=Limits(answer_s=60))
    told.now += 59
    told.told(answered(told))
    refused = told.goes_on(2)[1]
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "expired"


def test_an_answer_to_a_question_that_is_over_changes_nothing() -> None:
    told, _ = story("refund", arguments=CENTS)
    answer = answered(told)
    told.told(answer)
    told.goes_on()
    before = told.session.turn
    told.told(answer)
    assert told.session.turn == before
    idle = Story()
    idle.told(answer)
    assert idle.session.turn is None


def test_a_question_does_not_hold_up_its_siblings() -> None:
    told, events = story("refund", "look", arguments="{}")
    assert kinds(events) == ["tool.refused", "tool.started"]
    told = Story().asked()
    told.goes_on()
    told.replied(ToolCall("refund", CENTS), ToolCall("look", "{}"))
    assert kinds(told.goes_on()) == ["input.requested", "tool.started"]
    told.returned("here", 1)
    assert kinds(told.goes_on()) == ["turn.paused"], "only waits are left"


def test_where_nobody_is_there_to_ask_a_call_that_needs_approval_is_refused() -> None:
    _, (refused, asked) = story("refund", arguments=CENTS, on_ask="refuse")
    assert isinstance(refused, e.ToolRefused)
    assert refused.code == "needs_approval"
    assert isinstance(asked, e.ModelReserved)


class Asks:
    name = "asks"
    gates: frozenset[e.Gate] = frozenset(("call",))
    hold_back = 0

    def judge(self, gate: e.Gate, text: str) -> Verdict:
        assert gate == "call"
        return Verdict("ask", f"{text.partition(' ')[0]} is unusual")


class Breaks(Asks):
    name = "breaks"

    def judge(self, gate: e.Gate, text: str) -> Verdict:
        raise ValueError(gate + text)


def test_a_guard_may_ask_a_person() -> None:
    _, (judged, asked, _) = story("look", guards=[Asks()])
    assert isinstance(judged, e.GuardJudged)
    assert isinstance(asked, e.InputRequested)
    assert asked.text == "asks asks: look is unusual"


@pytest.mark.parametrize(
    "guard", [DenyList(["bomb"]), DenyList(["bomb"], decision="redact"), Breaks()]
)
def test_a_call_that_a_guard_blocks_or_would_change_or_breaks_at_is_not_made(guard: Guard) -> None:
    _, events = story("look", arguments='{"place":"bomb"}', guards=[guard])
    assert kinds(events) == ["guard.judged", "tool.refused", "model.reserved"]


def test_a_flagged_call_is_made() -> None:
    guard = DenyList(["bomb"], decision="flag")
    _, events = story("look", arguments='{"place":"bomb"}', guards=[guard])
    assert kinds(events) == ["guard.judged", "tool.started"]


def rounds(told: Story, count: int, results: list[str]) -> list[str]:
    """Let the model call `look` so often, and return what else happened."""
    seen: list[str] = []
    for number in range(count):
        seen += [kind for kind in kinds(told.goes_on()) if kind != "model.reserved"]
        if told.session.turn is None:
            return seen
        told.replied(ToolCall("look", "{}"))
        told.goes_on()
        told.returned(results[number % len(results)])
    return seen + [kind for kind in kinds(told.goes_on()) if kind != "model.reserved"]


def test_a_model_in_circles_is_told_and_then_stopped() -> None:
    told = Story(agent(limits=Limits(stale_rounds=3))).asked()
    assert rounds(told, 20, ["same"]) == ["guard.judged", "turn.stopped"]
    ended = told.session.ended
    assert isinstance(ended, e.TurnStopped)
    assert ended.code == "loop"
    calls = [event for _, event in told.events if isinstance(event, e.ToolStarted)]
    assert len(calls) == 7, "one that was new, and six that were not"


def test_circles_of_several_steps_are_circles() -> None:
    told = Story(agent(limits=Limits(stale_rounds=2))).asked()
    assert rounds(told, 20, ["a", "b", "c"]) == ["guard.judged", "turn.stopped"]


def test_polling_that_sees_change_is_no_loop() -> None:
    told = Story(agent(limits=Limits(stale_rounds=2))).asked()
    assert rounds(told, 15, [f"{n} %" for n in range(15)]) == []


def test_news_after_the_warning_forgives() -> None:
    told = Story(agent(limits=Limits(stale_rounds=2))).asked()
    assert rounds(told, 6, ["a", "a", "a", "b"]) == ["guard.judged", "guard.judged"]


def test_the_loop_guard_can_be_removed() -> None:
    told = Story(agent(limits=Limits(stale_rounds=None))).asked()
    assert rounds(told, 15, ["same"]) == []


def test_the_turn_s_end_gives_each_open_call_an_outcome() -> None:
    told = Story().asked()
    told.goes_on()
    calls = [("refund", CENTS), ("look", "{}"), ("pay", "{}"), ("charge", CENTS), ("put", "{}")]
    told.replied(*(ToolCall(name, arguments) for name, arguments in calls))
    told.goes_on()
    told.told(e.ToolUnknown(told.tool_key(3), "?", reconcile_at=told.now + 99))
    told.told(e.TurnCancelRequested("enough"))
    events = told.goes_on()
    assert kinds(events) == [
        "tool.refused",
        "tool.failed",
        "tool.unknown",
        "tool.reconciled",
        "tool.unknown",
        "turn.cancelled",
    ]
    assert len(results_before_end(told)) == len(calls)


def test_every_tool_of_the_tests_is_known_by_its_name() -> None:
    assert list(agent().by_name) == [each.name for each in TOOLS]
