"""The smallest agent: a model, a tool, and a question."""

import asyncio

from jackline import Agent, Runtime, ToolCall, tool
from jackline.testing import ScriptedModel


@tool(effect="read")
def opening_hours(day: str) -> str:
    """Say when the shop is open.

    Args:
        day: The day of the week.
    """
    return "10 to 16" if day == "Saturday" else "9 to 18"


# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
model = ScriptedModel([[ToolCall("opening_hours", '{"day": "Saturday"}')], "From 10 to 16."])
clerk = Agent("clerk", model=model, instructions="You answer for a shop.", tools=[opening_hours])


async def main() -> None:
    """Ask, and print the answer."""
    async with Runtime([clerk], store="sqlite:///quickstart.db") as runtime:
        result = await runtime.run("clerk", "When do you open on Saturday?")
        print(result.output, f"({result.outcome}, ${result.cost / 1e6:.4f})")


if __name__ == "__main__":
    asyncio.run(main())
