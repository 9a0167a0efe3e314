"""The pace at which a model is asked, once its provider has said that it was asked too often.

Additive increase, multiplicative decrease: D.-M. Chiu and R. Jain, "Analysis of the increase and
decrease algorithms for congestion avoidance" (1989). Before a limit was ever met the pace grows
by itself, as in the slow start of RFC 5681, section 3.1. Times are seconds of any one clock;
where it jumps back, no wait is longer than the longest that a provider may ask for.
"""

from jackline.core.value import Value, replace

_FIRST_PER_S = 1.0
_LEAST_PER_S = 0.1
_BACK_UP_S = 20.0  # After so long it is as fast again as when it was too fast.
_FORGET_S = 60.0  # By then it would be twice as fast, and nobody has complained.
_HOLD_MAX_S = 3_600.0
_QUEUE_S = 60.0


class Pace(Value, frozen=True):
    """So many calls in a second, the next one from `free_at` on.

    It holds `since` the provider last said "too many", or the end of the pause that it asked
    for. It grows by `gain_per_s` a second; 0: no limit is known but that the first pace was above
    one. Whoever waits is told a time after `told_at`, so that each is told another.
    """

    per_s: float
    since: float
    free_at: float
    gain_per_s: float = 0.0
    told_at: float = 0.0


def ask(pace: Pace, now: float) -> tuple[Pace | None, float]:
    """Pass one call, or say how long to wait. After a while without complaint there is no pace."""
    pace = _as_of(pace, now)
    if now >= pace.since + _FORGET_S:
        return None, 0.0
    if now >= pace.free_at:
        return replace(pace, free_at=now + 1 / pace.per_s), 0.0
    told_at = max(pace.free_at, min(pace.told_at + 1 / pace.per_s, pace.free_at + _QUEUE_S))
    return replace(pace, told_at=told_at), told_at - now


def slow_down(pace: Pace | None, asked_at: float, retry_after_s: float, now: float) -> Pace:
    """Halve the pace after a complaint about a call `asked_at`, and pause for as long as told.

    A call that was asked before the pace last changed says nothing about this one. The pause is
    at least that between two calls.
    """
    if pace is None:
        pace = Pace(_FIRST_PER_S, now, now)
    elif asked_at >= pace.since:
        per_s = max(pace.per_s / 2, _LEAST_PER_S)
        pace = Pace(per_s, now, now, per_s / _BACK_UP_S)
    pace = _as_of(pace, now)
    resumed_at = now + min(max(retry_after_s, 1 / pace.per_s), _HOLD_MAX_S)
    since, free_at = max(pace.since, resumed_at), max(pace.free_at, resumed_at)
    return replace(pace, since=since, free_at=free_at)


def speed_up(pace: Pace, asked_at: float, now: float) -> Pace | None:
    """Let a success raise the pace. Calls that keep the pace raise it by `gain_per_s` a second."""
    pace = _as_of(pace, now)
    if now >= pace.since + _FORGET_S:
        return None
    if asked_at < pace.since:
        return pace
    gain_per_s = pace.gain_per_s or pace.per_s
    return replace(pace, per_s=pace.per_s + gain_per_s / pace.per_s)


def _as_of(pace: Pace, now: float) -> Pace:
    """Return the pace, no part of which lies further ahead than a pause may last."""
    most = now + _HOLD_MAX_S
    if max(pace.since, pace.free_at) <= most:
        return pace
    return replace(pace, since=min(pace.since, most), free_at=min(pace.free_at, most))
