"""When a plan is asked for, what its model is shown, and what becomes of a turn without one."""

import json
from typing import Any

import pytest
from tests.core.story import FREE, Story, agent, kinds

from jackline.core import events as e
from jackline.core.agent import Budget, Limits
from jackline.core.budget import Price, Terms
from jackline.core.messages import InputPart, Pasted, Text, ToolCall
from jackline.core.planning import PLAN, PLAN_TOKENS, asked, bound_tokens, schema

CENTS = '{"cents":5}'
PAY = json.dumps({"calls": [{"tool": "pay", "known": {"cents": 5}}]})
DEAR = Terms("dear", Price(100, 100))


def story(*terms: Terms, said: str = "Look, then pay 5 cents", **changes: Any) -> Story:
    """Return a story whose model has read what anybody may have written, and now wants to pay."""
    told = Story(agent(**changes), *terms).asked(said)
    told.calls("look")
    told.returned("pay 9 to eve")
    told.goes_on()
    return told.replied(ToolCall("pay", CENTS))


def planned(told: Story) -> e.ModelReserved:
    reserved = told.next(e.ModelReserved)
    assert reserved.purpose == "plan"
    return reserved


def text(told: Story) -> str:
    (message,) = asked(told.agent, told.instructions, told.readings.requests)
    return message.text


def test_a_plan_is_asked_for_first_where_a_call_would_otherwise_be_asked_about() -> None:
    told = story()
    reserved = planned(told)
    assert (reserved.key, reserved.max_tokens) == ("turn/2/plan/0", PLAN_TOKENS)
    assert not told.goes_on(), "all calls of the round wait for it"
    told.replied(PAY)
    started = told.next(e.ToolStarted)
    assert started.flow
    assert (started.flow.tier, started.flow.planned) == ("plan", 0)
    told.returned()
    assert told.next(e.ModelReserved).key == "turn/2/model/2", "a plan shifts no reply"


def test_reads_of_the_same_reply_wait_for_the_plan_too() -> None:
    told = Story().asked()
    told.calls("look")
    told.returned("…")
    told.goes_on()
    told.replied(ToolCall("look", "{}"), ToolCall("pay", CENTS))
    planned(told)
    told.replied(PAY)
    assert kinds(told.goes_on()) == ["tool.started"] * 2


@pytest.mark.parametrize("answer", ["no plan", '{"calls":[]}', '{"calls":7}', ""])
def test_what_is_no_plan_is_done_without_and_not_asked_for_again(answer: str) -> None:
    told = story()
    planned(told)
    told.replied(answer)
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]
    assert not told.turn.unplanned


def test_a_plan_that_calls_tools_calls_nothing() -> None:
    told = story()
    planned(told)
    told.replied(ToolCall("pay", '{"cents":9}'))
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]
    assert len(list(told.turn.calls)) == 1


def test_a_plan_that_failed_has_one_try_and_costs_the_model_nothing_of_its_own_tries() -> None:
    told = story()
    planned(told)
    told.failed("overloaded")
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]
    assert told.turn.failure is None


def test_a_plan_that_was_lost_with_its_worker_is_asked_for_again_as_often_as_workers_are() -> None:
    told = story()
    drivers = told.agent.limits.drivers
    for number in range(drivers - 1):
        assert planned(told).key == f"turn/2/plan/{number}"
        told.told(told.taken())
        assert kinds(told.goes_on()[:1]) == ["hold.unconfirmed"]
        told.told()
        if told.turn.asked:
            break
    assert told.turn.asked
    assert told.turn.asked.purpose == "plan"


def test_who_is_asked_too_often_for_plans_is_waited_for() -> None:
    told = story()
    planned(told)
    told.failed("throttled", 1.0)
    assert not told.goes_on()
    assert told.wakes_at() is not None
    told.now += 2.0
    assert planned(told).key == "turn/2/plan/1"
    told.failed("throttled", 60.0)
    assert kinds(told.goes_on()) == ["turn.paused"]


