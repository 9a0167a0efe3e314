"""Rates and breakers before each paid call, for one process."""

from collections import OrderedDict
from collections.abc import Mapping

from jackline.core.agent import Scope
from jackline.core.breaker import CLOSED, PASS, Breaker, Circuit, Entry, enter, leave
from jackline.core.rates import Buckets, Rate, admit, settle
from jackline.ports import Clock

_BUCKETS_MAX = 100_000
_NONE = Buckets()


class Admission:
    """Says how long a paid call has to wait, and remembers how calls went."""

    def __init__(self, clock: Clock, breaker: Breaker | None = None) -> None:
        self._clock = clock
        self._breaker = breaker or Breaker(failures=10)
        self._buckets: OrderedDict[tuple[Scope, str], Buckets] = OrderedDict()
        self._circuits: dict[str, Circuit] = {}

    def wait_s(self, rates: Mapping[Scope, Rate], names: Mapping[Scope, str], tokens: int) -> float:
        """Take one request of `tokens` from every bucket, or return how long to wait for it.

        For what never fits that is for ever.
        """
        now, taken = self._clock(), dict[tuple[Scope, str], Buckets]()
        for scope, rate in rates.items():
            key = scope, names[scope]
            buckets, wait_s = admit(rate, self._buckets.get(key, _NONE), tokens, now)
            if wait_s:
                return wait_s
            taken[key] = buckets
        for key, buckets in taken.items():
            self._buckets[key] = buckets
            self._buckets.move_to_end(key)
        while len(self._buckets) > _BUCKETS_MAX:
            self._buckets.popitem(last=False)
        return 0.0

    def settle(
        self,
        rates: Mapping[Scope, Rate],
        names: Mapping[Scope, str],
        held: tuple[float, int],
        used: int,
    ) -> None:
        """Give back, or take on top, what was `held` = (time, tokens) and turned out as `used`."""
        now = self._clock()
        for scope, rate in rates.items():
            buckets = self._buckets.get((scope, names[scope]))
            if buckets and (quota := rate.tokens):
                tokens = settle(quota, buckets.tokens, held, used, now)
                self._buckets[scope, names[scope]] = Buckets(buckets.requests, tokens)

    def enter(self, model: str) -> Entry:
        """Return whether the model may be asked now, or has failed too often of late."""
        circuit = self._circuits.get(model)
        if circuit is None:
            return PASS
        self._circuits[model], entry = enter(self._breaker, circuit, self._clock())
        return entry

    def leave(self, model: str, entry: Entry, *, ok: bool | None) -> None:
        """Say how it went. None: nobody knows."""
        before = self._circuits.get(model, CLOSED)
        if ok and before is CLOSED:
            return
        after = leave(self._breaker, before, entry, self._clock(), ok=ok)
        if after == CLOSED:
            self._circuits.pop(model, None)
        else:
            self._circuits[model] = after
