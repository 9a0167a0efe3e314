"""An agent for `jackline worker`, in the version that the environment says.

Its tool writes a line to the file `world`, and waits until there is a file `go`.
"""

import os
from pathlib import Path
from threading import Event

from tests.kill.processes import passed
from tests.labels import OWN

from jackline.core.agent import Agent
from jackline.core.messages import ToolCall
from jackline.core.tools import tool
from jackline.testing.model import ScriptedModel

ANSWER = "That is done."


def do(what: str) -> None:
    """Do something that lasts."""
    with Path("world").open("a") as world:
        world.write(f"{what}\n")


def is_there(name: str | Path) -> bool:
    return Path(name).exists()


@tool(effect="once", labels=OWN)
async def wait() -> str:
    """Wait until somebody says go."""
    do("wait")
    while not is_there("go"):
        await passed(0.02)
    return "It is there."


@tool(effect="transactional", labels=OWN)
def hang() -> str:
    """Never return."""
    do("hang")
    Event().wait()
    return "It is over."


def desk(version: str) -> Agent:
    """Return the agent in a version."""
    calls = {name: [[ToolCall(name, "{}")], ANSWER] for name in ("wait", "hang")}
    script = {"hello": [ANSWER], **calls}
    return Agent("desk", ScriptedModel(script), tools=[wait, hang], version=version)


here = desk(os.environ.get("DESK_VERSION", "1"))
