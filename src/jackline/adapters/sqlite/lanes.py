"""Where a store's blocking work runs: one lane that writes, in groups, and one that reads."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from queue import Empty, SimpleQueue
from typing import Any, Literal, Protocol, TypeVar

from jackline.adapters import jobs
from jackline.core.errors import StoreError, UnknownOutcomeError

T = TypeVar("T")
Kind = Literal["grouped", "alone", "bare"]

_LOG = logging.getLogger("jackline")
_GROUP_MAX = 512
_READERS = 2


class Job(jobs.Job):
    """Something to be written, and what came of it.

    `alone` it has a transaction of its own, and `bare` it has none.
    """

    __slots__ = ("kind",)

    def __init__(self, work: Callable[..., object], kind: Kind = "grouped") -> None:
        super().__init__(work)
        self.kind: Kind = kind


Gather = Callable[[], list[Job]]
Commit = Callable[[Gather], None]


class Lanes(Protocol):
    """Runs what would block an event loop, for any number of event loops.

    Made with `commit`, which takes what has gathered and writes it as one group.
    """

    async def write(self, job: Job) -> None:
        """Return once the job's group was committed, or failed.

        Cancelled before its group began, the job is dropped; later, this still waits until
        its group has ended: an append happens before its caller goes on, or never.
        """
        ...

    async def read(self, work: Callable[[], T]) -> T:
        """Return what `work` returns."""
        ...

    def pause(self, seconds: float) -> None:
        """Stand still, in the midst of a commit."""
        ...

    def close(self) -> None:
        """Finish what was begun, and take no more."""
        ...


class Threads:
    """A thread that writes and some that read: while one group commits, the next one gathers."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._reads: SimpleQueue[tuple[Callable[[], object], asyncio.Future[Any]] | None] = (
            SimpleQueue()
        )
        self._never = threading.Event()
        self._open = True
        self._threads = [
            threading.Thread(target=self._write_groups, name="jackline-write", daemon=True),
            *(
                threading.Thread(target=self._read_each, name=f"jackline-read-{n}", daemon=True)
                for n in range(_READERS)
            ),
        ]
        for thread in self._threads:
            thread.start()

    async def write(self, job: Job) -> None:
        """See `Lanes.write`."""
        self._check_open()
        job.expect()
        self._jobs.put(job)
        await job.wait()

    async def read(self, work: Callable[[], T]) -> T:
        """See `Lanes.read`."""
        self._check_open()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._reads.put((work, future))
        return await future

    def pause(self, seconds: float) -> None:
        """See `Lanes.pause`."""
        self._never.wait(seconds)

    def close(self) -> None:
        """See `Lanes.close`."""
        self._open = False
        self._jobs.put(None)
        for _ in range(_READERS):
            self._reads.put(None)
        for thread in self._threads:
            thread.join()

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("The store is closed.")

    def _write_groups(self) -> None:
        while first := self._jobs.get():
            group = [first]
            try:
                self._commit(lambda group=group: self._gather(group))
            except Exception as error:  # noqa: BLE001 - the thread's boundary: all others need it, too
                _fail(group, error)
            jobs.announce(group)

    def _gather(self, group: list[Job]) -> list[Job]:
        """Add what waits to the group, and return those of it that are still wanted."""
        while len(group) < _GROUP_MAX:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            group.append(job)
        for job in group:
            job.begun = True
        return [job for job in group if not job.dropped]

    def _read_each(self) -> None:
        while item := self._reads.get():
            work, future = item
            try:
                result, error = work(), None
            except Exception as raised:  # noqa: BLE001 - it belongs to the task that waits for it
                result, error = None, raised
            jobs.call(future.get_loop(), _settle, future, result, error)


def _fail(group: list[Job], error: Exception) -> None:
    _LOG.exception("The writer goes on after a bug.", exc_info=error)
    for job in group:
        job.error = job.error or UnknownOutcomeError(f"Nobody knows what was kept: {error!r}.")


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return  # Cancelled: nobody waits for what was read.
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


async def _at_once() -> None:
    return


class Inline:
    """No threads: all happens in the event loop, after and before a `latency` that is awaited.

    So one seed is one history: a simulation decides how long a write takes to get there and
    back, and what gathers meanwhile is one group. Each simulated process needs a store of its own.
    """

    def __init__(self, commit: Commit, latency: Callable[[], Awaitable[None]] = _at_once) -> None:
        self._commit = commit
        self._latency = latency
        self._waiting: list[Job] = []

    async def write(self, job: Job) -> None:
        """See `Lanes.write`."""
        self._waiting.append(job)
        try:
            await self._latency()
        except BaseException:
            if job in self._waiting:
                self._waiting.remove(job)
            raise
        if not job.ended:
            self._commit(self._gather)
        await self._latency()

    def _gather(self) -> list[Job]:
        gathered, self._waiting = self._waiting, []
        for job in gathered:
            job.ended = True
        return gathered

    async def read(self, work: Callable[[], T]) -> T:
        """See `Lanes.read`."""
        await self._latency()
        result = work()
        await self._latency()
        return result

    def pause(self, seconds: float) -> None:
        """Return at once: in one thread there is nobody to wait for."""

    def close(self) -> None:
        """Return at once: nothing is under way between two awaits."""
