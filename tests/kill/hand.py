"""A worker among others: `python -m tests.kill.hand STORE FOLDER LEASE_S SLOTS STEP_S`.

What its tools do to the world is a line each in the file `world`: the tool and the effect key.
So is what the store refuses because somebody else drives: `fenced`.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.labels import OWN
from tests.simulation.outside import TERMS

from jackline.app import Runtime
from jackline.core.agent import Agent, Limits
from jackline.core.errors import FencedError
from jackline.core.events import SessionId
from jackline.core.messages import ToolCall
from jackline.core.tools import Context, tool
from jackline.opening import Surroundings
from jackline.ports import Appended, Batch, Store
from jackline.testing.model import ScriptedModel

ANSWER = "That is done."
ROUNDS = (("look", "put", "pay"), ("note", "charge"))
SCRIPT = {
    "Go.": [*([ToolCall(name, "{}") for name in names] for names in ROUNDS), ANSWER],
    "Say something.": [ANSWER],
}


class World:
    """What is outside, and remembers what was done to it. A step takes `step_s`."""

    def __init__(self, folder: Path, step_s: float = 0.0) -> None:
        self.step_s = step_s
        self._file = folder / "world"

    def do(self, what: str) -> None:
        """Do something that lasts."""
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{what}\n".encode())
        os.close(file)

    def done(self) -> list[str]:
        """Return what was done."""
        return self._file.read_text().splitlines() if self._file.exists() else []


async def _do(ctx: Context[World], what: str) -> str:
    """Do it, and take a while over it."""
    ctx.deps.do(f"{what} {ctx.effect_key}")
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(ctx.deps.step_s, over.set)
    await over.wait()
    return "Done."


@tool(effect="read", labels=OWN)
async def look(ctx: Context[World]) -> str:
    """Look."""
    return await _do(ctx, "look")


@tool(effect="idempotent", labels=OWN)
async def put(ctx: Context[World]) -> str:
    """Put."""
    return await _do(ctx, "put")


@tool(effect="once", labels=OWN)
async def pay(ctx: Context[World]) -> str:
    """Pay."""
    return await _do(ctx, "pay")


@tool(effect="once", labels=OWN)
async def charge(ctx: Context[World]) -> str:
    """Charge."""
    return await _do(ctx, "charge")


@tool(effect="transactional", labels=OWN)
def note(ctx: Context[World]) -> str:
    """Note."""
    ctx.connection.execute("INSERT INTO note VALUES (%s)", (ctx.effect_key,))
    return "Noted."


def hand() -> Agent:
    """Return the agent."""
    tools = [look, put, pay, charge, note]
    # Its drivers are struck at random: three at one call, and it would be given up, as it should.
    struck = Limits(drivers=1_000, attempts=1_000)
    model = ScriptedModel(SCRIPT, terms=TERMS)
    return Agent("hand", model, tools=tools, max_tokens=512, limits=struck)


def counting(store: Store, world: World) -> Store:
    """Have the world remember what the store refuses to those who no longer drive."""
    drive = store.drive

    async def driven(session: SessionId, batch: Batch, lease_s: float) -> Appended:
        try:
            return await drive(session, batch, lease_s)
        except FencedError:
            world.do("fenced")
            raise

    store.drive = driven
    return store


async def work(store: str, world: World, lease_s: float, slots: int) -> None:
    """Drive until SIGTERM, then hand over."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    around = Surroundings(lease_s=lease_s, slots=slots, watch=lambda found: counting(found, world))
    async with Runtime([hand()], store=store, deps=world, surroundings=around):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    url, folder, lease_s, slots, step_s = sys.argv[1:]
    asyncio.run(work(url, World(Path(folder), float(step_s)), float(lease_s), int(slots)))
