"""Rates, breakers and paces of one process."""

from collections import OrderedDict

from jackline.core.admission import (
    AT_REST,
    Key,
    Standing,
    Ticket,
    Toll,
    Went,
    enter,
    leave,
    open_s,
    settle,
)
from jackline.core.rates import Buckets
from jackline.ports import Clock

_BUCKETS_MAX = 100_000


class LocalRates:
    """`Rates` for one process. Nothing of it waits for anything."""

    def __init__(self, clock: Clock) -> None:
        self.troubled: dict[str, Standing] = {}
        self._clock = clock
        self._buckets: OrderedDict[Key, Buckets] = OrderedDict()

    def open_s(self, toll: Toll) -> float:
        """See `Rates.open_s`."""
        return open_s(toll, self.troubled.get(toll.name, AT_REST), self._clock())

    async def enter(self, toll: Toll) -> Ticket:
        """See `Rates.enter`."""
        before, buckets = self.troubled.get(toll.name, AT_REST), self._buckets
        standing, taken, ticket = enter(toll, before, buckets, self._clock())
        if standing is not before:
            self._keep(toll.name, standing)
        for key, bucket in taken.items():
            buckets[key] = bucket
            buckets.move_to_end(key)
            if len(buckets) > _BUCKETS_MAX:
                buckets.popitem(last=False)
        return ticket

    async def leave(self, toll: Toll, ticket: Ticket, went: Went) -> None:
        """See `Rates.leave`."""
        now, buckets = self._clock(), self._buckets
        if not went.ok or self.troubled:
            before = self.troubled.get(toll.name, AT_REST)
            self._keep(toll.name, leave(toll, before, ticket, went, now))
        if went.used is not None:
            held = ticket.at, toll.tokens
            for key, quotas in toll.rates.items():
                if bucket := buckets.get(key):
                    buckets[key] = settle(quotas, bucket, held, went.used, now)

    async def exchange(self) -> None:
        """See `Rates.exchange`: there is nobody else."""

    async def watch(self) -> None:
        """See `Rates.watch`: there is nobody else."""

    def _keep(self, name: str, standing: Standing) -> None:
        if standing == AT_REST:
            self.troubled.pop(name, None)
        else:
            self.troubled[name] = standing
