"""Runs a coroutine that is not ours: for so long and no longer, whatever it raises or swallows."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, copy_context
from types import coroutine
from typing import Any

from jackline.core.errors import ToolError
from jackline.core.value import Value

GRACE_S = 5.0


class OverdueError(Exception):
    """It did not end in time."""


class Ended(Value, frozen=True, gc=True):
    """How foreign code ended: with a value, or with an error."""

    value: Any = None
    error: BaseException | None = None


def ended(function: Callable[[], Any]) -> Ended:
    """Call `function`, and return how it ended. Not even `SystemExit` comes through."""
    try:
        return Ended(function())
    except BaseException as error:  # noqa: BLE001 - a tool that exits must not end its worker
        return Ended(error=error)


@coroutine
def bounded(work: Coroutine[Any, Any, Any], timeout_s: float) -> Generator[Any, Any, Ended]:
    """Run `work` in this task, and return how it ended: with `OverdueError` if not in time.

    It raises nothing but `CancelledError`, where this task was cancelled and `work` let that pass.
    What goes on in spite of being cancelled is closed after five seconds. What ends without
    waiting for anything costs no timer. What `work` puts into context variables ends with it.
    """
    steps, within = work.__await__(), copy_context()
    step = _stepped(within, steps.send, None)
    if isinstance(step, Ended):
        return step
    bound = _Bound(timeout_s)
    try:
        while not isinstance(step, Ended):
            try:
                yield step
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - it was thrown for `work` to handle
                if bound.given_up:
                    _close(work)
                    step = Ended(error=error)
                else:
                    bound.disturbed(error)
                    step = _stepped(within, steps.throw, error)
            else:
                step = _stepped(within, steps.send, None)
        return bound.judged(step)
    finally:
        bound.timer.cancel()


class _Bound:
    """Cancels its task once at the deadline, and again where that was of no use."""

    def __init__(self, timeout_s: float) -> None:
        task = asyncio.current_task()
        assert task is not None, "only tasks await"
        self._task = task
        self._cancelling_before = task.cancelling()
        self._cancels = 0
        self._overdue = self._leaving = self.given_up = False
        self._loop = asyncio.get_running_loop()
        self.timer = self._loop.call_later(timeout_s, self._expire)

    def disturbed(self, error: BaseException) -> None:
        """Give `work` five more seconds once it was cancelled, by us or by somebody else."""
        if isinstance(error, asyncio.CancelledError) and not self._leaving:
            self._leaving = True
            self.timer.cancel()
            self.timer = self._loop.call_later(GRACE_S, self._give_up)

    def judged(self, end: Ended) -> Ended:
        """Return what the end means. Raises `CancelledError` where others cancelled the task."""
        for _ in range(self._cancels):
            self._task.uncancel()
        cancelled = self._task.cancelling() > self._cancelling_before
        if cancelled and isinstance(end.error, asyncio.CancelledError):
            raise end.error
        if self._overdue and end.error and not isinstance(end.error, ToolError):
            return Ended(error=OverdueError())
        return end

    def _expire(self) -> None:
        self._overdue = True
        self._cancel()

    def _give_up(self) -> None:
        self.given_up = True
        self._cancel()

    def _cancel(self) -> None:
        self._cancels += 1
        self._task.cancel()


def _stepped(within: Context, step: Callable[[Any], Any], sent: object) -> object:
    """Return what the coroutine waits for next, or how it ended."""
    try:
        return within.run(step, sent)
    except StopIteration as stop:
        return Ended(stop.value)
    except BaseException as error:  # noqa: BLE001 - a tool that exits must not end its worker
        return Ended(error=error)


def _close(work: Coroutine[Any, Any, Any]) -> None:
    with suppress(BaseException):  # It was told three times; what it says to that is of no use.
        work.close()
