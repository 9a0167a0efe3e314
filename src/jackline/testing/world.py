"""A world in which one seed decides everything that is left to chance.

It is an asyncio event loop without a clock or a socket: of what could run it runs any, and
when nothing can, time jumps. It knows which process each callback belongs to. So a process
is killed by never running it again, with no `finally` and no `except`, as by `kill -9`; and
stopped by not running it for a while. The code under test is the code of production.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any

_PROCESS_OF_THE_WORLD = "world"
_PROCESS = ContextVar("process", default=_PROCESS_OF_THE_WORLD)


class Timeless(selectors.SelectSelector):
    """Nothing ever arrives from outside, so all waiting is for the clock, which jumps."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let `timeout` pass."""
        assert timeout is not None, "everything waits, and nothing will happen"
        self.now += max(timeout, 0.0)
        return []


class Numbered(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address: asyncio keeps tasks in sets."""

    number: int | None = None

    def __hash__(self) -> int:
        if self.number is None:
            # It is being made, and asyncio keeps it in the set of all tasks of all worlds, where
            # equal numbers would be looked through one by one.
            return super().__hash__()
        return self.number


class World(asyncio.SelectorEventLoop):
    """An event loop that runs what is ready in any order, and processes that can die."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._timeless = Timeless()
        self._ready_calls: list[Callable[[], None]] = []
        self._stopped: dict[str, float] = {}
        self._stood_still_s: dict[str, float] = {}
        self._dropped: list[Callable[[], None]] = []
        self._tasks: list[asyncio.Future[Any]] = []
        super().__init__(self._timeless)
        self.set_task_factory(self._remember)  # pyright: ignore[reportArgumentType] - typeshed's protocol wants its own names

    def time(self) -> float:
        """Return the virtual time, in seconds."""
        return self._timeless.now

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a process: whatever `work` starts belongs to it, too."""
        context = copy_context()
        context.run(_PROCESS.set, name)
        return self.create_task(work, context=context)

    @property
    def process(self) -> str:
        """The process that runs now. The world itself cannot be stopped."""
        return _PROCESS.get()

    def kill(self, process: str) -> None:
        """End the process here, for good."""
        self._stopped[process] = float("inf")

    def stop_process(self, process: str, for_s: float) -> None:
        """Let the process stand still, as SIGSTOP does, and then go on unaware."""
        if process == _PROCESS_OF_THE_WORLD:
            return
        self._stopped[process] = max(self._stopped.get(process, 0.0), self.time() + for_s)
        self._stood_still_s[process] = self._stood_still_s.get(process, 0.0) + for_s

    def time_awake(self, process: str) -> float:
        """Return the time on a clock that, like CLOCK_MONOTONIC, forgets what it slept through."""
        return self.time() - self._stood_still_s.get(process, 0.0)

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` at some point of this moment."""
        context = context or copy_context()
        handle = asyncio.Handle(callback, args, self, context)
        self._enqueue(handle, lambda: context.run(callback, *args), context)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run `callback` at some point of this moment: there is only one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run `callback` at `when`, unless its process cannot."""
        context = context or copy_context()
        ring = lambda: self._enqueue(handle, lambda: context.run(callback, *args), context)  # noqa: E731
        handle = super().call_at(when, ring, context=context)
        return handle

    def _enqueue(
        self, handle: asyncio.Handle, call: Callable[[], object], context: Context
    ) -> None:
        def run() -> None:
            frozen_s = (
                self._stopped.get(context.get(_PROCESS, _PROCESS_OF_THE_WORLD), 0.0) - self.time()
            )
            if handle.cancelled():
                return
            if frozen_s == float("inf"):
                self._dropped.append(run)
            elif frozen_s > 0:
                later = self.time() + frozen_s
                super(World, self).call_at(later, self._enqueue, handle, call, context)
            else:
                call()

        self._ready_calls.append(run)
        super().call_soon(self._run_any)

    def _run_any(self) -> None:
        calls = self._ready_calls
        at = self.random.randrange(len(calls))
        calls[at], calls[-1] = calls[-1], calls[at]
        calls.pop()()

    def _remember(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Future[Any]:
        task = Numbered(work, loop=loop, **options)
        task.number = len(self._tasks)
        self._tasks.append(task)  # A killed task must not be collected: that would run `finally`.
        return task

    def bury(self) -> None:
        """Unwind the dead, once nothing that they do can matter, and close."""
        self._stopped.clear()
        for call in self._dropped:
            self._ready_calls.append(call)
            super().call_soon(self._run_any)
        left = [task for task in self._tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left))
        self.close()
