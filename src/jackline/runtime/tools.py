"""How one tool call runs: within its limits, to exactly one outcome."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace as changed
from inspect import iscoroutinefunction
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from jackline.core.errors import StoreError, ToolError, UnknownOutcomeError
from jackline.core.events import (
    ToolFailed,
    ToolReconciled,
    ToolReturned,
    ToolUnknown,
)
from jackline.core.messages import Text
from jackline.core.results import Shown, explained, is_words, kept, shortened, shown, unread
from jackline.core.tools import ArgumentsError, Context, Tool
from jackline.core.value import Value, replace
from jackline.ports import Clock, Rates
from jackline.runtime.attempts import Around, Attempts, Job, Witness
from jackline.runtime.bounded import Ended, OverdueError, ended
from jackline.runtime.limits import Limits, Refusal, Sleep
from jackline.runtime.threads import Offload, Threads

Outcome = ToolReturned | ToolFailed | ToolUnknown


class Surroundings(Protocol):
    """What a call needs of the drive that makes it."""

    def check_lease(self) -> None:
        """Raise `FencedError` unless the lease holds at this very moment. From any thread."""
        ...

    def clean(self, text: str) -> str:
        """Return a text as it may be written down. From any thread."""
        ...

    def late(self, outcome: ToolReconciled) -> None:
        """Hear how a call ended that had been given up."""
        ...

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep a large result, and return its handle. Raises `StoreError`."""
        ...

    async def transact(self, work: Callable[[Any], ToolReturned]) -> None:
        """Commit what `work` writes together with what it returns, or raise what it raises."""
        ...


class Invocation(Value, frozen=True, gc=True):
    """One call that is in the journal as begun. `arguments` fit the tool: `check` made them."""

    tool: Tool
    key: str
    arguments: str
    context: Context[Any]
    drive: Surroundings


