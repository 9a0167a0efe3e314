"""Where a driver waits for whatever comes first: its work, a signal, or a deadline."""

import asyncio
from collections.abc import Sequence

from jackline.core.events import Event

Heard = tuple[str, Sequence[Event]]


class Inbox:
    """Takes what came of steps, each under the key of its step, and wakes the one who waits.

    A timer that was set stays set, so that a long deadline costs one timer and not one a wait.
    """

    def __init__(self) -> None:
        self.signalled = False
        self._heard: list[Heard] = []
        self._finished = 0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def put(self, key: str, events: Sequence[Event], *, finished: bool = True) -> None:
        """Hand in what came of a step. `finished` False: it goes on, and this can wait."""
        self._heard.append((key, events))
        self._finished += finished
        self._wake()

    def signal(self) -> None:
        """Say that somebody else has appended, or that something about the drive has changed."""
        self.signalled = True
        self._wake()

    async def wait(self, expected: int, until: float | None, coalesce_s: float) -> bool:
        """Return once all `expected` steps are in, soon after the first, on a signal, or `until`.

        Times are the event loop's. It may return early, with nothing. True if there was a signal.
        """
        if not self._heard and not self.signalled:
            await self._sleep(until)
        if self._heard and self._finished < expected and not self.signalled:
            loop = asyncio.get_running_loop()
            until = loop.time() + coalesce_s
            while self._finished < expected and not self.signalled and loop.time() < until:
                await self._sleep(until)
        signalled, self.signalled = self.signalled, False
        return signalled

    def take(self) -> list[Heard]:
        """Return what came since the last time."""
        heard, self._heard, self._finished = self._heard, [], 0
        return heard

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer:
            self._timer.cancel()

    async def _sleep(self, until: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        if until is not None and (self._timer is None or self._timer.when() > until):
            if self._timer:
                self._timer.cancel()
            self._timer = loop.call_at(until, self._ring)
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _ring(self) -> None:
        self._timer = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
