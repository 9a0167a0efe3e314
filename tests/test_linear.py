"""G10: a round costs the same however long the session is."""

import asyncio
import sys
from types import FrameType

from jackline import Agent, Budget, Limits, Runtime, ToolCall, tool
from jackline.testing import ScriptedModel


@tool(effect="read")
async def look(n: int) -> str:
    """Look at something."""
    return f"thing {n}"


def agent(rounds: int) -> Agent:
    script = [[ToolCall("look", f'{{"n":{n}}}')] for n in range(rounds)]
    return Agent(
        "long",
        ScriptedModel([*script, "Seen all."]),
        tools=[look],
        budget=Budget(usd=None, session_usd=None),
        limits=Limits(model_calls=None, tool_calls=None, driven_s=None),
    )


def calls_of(rounds: int) -> int:
    """Return how many functions a turn of so many rounds calls: work, without a clock."""
    count = 0

    def counted(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    async def turn() -> None:
        async with Runtime([agent(rounds)], store="memory://") as runtime:
            sys.setprofile(counted)
            try:
                result = await runtime.run("long", "Look at everything.")
            finally:
                sys.setprofile(None)
        assert result.outcome == "completed", result

    asyncio.run(turn())
    return count


def test_a_round_does_the_same_work_in_a_long_session_as_in_a_short_one() -> None:
    calls_of(1)  # The first turn of a process imports what it needs.
    few, some, many = calls_of(5), calls_of(25), calls_of(225)
    early, late = (some - few) / 20, (many - some) / 200
    assert late <= 1.1 * early, f"{early:.0f} calls a round at first, {late:.0f} later"
