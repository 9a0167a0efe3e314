"""Which task performs which step of a drive."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import TypeVar

from jackline.core.events import ModelReserved
from jackline.core.session import Call

T = TypeVar("T")
Step = ModelReserved | Call
Task = asyncio.Task[None]


class Tasks:
    """One task for each step that is performed. They belong to `group`, which awaits them."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.stopped = False
        self._group = group
        self._tasks: dict[tuple[str, int], Task] = {}

    def perform(
        self,
        steps: Iterable[Step],
        start: Callable[[Step], Coroutine[None, None, None]],
        carrier: Task | None,
    ) -> Step | None:
        """Make the tasks those of `steps`: start what is new, and cancel what is over.

        What is new goes to `carrier` first, and is returned.
        """
        carried, tasks = None, dict[tuple[str, int], Task]()
        for step in steps:
            name = _name(step)
            task = self._tasks.pop(name, None)
            if task is None and carrier and carried is None:
                task, carried = carrier, step
            tasks[name] = task or self._group.create_task(start(step))
        for task in self._tasks.values():
            if task is not carrier:
                task.cancel()
        self._tasks = tasks
        return carried

    def others(self, me: Task) -> bool:
        """Whether any other of the steps is still performed."""
        tasks = self._tasks.values()
        return len(tasks) > 1 and any(task is not me and not task.done() for task in tasks)

    async def outcome(self, step: Step, work: Awaitable[T]) -> T | None:
        """Return what comes of the step, or None where its own code cancels the task it runs in.

        No cancellation is left behind: others go on in this task, and a task group of Python 3.11
        leaves one even where it has handled the error. Raises `CancelledError` where the step is
        no longer wanted.
        """
        me, result = asyncio.current_task(), None
        assert me is not None, "a step is performed in a task"
        try:
            result = await work
            if me.cancelling():
                await asyncio.sleep(0)  # What is still to be thrown is thrown here.
        except asyncio.CancelledError:
            if not self._wants(step, me):
                raise
        if me.cancelling():
            if not self._wants(step, me):
                raise asyncio.CancelledError
            while me.uncancel():
                continue
        return result

    def _wants(self, step: Step, me: Task) -> bool:
        return not self.stopped and self._tasks.get(_name(step)) is me

    def stop(self) -> None:
        """Cancel all but the task that says so."""
        self.stopped = True
        for task in self._tasks.values():
            if task is not asyncio.current_task():
                task.cancel()


def _name(step: Step) -> tuple[str, int]:
    if isinstance(step, ModelReserved):
        return step.key, 0
    return step.key, -1 if step.state == "unknown" else step.attempt
