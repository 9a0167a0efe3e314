"""The agent that `chat` uses where nobody names one: small, and with a tool to call."""

import time
from datetime import UTC, datetime

from jackline.core.agent import Agent
from jackline.core.tools import tool


@tool(effect="read")
def current_time() -> str:
    """Tell the date and the time."""
    now = datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC).astimezone()
    return now.strftime("%A, %d %B %Y, %H:%M:%S %Z")


@tool(effect="read")
def add(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return a + b


def assistant(model: str) -> Agent:
    """Return the agent, with this model."""
    return Agent(
        "assistant",
        model=model,
        instructions="You are a helpful assistant. Use a tool where it helps. Answer briefly.",
        tools=[current_time, add],
    )
