"""The turn loop as a value: what happens next, in every state."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.story import ANN, FREE, Story, agent, kinds

from jackline.core import events as e
from jackline.core.agent import Limits, Window
from jackline.core.budget import Price, Terms
from jackline.core.messages import Message, Reasoning, ReplyPart, Text, ToolCall, ToolResult
from jackline.core.turn import set_aside
from jackline.testing.model import validate

CENTS = '{"cents":5}'
OTHER = Terms("other", Price(0, 0))


@dataclass
class Weather:
    """What an answer has to be."""

    degrees: int


def test_the_plain_turn_is_asked_replied_completed() -> None:
    told = Story().asked("Hello")
    reserved = told.next(e.ModelReserved)
    assert (reserved.key, reserved.purpose, reserved.hold) == ("turn/2/model/0", "reply", 0)
    assert told.goes_on() == [], "it has been asked, and must first reply"
    assert told.turn.steps(told.now) == [reserved]
    told.replied("Hello yourself")
    assert told.next(e.TurnCompleted) == e.TurnCompleted(2, "Hello yourself")
    assert told.session.turn is None
    assert told.goes_on() == []
    assert told.wakes_at() is None


def test_what_waits_opens_the_next_turn_at_the_end_of_the_first_in_its_order() -> None:
    told = Story().asked("one")
    for said in ("two", "three"):
        told.told(e.TurnSubmitted(said, (Text(said),), ANN))
    told.goes_on()
    told.replied("1")
    completed, reserved = told.goes_on()
    assert isinstance(completed, e.TurnCompleted)
    assert isinstance(reserved, e.ModelReserved)
    assert told.turn.id == 4, "the position at which it was submitted"
    told.replied("2")
    told.goes_on()
    assert told.turn.id == 5
    assert [message.text for message in told.session.messages] == ["one", "1", "two", "2", "three"]


def test_a_turn_is_set_aside_once_for_want_of_who_serves_its_version() -> None:
    told = Story().asked()
    (paused,) = set_aside(told.turn, agent())
    told.told(paused)
    assert told.turn.pause == paused
    assert list(set_aside(told.turn, agent())) == []


def states() -> list[Story]:
    """Return a story in each state that a turn can be in."""
    fresh = Story().asked()
    asked = Story().asked()
    asked.goes_on()
    running = Story().asked()
    running.calls("look", "pay")
    waiting = Story().asked()
    waiting.calls("refund", arguments=CENTS)
    unknown = Story().asked()
    unknown.calls("charge", arguments=CENTS)
    unknown.told(unknown.taken())
    unknown.goes_on()
    backing_off = Story().asked()
    backing_off.goes_on()
    backing_off.failed("overloaded")
    dead = Story(agent(limits=Limits(drivers=1))).asked()
    dead.goes_on()
    dead.told(dead.taken())
    dead.goes_on()
    lost = Story().asked()
    lost.goes_on()
    lost.told(lost.taken())
    return [fresh, asked, running, waiting, unknown, backing_off, dead, lost]


STATES = range(len(states()))


def check_ended(told: Story, kind: type[e.Event]) -> None:
    """Assert that the turn ends once, and leaves a history that a provider takes."""
    events = told.goes_on()
    assert isinstance(events[-1], kind), events
    assert told.session.turn is None
    assert told.session.money.held == 0
    assert validate([*told.session.messages, Message("user", (Text("next"),))]) == ""
    assert told.goes_on() == []


@pytest.mark.parametrize("state", STATES)
def test_a_cancelled_turn_ends_in_every_state(state: int) -> None:
    told = states()[state].told(e.TurnCancelRequested("enough"))
    check_ended(told, e.TurnCancelled)
    assert told.session.ended == e.TurnCancelled(2, "enough")


@pytest.mark.parametrize("state", STATES)
def test_a_deadline_ends_a_turn_in_every_state(state: int) -> None:
    told = states()[state]
    said = e.TurnSubmitted("r", (Text("Hi"),), ANN, deadline_at=told.now + 1)
    told.told(e.TurnCancelRequested()).goes_on()
    late = Story(told.agent)
    late.now = told.now + 2
    late.told(said, late.taken())
    assert late.next(e.TurnStopped).code == "deadline"


def test_a_turn_with_a_deadline_is_woken_for_it_whatever_it_waits_for() -> None:
    told = Story().asked(deadline_at=1_060.0)
    assert told.wakes_at() == 1_060.0
    paused = told.calls("refund", arguments=CENTS)[-1]
    assert paused == e.TurnPaused("person", 1_060.0)
    assert told.goes_on(59) == []
    refused, stopped = told.goes_on(1)
    assert isinstance(refused, e.ToolRefused)
    assert isinstance(stopped, e.TurnStopped)


def test_a_deadline_bounds_the_pauses_of_timers_and_dead_letters() -> None:
    told = Story().asked(deadline_at=1_060.0)
    told.goes_on()
    told.failed("rate_limited", after_s=600)
    assert told.next(e.TurnPaused).until == 1_060.0
    dead = Story(agent(limits=Limits(drivers=1))).asked(deadline_at=1_060.0)
    dead.told(dead.taken())
    assert dead.next(e.TurnPaused).until == 1_060.0


def test_only_driven_time_counts_towards_the_limit_of_time() -> None:
    told = Story(agent(limits=Limits(driven_s=100, answer_s=1e6))).asked()
    told.goes_on(30)
    assert told.wakes_at() == pytest.approx(1_100)
    told.now += 30
    told.replied(ToolCall("refund", CENTS))
    told.goes_on()
    assert told.goes_on(10_000) == [], "it is paused"
    told.told(e.TurnResumed("asked"))
    assert kinds(told.goes_on()) == ["turn.paused"]
    told.told(e.TurnResumed("asked"))
    told.now += 41
    stopped = told.goes_on()[-1]
    assert isinstance(stopped, e.TurnStopped)
    assert (stopped.code, "100 s" in stopped.text) == ("driven", True)


def test_without_a_limit_of_time_a_turn_may_take_any() -> None:
    told = Story(agent(limits=Limits(driven_s=None))).asked()
    told.goes_on()
    assert told.goes_on(1e9) == []
    assert told.wakes_at() is None


def test_the_model_is_asked_so_often_and_no_more() -> None:
    told = Story(agent(limits=Limits(model_calls=2))).asked()
    for number in range(2):
        told.calls("look", arguments=f'{{"place":"{number}"}}')
        told.returned(str(number))
    stopped = told.next(e.TurnStopped)
    assert (stopped.code, "2 times" in stopped.text) == ("model_calls", True)


def test_a_stopped_session_goes_on_with_a_higher_limit() -> None:
    told = Story(agent(limits=Limits(model_calls=1))).asked("task")
    told.calls("look")
    told.returned("here")
    assert kinds(told.goes_on()) == ["turn.stopped"]
    told.told(e.LimitsRaised({"model_calls": 5}))
    told.told(e.TurnSubmitted("more", (), ANN), told.taken())
    assert kinds(told.goes_on()) == ["model.reserved"]
    assert told.session.messages[-1].role == "tool", "nothing was added: the model goes on"


def test_going_on_after_an_answer_says_so_to_the_model() -> None:
    told = Story().asked()
    told.goes_on()
    told.replied("Done.").goes_on()
    told.told(e.TurnSubmitted("more", (), ANN), told.taken())
    assert told.session.messages[-1].text == "Go on."


def test_a_blocked_input_stops_its_turn_and_no_other() -> None:
    told = Story().asked("fine", request_id="r1")
    verdict = e.GuardJudged("input", "deny_list", "block", "r2", reason="no")
    told.told(e.TurnSubmitted("r2", (Text("[blocked]"),), ANN), verdict)
    told.told(e.TurnSubmitted("r3", (Text("fine"),), ANN))
    told.goes_on()
    told.replied("ok")
    events = told.goes_on()
    assert kinds(events) == ["turn.completed", "turn.stopped", "model.reserved"]
    assert isinstance(events[1], e.TurnStopped)
    assert (events[1].code, events[1].text) == ("blocked", "deny_list: no.")
    assert told.session.barred == {}


@pytest.mark.parametrize("decision", ["ask", "block"])
@pytest.mark.parametrize("gate", ["input", "output"])
def test_at_input_and_output_to_ask_is_to_block(gate: e.Gate, decision: e.Decision) -> None:
    told = Story().asked(request_id="r1")
    told.goes_on()
    if gate == "output":
        told.replied("[blocked]")
    told.told(e.GuardJudged(gate, "g", decision, "r1", reason="no"))
    assert isinstance(told.goes_on()[-1], e.TurnStopped)


@pytest.mark.parametrize("decision", ["flag", "redact"])
@pytest.mark.parametrize("gate", ["input", "result", "call", "output"])
def test_what_is_flagged_or_redacted_goes_on(gate: e.Gate, decision: e.Decision) -> None:
    told = Story().asked(request_id="r1")
    told.goes_on()
    told.replied("fine").told(e.GuardJudged(gate, "g", decision, "r1"))
    assert told.next(e.TurnCompleted)


def test_a_blocked_steer_stops_the_turn_that_it_steers() -> None:
    told = Story().asked()
    told.goes_on()
    told.told(e.TurnSteered("s1", (Text("[blocked]"),), ANN))
    told.told(e.GuardJudged("input", "g", "block", "s1", reason="no"))
    assert kinds(told.goes_on()) == ["hold.unconfirmed", "turn.stopped"]


def test_a_verdict_on_nothing_changes_nothing() -> None:
    told = Story()
    for gate in ("input", "output", "loop", "call"):
        told.told(e.GuardJudged(gate, "g", "block", "r9", note="?"))
    assert told.session.turn is None
    assert told.session.barred == {}


def test_steering_enters_after_all_results_of_the_round() -> None:
    told = Story().asked("task")
    told.calls("look", "put")
    told.told(e.TurnSteered("s", (Text("rather there"),), ANN))
    told.returned("a", 0)
    assert told.goes_on() == []
    told.returned("b", 1)
    told.next(e.ModelReserved)
    assert [each.role for each in told.session.messages] == ["user", "assistant", "tool", "user"]
    assert validate(told.session.messages) == ""


def test_steering_during_the_last_reply_reopens_the_turn() -> None:
    told = Story().asked("task")
    told.goes_on()
    told.told(e.TurnSteered("s", (Text("and this"),), ANN))
    told.replied("Done.")
    assert told.next(e.ModelReserved).key == "turn/2/model/1"
    assert told.session.messages[-1].text == "and this"


def test_steering_with_no_turn_open_opens_one() -> None:
    told = Story()
    told.told(e.TurnSteered("s", (Text("hey"),), ANN), told.taken())
    assert told.turn.id == 2
    assert told.turn.deadline_at is None
    assert told.next(e.ModelReserved)


def test_what_steered_a_turn_that_ended_is_kept_for_the_next() -> None:
    told = Story().asked("task")
    told.goes_on()
    told.told(e.TurnSteered("s", (Text("wait"),), ANN), e.TurnCancelRequested())
    told.goes_on()
    assert told.session.messages[-1].text == "wait"


def test_what_is_told_while_nothing_is_open_changes_nothing() -> None:
    told = Story()
    before = told.session
    told.told(e.TurnResumed("?"), e.TurnCancelRequested("?"))
    assert told.session.turn == before.turn
    open_turn = Story().asked()
    before = open_turn.session
    open_turn.told(e.TurnResumed("?"))
    assert open_turn.session.turn == before.turn


def test_a_session_that_kills_its_drivers_waits_for_a_person_and_can_be_resumed() -> None:
    told = Story(agent(limits=Limits(drivers=3))).asked()
    told.goes_on()
    for _ in range(2):
        told.told(told.taken())
        assert kinds(told.goes_on()) == ["hold.unconfirmed", "model.reserved"]
    told.told(told.taken())
    paused = told.next(e.TurnPaused)
    assert (paused.reason, paused.until) == ("dead_letter", None)
    assert "4 workers" in paused.text
    told.told(told.taken())
    assert told.goes_on(1e6) == [], "it is set aside"
    told.told(e.TurnResumed("looked at"))
    assert kinds(told.goes_on()) == ["hold.unconfirmed", "model.reserved"]


def test_an_answer_does_not_wake_a_dead_letter() -> None:
    told = Story(agent(limits=Limits(drivers=1))).asked()
    told.goes_on()
    told.replied(ToolCall("refund", CENTS), ToolCall("look", "{}"))
    told.goes_on()
    told.told(told.taken(), told.taken())
    assert kinds(told.goes_on()) == ["turn.paused"]
    (question,) = told.session.questions
    told.told(e.InputProvided(question, approved=False, by="bob"))
    assert told.goes_on() == []


def test_a_reply_says_that_drivers_survive() -> None:
    told = Story(agent(limits=Limits(drivers=2))).asked()
    for number in range(6):
        told.goes_on()
        told.told(told.taken())
        told.goes_on()
        told.replied(ToolCall("look", f'{{"place":"{number}"}}'))
        told.goes_on()
        told.returned(str(number))
    assert told.turn.pause is None


def test_whoever_takes_over_a_pause_is_not_lost() -> None:
    told = Story(agent(limits=Limits(drivers=1))).asked()
    told.calls("refund", arguments=CENTS)
    told.told(*(e.SessionTaken(n, "w") for n in range(2, 9)))
    assert told.goes_on() == []


def test_what_a_lost_worker_had_asked_is_charged_whole_and_asked_again() -> None:
    priced = Terms("free", Price(0, 1))
    told = Story(agent(max_tokens=1_000), priced).asked()
    hold = told.next(e.ModelReserved).hold
    told.told(told.taken())
    unconfirmed, again = told.goes_on()
    assert unconfirmed == e.HoldUnconfirmed("turn/2/model/0", hold)
    assert isinstance(again, e.ModelReserved)
    assert again.key == "turn/2/model/1"
    assert told.session.money.spent == hold


@pytest.mark.parametrize(
    "code", ["rate_limited", "overloaded", "model_timeout", "connection", "garbled"]
)
def test_a_passing_failure_is_tried_again_with_backoff_then_fails_the_turn(code: str) -> None:
    told = Story(agent(limits=Limits(model_tries=3))).asked()
    for _ in range(2):
        told.goes_on()
        told.failed(code, text="later")
        wakes = told.wakes_at()
        assert wakes is not None
        assert told.now < wakes < told.now + 2
        assert told.goes_on() == []
        told.now = wakes
    told.goes_on()
    told.failed(code, text="still later")
    assert told.next(e.TurnFailed) == e.TurnFailed(2, code, "still later")


def test_after_many_failures_the_wait_is_bounded() -> None:
    told = Story(agent(limits=Limits(model_tries=5_000, model_calls=None, driven_s=None))).asked()
    for _ in range(1_100):
        told.goes_on()
        told.failed("overloaded")
        told.goes_on()
        told.now += 31
        if told.turn.pause:
            told.told(e.TurnResumed("timer"))
    assert told.goes_on()


def test_a_model_s_own_time_is_waited_for_and_a_long_wait_holds_nobody() -> None:
    told = Story().asked()
    told.goes_on()
    told.failed("rate_limited", after_s=600)
    paused = told.next(e.TurnPaused)
    assert paused.reason == "timer"
    assert paused.until is not None
    assert paused.until >= told.now + 600
    assert told.goes_on(599) == []
    told.now = paused.until
    assert kinds(told.goes_on()) == ["turn.resumed", "model.reserved"]


def test_no_model_is_waited_for_longer_than_an_hour() -> None:
    told = Story().asked()
    told.goes_on()
    told.failed("rate_limited", after_s=1e9)
    paused = told.next(e.TurnPaused)
    assert paused.until is not None
    assert paused.until < told.now + 3_700


def test_our_own_rates_use_up_no_try_and_no_call_and_never_fail_over() -> None:
    limits = Limits(model_tries=1, model_calls=2, driven_s=None)
    told = Story(agent(limits=limits), FREE, OTHER).asked()
    for _ in range(20):
        assert isinstance(told.goes_on()[-1], e.ModelReserved)
        assert told.turn.model == "free"
        told.failed("throttled", after_s=2)
        assert told.now + 2 <= (told.wakes_at() or 0) <= told.now + 3
        assert told.goes_on(1.9) == []
        told.now += 1.1
    assert kinds(told.goes_on()) == ["model.reserved"]
    assert told.replied("Done.").next(e.TurnCompleted)


def test_who_was_told_the_same_time_by_our_own_rates_comes_back_at_different_ones() -> None:
    wakes = set[float | None]()
    for request in range(20):
        told = Story(agent(), FREE)
        told.told(e.TurnSubmitted(f"r{request}", (Text("Hi"),), e.Principal("u")))
        told.goes_on()
        told.failed("throttled", after_s=2)
        wakes.add(told.wakes_at())
    assert len(wakes) == 20


def test_a_lost_driver_uses_up_no_try_of_the_model() -> None:
    told = Story(agent(limits=Limits(model_tries=1, drivers=9)), FREE, OTHER).asked()
    for _ in range(5):
        told.goes_on()
        told.told(told.taken())
        assert kinds(told.goes_on()) == ["hold.unconfirmed", "model.reserved"]
        assert told.turn.model == "free"


def test_another_model_takes_over_and_stays() -> None:
    told = Story(agent(limits=Limits(model_tries=2)), FREE, OTHER).asked()
    for _ in range(2):
        told.goes_on()
        told.failed("overloaded")
        told.now += 5
    assert told.next(e.ModelReserved).model == "other"
    told.replied(ToolCall("look", "{}"))
    told.goes_on()
    told.returned("here")
    assert told.next(e.ModelReserved).model == "other"
    told.replied("Done.")
    told.goes_on()
    told.asked("Next")
    assert told.next(e.ModelReserved).model == "free", "a new turn begins with the first"


def test_where_all_models_fail_the_turn_fails_with_the_last_one_s_words() -> None:
    told = Story(agent(limits=Limits(model_tries=1)), FREE, OTHER).asked()
    told.goes_on()
    told.failed("overloaded", text="one")
    told.goes_on()
    told.failed("connection", text="two")
    assert told.next(e.TurnFailed) == e.TurnFailed(2, "connection", "two")


@pytest.mark.parametrize(
    "code", ["content_refused", "access", "request_refused", "internal", "rate_too_low"]
)
def test_what_no_repetition_mends_fails_the_turn_at_once(code: str) -> None:
    told = Story(agent(), FREE, OTHER).asked()
    told.goes_on()
    told.failed(code, text="no way")
    assert told.next(e.TurnFailed) == e.TurnFailed(2, code, "no way")


def long_story() -> Story:
    """Return a story with so much history that some can be left out."""
    said = tuple(Message("user", (Text(f"line {n}"),)) for n in range(6))
    return Story(agent(window=Window(keep_last=2)), history=said).asked("task")


def test_what_is_too_long_is_compacted_once_and_then_fails() -> None:
    told = long_story()
    told.next(e.ModelReserved)
    told.failed("context_too_long", text="too long")
    assert told.next(e.ModelReserved).purpose == "compact"
    told.replied("they counted lines")
    compacted, asked = told.goes_on()
    assert isinstance(compacted, e.ContextCompacted)
    assert "they counted lines" in compacted.summary
    assert isinstance(asked, e.ModelReserved)
    assert asked.purpose == "reply"
    told.failed("context_too_long", text="too long")
    assert told.next(e.TurnFailed).code == "context_too_long"


def test_what_is_too_long_and_cannot_be_made_shorter_fails_at_once() -> None:
    told = Story().asked()
    told.goes_on()
    told.failed("context_too_long", text="too long")
    assert told.next(e.TurnFailed).code == "context_too_long"


@pytest.mark.parametrize("outcome", ["failed", "empty", "lost"])
def test_where_nobody_summarises_messages_are_left_out_and_counted(outcome: str) -> None:
    told = long_story()
    told.goes_on()
    told.failed("context_too_long")
    told.goes_on()
    if outcome == "failed":
        told.failed("overloaded")
    elif outcome == "empty":
        told.replied(" \n")
    else:
        told.told(told.taken(), e.HoldUnconfirmed(told.key, 0))
    compacted, asked = told.goes_on()
    assert isinstance(compacted, e.ContextCompacted)
    assert "earlier messages were left out" in compacted.summary
    assert "in short" not in compacted.summary
    assert isinstance(asked, e.ModelReserved)


def test_a_summary_that_our_own_rates_hold_up_is_waited_for() -> None:
    told = long_story()
    told.agent = agent(window=Window(keep_last=2, fill=0.000_001))
    told.goes_on()
    assert told.turn.asked is not None
    assert told.turn.asked.purpose == "compact"
    told.failed("throttled", after_s=3)
    assert told.goes_on() == []
    assert told.next(e.ModelReserved, 4.5).purpose == "compact"


def test_a_model_that_billed_too_much_is_not_asked_again() -> None:
    told = Story(agent(), FREE, OTHER).asked()
    told.calls("look")
    told.told(e.BudgetBreached("turn/2/model/0", "free", 1, 2)).returned("here")
    assert told.next(e.ModelReserved).model == "other"
    told.told(e.BudgetBreached("turn/2/model/1", "other", 1, 2))
    told.replied(ToolCall("look", "{}"))
    told.goes_on()
    told.returned("there")
    assert told.next(e.TurnFailed).code == "breached"


@pytest.mark.parametrize("parts", [(), (" \n\t",), (Reasoning("hm"),)])
def test_a_model_that_says_nothing_is_told_so_and_then_the_turn_fails(
    parts: tuple[str | ReplyPart, ...],
) -> None:
    told = Story(agent(limits=Limits(output_tries=2))).asked()
    told.goes_on()
    told.replied(*parts)
    judged, asked = told.goes_on()
    assert isinstance(judged, e.GuardJudged)
    assert "You said nothing" in judged.note
    assert isinstance(asked, e.ModelReserved)
    told.replied(*parts)
    failed = told.next(e.TurnFailed)
    assert (failed.code, "asked 2 times" in failed.text) == ("empty_reply", True)


def test_a_typed_answer_is_checked_and_said_as_json() -> None:
    told = Story(agent(output=Weather)).asked()
    told.goes_on()
    told.replied('```json\n{"degrees": 7}\n```')
    completed = told.next(e.TurnCompleted)
    assert completed.value == '{"degrees":7}'


def test_an_answer_of_the_wrong_type_goes_back_to_the_model_within_limits() -> None:
    told = Story(agent(output=Weather)).asked()
    for _ in range(2):
        told.goes_on()
        told.replied('{"degrees":"warm"}')
        judged = told.goes_on()[0]
        assert isinstance(judged, e.GuardJudged)
        assert "degrees" in judged.note
    told.replied("warm")
    failed = told.next(e.TurnFailed)
    assert failed.code == "output_invalid"


def test_instructions_that_cannot_be_made_fail_the_turn_in_a_sentence() -> None:
    told = Story().asked()
    told.problem = "The instructions could not be made: KeyError: 'x'."
    failed = told.next(e.TurnFailed)
    assert (failed.code, failed.text) == ("instructions", told.problem)


def test_what_a_provider_counted_is_remembered_until_the_instructions_change() -> None:
    told = Story().asked()
    told.goes_on()
    told.replied("Done.", usage=e.Usage(70, 5)).goes_on()
    measured = told.session.measured
    assert measured is not None
    assert (measured.model, measured.tokens, measured.count) == ("free", 75, 2)
    told.instructions = "Be brief."
    told.asked("Next").goes_on()
    assert told.session.measured is None


def test_instructions_are_journaled_where_they_are_new() -> None:
    told = Story().asked()
    told.instructions = "Be brief."
    assert told.next(e.ModelReserved).instructions == "Be brief."
    told.replied(ToolCall("look", "{}"))
    told.goes_on()
    told.returned("here")
    told.instructions = "Ramble."
    assert told.next(e.ModelReserved).instructions is None
    assert told.session.instructions == "Be brief.", "they are those of the turn"
    told.replied("Done.")
    told.goes_on()
    told.asked("Next")
    assert told.next(e.ModelReserved).instructions == "Ramble."


def test_imported_history_may_call_tools_that_do_not_exist() -> None:
    history = (
        Message("user", (Text("hi"),)),
        Message("assistant", (ToolCall("gone", "{}", "c1"),)),
        Message("tool", (ToolResult("k", "gone", (Text("so it was"),), "c1"),)),
    )
    told = Story(agent(tools=()), history=history).asked("go on")
    assert told.next(e.ModelReserved)
    assert validate(told.session.messages) == ""


STEPS = st.lists(st.integers(0, 11), max_size=40)


@settings(max_examples=150)
@given(STEPS)
def test_whatever_happens_the_history_stays_one_that_a_provider_takes(steps: list[int]) -> None:
    told = Story(agent(limits=Limits(drivers=50, driven_s=None)), FREE, OTHER).asked()
    for step in steps:
        told.goes_on(0.5)
        happens(told, step)
        if told.session.turn is None:
            assert told.session.money.held == 0
        elif told.turn.asked and told.turn.asked.purpose == "reply":
            assert validate(told.session.messages) == ""
    told.told(e.TurnCancelRequested()).goes_on()
    assert validate([*told.session.messages, Message("user", (Text("next"),))]) == ""


def happens(told: Story, step: int) -> None:
    """Let one of the things happen that may happen now."""
    turn = told.session.turn
    if turn is None:
        told.asked("more")
    elif step < 3:
        n = told.session.head
        steered = e.TurnSteered(f"s{n}", (Text("and"),), ANN)
        told.told((told.taken(), steered, e.TurnSubmitted(f"q{n}", (Text("then"),), ANN))[step])
    elif turn.pause:
        told.told(e.TurnResumed("?"))
    elif turn.asked and step < 5:
        told.failed("overloaded")
    elif turn.asked:
        names = ("look", "pay", "put", "charge", "refund", "nothing")[: step - 4]
        told.replied("…", *(ToolCall(name, CENTS if "e" in name else "{}") for name in names))
    elif running := [call.key for call in turn.calls if call.state == "running"]:
        told.told(outcome(told, running[step % len(running)], step))


def outcome(told: Story, key: str, step: int) -> e.Event:
    """Return how a call ends."""
    if step < 5:
        return e.ToolUnknown(key, "?")
    if step < 7:
        return e.ToolUnknown(key, "?", reconcile_at=told.now + 3)
    return e.ToolReturned(key, (Text(f"{step}"),))
