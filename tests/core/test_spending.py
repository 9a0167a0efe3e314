"""What a call may cost is held before it is made, and what cannot be held is not spent."""

import pytest
from tests.core.story import Story, agent, kinds

from jackline.core import events as e
from jackline.core.agent import Budget, Limits, Window
from jackline.core.budget import Account, Price, Terms
from jackline.core.messages import Message, Text, ToolCall
from jackline.core.spending import account_limit, accounts
from jackline.core.value import replace

CENT = 10_000
PRICED = Terms("free", Price(1, 1))  # A micro-dollar a token.
BY_OUTPUT = Terms("free", Price(0, 1))


def story(budget: Budget, terms: Terms = BY_OUTPUT, max_tokens: int = 1_000) -> Story:
    return Story(agent(budget=budget, max_tokens=max_tokens), terms)


def test_the_worst_case_is_held_and_settled_at_the_bill() -> None:
    told = story(Budget()).asked()
    assert told.next(e.ModelReserved).hold == 1_000
    assert (told.turn.money.held, told.session.money.held) == (1_000, 1_000)
    told.replied(ToolCall("look", "{}"), cost=300)
    assert told.turn.money == told.session.money
    assert (told.turn.money.spent, told.turn.money.held) == (300, 0)


def test_the_bound_counts_each_byte_of_input() -> None:
    told = story(Budget(), PRICED).asked("x" * 5_000)
    reserved = told.next(e.ModelReserved)
    assert reserved.hold >= 5_000 + 1_000 + told.agent.tools_bytes


def test_output_is_cut_to_what_is_affordable() -> None:
    told = story(Budget(usd="0.0005")).asked()
    assert told.next(e.ModelReserved).max_tokens == 500


@pytest.mark.parametrize(
    ("budget", "whose"),
    [(Budget(usd="0.0001"), "The turn"), (Budget(session_usd="0.0001"), "The session")],
)
def test_what_does_not_fit_stops_the_turn_with_both_figures(budget: Budget, whose: str) -> None:
    told = story(budget).asked()
    stopped = told.next(e.TurnStopped)
    assert stopped.code == "budget"
    assert stopped.text == (f"{whose} has $0.0001 left, and the next request may cost $0.000256.")


def test_a_small_answer_that_is_all_that_was_wanted_may_be_asked_for() -> None:
    told = story(Budget(usd="0.0001"), max_tokens=100).asked()
    assert told.next(e.ModelReserved).max_tokens == 100


def test_a_session_s_budget_outlives_its_turns_and_can_be_raised() -> None:
    told = story(Budget(session_usd="0.0011")).asked()
    told.goes_on()
    told.replied("one", cost=1_000)
    assert isinstance(told.goes_on()[-1], e.TurnCompleted)
    told.asked("two")
    assert kinds(told.goes_on()) == ["turn.stopped"]
    told.told(e.LimitsRaised({"session_usd": 1 * CENT})).asked("three")
    assert told.next(e.ModelReserved).max_tokens == 1_000


@pytest.mark.parametrize("name", ["usd", "session_usd"])
def test_a_limit_lowered_below_what_was_spent_stops_and_says_nothing_is_left(name: str) -> None:
    told = story(Budget()).asked()
    told.calls("look")
    told.returned("here")
    money = told.session.money.settle(0, 5_000)
    turn = replace(told.turn, money=money)
    told.session = replace(told.session, money=money, turn=turn)
    told.told(e.LimitsRaised({name: 1_000}))
    stopped = told.next(e.TurnStopped)
    assert "has $0.00 left" in stopped.text


def test_without_limits_anything_may_be_spent() -> None:
    told = story(Budget(usd=None, session_usd=None)).asked()
    assert told.next(e.ModelReserved).max_tokens == 1_000
    told = story(Budget(usd="0.0001", session_usd="0.0001")).asked()
    told.told(e.LimitsRaised({"usd": 0, "session_usd": 0}))
    assert told.next(e.ModelReserved).max_tokens == 1_000


def test_a_free_model_may_be_asked_with_nothing_left() -> None:
    told = Story(agent(budget=Budget(usd="0.000001"))).asked()
    assert told.next(e.ModelReserved).hold == 0


