"""What a task has another thread do, and how it waits: what was begun ends before it goes on."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any


class Job:
    """Some work, and what came of it."""

    __slots__ = ("_waiter", "begun", "ended", "error", "future", "outcome", "work")

    def __init__(self, work: Callable[..., object]) -> None:
        self.work = work
        self.outcome: Any = None  # of the type that the work returns
        self.error: BaseException | None = None
        self.begun = False
        self.ended = False
        self.future: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[None] | None = None

    def expect(self) -> None:
        """Say that the task that runs will wait for it, before a thread gets to see it."""
        self.future = asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Return once it has ended.

        Cancelled before it was begun, it is dropped; later, this still waits until it has ended.
        """
        assert self.future is not None, "first somebody expects it"
        try:
            await self.future
        except asyncio.CancelledError:
            # The thread sets `begun` and then looks at the future; here it is the other way
            # round, so at least one of the two sees what the other did.
            if self.begun and not self.ended:
                await self._until_ended()
            raise

    @property
    def dropped(self) -> bool:
        """Whether nobody waits for it any more. Ask it after `begun` was set."""
        return self.future is not None and self.future.cancelled()

    async def _until_ended(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        while not self._waiter.done():
            try:
                await asyncio.wait([self._waiter])
            except asyncio.CancelledError:
                continue  # It was cancelled before, and will say so.

    def end(self) -> None:
        """Let whoever waits go on. For the loop's own thread."""
        self.ended = True
        if self._waiter is not None:
            self._waiter.set_result(None)
        if self.future is not None and not self.future.done():
            self.future.set_result(None)


def announce(group: Sequence[Job]) -> None:
    """Let those go on who wait for these jobs, each in its own event loop. For any thread."""
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in group:
        assert job.future is not None, "a job of the thread's has somebody who waits for it"
        loops.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in loops.items():
        call(loop, _end, jobs)


def call(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *values: object) -> None:
    """Have the loop call back soon, from any thread. Where it was closed nothing is called."""
    try:
        loop.call_soon_threadsafe(callback, *values)
    except RuntimeError:
        return  # Nobody waits any more.


def _end(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.end()
