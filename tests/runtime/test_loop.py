"""Steps that do to their own task what only the drive may do, and drives one after another."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from jackline import Agent, Limits, Runtime, tool
from jackline.app import LOCAL_USER, Result
from jackline.core import events as e
from jackline.core.messages import Text, ToolCall
from jackline.core.tools import Effect
from jackline.ports import Reply, Request
from jackline.runtime import worker
from jackline.testing import ScriptedModel
from jackline.testing.model import FREE

WHO = ContextVar("who", default="nobody")


def me() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def cancel_yourself() -> None:
    """Wait for something, and then cancel the task that this runs in."""
    await asyncio.sleep(0)
    me().cancel()
    await asyncio.sleep(0)


def ran(agent: Agent, store: str = "memory://") -> tuple[Result, list[e.Event]]:
    async def run() -> tuple[Result, list[e.Event]]:
        async with Runtime([agent], store=store) as runtime:
            async with asyncio.timeout(8):
                result = await runtime.run("odd", "Hi")
            records = await runtime.store.read(result.session)
            return result, [record.event for record in records]

    return asyncio.run(run())


def returned(events: list[e.Event]) -> list[str]:
    texts = [event.parts[0] for event in events if isinstance(event, e.ToolReturned)]
    return [part.text for part in texts if isinstance(part, Text)]


@pytest.mark.parametrize(
    ("effect", "outcome"),
    [("read", e.ToolFailed), ("idempotent", e.ToolUnknown), ("once", e.ToolUnknown)],
)
def test_a_tool_that_cancels_its_own_task_has_an_outcome_at_once(
    effect: Effect, outcome: type[e.Event]
) -> None:
    @tool(effect=effect)
    async def odd() -> None:
        """Be odd."""
        await cancel_yourself()

    model = ScriptedModel([[ToolCall("odd", "{}")] * 2, "Well."])
    result, events = ran(Agent("odd", model, tools=[odd]))
    assert result.text == "Well."
    assert [type(event) for event in events].count(outcome) == 2


async def cancels() -> None:
    me().cancel()


async def is_cancelled_soon() -> None:
    asyncio.get_running_loop().call_soon(me().cancel)


async def is_cancelled_later() -> None:
    asyncio.get_running_loop().call_later(0.002, me().cancel)


async def swallows() -> None:
    with suppress(asyncio.CancelledError):
        await cancel_yourself()


async def handles_a_group_s_error() -> None:
    async def fails() -> None:
        raise ValueError

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
    except* ValueError:
        WHO.set("somebody who handled it")


@pytest.mark.parametrize(
    "does", [cancels, is_cancelled_soon, is_cancelled_later, swallows, handles_a_group_s_error]
)
def test_a_tool_that_returns_has_returned_whatever_it_did_to_its_task(
    does: Callable[[], Any], tmp_path: Path
) -> None:
    @tool(effect="once", labels={"*": "system"})
    async def odd(n: int) -> str:
        """Be odd."""
        await does()
        return f"paid {n}"

    script = [*([ToolCall("odd", f'{{"n":{n}}}')] for n in range(3)), "Well."]
    agent = Agent("odd", ScriptedModel(script), tools=[odd])
    result, events = ran(agent, f"sqlite:///{tmp_path}/jackline.db")
    assert result.text == "Well."
    assert returned(events) == ["paid 0", "paid 1", "paid 2"]


def test_a_step_finds_no_context_of_another() -> None:
    @tool(effect="read")
    async def odd(name: str) -> str:
        """Be odd."""
        await asyncio.sleep(0)
        before = WHO.get()
        WHO.set(name)
        await asyncio.sleep(0)
        return f"{before} {WHO.get()}"

    script = [*([ToolCall("odd", f'{{"name":"{n}"}}')] for n in ("ann", "bob")), "Well."]
    _, events = ran(Agent("odd", ScriptedModel(script), tools=[odd]))
    assert returned(events) == ["nobody ann", "nobody bob"]


def test_a_turn_is_cancelled_though_its_tool_does_not_want_to() -> None:
    begun = asyncio.Event()

    @tool(effect="once")
    async def stubborn() -> str:
        """Stay."""
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "still here"

    async def run() -> tuple[Result, Result, list[e.Event]]:
        model = ScriptedModel({"Hi": [[ToolCall("stubborn", "{}")]], "And?": ["Hello again."]})
        async with Runtime([Agent("odd", model, tools=[stubborn])], store="memory://") as runtime:
            running = asyncio.ensure_future(runtime.run("odd", "Hi", session="s"))
            async with asyncio.timeout(8):
                await begun.wait()
                session = e.SessionId("default", "s")
                await runtime.sessions.cancel(session, LOCAL_USER, "enough")
                cancelled, again = await running, await runtime.run("odd", "And?", session="s")
            records = await runtime.store.read(session)
            return cancelled, again, [record.event for record in records]

    cancelled, again, events = asyncio.run(run())
    assert (cancelled.outcome, again.text) == ("cancelled", "Hello again.")
    assert returned(events) == []


async def exit_now() -> None:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("broken", "code"), [(cancel_yourself, "connection"), (exit_now, "internal")]
)
def test_a_model_that_breaks_its_worker_fails_the_turn_in_the_end(
    broken: Callable[[], Any], code: str
) -> None:
    class Odd:
        terms = FREE

        async def stream(self, _: Request) -> AsyncGenerator[str | Reply, None]:
            await broken()
            yield "never"

    result, _ = ran(Agent("odd", Odd(), limits=Limits(model_tries=1)))
    assert (result.outcome, result.code) == ("failed", code)


def test_instructions_that_exit_fail_the_turn() -> None:
    def leave(_: object) -> str:
        raise SystemExit(3)

    result, _ = ran(Agent("odd", ScriptedModel(["Hi."]), leave))
    assert (result.outcome, result.code) == ("failed", "instructions")


def test_what_comes_as_a_drive_ends_waits_for_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_TICK_S", 3_600.0)

    @tool(effect="read")
    async def look() -> str:
        """Look."""
        await asyncio.sleep(0)
        return "here"

    async def run() -> list[str]:
        model = ScriptedModel([[ToolCall("look", "{}")], "Well."])
        async with Runtime([Agent("odd", model, tools=[look])], store="memory://") as runtime:
            async with asyncio.timeout(8):
                return [(await runtime.run("odd", "Hi", session="s")).text for _ in range(12)]

    assert asyncio.run(run()) == ["Well."] * 12
