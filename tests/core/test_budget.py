from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackline.core import events as e
from jackline.core.budget import (
    Account,
    Money,
    Price,
    Terms,
    dollars,
    exact,
    micro_dollars,
    moves,
)
from jackline.core.errors import DefinitionError

AMOUNT = st.integers(0, 10**9)
TOKENS = st.integers(0, 2_000_000)
RATE = st.integers(0, 10**8).map(exact)
FIELDS: dict[str, Any] = {
    "input": RATE,
    "output": RATE,
    "cache_read": st.none() | RATE,
    "cache_write": st.none() | RATE,
}
PRICE = st.builds(Price, **FIELDS)
TIERS = st.dictionaries(TOKENS, PRICE, max_size=2).map(lambda tiers: tuple(sorted(tiers.items())))
TIERED = st.builds(Price, **FIELDS, tiers=TIERS)


@given(st.lists(st.tuples(AMOUNT, AMOUNT), max_size=20))
def test_money_adds_up_whatever_order_calls_end_in(calls: list[tuple[int, int]]) -> None:
    money = Money()
    for hold, _ in calls:
        money = money.hold(hold)
    assert money == Money(0, sum(hold for hold, _ in calls))
    for hold, cost in reversed(calls):
        money = money.settle(hold, cost)
    assert money == Money(sum(cost for _, cost in calls), 0)


@given(AMOUNT, st.lists(st.tuples(AMOUNT, st.integers(0, 100)), max_size=30))
def test_what_is_spent_and_held_never_passes_the_limit(
    limit: int, calls: list[tuple[int, int]]
) -> None:
    account = Account("a", limit)
    for hold, percent in calls:
        if account.admits(hold, 0):
            account = Account("a", limit, account.spent, account.held + hold)
        assert account.spent + account.held <= limit
        cost = account.held * percent // 100
        account = Account("a", limit, account.spent + cost, 0)
        assert account.admits(0, 0)
    assert Account("a", None).admits(10**30, 10**30), "without a limit it only counts"


@given(TIERED, TOKENS, TOKENS, st.integers(0, 100), st.integers(0, 100))
def test_the_dearest_price_bounds_every_bill(
    price: Price, tokens: int, output: int, read: int, write: int
) -> None:
    cached = tokens * read // 200, tokens * write // 200
    bill = price.cost(e.Usage(tokens, output, *cached))
    assert price.dearest.cost(e.Usage(tokens, output)) >= bill >= 0
    assert Terms("m", price).bound == price.dearest


@given(TIERED, AMOUNT, TOKENS)
def test_what_is_affordable_can_be_paid_and_one_more_cannot(
    price: Price, free: int, tokens: int
) -> None:
    bound = price.dearest
    affordable = bound.affordable(free, tokens)
    if affordable is None:
        assert bound.output == 0
        assert bound.cost(e.Usage(tokens, 10**12)) <= free
    elif bound.cost(e.Usage(tokens, 0)) <= free:
        assert bound.cost(e.Usage(tokens, affordable)) <= free
        assert bound.output * (affordable + 1) + tokens * bound.input > free * 1_000_000
    else:
        assert affordable == 0


def test_a_tier_holds_for_the_whole_request() -> None:
    price = Price(1, 0, tiers=((100, Price(2, 0)),))
    assert price.cost(e.Usage(99)) == 99
    assert price.cost(e.Usage(100)) == 200


def test_a_bound_that_is_given_stays() -> None:
    assert Terms("m", Price(1, 1), bound=Price(9, 9)).bound == Price(9, 9)


@given(st.integers(-(10**15), 10**15))
def test_dollars_are_read_back_as_they_were_written(amount: int) -> None:
    text = dollars(amount)
    assert micro_dollars(text.replace("$", "")) == amount
    assert len(text.partition(".")[2]) >= 2


@pytest.mark.parametrize(
    ("usd", "amount"),
    [("0.50", 500_000), (2, 2_000_000), (0.1, 100_000), (Decimal("1e-7"), 0), ("-1", -1_000_000)],
)
def test_an_amount_in_dollars_is_rounded_down_to_micro_dollars(
    usd: str | float | Decimal, amount: int
) -> None:
    assert micro_dollars(usd) == amount


@pytest.mark.parametrize("usd", ["", "much", "1,5", "nan", "inf", "-Infinity", True, None, [], {}])
def test_what_is_no_amount_is_refused_in_one_sentence(usd: str) -> None:
    with pytest.raises(DefinitionError, match=r"is no amount of dollars, like '0\.50'"):
        micro_dollars(usd)


def test_more_dollars_than_a_database_counts_are_refused() -> None:
    with pytest.raises(DefinitionError, match="more dollars than there are"):
        micro_dollars("1e400")


def reserved(key: str, hold: int, *accounts: str) -> e.ModelReserved:
    return e.ModelReserved(key, "m", hold, 1, accounts=accounts)


def test_a_hold_is_settled_in_the_accounts_that_it_names() -> None:
    first, second = reserved("1", 10, "user", "tenant"), reserved("2", 7, "user", "parent")
    assert moves(None, 0, None) == {}
    assert moves(None, 0, first) == {"user": (10, 0), "tenant": (10, 0)}
    assert moves(first, 4, None) == {"user": (-10, 4), "tenant": (-10, 4)}
    assert moves(first, 4, second) == {"user": (-3, 4), "tenant": (-10, 4), "parent": (7, 0)}


CALLS = st.lists(st.tuples(AMOUNT, AMOUNT, st.sets(st.sampled_from("abc"))), max_size=12)


@given(CALLS)
def test_what_was_held_comes_back_and_what_was_spent_stays(
    calls: list[tuple[int, int, set[str]]],
) -> None:
    sums, before, owed = dict[str, tuple[int, int]](), None, 0
    for n, (hold, cost, names) in enumerate([*calls, (0, 0, set[str]())]):
        new = reserved(str(n), hold, *sorted(names))
        for name, (held, spent) in moves(before, owed, new).items():
            was = sums.get(name, (0, 0))
            sums[name] = was[0] + held, was[1] + spent
            assert sums[name][0] >= 0
        before, owed = new, cost
    spent = {name: sum(cost for _, cost, names in calls if name in names) for name in sums}
    assert sums == {name: (0, amount) for name, amount in spent.items()}


def test_a_price_is_said_in_dollars_for_a_million_tokens() -> None:
    said = Price(input="3.00", output=15.0, cache_read=Decimal("0.3"))
    assert (said.input, said.output, said.cache_read) == (3_000_000, 15_000_000, 300_000)
    assert said == Price(3, 15, "0.30")
    assert said.cost(e.Usage(1_000_000, 1_000_000)) == 18_000_000
    assert Price("0.0000001", 0).input == 1, "what is not whole is rounded up"


@pytest.mark.parametrize("bad", ["-1", -0.01, "three", "nan", float("inf"), None, "1e30"])
def test_what_is_no_price_is_refused(bad: Any) -> None:
    with pytest.raises(DefinitionError, match=r"output=.* is no price: say dollars"):
        Price("3.00", bad)