class ToolEngine:
    """Runs tools. What it remembers of each, it remembers as long as there is that tool.

    `clock` and `sleep` go by the same seconds, `random` gives numbers from 0 to below 1. Rates
    know a tool by its function, so that it has one rate in all processes.
    """

    def __init__(
        self,
        clock: Clock,
        random: Callable[[], float],
        rates: Rates,
        *,
        sleep: Sleep = asyncio.sleep,
        threads: Offload | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._around = Around(clock, random, sleep, threads or Threads(), witness)
        self._unwatched = replace(self._around, witness=None)
        self._rates = rates
        self._named: Counter[str] = Counter()
        self._limits: WeakKeyDictionary[Tool, Limits] = WeakKeyDictionary()
        self._reconcilers: WeakKeyDictionary[Tool, Tool] = WeakKeyDictionary()

    async def run(self, call: Invocation) -> Outcome | None:
        """Make the call, and return its outcome; None if that has been committed already.

        A tool may fail, hang, exit or return nonsense: that is an outcome. Raises `FencedError`
        where the lease is over, having made no call, and `CancelledError` at once, though a
        thread may go on: `late` hears how it ended.
        """
        begun = self._around.clock()
        try:
            values = call.tool.bind(call.arguments)
        except ArgumentsError as error:
            return ToolFailed(call.key, error.text, error.code)
        if call.tool.effect == "transactional":
            return await self._transact(call, values, begun)
        job = Job(
            call.tool,
            call.context,
            values,
            lambda value: _labelled(call, value),
            call.drive.check_lease,
            None if call.tool.effect == "read" else lambda end: _tell_late(call, end),
        )
        attempts = Attempts(self._around, self._limits_of(call.tool), job)
        end = await attempts.end()
        seconds = self._around.clock() - begun
        if isinstance(end, Refusal):
            return ToolFailed(call.key, end.text, end.code, 0, seconds)
        if end.error:
            return _failed(call, end.error, attempts.made, seconds)
        result: Shown = end.value
        if result.problem or result.whole:
            return await _reduced(call, result, attempts.made, seconds)
        parts, labels = result.parts, result.labels
        returned = ToolReturned(
            call.key, parts, labels=labels, attempts=attempts.made, seconds=seconds
        )
        return _kept_to(call.tool, returned)

    async def reconcile(self, call: Invocation) -> ToolReconciled:
        """Ask the outside whether the call happened. What cannot be asked stays unknown."""
        tool, key = call.tool, call.key
        asks = self._reconcilers.get(tool)
        if asks is None:
            assert tool.reconcile is not None, f"{tool.name} has nobody to ask"
            is_async = iscoroutinefunction(tool.reconcile)
            asks = changed(
                tool, function=tool.reconcile, effect="read", retries=2, is_async=is_async
            )
            self._reconcilers[tool] = asks
        try:
            values = tool.bind(call.arguments)
        except ArgumentsError as error:
            return ToolReconciled(key, None, f"Whether it took effect is unknown: {error.text}")
        job = Job(asks, call.context, values, lambda said: _verdict(call, said))
        # To ask about a call is not to make it: nobody witnesses that.
        end = await Attempts(self._unwatched, self._limits_of(asks), job).end()
        if isinstance(end, Refusal):
            return ToolReconciled(key, None, f"Whether it took effect is unknown: {end.text}")
        if end.error:
            why = _why(replace(call, tool=asks), end.error)
            return ToolReconciled(key, None, f"Whether it took effect is unknown: {why}")
        return end.value

    def close(self) -> None:
        """End the threads that are idle. Those of hung tools end with them, or with the process."""
        self._around.threads.close()

    async def _transact(
        self, call: Invocation, values: dict[str, object], begun: float
    ) -> Outcome | None:
        limits = self._limits_of(call.tool)
        ticket = await limits.enter(call.tool.timeout_s)
        if isinstance(ticket, Refusal):
            return ToolFailed(call.key, ticket.text, ticket.code, 0)
        ok, ends = None, list[Ended]()
        try:
            await call.drive.transact(
                lambda connection: self._inside(call, values, connection, ends)
            )
            ok = True
        except (ToolError, TimeoutError) as error:
            why = ends[-1].error if ends and ends[-1].error else error
            ok = isinstance(why, ToolError)
            return _failed(call, why, 1, self._around.clock() - begun)
        finally:
            await limits.leave(ticket, ok=ok)
        return None

    def _inside(
        self, call: Invocation, values: dict[str, object], connection: object, ends: list[Ended]
    ) -> ToolReturned:
        """Run the function inside a commit. Whatever it raises is a `ToolError` for the store."""
        begun, witness = self._around.clock(), self._around.witness
        context = (replace(call.context, database=connection),) if call.tool.takes_context else ()
        if witness:
            witness(call.key, "before")
        end = ended(lambda: _labelled(call, call.tool.function(*context, **values)))
        if witness:
            witness(call.key, "after")
        ends.append(end)
        if end.error:
            raise ToolError("The tool failed, so nothing may be committed.") from end.error
        result: Shown = end.value
        if result.problem or result.whole:
            problem = result.problem or f"it has more than {call.tool.result_bytes:,} bytes"
            raise ToolError(f"Nothing was written, because its result cannot be used: {problem}.")
        seconds = self._around.clock() - begun
        returned = ToolReturned(call.key, result.parts, labels=result.labels, seconds=seconds)
        return _kept_to(call.tool, returned)

    def _limits_of(self, tool: Tool) -> Limits:
        limits = self._limits.get(tool)
        if limits is None:
            around, name = self._around, self._name(tool)
            limits = Limits(tool, name, self._rates, around.clock, around.sleep)
            self._limits[tool] = limits
        return limits

    def _name(self, tool: Tool) -> str:
        """Return the tool's name in all processes. Of one function's tools each has its own."""
        made = tool.function
        name = f"tool/{made.__module__}:{getattr(made, '__qualname__', tool.name)}"
        self._named[name] += 1
        count = self._named[name]
        return name if count == 1 else f"{name}#{count}"


def _labelled(call: Invocation, value: object) -> Shown:
    """Return what the model reads of a result, and who wrote which field of it."""
    tool = call.tool
    result = shown(value, tool.result_bytes, call.drive.clean)
    if tool.quarantined:
        result = unread(result)
    if not tool.flow.labels.paths:
        return result
    return replace(result, labels=tool.flow.labels.of("" if is_words(value) else value))


def _failed(
    call: Invocation, error: BaseException, attempts: int, seconds: float
) -> ToolFailed | ToolUnknown:
    """Return what an error means: only a tool that refuses or reads has surely done nothing."""
    if isinstance(error, ToolError):
        text = shortened(call.drive.clean(error.text))
        return ToolFailed(call.key, text, "refused", attempts, seconds)
    code = "timeout" if isinstance(error, OverdueError) else "error"
    text = _why(call, error)
    if call.tool.effect in {"read", "transactional"}:
        return ToolFailed(call.key, text, code, attempts, seconds)
    text, once = f"{text} Whether it took effect is unknown.", call.tool.effect == "once"
    return ToolUnknown(call.key, text, code, once=once)


def _why(call: Invocation, error: BaseException) -> str:
    if isinstance(error, OverdueError):
        return f"{call.tool.name} gave no answer within {call.tool.timeout_s:g} s."
    return explained(error, call.drive.clean)


async def _reduced(
    call: Invocation, result: Shown, attempts: int, seconds: float
) -> ToolReturned | ToolFailed:
    """Return the outcome where the model cannot read all of the result, or nothing of it."""
    if result.problem:
        text = f"What {call.tool.name} returned cannot be used: {result.problem}."
        if call.tool.effect == "read":
            return ToolFailed(call.key, text, "result", attempts, seconds)
        parts = (Text(f"{call.tool.name} has run. {text}"),)
        return ToolReturned(call.key, parts, attempts=attempts, seconds=seconds)
    try:
        handle = await call.drive.keep(result.whole, "text/plain; charset=utf-8")
    except (StoreError, UnknownOutcomeError):
        handle = ""
    parts, labels = kept(result, handle), result.labels
    returned = ToolReturned(call.key, parts, handle, labels, attempts, seconds)
    return _kept_to(call.tool, returned)


def _kept_to(tool: Tool, returned: ToolReturned) -> ToolReturned:
    """Return a result as one that only those read whom its tool names now."""
    return replace(returned, quarantined=tool.quarantined, readers=tool.flow.readers)


def _tell_late(call: Invocation, end: Ended) -> None:
    """Say what came of a call after it was given up, if that tells whether it took effect."""
    if end.error is None:
        text, readers = _text(end.value), call.tool.flow.readers
        call.drive.late(ToolReconciled(call.key, happened=True, text=text, readers=readers))
    elif isinstance(end.error, ToolError):
        text = shortened(call.drive.clean(end.error.text))
        readers = call.tool.flow.readers
        call.drive.late(ToolReconciled(call.key, happened=False, text=text, readers=readers))


def _verdict(call: Invocation, said: object) -> ToolReconciled:
    key = call.key
    match said:
        case True:
            return ToolReconciled(key, happened=True, text="It took effect.")
        case False:
            return ToolReconciled(key, happened=False, text="It did not take effect.")
        case None:
            return ToolReconciled(key, None, "Whether it took effect could not be found out.")
        case _:
            result = shown(said, call.tool.result_bytes, call.drive.clean)
            return ToolReconciled(key, happened=True, text=_text(result))


def _text(result: Shown) -> str:
    if result.problem:
        return f"It took effect, but what it returned cannot be used: {result.problem}."
    parts = kept(result, "") if result.whole else result.parts
    return "".join(part.text for part in parts if isinstance(part, Text)) or "It took effect."
