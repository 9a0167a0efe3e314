"""Circuit breakers: what keeps failing is left alone for a while, then tried once.

After M. Nygard, "Release It!", chapter 5. Times are seconds of any one clock; where it jumps
back, a wait begins anew, and never lasts longer than the cool-down.
"""

from jackline.core.errors import DefinitionError
from jackline.core.value import Value, replace


class Breaker(Value, frozen=True):
    """When to leave something alone: after `failures` within `window_s`, for `cooldown_s`.

    A success takes one failure back, so that what works more often than not stays open to calls.
    """

    failures: int = 5
    window_s: float = 60.0
    cooldown_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a breaker that could never open, or never close."""
        if self.failures < 1 or not (0 < self.window_s < _FOREVER_S > self.cooldown_s > 0):
            raise DefinitionError(
                "A breaker wants at least one failure, and window_s and cooldown_s above 0."
            )


_FOREVER_S = float("inf")


class Circuit(Value, frozen=True):
    """What a breaker remembers. Closed until `opened_at`; after a cool-down one call is a probe.

    A probe that says nothing within another cool-down is lost, perhaps with its process.
    """

    failed_at: tuple[float, ...] = ()
    opened_at: float | None = None
    probed_at: float | None = None


class Entry(Value, frozen=True):
    """Whether a call may pass: at once, if `wait_s` is 0, and as a `probe` or not."""

    wait_s: float = 0.0
    probe: bool = False


CLOSED = Circuit()
PASS = Entry()


def enter(breaker: Breaker, circuit: Circuit, now: float) -> tuple[Circuit, Entry]:
    """Return whether a call may pass now."""
    if circuit.opened_at is None:
        return circuit, PASS
    opened_at, probed_at = circuit.opened_at, circuit.probed_at
    begun = min(opened_at if probed_at is None else probed_at, now)
    left_s = begun + breaker.cooldown_s - now
    if left_s <= 0:
        return replace(circuit, probed_at=now), Entry(probe=True)
    if probed_at is None:
        return replace(circuit, opened_at=begun), Entry(left_s)
    return replace(circuit, probed_at=begun), Entry(left_s)


def leave(
    breaker: Breaker, circuit: Circuit, entry: Entry, now: float, *, ok: bool | None
) -> Circuit:
    """Return the circuit after a call that passed. `ok` None: nobody knows, as after a cancel.

    Once it is open only the probe decides: calls that had passed before it opened say nothing new.
    """
    if entry.probe:
        if ok is None:
            return replace(circuit, probed_at=None)
        return CLOSED if ok else Circuit(opened_at=now)
    if circuit.opened_at is not None or ok is None:
        return circuit
    if ok:
        return Circuit(circuit.failed_at[1:]) if circuit.failed_at else circuit
    recent = tuple(at for at in circuit.failed_at if now - breaker.window_s < at <= now)
    if len(recent) + 1 >= breaker.failures:
        return Circuit(opened_at=now)
    return Circuit((*recent, now))
