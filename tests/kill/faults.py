"""Faults for the crash test to find: `python -m tests.kill.faults NAME BOUNDARY [POSTGRES]`."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.kill.seller import Shop, sale
from tests.labels import OWN

from jackline.adapters.sqlite.migrate import bring_up_to_date
from jackline.adapters.sqlite.store import SqliteStore, open_sqlite
from jackline.core.agent import Agent
from jackline.core.events import SessionId, Told, TurnResumed, TurnSteered
from jackline.core.messages import ToolCall
from jackline.core.tools import Context, tool
from jackline.core.value import replace as changed
from jackline.ports import Appended, Batch, Claimed, Clock, Committed, Receipt, Store
from jackline.testing.crashtest import Extent, certify
from jackline.testing.crashtest.alone import Alone, OpenStore
from jackline.testing.crashtest.pair import Pair
from jackline.testing.crashtest.run import Ground
from jackline.testing.model import ScriptedModel
from jackline.testing.scenario import Scenario, scenario


@tool(effect="idempotent", approve=True, name="charge", labels=OWN)
async def charge_again(ctx: Context[Shop], order: int, cents: int) -> str:
    """Charge the customer, each time: this is not idempotent, whatever it says."""
    return ctx.deps.pay(order, cents)


def misdeclared() -> Scenario:
    """Return the sale with a payment that is said to be safe to repeat, and is not."""
    tools = [charge_again if each.name == "charge" else each for each in sale.agent.tools]
    return replace(sale, agent=replace(sale.agent, tools=tools, version="misdeclared"))


class Hasty(SqliteStore):
    """Acknowledges a steer at once, and keeps it with the driver's next commit.

    The first driver begins when that has happened: its death in that commit loses the steer.
    """

    _told: tuple[SessionId, Sequence[Told]] | None = None

    def __init__(self, path: Path, *, clock: Clock) -> None:
        super().__init__(path, clock=clock)
        self._steered = asyncio.Event()

    async def claim(self, session: SessionId, worker: str, lease_s: float) -> Claimed | None:
        claimed = await super().claim(session, worker, lease_s)
        if claimed and claimed.epoch == 1:
            await self._steered.wait()
        return claimed

    async def tell(self, session: SessionId, events: Sequence[Told], **how: Any) -> Receipt:
        if isinstance(events[0], TurnSteered):
            self._told = session, events
            self._steered.set()
            return Receipt(0, None, 0.0)
        return await super().tell(session, events, **how)

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        if told := self._told:
            self._told = None
            await super().tell(*told)
        return await super().drive(session, batch, lease_s)


class Lazy(SqliteStore):
    """Says that an approved call is durably begun, and writes that with the call's result."""

    _left: tuple[SessionId, Batch, float] | None = None

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        if isinstance(batch.events[0], TurnResumed):
            self._left = session, batch, lease_s
            return Committed(self._clock.peek())
        if left := self._left:
            self._left = None
            await super().drive(*left)
        return await super().drive(session, batch, lease_s)


def opened(kind: type[SqliteStore]) -> OpenStore:
    """Return what opens a store of this kind."""

    def open_store(path: Path, clock: Clock) -> SqliteStore:
        bring_up_to_date(path, clock())
        return kind(path, clock=clock)

    return open_store


def careless(store: Store) -> Store:
    """Have the store write for whoever asks, also for a worker that was taken for dead."""
    drive = store.drive

    async def driven(session: SessionId, batch: Batch, lease_s: float) -> Appended:
        while (row := await store.row(session)).epoch != batch.epoch:
            given = changed(batch, epoch=row.epoch, after=row.head)
            outcome = await drive(session, given, lease_s)
            if isinstance(outcome, Committed):
                return outcome  # Otherwise whoever drives was faster.
        return await drive(session, batch, lease_s)

    store.drive = driven
    return store


def sound(path: Path, clock: Clock) -> SqliteStore:
    """Open a store that has no fault."""
    return open_sqlite(path, clock=clock)


misdeclared_sale = misdeclared()


@scenario(agent=sale.agent, input="Sell order 7.", replies=["Sold."], check=lambda _: "sold out")
def broken() -> Shop:
    """Be refused by the world even where nothing is killed."""
    return Shop()


@tool(effect="read")
def leave() -> str:
    """End the whole process, with a code that a program may well end with."""
    os._exit(3)


_LEAVER = Agent("leaver", ScriptedModel([[ToolCall("leave", "{}")], "Left."]), tools=[leave])


@scenario(agent=_LEAVER, input="Leave.", replies=[[ToolCall("leave", "{}")], "Left."])
def left() -> None:
    """Give nothing: the tool needs none."""


@scenario(agent=_LEAVER, input="Leave.", replies=[[ToolCall("leave", "{}")], "Left."])
def unserved() -> None:
    """Give the tools nothing, as the database of the tests is down."""
    raise RuntimeError("no database")


@scenario(agent=_LEAVER, input="Leave.", replies=[])
def unanswered() -> None:
    """Have a model that has nothing to say."""


@scenario(agent=_LEAVER, input="Leave.", record="nowhere.jsonl")
def unrecorded() -> None:
    """Have a recording that is not there."""


FAULTS: Mapping[str, tuple[Scenario, OpenStore]] = {
    "none": (sale, sound),
    "misdeclared": (misdeclared_sale, sound),
    "hasty": (sale, opened(Hasty)),
    "lazy": (sale, opened(Lazy)),
    "careless": (sale, sound),
}


def unseen(_done: int, _total: int) -> None:
    """Hear of progress, and show nothing."""


def ground(fault: str, postgres: str) -> Ground:
    """Return where runs with this fault are made."""
    if not postgres:
        return Alone(FAULTS[fault][1])
    return Pair(postgres, careless) if fault == "careless" else Pair(postgres)


if __name__ == "__main__":
    named, boundary, *server = sys.argv[1:]
    found = Extent(doubles=0, timed=0, at=boundary)
    report = certify(FAULTS[named][0], found, unseen, ground(named, "".join(server)))
    sys.stdout.write(report.as_json().decode())