def test_accounts_are_named_by_tenant_user_and_day() -> None:
    told = Story(agent(budget=Budget(user_usd_per_day=1, tenant_usd_per_day=2))).asked()
    reserved = told.next(e.ModelReserved)
    assert reserved.accounts == ("tenant/1970-01-01", "user/ann/1970-01-01")
    assert [account_limit(name, told.agent) for name in reserved.accounts] == [
        2_000_000,
        1_000_000,
    ]
    only_user = agent(budget=Budget(user_usd_per_day=1))
    assert accounts(told.session, told.turn, only_user, 86_400.0) == ("user/ann/1970-01-02",)
    only_tenant = agent(budget=Budget(tenant_usd_per_day=1))
    assert accounts(told.session, told.turn, only_tenant, 0.0) == ("tenant/1970-01-01",)
    assert account_limit("budget/s0", told.agent) is None


def test_an_ancestor_s_budget_is_paid_from_too() -> None:
    opened = e.SessionOpened("clerk", "ann", accounts=("budget/parent",))
    told = Story(agent(budget=Budget(user_usd_per_day=1))).told(opened).asked()
    assert told.next(e.ModelReserved).accounts == ("budget/parent", "user/ann/1970-01-01")
    told = Story().told(opened).asked()
    assert told.next(e.ModelReserved).accounts == ("budget/parent",)


def test_an_account_that_others_hold_is_waited_for() -> None:
    told = story(Budget()).asked()
    told.account = Account("user/ann", 2_000, spent=500, held=1_500)
    assert told.goes_on() == []
    told.account = Account("user/ann", 2_000, spent=500, held=500)
    assert told.next(e.ModelReserved)


def test_an_account_that_is_spent_stops_the_turn_with_both_figures() -> None:
    told = story(Budget()).asked()
    told.account = Account("user/ann", 2_000, spent=1_900)
    stopped = told.next(e.TurnStopped)
    assert stopped.text.startswith("The account user/ann has $0.0001 left, and")
    told = story(Budget()).asked()
    told.account = Account("user/ann", 2_000, spent=9_900)
    assert "has $0.00 left" in told.next(e.TurnStopped).text
    told = story(Budget()).asked()
    told.account = Account("parent", None, spent=9_900)
    assert told.next(e.ModelReserved)


def history(lines: int) -> tuple[Message, ...]:
    return tuple(Message("user", (Text(f"{n} " + "x" * 400),)) for n in range(lines))


def full(budget: Budget, terms: Terms) -> Story:
    """Return a story of more than a window holds."""
    limits = Limits(model_calls=99)
    who = agent(budget=budget, window=Window(keep_last=2), max_tokens=300, limits=limits)
    return Story(who, terms, history=history(20)).asked()


SMALL = Terms("free", Price(1, 1), window_tokens=5_000)


def test_a_summary_is_held_like_any_other_call_for_what_is_sent() -> None:
    told = full(Budget(), SMALL)
    reserved = told.next(e.ModelReserved)
    assert reserved.purpose == "compact"
    assert reserved.max_tokens == 300
    assert 300 < reserved.hold < 5_000
    assert told.session.money.held == reserved.hold


def test_a_summary_that_cannot_be_paid_is_done_without() -> None:
    told = full(Budget(usd="0.003"), SMALL)
    compacted, asked = told.goes_on()
    assert isinstance(compacted, e.ContextCompacted)
    assert "were left out" in compacted.summary
    assert isinstance(asked, e.ModelReserved | e.TurnStopped)


def test_a_summary_that_an_account_holds_up_is_waited_for() -> None:
    told = full(Budget(), SMALL)
    told.account = Account("user/ann", 500_000, held=500_000)
    assert told.goes_on() == []


def test_a_window_too_small_for_a_summary_is_emptied_without_one() -> None:
    tiny = Terms("free", Price(0, 0), window_tokens=1_200)
    compacted, _ = full(Budget(), tiny).goes_on()
    assert isinstance(compacted, e.ContextCompacted)


def test_a_turn_is_compacted_again_and_again_and_its_task_stays() -> None:
    told = full(Budget(usd=None, session_usd=None), SMALL)
    compactions = 0
    for number in range(40):
        for event in told.goes_on():
            compactions += isinstance(event, e.ContextCompacted)
        asked = told.turn.asked
        assert asked is not None
        if asked.purpose == "compact":
            told.replied(f"summary {number}")
            continue
        told.replied(ToolCall("look", f'{{"place":"{number}"}}'), "y" * 300)
        told.goes_on()
        told.returned(f"{number} " + "z" * 300)
    assert compactions > 3
    assert told.session.messages[told.turn.task].text == "Hi"
    assert len(told.session.messages) < 30
