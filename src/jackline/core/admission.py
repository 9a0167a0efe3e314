"""Whether a model or a tool may be called now: its circuit, its pace, and the rates of whom for.

What is remembered of it are values, so that one process can keep them, or all workers together.
"""

from collections.abc import Mapping
from typing import Literal

from jackline.core import breaker, pace, rates
from jackline.core.breaker import CLOSED, Breaker, Circuit
from jackline.core.pace import Pace
from jackline.core.rates import Buckets, Quotas
from jackline.core.value import Value

# A tenant, or nobody where it is all of them, and a name.
Key = tuple[str, str]
_NO_RATES: Mapping[Key, Quotas] = {}
_EMPTY = Buckets()
_KEPT_S = 7_200.0  # No pause that a provider asks for is as long.


class Toll(Value, frozen=True):
    """What a call has to pass: the breaker of what is called, and rates that it counts for.

    It takes one request and `tokens` from each of them.
    """

    name: str
    breaker: Breaker | None
    rates: Mapping[Key, Quotas] = _NO_RATES
    tokens: int = 0


class Standing(Value, frozen=True):
    """What is remembered of something that is called, beside who has called it."""

    circuit: Circuit = CLOSED
    pace: Pace | None = None

    @property
    def bars(self) -> bool:
        """Whether not everybody passes."""
        return self.pace is not None or self.circuit.opened_at is not None


class Ticket(Value, frozen=True):
    """Whether a call may be made: at once, if `wait_s` is 0, and as a `probe` or not.

    `at` is when that was said; 0 where nobody was asked, because nothing was wrong.
    """

    wait_s: float = 0.0
    why: Literal["", "open", "rate", "unknown"] = ""
    at: float = 0.0
    probe: bool = False


class Went(Value, frozen=True):
    """How a call went: well, badly, or nobody knows.

    `too_many`: it was refused because there were too many of them, and the next one is welcome
    after `retry_after_s`. `used` are its tokens, if that is known.
    """

    ok: bool | None
    used: int | None = None
    too_many: bool = False
    retry_after_s: float = 0.0


AT_REST = Standing()
PASSED = Ticket()
UNKNOWN = Ticket(1.0, "unknown")


def enter(
    toll: Toll, standing: Standing, buckets: Mapping[Key, Buckets], now: float
) -> tuple[Standing, Mapping[Key, Buckets], Ticket]:
    """Return what is to be remembered, of the buckets those that have changed, and the ticket.

    Who has to wait has taken nothing. For what never fits the wait is infinite.
    """
    after, ticket = standing, Ticket(at=now)
    if standing is not AT_REST:
        after, ticket = _knock(toll, standing, now)
        if ticket.wait_s:
            return after, {}, ticket
    taken: dict[Key, Buckets] = {}
    for key, quotas in toll.rates.items():
        taken[key], wait_s = rates.admit(quotas, buckets.get(key, _EMPTY), toll.tokens, now)
        if wait_s:
            return standing, {}, Ticket(wait_s, "rate", now)
    return after, taken, ticket


def _knock(toll: Toll, standing: Standing, now: float) -> tuple[Standing, Ticket]:
    """Return whether circuit and pace let a call pass."""
    circuit, entry, kept = standing.circuit, breaker.PASS, standing.pace
    if toll.breaker:
        circuit, entry = breaker.enter(toll.breaker, circuit, now)
        if entry.wait_s:
            return Standing(circuit, kept), Ticket(entry.wait_s, "open", now)
    if kept:
        kept, wait_s = pace.ask(kept, now)
        if wait_s:
            return Standing(standing.circuit, kept), Ticket(wait_s, "rate", now)
    return Standing(circuit, kept), Ticket(at=now, probe=entry.probe)


def open_s(toll: Toll, standing: Standing, now: float) -> float:
    """Return for how long it is left alone yet."""
    if toll.breaker is None:
        return 0.0
    return breaker.enter(toll.breaker, standing.circuit, now)[1].wait_s


def leave(toll: Toll, standing: Standing, ticket: Ticket, went: Went, now: float) -> Standing:
    """Return what is to be remembered after a call that had a ticket, its tokens left aside."""
    circuit, kept = standing.circuit, standing.pace
    if toll.breaker:
        entry = breaker.Entry(probe=ticket.probe)
        circuit = breaker.leave(toll.breaker, circuit, entry, now, ok=went.ok)
    if went.too_many:
        kept = pace.slow_down(kept, ticket.at, went.retry_after_s, now)
    elif went.ok and kept:
        kept = pace.speed_up(kept, ticket.at, now)
    return Standing(circuit, kept)


def settle(
    quotas: Quotas, buckets: Buckets, held: tuple[float, int], used: int, now: float
) -> Buckets:
    """Return the buckets after what was `held` = (time, tokens) has turned out as `used`."""
    quota = quotas.tokens
    if quota is None:
        return buckets
    return Buckets(buckets.requests, rates.settle(quota, buckets.tokens, held, used, now))


def kept_s(toll: Toll) -> float:
    """Return for how long it may matter how something stands."""
    known = toll.breaker
    return max(_KEPT_S, 2 * (known.window_s + known.cooldown_s) if known else 0.0)


def resolution_s(quotas: Quotas) -> float:
    """Return by how much no time may be wrong: the length of the shortest slot."""
    return min(quota.slot_s for quota in (quotas.requests, quotas.tokens) if quota)


def window_s(quotas: Quotas) -> float:
    """Return for how long it matters what was taken."""
    return max(quota.window_s for quota in (quotas.requests, quotas.tokens) if quota)
