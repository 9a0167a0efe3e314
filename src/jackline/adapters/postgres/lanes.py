"""Where a store's blocking work runs: as many threads as it has connections."""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from queue import SimpleQueue
from typing import TypeVar

from jackline.adapters import jobs
from jackline.adapters.jobs import Job
from jackline.core.errors import StoreError

T = TypeVar("T")


class Lanes:
    """Runs work for any number of event loops: several at a time, those of a line in turn.

    What goes to one session is a line. It would only wait for the lock of the session's row, and
    hold a connection meanwhile; and what was asked first comes first.
    """

    def __init__(self, count: int) -> None:
        self._jobs: SimpleQueue[tuple[Job, Hashable] | None] = SimpleQueue()
        self._lines: dict[Hashable, deque[Job]] = {}
        self._lock = threading.Lock()
        self._open = True
        self._threads = [
            threading.Thread(target=self._run_each, name=f"jackline-postgres-{n}", daemon=True)
            for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[], T], line: Hashable = None) -> T:
        """Return what `work` returns. In no line, it waits for nothing but a thread.

        Cancelled before it began, it is dropped; later, this still waits until it has ended: an
        append happens before its caller goes on, or never.
        """
        if not self._open:
            raise StoreError("The store is closed.")
        job = Job(work)
        job.expect()
        self._put(job, line)
        await job.wait()
        if job.error is not None:
            raise job.error
        return job.outcome

    def close(self) -> None:
        """Finish what was begun, and take no more."""
        self._open = False
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _put(self, job: Job, line: Hashable) -> None:
        if line is not None:
            with self._lock:
                if line in self._lines:
                    self._lines[line].append(job)
                    return
                self._lines[line] = deque()
        self._jobs.put((job, line))

    def _run_each(self) -> None:
        while item := self._jobs.get():
            job, line = item
            while job:
                _run(job)
                jobs.announce([job])
                job = self._next(line)

    def _next(self, line: Hashable) -> Job | None:
        """Return what waits in the line. Where nothing does there is no line any more."""
        if line is None:
            return None
        with self._lock:
            if waiting := self._lines[line]:
                return waiting.popleft()
            del self._lines[line]
            return None


def _run(job: Job) -> None:
    job.begun = True
    if job.dropped:
        return
    try:
        job.outcome = job.work()
    except Exception as error:  # noqa: BLE001 - it belongs to the task that waits for it
        job.error = error
