"""Threads for tools that block, away from the event loop and from each other."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import Protocol, TypeVar

T = TypeVar("T")
_IDLE_MAX = 32
_Job = Callable[[], Callable[[], None]]


class Offload(Protocol):
    """Runs work that may block for ever."""

    def run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Begin `work`, which raises nothing, and return where its result will be."""
        ...

    def close(self) -> None:
        """Let go of what runs nothing."""
        ...


class Threads:
    """Runs each piece of work at once, on a daemon thread that nothing waits for at exit.

    It starts as many threads as there is work: whoever gives it work bounds that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[_Job | None]] = []
        self._closed = False

    def run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Begin `work`, in the caller's context. Raises `RuntimeError` if no thread can start."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = copy_context()

        def job() -> Callable[[], None]:
            result = context.run(work)
            return lambda: _post(loop, future, result)

        self._worker().put(job)
        return future

    def close(self) -> None:
        """End the threads that are idle, and the others when their work ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.put(None)

    def _worker(self) -> "SimpleQueue[_Job | None]":
        with self._lock:
            if self._idle:
                return self._idle.pop()
        jobs: SimpleQueue[_Job | None] = SimpleQueue()
        threading.Thread(target=self._work, args=(jobs,), name="jackline-tool", daemon=True).start()
        return jobs

    def _work(self, jobs: "SimpleQueue[_Job | None]") -> None:
        stays = True
        while stays and (job := jobs.get()):
            tell = job()
            stays = self._rest(jobs)
            tell()

    def _rest(self, jobs: "SimpleQueue[_Job | None]") -> bool:
        """Take a place among the idle, before anybody hears that the work is done."""
        with self._lock:
            if self._closed or len(self._idle) >= _IDLE_MAX:
                return False
            self._idle.append(jobs)
            return True


class Inline:
    """Runs work here and now, where a simulation wants no threads."""

    def run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Run `work` and return its result."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        future.set_result(work())
        return future

    def close(self) -> None:
        """Nothing is held."""


def _post(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[T]", result: T) -> None:
    with suppress(RuntimeError):  # The loop has closed: nobody waits any more.
        loop.call_soon_threadsafe(_deliver, future, result)


def _deliver(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)
