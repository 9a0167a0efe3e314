"""A store that queues, what is in its queue, and an engine that runs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from typing import Any

import psycopg
from psycopg.pq import ExecStatus

from jackline import Text
from jackline.adapters.postgres.store import PostgresStore, open_postgres
from jackline.adapters.procrastinate.engine import ProcrastinateEngine
from jackline.core.events import Principal, SessionId, SessionOpened, TurnSubmitted
from jackline.ports import Batch, Committed
from jackline.ports.engine import Drive

LEASE_S = 2.0
S1, S2 = SessionId("acme", "s1"), SessionId("acme", "s2")
OPENED = SessionOpened("support", "ann")
SERVED = {"support": "v1"}
LATE = "UPDATE session SET due_at = due_at - 60"
Story = Callable[[PostgresStore], Coroutine[Any, Any, None]]


def told(url: str, story: Story) -> None:
    async def run() -> None:
        with closing(open_postgres(url, queues=True)) as store:
            async with asyncio.timeout(40):
                await story(store)

    asyncio.run(run())


def asked(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Run a statement in jackline's schema, and return its rows."""
    with psycopg.connect(url, autocommit=True, options="-c search_path=jackline") as database:
        cursor = database.execute(sql.encode(), values)
        produced = cursor.pgresult and cursor.pgresult.status == ExecStatus.TUPLES_OK
        return cursor.fetchall() if produced else []  # A row may have no columns.


def jobs(url: str) -> list[tuple[str, str]]:
    """Return name and state of the jobs, by number."""
    found = asked(url, "SELECT args->>'name', status FROM procrastinate_jobs ORDER BY id")
    return [(name, status) for name, status in found]


async def say(store: PostgresStore, session: SessionId = S1, request: str = "r1") -> int:
    """Open the session unless it is there, and submit something."""
    event = TurnSubmitted(request, (Text("Hello."),), Principal("ann"), "v1")
    return (await store.tell(session, [event], opened=OPENED)).seq


async def rested(
    store: PostgresStore,
    session: SessionId,
    due_at: float | None = None,
    ends: asyncio.Event | None = None,
) -> None:
    """Claim the session, and let go of it, once `ends` is set."""
    claimed = await store.claim(session, "w1", 60)
    assert claimed is not None
    if ends:
        await ends.wait()
    head = len(await store.read(session))
    batch = Batch(claimed.epoch, head, (), 2, release=True, due_at=due_at, version="v1")
    assert isinstance(await store.drive(session, batch, LEASE_S), Committed)


class Driver:
    """Notes which sessions an engine brings, and does to each what it is told to do."""

    def __init__(self, work: Callable[[SessionId], Awaitable[None]] | None = None) -> None:
        self.brought: list[str] = []
        self._work = work
        self._news = asyncio.Condition()

    async def __call__(self, session: SessionId) -> None:
        async with self._news:
            self.brought.append(session.name)
            self._news.notify_all()
        if self._work:
            await self._work(session)

    async def until(self, *names: str) -> None:
        """Wait until these have been brought, in this order, and nothing else."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.brought) >= len(names))
        assert self.brought == list(names)


@asynccontextmanager
async def running(
    url: str, drive: Drive, *, slots: int = 10
) -> AsyncGenerator[ProcrastinateEngine]:
    engine = ProcrastinateEngine(url, SERVED, slots=slots, lease_s=LEASE_S)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(engine.run(drive))
        yield engine
        task.cancel()


async def becomes(wanted: object, look: Callable[[], object]) -> None:
    """Wait until what is there is what is wanted."""
    while (there := await asyncio.to_thread(look)) != wanted:
        del there
        await asyncio.sleep(0.01)


async def beaten(url: str) -> None:
    """Wait for the worker's next heartbeat."""
    beats = "SELECT last_heartbeat FROM procrastinate_workers"
    first = asked(url, beats)
    await becomes([True], lambda: [asked(url, beats) != first])
