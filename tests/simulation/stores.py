"""Stores that lie: they take time, lose acknowledgements, and break one promise where told to."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Hashable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from tests.simulation.outside import LEASE_S

from jackline.adapters.memory import MemoryStore
from jackline.adapters.postgres.lanes import Lanes
from jackline.adapters.postgres.store import PostgresStore
from jackline.adapters.sqlite.lanes import Inline
from jackline.adapters.sqlite.store import open_sqlite
from jackline.core.errors import UnknownOutcomeError
from jackline.core.events import Record, SessionId, Told, ToolReturned
from jackline.core.session import Session
from jackline.core.value import replace
from jackline.ports import Appended, Batch, Claimed, Clock, Loaded, Receipt, Store
from jackline.testing.world import World

T = TypeVar("T")
_EMPTY = """
    TRUNCATE jackline.session, jackline.event, jackline.snapshot, jackline.account, jackline.usage,
        jackline.bucket, jackline.artifact;
    UPDATE jackline.clock SET ahead = 0, latest = 0;
    DROP TABLE IF EXISTS written
"""
START = 86_400.0 * 20_000 - 5  # Shortly before midnight: some histories see a new day.


class Lossy:
    """A store that takes time, and sometimes nobody hears whether an append took place."""

    loss = 0.05

    def __init__(self, inner: Store, world: World) -> None:
        self.inner = inner
        self.world = world

    def __getattr__(self, name: str) -> Any:
        """Pass on whatever is not lied about."""
        return getattr(self.inner, name)

    async def claim(self, session: SessionId, worker: str, lease_s: float) -> Claimed | None:
        return await self._io(self.inner.claim(session, worker, lease_s), loss=0)

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        return await self._io(self.inner.drive(session, batch, lease_s), loss=self.loss)

    async def transact(
        self, session: SessionId, epoch: int, turn: int, work: Callable[[Any], ToolReturned]
    ) -> Record:
        return await self._io(self.inner.transact(session, epoch, turn, self.within(work)), loss=0)

    def within(self, work: Callable[[Any], ToolReturned]) -> Callable[[Any], ToolReturned]:
        """Return what is run in the transaction of a transactional tool."""
        return work

    async def tell(self, session: SessionId, events: list[Told], **how: Any) -> Receipt:
        return await self._io(self.inner.tell(session, events, **how), loss=self.loss)

    async def renew(
        self, worker: str, epochs: Mapping[SessionId, int], lease_s: float
    ) -> Mapping[SessionId, int]:
        return await self._io(self.inner.renew(worker, epochs, lease_s), loss=0)

    async def load(self, session: SessionId) -> Loaded:
        return await self._io(self.inner.load(session), loss=0)

    async def save(self, session: Session) -> None:
        await self._io(self.inner.save(session), loss=0)

    async def _io(self, work: Coroutine[Any, Any, T], *, loss: float) -> T:
        random = self.world.random
        with Closing(work):
            await asyncio.sleep(random.uniform(0, 0.02))
            if random.random() < loss:
                raise UnknownOutcomeError
            result = await work
        if random.random() < loss / 2:
            self.world.stop_process(self.world.process, random.uniform(0, 3 * LEASE_S))
        await asyncio.sleep(random.uniform(0, 0.02))
        if random.random() < loss:
            raise UnknownOutcomeError
        return result


class Closing:
    """Work that is never awaited is closed without a warning."""

    def __init__(self, work: Coroutine[Any, Any, object]) -> None:
        self._work = work

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._work.close()


class Unfenced(Lossy):
    """Takes whatever a driver appends, whoever drives."""

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        records = await self.inner.read(session)
        rows = await self.inner.sessions(session.tenant)
        epoch = next(row.epoch for row in rows if row.id == session)
        batch = replace(batch, epoch=epoch, after=len(records))
        return await self._io(self.inner.drive(session, batch, lease_s), loss=0)


class Blind(Lossy):
    """Appends over what the driver has not seen, and has it folded afterwards."""

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        await asyncio.sleep(0.01)
        head = len(await self.inner.read(session))
        outcome = await self.inner.drive(session, replace(batch, after=head), lease_s)
        if head != batch.after:
            raise UnknownOutcomeError
        return outcome


class Forgetful(Lossy):
    """Takes what is told, and makes nobody due."""

    async def tell(self, session: SessionId, events: list[Told], **how: Any) -> Receipt:
        assert isinstance(self.inner, MemoryStore)
        row = self.inner.rows[session]
        before = row.due_at
        receipt = await super().tell(session, events, **how)
        row.due_at = before
        return receipt


class Generous(Lossy):
    """Lets every reservation pass."""

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        batch = replace(batch, reserves=False)
        return await super().drive(session, batch, lease_s)


class Careless(Lossy):
    """Forgets what was spent when it writes the session's row."""

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        return await super().drive(session, replace(batch, spent=0), lease_s)


