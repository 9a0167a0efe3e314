import math

from jackline.core.admission import (
    AT_REST,
    PASSED,
    Standing,
    Ticket,
    Toll,
    Went,
    enter,
    kept_s,
    leave,
    open_s,
    resolution_s,
    settle,
    window_s,
)
from jackline.core.breaker import Breaker
from jackline.core.rates import Buckets, Quota, Quotas, Rate

ONE, TWO = ("", "one"), ("acme", "two")
BREAKER = Breaker(failures=1, cooldown_s=5.0)
BARE = Toll("model/m", BREAKER)


def failed(at: float) -> Standing:
    return leave(BARE, AT_REST, Ticket(at=at), Went(ok=False), at)


def test_what_is_at_rest_and_counts_for_nothing_passes_and_stays_as_it_was() -> None:
    standing, taken, ticket = enter(BARE, AT_REST, {}, 7.0)
    assert standing is AT_REST
    assert (taken, ticket) == ({}, Ticket(at=7.0))


def test_of_several_rates_all_are_taken_from_or_none() -> None:
    toll = Toll(
        "m", BREAKER, {ONE: Rate(requests_per_minute=2).quotas, TWO: Quotas(Quota(1, 10.0))}
    )
    standing, taken, ticket = enter(toll, AT_REST, {}, 0.0)
    assert (set(taken), ticket.wait_s) == ({ONE, TWO}, 0.0)
    assert enter(toll, standing, taken, 1.0) == (standing, {}, Ticket(9.0, "rate", 1.0))
    assert enter(toll, standing, {ONE: taken[ONE]}, 1.0)[2].wait_s == 0.0


def test_what_never_fits_waits_for_ever() -> None:
    toll = Toll("m", None, {ONE: Rate(tokens_per_minute=10).quotas}, 11)
    assert enter(toll, AT_REST, {}, 0.0)[2].wait_s == math.inf


def test_an_open_circuit_is_told_before_a_rate_is_looked_at() -> None:
    toll = Toll("m", BREAKER, {ONE: Quotas(Quota(1, 60.0))})
    opened = failed(0.0)
    assert enter(toll, opened, {}, 1.0) == (opened, {}, Ticket(4.0, "open", 1.0))
    assert (opened.bars, AT_REST.bars) == (True, False)


def test_a_probe_that_a_rate_holds_up_is_none() -> None:
    toll = Toll("m", BREAKER, {ONE: Quotas(Quota(1, 60.0))})
    _, taken, _ = enter(toll, AT_REST, {}, 0.0)
    opened = failed(0.0)
    assert enter(toll, opened, taken, 6.0)[0] == opened
    assert enter(toll, opened, {}, 6.0)[2] == Ticket(at=6.0, probe=True)


def test_a_pause_holds_up_and_is_no_failure() -> None:
    slowed = leave(BARE, AT_REST, PASSED, Went(None, too_many=True, retry_after_s=9.0), 1.0)
    assert slowed.circuit == AT_REST.circuit
    standing, taken, ticket = enter(BARE, slowed, {ONE: Buckets()}, 2.0)
    assert (taken, ticket) == ({}, Ticket(8.0, "rate", 2.0))
    assert standing.bars
    standing, _, ticket = enter(BARE, standing, {}, 10.0)
    assert ticket == Ticket(at=10.0)
    faster = leave(BARE, standing, ticket, Went(ok=True), 11.0)
    assert faster.pace
    assert standing.pace
    assert faster.pace.per_s > standing.pace.per_s
    assert enter(BARE, faster, {}, 70.0)[0] == AT_REST


def test_what_has_no_breaker_is_never_left_alone() -> None:
    toll = Toll("m", None)
    assert leave(toll, AT_REST, PASSED, Went(ok=False), 1.0) == AT_REST
    assert open_s(toll, failed(0.0), 1.0) == 0.0
    slowed = leave(toll, AT_REST, PASSED, Went(None, too_many=True), 1.0)
    assert enter(toll, slowed, {}, 1.0)[2] == Ticket(1.0, "rate", 1.0)
    assert open_s(BARE, failed(0.0), 1.0) == 4.0


def test_a_success_and_an_unknown_end_leave_what_is_at_rest_alone() -> None:
    assert leave(BARE, AT_REST, PASSED, Went(ok=True), 1.0) == AT_REST
    assert leave(BARE, AT_REST, PASSED, Went(ok=None), 1.0) == AT_REST


def test_tokens_that_were_not_used_go_back_and_requests_do_not() -> None:
    rate = Rate(tokens_per_minute=10, requests_per_minute=5).quotas
    _, taken, _ = enter(Toll("m", None, {ONE: rate}, 10), AT_REST, {}, 0.0)
    less = settle(rate, taken[ONE], (0.0, 10), 3, 1.0)
    assert (less.requests.taken, less.tokens.taken) == (1, 3)
    assert settle(Rate(requests_per_minute=5).quotas, less, (0.0, 10), 3, 1.0) is less


def test_where_nothing_was_used_nothing_is_remembered() -> None:
    rate = Rate(tokens_per_minute=10).quotas
    _, taken, _ = enter(Toll("m", None, {ONE: rate}, 10), AT_REST, {}, 0.0)
    assert settle(rate, taken[ONE], (0.0, 10), 0, 1.0) == Buckets()


def test_it_is_remembered_for_as_long_as_it_matters() -> None:
    assert window_s(Rate(tokens_per_minute=10).quotas) == 60.0
    assert window_s(Quotas(Quota(1, 86_400.0), Quota(1))) == 86_400.0


def test_a_time_is_right_to_a_hundredth_of_the_shortest_window() -> None:
    assert resolution_s(Rate(tokens_per_minute=10).quotas) == 0.6
    assert resolution_s(Quotas(Quota(1, 86_400.0), Quota(1, 1.0))) == 0.01
    assert kept_s(Toll("m", None)) == 7_200.0
    assert kept_s(Toll("m", Breaker(window_s=60.0, cooldown_s=86_400.0))) > 86_400.0
