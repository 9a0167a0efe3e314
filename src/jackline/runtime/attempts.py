"""Invokes one function of the user, again where that is harmless, until its end is known."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from jackline.core.admission import PASSED
from jackline.core.backoff import delay_s
from jackline.core.errors import ToolError
from jackline.core.tools import Context, Tool
from jackline.core.value import Value, replace
from jackline.ports import Clock
from jackline.runtime.bounded import Ended, OverdueError, bounded, ended
from jackline.runtime.limits import Limits, Refusal, Sleep
from jackline.runtime.threads import Offload

Witness = Callable[[str, Literal["before", "after"]], None]


class Around(Value, frozen=True, gc=True):
    """What all attempts share. `witness` is called right before and after each invocation."""

    clock: Clock
    random: Callable[[], float]
    sleep: Sleep
    threads: Offload
    witness: Witness | None = None


class Job(Value, frozen=True, gc=True):
    """What to invoke. `check` raises where nothing may be invoked any more; nothing comes between.

    `show` turns what the function returned into what is wanted, on the function's own thread.
    `late` is told how an attempt ended that nobody waited for any longer.
    """

    tool: Tool
    context: Context[Any]
    values: dict[str, object]
    show: Callable[[Any], Any]
    check: Callable[[], None] | None = None
    late: Callable[[Ended], None] | None = None


class Stopped(Value, frozen=True, gc=True):
    """Nothing may be invoked: the check raised `error`."""

    error: BaseException


class Attempts:
    """The attempts at one job. `made` counts those that invoked the function."""

    def __init__(self, around: Around, limits: Limits, job: Job) -> None:
        self.made = 0
        self._around = around
        self._limits = limits
        self._job = job
        self._over = self._known = False

    async def end(self) -> Ended | Refusal:
        """Return how the last attempt ended, or why there was none.

        Raises what `check` raises, and `CancelledError`: then a thread may go on by itself, and
        `late` hears of it.
        """
        tool, limits, end = self._job.tool, self._limits, None
        try:
            while True:
                ticket = PASSED if limits.at_rest else await limits.enter(tool.timeout_s)
                if isinstance(ticket, Refusal):
                    return end or ticket
                ok = None
                try:
                    new = await (self._in_task() if tool.is_async else self._in_thread())
                    if isinstance(new, Refusal):
                        return end or new
                    end, ok = new, new.error is None or isinstance(new.error, ToolError)
                finally:
                    if not (ok and limits.is_well):
                        await limits.leave(ticket, ok=ok)
                self._known = ok
                if ok or self.made > tool.retries:
                    return end
                await self._around.sleep(delay_s(self.made, self._around.random()))
        finally:
            self._over = True

    async def _in_task(self) -> Ended:
        job, witness, leading = self._job, self._around.witness, self._leading()
        try:
            if job.check:
                job.check()
            self.made += 1
            if witness:
                witness(job.context.call_key, "before")
            try:
                begun = job.tool.function(*leading, **job.values)
                end = await bounded(begun, job.tool.timeout_s)
            finally:
                if witness:
                    witness(job.context.call_key, "after")
            return end if end.error else ended(lambda: job.show(end.value))
        finally:
            self._limits.vacate()

    async def _in_thread(self) -> Ended | Refusal:
        leading = self._leading()
        try:
            future = self._around.threads.run(lambda: self._work(leading))
        except RuntimeError as error:
            self._limits.vacate()
            return Refusal("busy", f"{self._job.tool.name} was not called: {error}.")
        self.made += 1
        future.add_done_callback(lambda _: self._limits.vacate())
        try:
            if not future.done():
                await asyncio.wait([future], timeout=self._job.tool.timeout_s)
        finally:
            if not future.done():
                future.add_done_callback(self._late)
        if not future.done():
            return Ended(error=OverdueError())
        end = future.result()
        if isinstance(end, Stopped):
            raise end.error
        return end

    def _work(self, leading: tuple[Context[Any], ...]) -> Ended | Stopped:
        """Invoke the function, on its thread."""
        job, witness = self._job, self._around.witness
        if job.check and (stop := ended(job.check)).error:
            return Stopped(stop.error)
        if witness:
            witness(job.context.call_key, "before")
        end = ended(lambda: job.tool.function(*leading, **job.values))
        if witness:
            witness(job.context.call_key, "after")
        return end if end.error else ended(lambda: job.show(end.value))

    def _late(self, future: "asyncio.Future[Ended | Stopped]") -> None:
        end = future.result()
        if self._over and not self._known and self._job.late and isinstance(end, Ended):
            self._job.late(end)

    def _leading(self) -> tuple[Context[Any], ...]:
        """Return what goes before the model's arguments. Attempts are counted over crashes, too."""
        context = self._job.context
        if not self._job.tool.takes_context:
            return ()
        return (replace(context, attempt=context.attempt + self.made) if self.made else context,)
