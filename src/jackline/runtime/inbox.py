"""Where a drive waits for whatever comes first: work that is done, a signal, or a time."""

import asyncio
from collections.abc import Sequence

from jackline.core.events import Event

Heard = tuple[str, Sequence[Event]]
_COALESCE_S = 0.005


class Inbox:
    """Takes what came of steps, each under the key of its step, and wakes the one who waits.

    A timer that was set stays set, so that a long deadline costs one timer and not one a wait.
    """

    def __init__(self) -> None:
        self.signalled = False
        self._heard: list[Heard] = []
        self._ripe_at = 0.0
        self._until: float | None = None
        self._rung = self._held = False
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def put(self, key: str, events: Sequence[Event], *, last: bool = False) -> None:
        """Hand in what came of a step. Unless it is the `last` it can wait a little for others."""
        if last:
            self._heard.append((key, events))
            self._ring()
            return
        if not self._heard:
            self._ripe_at = asyncio.get_running_loop().time() + _COALESCE_S
            self._set_timer(self._ripe_at)
        self._heard.append((key, events))

    def signal(self) -> None:
        """Say that somebody else has appended, or that something about the drive has changed."""
        self.signalled = True
        self._ring()

    async def wait(self, until: float | None) -> None:
        """Return once there is something to look at, at the latest at the event loop's `until`.

        It may return early, with nothing. Whoever acts on a signal clears it.
        """
        self._until = until
        if until is not None:
            self._set_timer(until)
        if not self._rung:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._rung = False

    def take(self) -> list[Heard]:
        """Return what came since the last time."""
        heard, self._heard = self._heard, []
        return heard

    def hold(self) -> bool:
        """Keep the one who waits asleep until `let_go`. False where it is not, or has to wake."""
        self._held = self._waiter is not None and not self._rung
        return self._held

    def let_go(self, *, wake: bool) -> None:
        """Let the one who waits wake again: now, or where something has come meanwhile."""
        self._held = False
        if wake or self._rung:
            self._ring()

    def close(self) -> None:
        """Let go of the timer."""
        if self._timer:
            self._timer.cancel()

    def _set_timer(self, at: float) -> None:
        if self._timer is None or self._timer.when() > at:
            self.close()
            self._timer = asyncio.get_running_loop().call_at(at, self._at_time)

    def _at_time(self) -> None:
        """Ring if it is time for anything, and otherwise when it is."""
        self._timer = None
        at = self._ripe_at if self._heard else self._until
        if at is None:
            return
        if at > asyncio.get_running_loop().time():
            self._set_timer(at)
        else:
            self._ring()

    def _ring(self) -> None:
        self._rung = True
        if self._waiter and not self._held and not self._waiter.done():
            self._waiter.set_result(None)
