"""What one tool may do at a time: its rate, its free places, and whether it is left alone."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Literal

from jackline.core.breaker import CLOSED, PASS, Entry, enter, leave
from jackline.core.rates import Bucket, take
from jackline.core.tools import Tool
from jackline.core.value import Value
from jackline.ports import Clock

Sleep = Callable[[float], Awaitable[object]]


class Refusal(Value, frozen=True):
    """The tool was surely not invoked, and why."""

    code: Literal["breaker_open", "rate_limited", "busy"]
    text: str


class Limits:
    """The state of one tool's rate, places and breaker."""

    def __init__(self, tool: Tool, clock: Clock, sleep: Sleep) -> None:
        places = tool.concurrency or math.inf
        if not tool.is_async and tool.effect != "transactional":
            places = min(places, tool.workers)
        self._tool = tool
        self._clock = clock
        self._sleep = sleep
        self._bucket = Bucket()
        self._circuit = CLOSED
        self._places = None if places == math.inf else asyncio.Semaphore(int(places))

    @property
    def at_rest(self) -> bool:
        """Whether a call may pass without being counted anywhere."""
        return self._places is None and self._tool.rate is None and self._circuit is CLOSED

    async def enter(self, patience_s: float) -> Entry | Refusal:
        """Wait for the rate and for a place, and return a pass, or why there is none.

        Who has a pass has to `leave` when it knows how the call ended, and to `vacate` the
        place when nothing runs there any more: a hung thread never does.
        """
        until = self._clock() + patience_s
        refusal = self._left_alone() or await self._wait_for_rate(until)
        if refusal:
            return refusal
        if not await self._take_place(until):
            text = f"{self._tool.name} is busy: other calls take all its places. Try again later."
            return Refusal("busy", text)
        breaker = self._tool.breaker
        if breaker is None:
            return PASS
        self._circuit, entry = enter(breaker, self._circuit, self._clock())
        if entry.wait_s:
            self.vacate()
            return self._open(entry.wait_s)
        return entry

    def leave(self, entry: Entry, *, ok: bool | None) -> None:
        """Tell the breaker how the call ended: well, badly, or nobody knows."""
        if self._tool.breaker is not None and not (ok and self._circuit is CLOSED):
            circuit = leave(self._tool.breaker, self._circuit, entry, self._clock(), ok=ok)
            self._circuit = CLOSED if circuit == CLOSED else circuit

    def vacate(self) -> None:
        """Give the place to the next."""
        if self._places is not None:
            self._places.release()

    def _left_alone(self) -> Refusal | None:
        """Whether it is of no use to wait for anything: no probe begins here."""
        if self._tool.breaker is None:
            return None
        _, entry = enter(self._tool.breaker, self._circuit, self._clock())
        return self._open(entry.wait_s) if entry.wait_s else None

    def _open(self, wait_s: float) -> Refusal:
        text = (
            f"{self._tool.name} has failed too often, and is left alone for another "
            f"{math.ceil(wait_s)} s. It was not called."
        )
        return Refusal("breaker_open", text)

    async def _wait_for_rate(self, until: float) -> Refusal | None:
        quota = self._tool.rate
        if quota is None:
            return None
        while True:
            now = self._clock()
            self._bucket, wait_s = take(quota, self._bucket, 1, now)
            if wait_s == 0:
                return None
            if now + wait_s > until:
                text = (
                    f"{self._tool.name} may be called {quota.amount} times in "
                    f"{quota.window_s:g} s: come back in {math.ceil(wait_s)} s. It was not called."
                )
                return Refusal("rate_limited", text)
            await self._sleep(wait_s)

    async def _take_place(self, until: float) -> bool:
        if self._places is None:
            return True
        if not self._places.locked():
            return await self._places.acquire()
        try:
            async with asyncio.timeout(max(0.0, until - self._clock())):
                return await self._places.acquire()
        except TimeoutError:
            return False
