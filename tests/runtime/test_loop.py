"""Steps that do to their own task what only the drive may do."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from jackline import Agent, Runtime, tool
from jackline.app import Result
from jackline.core import events as e
from jackline.core.messages import ToolCall
from jackline.core.tools import Effect
from jackline.ports import Reply, Request
from jackline.testing import ScriptedModel
from jackline.testing.model import FREE


async def cancel_yourself() -> None:
    """Wait for something, and then cancel the task that this runs in."""
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


def ran(agent: Agent) -> tuple[Result, list[e.Event]]:
    async def run() -> tuple[Result, list[e.Event]]:
        async with Runtime([agent], store="memory://") as runtime:
            async with asyncio.timeout(20):
                result = await runtime.run("odd", "Hi")
            records = await runtime.store.read(result.session)
            return result, [record.event for record in records]

    return asyncio.run(run())


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


def test_a_model_that_cancels_its_own_task_fails_the_turn_in_the_end() -> None:
    class Odd:
        terms = FREE

        async def stream(self, _: Request) -> AsyncGenerator[str | Reply, None]:
            await cancel_yourself()
            yield "never"

    result, _ = ran(Agent("odd", Odd()))
    assert (result.outcome, result.code) == ("failed", "internal")
