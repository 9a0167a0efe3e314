"""The list of workers in Postgres: who is alive, who was lost, and who is forgotten."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import closing

import psycopg

from jackline.adapters.postgres.store import PostgresStore, open_postgres
from jackline.core.events import SessionId, TurnCancelRequested
from jackline.ports import Batch, Presence
from jackline.testing.conformance import ManualClock
from jackline.testing.conformance.world import LEASE_S, S1, S2, driven, submitted

ONE = Presence("one", {"support": "v1"}, 5, LEASE_S)
TWO = Presence("two", {"support": "v2", "sales": "v1"}, 7, LEASE_S)


def on(url: str, story: Callable[[PostgresStore, ManualClock], Awaitable[None]]) -> None:
    clock = ManualClock()
    with closing(open_postgres(url, clock=clock)) as store:
        asyncio.run(asyncio.wait_for(story(store, clock), 30))


def kept(url: str) -> list[str]:
    with psycopg.connect(url) as database:
        return [name for (name,) in database.execute("SELECT name FROM jackline.worker ORDER BY 1")]


def test_a_worker_is_dead_when_its_lease_is_over_and_forgotten_after_an_hour(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore, clock: ManualClock) -> None:
        await store.beat(ONE)
        await store.beat(TWO)
        clock.advance(LEASE_S)
        await store.beat(TWO)
        assert [(row.name, row.alive) for row in await store.workers()] == [
            ("one", False),
            ("two", True),
        ]
        clock.advance(3_601)
        await store.beat(TWO)
        assert [row.name for row in await store.workers()] == ["two"]
        assert kept(postgres_url) == ["two"]

    on(postgres_url, story)


def test_a_worker_that_was_forgotten_is_there_again_when_it_speaks(postgres_url: str) -> None:
    async def story(store: PostgresStore, clock: ManualClock) -> None:
        await store.beat(ONE)
        clock.advance(4_000)
        await store.beat(ONE)
        (row,) = await store.workers()
        assert (row.alive, row.slots, row.serves, row.silent_s) == (True, 5, ONE.serves, 0)
        await store.leave("one")
        assert await store.workers() == []

    on(postgres_url, story)


def test_what_waits_is_counted_by_version_and_whether_somebody_serves_it(postgres_url: str) -> None:
    async def story(store: PostgresStore, clock: ManualClock) -> None:
        await store.beat(ONE)
        for name, version in (("a", "v1"), ("b", "v2"), ("c", "v2")):
            session = SessionId("acme", name)
            await driven(store, session)
            batch = Batch(1, 3, (), 2, release=True, due_at=clock.now, version=version)
            await store.drive(session, batch, LEASE_S)
            clock.advance(1)
        found = [
            (row.version, row.count, row.longest_s, row.served) for row in await store.waiting()
        ]
        assert found == [("v1", 1, 3.0, True), ("v2", 2, 2.0, False)]
        await store.beat(TWO)
        assert all(row.served for row in await store.waiting())
        await store.beat(Presence("two", TWO.serves, 7, LEASE_S, draining=True))
        assert [row.served for row in await store.waiting()] == [True, False]

    on(postgres_url, story)


def test_a_turn_that_is_late_is_set_aside_only_where_nobody_alive_serves_its_version(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore, clock: ManualClock) -> None:
        busy = Presence("one", ONE.serves, 1, 10 * LEASE_S)
        await driven(store, S1)
        batch = Batch(1, 3, (), 2, release=True, due_at=clock.now, version="v1")
        await store.drive(S1, batch, LEASE_S)
        clock.advance(2 * LEASE_S)
        await driven(store, S2, "one")  # It is all that the worker has room for.
        await store.beat(busy)
        await store.beat(TWO)
        assert await store.unserved(TWO.serves, LEASE_S) == []
        await store.beat(Presence("one", ONE.serves, 1, 10 * LEASE_S, draining=True))
        assert await store.unserved(TWO.serves, LEASE_S) == [S1]
        await store.beat(busy)
        clock.advance(busy.lease_s)
        assert await store.unserved(TWO.serves, LEASE_S) == [S1]

    on(postgres_url, story)


def test_a_cancel_of_the_open_turn_is_for_whoever_comes_first(postgres_url: str) -> None:
    async def story(store: PostgresStore, _: ManualClock) -> None:
        await driven(store)
        aside = Batch(1, 3, (), 2, release=True, due_at=math.inf, version="v1")
        await store.drive(S1, aside, LEASE_S)
        await store.tell(S1, [submitted("r2")])
        assert [row.version for row in await store.waiting()] == ["v1"]
        await store.tell(S1, [TurnCancelRequested("", 4)])
        assert [row.version for row in await store.waiting()] == ["v1"], "another turn is meant"
        await store.tell(S1, [TurnCancelRequested("", 2)])
        assert [row.version for row in await store.waiting()] == [""]

    on(postgres_url, story)