class Sleepy(Lossy):
    """Forgets when a session that is let go is due again."""

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        batch = replace(batch, due_at=None) if batch.release else batch
        return await super().drive(session, batch, lease_s)


class Hollow(Lossy):
    """Commits that a transactional tool returned, and not what it wrote."""

    def within(self, work: Callable[[Any], ToolReturned]) -> Callable[[Any], ToolReturned]:
        def elsewhere(_: object) -> ToolReturned:
            with closing(sqlite3.connect(":memory:")) as database:
                return work(database)

        return elsewhere


class Warped(Lossy):
    """Keeps a snapshot that is not what the events say."""

    async def save(self, session: Session) -> None:
        await super().save(replace(session, money=session.money.settle(0, 1)))


class Gappy(Lossy):
    """Now and then leaves out an event when it is read."""

    async def read(
        self, session: SessionId, after: int = 0, limit: int | None = None
    ) -> list[Record]:
        records = await self.inner.read(session, after, limit)
        if len(records) > 2 and after and self.world.random.random() < 0.2:
            return records[1:]
        return records


def memory(world: World) -> Callable[[], Store]:
    """Return a store that all processes share."""
    store = MemoryStore(lambda: world.time() + START)
    return lambda: store


def sqlite(world: World, path: Path) -> Callable[[], Store]:
    """Return what gives each process a store of its own on one file."""

    async def latency() -> None:
        await asyncio.sleep(world.random.uniform(0, 0.005))

    def opened() -> Store:
        return open_sqlite(
            path,
            clock=lambda: world.time() + START,
            offload=lambda commit: Inline(commit, latency),
        )

    return opened


class Unthreaded(Lanes):
    """No threads: all happens in the event loop, after and before a `latency` that is awaited."""

    def __init__(self, latency: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._latency = latency

    async def run(self, work: Callable[[], T], line: Hashable = None) -> T:  # noqa: ARG002 - as it is called
        """Return what `work` returns: nothing else happens meanwhile, in any line."""
        await self._latency()
        outcome = work()
        await self._latency()
        return outcome

    def close(self) -> None:
        """Return at once: nothing is under way between two awaits."""


class Inlined(PostgresStore):
    """A store on a real server, one transaction at a time, in a time that is not the server's."""

    def __init__(self, url: str, clock: Clock, lanes: Unthreaded) -> None:
        super().__init__(url, clock=clock, connections=1)
        self._lanes.close()
        self._lanes = lanes


def postgres(world: World, url: str) -> Callable[[], Store]:
    """Return a store that all processes share, emptied, whose machine's clock is set back once."""
    falls_at, falls_s = world.random.uniform(0, 10), world.random.uniform(0, 10)

    def machine_time() -> float:
        return START + world.time() - (falls_s if world.time() > falls_at else 0)

    async def latency() -> None:
        await asyncio.sleep(world.random.uniform(0, 0.005))

    with psycopg.connect(url) as database:
        database.execute(_EMPTY)
    store = Inlined(url, machine_time, Unthreaded(latency))
    return lambda: store


def written_in(url: str) -> set[str]:
    """Return the same of a database on Postgres."""
    with psycopg.connect(url) as database:
        if database.execute("SELECT to_regclass('written')").fetchone() == (None,):
            return set()
        return {key for (key,) in database.execute("SELECT key FROM written")}


def written(tables: sqlite3.Connection | None) -> set[str]:
    """Return the keys of the rows that the transactional tools of the simulation wrote."""
    there = "SELECT 1 FROM sqlite_schema WHERE name = 'written'"
    if tables is None or not tables.execute(there).fetchone():
        return set()
    return {key for (key,) in tables.execute("SELECT key FROM written")}
