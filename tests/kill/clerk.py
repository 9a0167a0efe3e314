"""A worker process to be killed: `python -m tests.kill.clerk STORE FOLDER LEASE_S [GATE…]`.

It says on stdout how far it is, and waits at the gates that it is given, each once, until a
line comes on stdin. What its tools do to the world is a line each in the file `world`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from tests.labels import OWN

from jackline.adapters.postgres.store import PostgresStore
from jackline.app import Runtime
from jackline.core import window
from jackline.core.agent import Agent, Window
from jackline.core.budget import Price, Terms
from jackline.core.errors import FencedError, StoreError, UnknownOutcomeError
from jackline.core.events import Record, SessionId, SessionTaken, ToolReturned
from jackline.core.messages import Text, ToolCall
from jackline.core.tools import Context, tool
from jackline.opening import Surroundings
from jackline.ports import Appended, Batch, Reply, Request, Store
from jackline.testing.model import Pace, ScriptedModel

ANSWER = "That is done."


def calls(*names: str) -> list[ToolCall]:
    return [ToolCall(name, "{}") for name in names]


SCRIPT = {
    "": [ANSWER],
    "look": [calls("look"), ANSWER],
    "reserve": [calls("reserve"), ANSWER],
    "pay": [calls("pay"), ANSWER],
    "note": [calls("note"), ANSWER],
    "pay twice": [calls("pay_in_turn", "pay_in_turn"), ANSWER],
    "pay much": [calls("pay_much"), ANSWER],
    "say and pay": [[Text("I do that."), *calls("pay")], ANSWER],
    "charge": [calls("look", "reserve", "charge"), calls("note"), ANSWER],
    "all": [calls("look", "reserve", "pay"), calls("note"), ANSWER],
}


def say(word: str) -> None:
    """Let the test know."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


class World:
    """What is outside: a list of what was done to it, and gates that somebody opens."""

    def __init__(self, folder: Path, gates: list[str]) -> None:
        self._file = folder / "world"
        self._gates = gates

    def do(self, what: str) -> None:
        """Do something that lasts."""
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{what}\n".encode())
        os.fsync(file)
        os.close(file)

    def pass_blocking(self, gate: str) -> None:
        """Pass a gate, on a thread."""
        if self._is_closed(gate):
            sys.stdin.readline()

    async def through(self, gate: str) -> None:
        """Pass a gate."""
        if self._is_closed(gate):
            opened, loop = asyncio.Event(), asyncio.get_running_loop()
            loop.add_reader(sys.stdin, opened.set)
            await opened.wait()
            loop.remove_reader(sys.stdin)

    def _is_closed(self, gate: str) -> bool:
        say(gate)
        closed = gate in self._gates
        if closed:
            self._gates.remove(gate)
        return closed


@tool(effect="read", labels=OWN)
async def look(ctx: Context[World]) -> str:
    """Look."""
    ctx.deps.do("look")
    await ctx.deps.through("look")
    return "There is one."


@tool(effect="idempotent", labels=OWN)
def reserve(ctx: Context[World]) -> str:
    """Reserve."""
    ctx.deps.do(f"reserve {ctx.effect_key}")
    ctx.deps.pass_blocking("reserve")
    return "It is reserved."


@tool(effect="once", labels=OWN)
async def pay(ctx: Context[World]) -> str:
    """Pay."""
    ctx.deps.do("pay")
    await ctx.deps.through("pay")
    return "It is paid."


@tool(effect="once", labels=OWN)
async def charge(ctx: Context[World]) -> str:
    """Charge."""
    ctx.deps.do(f"charge {ctx.effect_key}")
    await ctx.deps.through("charge")
    return "It is charged."


@tool(effect="once", approve=True, labels=OWN)
async def pay_much(ctx: Context[World]) -> str:
    """Pay much."""
    ctx.deps.do("pay")
    return "It is paid."


@tool(effect="once", concurrency=1, labels=OWN)
async def pay_in_turn(ctx: Context[World]) -> str:
    """Pay, when nobody else pays."""
    ctx.deps.do("pay")
    await ctx.deps.through("pay in turn")
    return "It is paid."


@tool(effect="transactional", labels=OWN)
def note(ctx: Context[World]) -> str:
    """Note."""
    ctx.connection.execute("CREATE TABLE IF NOT EXISTS note (text TEXT)")
    ctx.connection.execute("INSERT INTO note VALUES ('noted')")
    ctx.deps.pass_blocking("note")
    return "It is noted."


class GatedModel:
    """Answers by the script, with a gate in the midst of each answer and of each summary."""

    terms = Terms("scripted", Price("0.15", "0.60"), window_tokens=4_000)

    def __init__(self, world: World) -> None:
        self._world = world
        # A word and a space go out at once: a word that may go on is held back by the guards.
        self._script = ScriptedModel(SCRIPT, terms=self.terms, pace=Pace(delta=5))

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        compacts = request.instructions == window.SUMMARISE
        if compacts:
            await self._world.through("compact")
        async for part in self._script.stream(request):
            yield part
            if isinstance(part, str) and not compacts:
                await self._world.through("delta")


def clerk(world: World) -> Agent:
    """Return the agent."""
    return Agent(
        "clerk",
        GatedModel(world),
        tools=[look, reserve, pay, charge, pay_much, pay_in_turn, note],
        window=Window(keep_last=2),
        max_tokens=512,
    )


class Telling(PostgresStore):
    """Lets the test know when somebody finds that another worker has followed.

    What it appends is refused; or it hears of news and reads them before it has anything to append.
    """

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        """See `Journal.drive`."""
        try:
            return await super().drive(session, batch, lease_s)
        except FencedError:
            say("fenced")
            raise

    async def transact(
        self, session: SessionId, epoch: int, turn: int, work: Callable[[Any], ToolReturned]
    ) -> Record:
        """See `Journal.transact`."""
        try:
            return await super().transact(session, epoch, turn, work)
        except FencedError:
            say("fenced")
            raise
        except (StoreError, UnknownOutcomeError):
            say("cut off")
            raise

    async def read(
        self, session: SessionId, after: int = 0, limit: int | None = None
    ) -> list[Record]:
        """See `Journal.read`."""
        records = await super().read(session, after, limit)
        if after and any(isinstance(record.event, SessionTaken) for record in records):
            say("fenced")
        return records


def gated(store: Store, world: World) -> Store:
    """Have what a transactional tool commits pass a gate on its way there."""
    transact = store.transact

    async def transacted(
        session: SessionId, epoch: int, turn: int, work: Callable[[Any], ToolReturned]
    ) -> Record:
        await world.through("commit")
        return await transact(session, epoch, turn, work)

    store.transact = transacted
    return store


async def work(store: str, folder: Path, lease_s: float, gates: list[str]) -> None:
    """Drive until SIGTERM, then hand over."""
    world, ended = World(folder, gates), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)

    engine = os.environ.get("CLERK_ENGINE", "")
    around = Surroundings(lease_s=lease_s, engine=engine, watch=lambda found: gated(found, world))
    where = Telling(store) if engine else store
    runtime = Runtime([clerk(world)], store=where, deps=world, surroundings=around)
    async with runtime:
        say("ready")
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
