"""Rates: never more than so much in any window of time.

A bucket remembers what was taken, in some two hundred slots of time at most. So the promise is as
exact as the times are, where a plain token bucket lets twice the amount through in its first
window, and a rate of a million takes no more memory than one of a hundred. Times are seconds of any
one clock; where it jumps back, what was taken moves along, and no wait is longer than a window.
"""

import math
import re
from functools import lru_cache

from jackline.core.errors import DefinitionError
from jackline.core.value import Value

_SLOTS = 100
_TICK_S = 0.001  # A shorter wait might be lost in rounding, and be waited for again and again.
_MINUTE_S = 60.0
_FORM = re.compile(r"\s*([0-9]+)\s*/\s*([0-9]*)\s*([a-z]+)\s*")
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), _MINUTE_S),
    **dict.fromkeys(("h", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
}


class Quota(Value, frozen=True):
    """At most `amount` in any `window_s`."""

    amount: int
    window_s: float = _MINUTE_S

    def __post_init__(self) -> None:
        """Refuse a quota that lets nothing through."""
        if self.amount < 1 or not 0 < self.window_s < math.inf:
            raise DefinitionError(
                f"{self.amount} in {self.window_s:g} s is no rate: say at least 1, as in '30/min'."
            )

    @property
    def slot_s(self) -> float:
        """How long a slot is: what was taken in it has one time, the last."""
        return self.window_s / _SLOTS


class Quotas(Value, frozen=True):
    """Requests and tokens, each of any window. None: any number."""

    requests: Quota | None = None
    tokens: Quota | None = None


@lru_cache
def _a_minute(amount: int | None) -> Quota | None:
    return None if amount is None else Quota(amount)


class Rate(Value, frozen=True):
    """How many requests and tokens a minute may see. None: any number."""

    tokens_per_minute: int | None = None
    requests_per_minute: int | None = None

    def __post_init__(self) -> None:
        """Refuse a rate that lets nothing through, or limits nothing."""
        if self.requests is None and self.tokens is None:
            raise DefinitionError("A rate wants tokens_per_minute, requests_per_minute or both.")

    @property
    def requests(self) -> Quota | None:
        """The quota of requests."""
        return _a_minute(self.requests_per_minute)

    @property
    def tokens(self) -> Quota | None:
        """The quota of tokens."""
        return _a_minute(self.tokens_per_minute)

    @property
    def quotas(self) -> Quotas:
        """Both."""
        return Quotas(self.requests, self.tokens)


class Bucket(Value, frozen=True):
    """What was taken, oldest first: slots of (time of the last taking in it, amount).

    `taken` is the sum of them.
    """

    slots: tuple[tuple[float, int], ...] = ()
    taken: int = 0


class Buckets(Value, frozen=True):
    """What a rate remembers."""

    requests: Bucket = Bucket()
    tokens: Bucket = Bucket()


def parse(text: str) -> Quota:
    """Return the quota that a text like '30/min', '5/s' or '100/10min' says."""
    match = _FORM.fullmatch(text)
    if not match or match[3] not in _UNITS:
        raise DefinitionError(f"{text!r} is no rate; write for example '30/min', '5/s' or '2/10s'.")
    return Quota(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])


def take(quota: Quota, bucket: Bucket, amount: int, now: float) -> tuple[Bucket, float]:
    """Take `amount`, or return the bucket as it was and the seconds until it may fit.

    What is above the quota never fits: then the wait is infinite.
    """
    if amount > quota.amount:
        return bucket, math.inf
    bucket = _recent(quota, bucket, now)
    taken = bucket.taken
    if taken + amount <= quota.amount:
        return _put(quota, bucket, amount, now), 0.0
    until = now
    for at, each in bucket.slots:
        if taken + amount <= quota.amount:
            break
        taken, until = taken - each, at + quota.window_s
    return bucket, max(until - now, _TICK_S)


def settle(quota: Quota, bucket: Bucket, held: tuple[float, int], used: int, now: float) -> Bucket:
    """Return the bucket after what was taken, `held` = (time, amount), turned out as `used`.

    What comes back is taken from the oldest slots: what stays counts for longer, not for less.
    """
    bucket, less = _recent(quota, bucket, now), held[1] - used
    if less < 0:
        return _put(quota, bucket, -less, now)
    if less == 0 or held[0] <= now - quota.window_s:
        return bucket
    taken, back = bucket.taken - less, less
    for place, (at, amount) in enumerate(bucket.slots):
        if amount > back:
            return Bucket(((at, amount - back), *bucket.slots[place + 1 :]), taken)
        back -= amount
    return Bucket()


def admit(quotas: Quotas, buckets: Buckets, tokens: int, now: float) -> tuple[Buckets, float]:
    """Take one request and `tokens` from both buckets or from neither, and return the wait."""
    requests, wait_s = buckets.requests, 0.0
    if quota := quotas.requests:
        requests, wait_s = take(quota, requests, 1, now)
    if quota := quotas.tokens:
        taken, tokens_wait_s = take(quota, buckets.tokens, tokens, now)
        if wait_s == tokens_wait_s == 0:
            return Buckets(requests, taken), 0.0
        wait_s = max(wait_s, tokens_wait_s)
    return (Buckets(requests, buckets.tokens), 0.0) if wait_s == 0 else (buckets, wait_s)


def _recent(quota: Quota, bucket: Bucket, now: float) -> Bucket:
    slots = bucket.slots
    if not slots:
        return bucket
    if slots[-1][0] > now:
        back_s = slots[-1][0] - now
        slots = tuple((at - back_s, amount) for at, amount in slots)
    if slots[0][0] <= now - quota.window_s:
        slots = tuple(slot for slot in slots if slot[0] > now - quota.window_s)
    return bucket if slots is bucket.slots else Bucket(slots, sum(each for _, each in slots))


def _put(quota: Quota, bucket: Bucket, amount: int, now: float) -> Bucket:
    """Add to the newest slot while it is young, dated as of now: it counts for longer, not less."""
    slots, taken = bucket.slots, bucket.taken + amount
    if len(slots) > 1 and now - slots[-2][0] < quota.slot_s:
        return Bucket((*slots[:-1], (now, slots[-1][1] + amount)), taken)
    return Bucket((*slots, (now, amount)), taken)
