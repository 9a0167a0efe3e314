"""What one tool may do at a time: its rate, its free places, and whether it is left alone."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Literal

from jackline.core.admission import PASSED, Ticket, Toll, Went
from jackline.core.rates import Quotas
from jackline.core.tools import Tool
from jackline.core.value import Value
from jackline.ports import Clock, Rates

Sleep = Callable[[float], Awaitable[object]]


class Refusal(Value, frozen=True):
    """The tool was surely not invoked, and why."""

    code: Literal["breaker_open", "rate_limited", "busy"]
    text: str


class Limits:
    """One tool's rate and breaker, which other processes may share, and its places, which are ours.

    `name` is the tool's in every process.
    """

    def __init__(self, tool: Tool, name: str, rates: Rates, clock: Clock, sleep: Sleep) -> None:
        places = tool.concurrency or math.inf
        if not tool.is_async and tool.effect != "transactional":
            places = min(places, tool.workers)
        self._tool = tool
        self._rates = rates
        self._clock = clock
        self._sleep = sleep
        shared = {("", f"rate/{name}"): Quotas(tool.rate)} if tool.rate else {}
        self._toll = Toll(name, tool.breaker, shared)
        self._places = None if places == math.inf else asyncio.Semaphore(int(places))

    @property
    def is_well(self) -> bool:
        """Whether a call that went well need not `leave`."""
        return self._toll.name not in self._rates.troubled

    @property
    def at_rest(self) -> bool:
        """Whether a call may pass without being counted anywhere."""
        return self._places is None and self._tool.rate is None and self.is_well

    async def enter(self, patience_s: float) -> Ticket | Refusal:
        """Wait for the rate and for a place, and return a ticket, or why there is none.

        Who has one has to `leave` when it knows how the call ended, and to `vacate` the place
        when nothing runs there any more: a hung thread never does.
        """
        until = self._clock() + patience_s
        while True:
            if not await self._take_place(until):
                if left_s := self._rates.open_s(self._toll):
                    return self._open(left_s)
                text = f"{self._tool.name} is busy: other calls take all its places."
                return Refusal("busy", f"{text} Try again later.")
            ticket = await self._passed()
            if not ticket.wait_s:
                return ticket
            self.vacate()
            if ticket.why == "open":
                return self._open(ticket.wait_s)
            if self._clock() + ticket.wait_s > until:
                return self._limited(ticket)
            await self._sleep(ticket.wait_s)

    async def leave(self, ticket: Ticket, *, ok: bool | None) -> None:
        """Tell how the call ended: well, badly, or nobody knows."""
        if not (ok and self.is_well):
            await self._rates.leave(self._toll, ticket, Went(ok))

    def vacate(self) -> None:
        """Give the place to the next."""
        if self._places is not None:
            self._places.release()

    async def _passed(self) -> Ticket:
        if self._tool.rate is None and self.is_well:
            return PASSED
        try:
            return await self._rates.enter(self._toll)
        except BaseException:
            self.vacate()
            raise

    def _open(self, wait_s: float) -> Refusal:
        text = (
            f"{self._tool.name} has failed too often, and is left alone for another "
            f"{math.ceil(wait_s)} s. It was not called."
        )
        return Refusal("breaker_open", text)

    def _limited(self, ticket: Ticket) -> Refusal:
        quota, name = self._tool.rate, self._tool.name
        if quota is None or ticket.why == "unknown":
            text = f"Whether {name} may be called is not known, as the store does not answer."
        else:
            text = f"{name} may be called {quota.amount} times in {quota.window_s:g} s:"
            text = f"{text} come back in {math.ceil(ticket.wait_s)} s."
        return Refusal("rate_limited", f"{text} It was not called.")

    async def _take_place(self, until: float) -> bool:
        if self._places is None:
            return True
        if not self._places.locked():
            return await self._places.acquire()
        if self._rates.open_s(self._toll):
            return False
        try:
            async with asyncio.timeout(max(0.0, until - self._clock())):
                return await self._places.acquire()
        except TimeoutError:
            return False