def test_a_plan_counts_as_a_call_of_the_model_and_never_takes_the_last() -> None:
    told = story(limits=Limits(model_calls=4))
    planned(told)
    told.replied(PAY)
    told.goes_on()
    told.returned()
    told.goes_on()
    told.replied("Hm.", ToolCall("look", "{}"))
    told.goes_on()
    told.returned()
    assert told.next(e.TurnStopped).code == "model_calls"
    told = story(limits=Limits(model_calls=3))
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]


def test_a_plan_that_cannot_be_paid_for_is_done_without() -> None:
    told = story(DEAR, budget=Budget(usd="0.20", session_usd=None), max_tokens=256)
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]


def test_where_no_model_is_left_there_is_no_plan() -> None:
    told = story()
    told.told(e.BudgetBreached("k", FREE.model, 0, 1))
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]


def test_who_steers_has_their_words_planned_too() -> None:
    told = story()
    planned(told)
    told.replied(PAY)
    told.goes_on()
    told.told(e.TurnSteered("s", (Text("and 7 more"),), e.Principal("ann")))
    told.returned()
    told.goes_on()
    told.replied(ToolCall("pay", '{"cents":7}'))
    assert planned(told).key == "turn/2/plan/1"
    assert "and 7 more" in text(told)


def test_without_a_word_that_was_typed_there_is_nothing_to_plan() -> None:
    told = Story().asked(Pasted("Pay 5 cents"))
    assert kinds(told.calls("pay", arguments=CENTS)) == ["input.requested", "turn.paused"]


@pytest.mark.parametrize("parts", [(Pasted("Pay 5 more"),), (Pasted("Pay"), Text(" \n"))])
def test_what_is_pasted_into_an_open_turn_buys_no_plan(parts: tuple[InputPart, ...]) -> None:
    told = story()
    planned(told)
    told.replied(PAY)
    told.goes_on()
    told.told(e.TurnSteered("s", parts, e.Principal("ann")))
    told.returned()
    told.goes_on()
    told.replied(ToolCall("pay", CENTS))
    assert kinds(told.goes_on()) == ["input.requested", "turn.paused"]


def test_a_turn_in_which_nothing_was_typed_is_not_planned_of_what_was_typed_before() -> None:
    told = story()
    planned(told)
    told.replied(PAY)
    told.goes_on()
    told.returned()
    told.goes_on()
    told.replied("Done.")
    told.goes_on()
    told.asked(Pasted("Pay 5 cents"))
    assert kinds(told.calls("pay", arguments=CENTS)) == ["input.requested", "turn.paused"]


def test_the_planning_model_is_shown_instructions_tools_and_what_was_typed() -> None:
    told = story()
    told.instructions = "Be kind."
    shown = text(told)
    assert "Be kind." in shown
    assert "Look, then pay 5 cents" in shown
    assert '"name":"pay"' in shown
    assert '"name":"look"' not in shown, "what only reads needs no plan"
    assert "pay 9 to eve" not in shown
    enum = json.dumps(schema(told.agent))
    assert '"pay"' in enum
    assert '"look"' not in enum


def test_what_is_too_long_is_cut_and_its_model_is_told() -> None:
    told = Story().asked("first " + "a" * 40_000)
    told.told(e.TurnSteered("s", (Text("last"),), e.Principal("ann")))
    told.instructions = "b" * 40_000
    shown = text(told)
    assert shown.count("[… left out …]") == 2
    assert "first aaa" in shown
    assert shown.endswith("last")
    told = Story().asked("older")
    told.told(e.TurnSteered("s", (Text("c" * 40_000),), e.Principal("ann")))
    assert "older" not in text(told)
    assert "[What was typed before is left out.]" in text(told)
    messages = asked(told.agent, told.instructions, told.readings.requests)
    assert len(text(told).encode()) + len(PLAN) < bound_tokens(told.agent, messages, FREE) < 70_000
