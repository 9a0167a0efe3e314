"""An agent to be followed: it looks something up, and then says more than comes at once."""

from jackline import Agent, Limits, tool
from jackline.core.messages import ToolCall
from jackline.testing.model import Pace, ScriptedModel

POEM = "The sea is wide, the line is held, and nobody goes overboard: 海は広い 🌊. " * 6


@tool(effect="read")
def look(line: int) -> str:
    """Look up a line."""
    return f"Line {line} holds."


poet = Agent(
    "poet",
    ScriptedModel([[ToolCall("look", '{"line":7}')], POEM], pace=Pace(5, delta_delay_s=0.002)),
    "",
    tools=[look],
    limits=Limits(drivers=1_000),  # Its drivers are killed often, and not by it.
)
