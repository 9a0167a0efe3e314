"""The queue wakes workers, and whatever it does wrong is made right."""

import asyncio
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.adapters.procrastinate.world import (
    LATE,
    LEASE_S,
    OPENED,
    S1,
    S2,
    SERVED,
    Driver,
    asked,
    beaten,
    becomes,
    jobs,
    rested,
    running,
    say,
    told,
)

from jackline.adapters.postgres.store import PostgresStore
from jackline.adapters.procrastinate.engine import ProcrastinateEngine
from jackline.core.errors import BusyError, StoreError, UnknownOutcomeError
from jackline.core.events import Principal, SessionId, TurnSubmitted


def test_a_job_is_queued_with_what_was_told_and_ends_with_the_drive(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        assert jobs(postgres_url) == [("s1", "todo")]
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            await driver.until("s1")
            await becomes([], lambda: jobs(postgres_url))
            await say(store, S2)
            await driver.until("s1", "s2")

    told(postgres_url, story)


def test_what_is_not_written_queues_nothing(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        event = TurnSubmitted("r1", (), Principal("ann"), "v1")
        with pytest.raises(BusyError):
            await store.tell(S1, [event], opened=OPENED, after=7)
        assert jobs(postgres_url) == []

    told(postgres_url, story)


def test_a_session_has_one_job_until_somebody_drives_it_and_none_then(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        for number in range(3):
            await say(store, S1, f"r{number}")
        assert jobs(postgres_url) == [("s1", "todo")]
        assert await store.claim(S1, "w1", LEASE_S)
        asked(postgres_url, "DELETE FROM procrastinate_jobs")
        await say(store, S1, "r4")
        assert jobs(postgres_url) == [], "its driver hears of it"

    told(postgres_url, story)


def test_a_timer_holds_nothing_back(postgres_url: str) -> None:
    """Procrastinate's lock would: a delayed job goes before later ones of its lock."""

    async def story(store: PostgresStore) -> None:
        await say(store)
        at = asked(postgres_url, "SELECT jackline.time_1(NULL)")[0][0]
        await rested(store, S1, at + 3_600)
        asked(postgres_url, "DELETE FROM procrastinate_jobs WHERE scheduled_at IS NULL")
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            await say(store, S1, "r2")
            await driver.until("s1")
            await becomes([("s1", "todo")], lambda: jobs(postgres_url))

    told(postgres_url, story)


def test_a_timer_in_a_hundred_years_can_be_set(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        await rested(store, S1, due_at=4e9 + 1e9)
        assert jobs(postgres_url) == [("s1", "todo")] * 2

    told(postgres_url, story)


def test_a_timer_rings(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        at = asked(postgres_url, "SELECT jackline.time_1(NULL)")[0][0]
        await rested(store, S1, at + 0.5)
        asked(postgres_url, "DELETE FROM procrastinate_jobs WHERE scheduled_at IS NULL")
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            await driver.until("s1")
        assert asked(postgres_url, "SELECT jackline.time_1(NULL)")[0][0] >= at + 0.5

    told(postgres_url, story)


def test_two_jobs_of_one_session_with_other_priorities_both_come(postgres_url: str) -> None:
    """With a lock the fetch would crash: a higher priority goes before what runs."""

    async def story(store: PostgresStore) -> None:
        both = asyncio.Barrier(2)

        async def meets(session: SessionId) -> None:
            del session
            await both.wait()

        await say(store)
        copy = """
            INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)
            SELECT queue_name, task_name, priority + 5, args FROM procrastinate_jobs
        """
        asked(postgres_url, copy)
        driver = Driver(meets)
        async with running(postgres_url, driver):
            await driver.until("s1", "s1")
            await becomes([], lambda: jobs(postgres_url))

    told(postgres_url, story)


def test_tenants_take_turns_however_long_a_flood_has_gone_on(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        async def comes(session: SessionId) -> None:
            """Rest. Others come when the flood has been there for an hour."""
            if session.name == "f9":
                asked(postgres_url, "UPDATE procrastinate_jobs SET priority = priority + 3600")
                for tenant in ("acme", "zoo"):
                    await say(store, SessionId(tenant, tenant))
                    await say(store, SessionId(tenant, f"{tenant} again"))
                await say(store, SessionId("flood", "late"))
            await rested(store, session)

        flood = [f"f{number}" for number in range(30)]
        for name in flood:
            await say(store, SessionId("flood", name))
        driver = Driver(comes)
        async with running(postgres_url, driver, slots=1):
            await becomes([35], lambda: [len(driver.brought)])
        others = [(at, name) for at, name in enumerate(driver.brought) if name[0] in "az"]
        assert others == [(10, "zoo"), (11, "acme"), (13, "zoo again"), (14, "acme again")]
        assert [name for name in driver.brought if name[0] in "fl"] == [*flood, "late"]

    told(postgres_url, story)


def test_what_comes_later_is_fetched_when_it_is_time_and_before_what_came_after_it(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore) -> None:
        for name in ("s1", "s2", "s3"):
            await say(store, SessionId("acme", name))
        later = "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE id = 1"
        asked(postgres_url, later)
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver, slots=1):
            await driver.until("s2", "s3")
            await becomes([("s1", "todo")], lambda: jobs(postgres_url))
            asked(postgres_url, "UPDATE procrastinate_jobs SET scheduled_at = now()")
            await driver.until("s2", "s3", "s1")

    told(postgres_url, story)


def test_a_wake_up_that_was_lost_is_queued_again(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        asked(postgres_url, "DELETE FROM procrastinate_jobs")
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            await driver.until("s1")

    told(postgres_url, story)


def test_who_waits_in_the_queue_is_not_queued_again(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        await say(store, S2)
        due = "UPDATE session SET due_at = due_at - 60"
        asked(postgres_url, due)
        ends = asyncio.Event()

        async def waits(session: SessionId) -> None:
            await rested(store, session, ends=ends)

        driver = Driver(waits)
        async with running(postgres_url, driver, slots=1) as engine:
            await driver.until("s1")
            await beaten(postgres_url)  # By then it has looked for lost ones.
            assert len(jobs(postgres_url)) == 2
            ends.set()
            await driver.until("s1", "s2")
            await engine.stop()

    told(postgres_url, story)


def test_what_a_dead_worker_had_fetched_is_put_back(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        dead = """
            WITH dead AS (
                INSERT INTO procrastinate_workers (last_heartbeat)
                VALUES (now() - interval '1 hour') RETURNING id
            )
            UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead
        """
        asked(postgres_url, dead)
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            await driver.until("s1")

    told(postgres_url, story)


FETCHED = """
    WITH worker AS (
        INSERT INTO procrastinate_workers (last_heartbeat)
        VALUES (now() + interval '1 hour') RETURNING id
    )
    UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker.id FROM worker
"""


def test_a_job_is_none_whose_worker_lost_the_session(postgres_url: str) -> None:
    """The worker is dead, though the queue has not noticed."""

    async def story(store: PostgresStore) -> None:
        await say(store)
        assert await store.claim(S1, "dead", 0.1)
        asked(postgres_url, FETCHED)
        asked(postgres_url, LATE)
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            await driver.until("s1")

    told(postgres_url, story)


def test_a_job_that_its_worker_never_heard_of_is_queued_again(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        asked(postgres_url, "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day'")
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            workers = "SELECT count(*) FROM procrastinate_workers"
            await becomes([(1,)], lambda: asked(postgres_url, workers))
            asked(
                postgres_url,
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = w.id, "
                "scheduled_at = NULL FROM procrastinate_workers AS w",
            )
            await driver.until("s1")

    told(postgres_url, story)


def test_what_a_living_worker_is_about_to_claim_is_not_queued_again(postgres_url: str) -> None:
    """Under load it may take a while, and each job more would make it longer."""

    async def story(store: PostgresStore) -> None:
        await say(store)
        asked(postgres_url, FETCHED)
        asked(postgres_url, LATE)
        async with running(postgres_url, Driver(lambda session: rested(store, session))):
            for _ in range(2):
                await beaten(postgres_url)
            assert jobs(postgres_url) == [("s1", "doing")]

    told(postgres_url, story)


def test_what_waits_for_its_own_worker_is_not_queued_again(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        asked(postgres_url, LATE)
        claims = asyncio.Event()

        async def late(session: SessionId) -> None:
            await claims.wait()
            await rested(store, session)

        driver = Driver(late)
        async with running(postgres_url, driver):
            await driver.until("s1")
            for _ in range(2):
                await beaten(postgres_url)
            assert jobs(postgres_url) == [("s1", "doing")]
            claims.set()

    told(postgres_url, story)


def test_what_was_cut_off_is_put_back(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        driver = Driver(lambda _: asyncio.Event().wait())  # pyright: ignore[reportArgumentType] - it never returns
        async with running(postgres_url, driver):
            await driver.until("s1")
        assert jobs(postgres_url) == [("s1", "todo")]

    told(postgres_url, story)


def test_who_stops_fetches_no_more_and_is_alive_while_it_drives(postgres_url: str) -> None:
    """Procrastinate's own heartbeats end where a worker begins to wait for its jobs."""

    async def story(store: PostgresStore) -> None:
        await say(store)
        ends = asyncio.Event()

        async def waits(session: SessionId) -> None:
            await rested(store, session, ends=ends)

        driver = Driver(waits)
        engine = ProcrastinateEngine(postgres_url, SERVED, slots=10, lease_s=LEASE_S)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(engine.run(driver))
            await driver.until("s1")
            await engine.stop()
            await say(store, S2)
            for _ in range(2):
                await beaten(postgres_url)
            assert driver.brought == ["s1"]
            ends.set()
            await task
        assert jobs(postgres_url) == [("s2", "todo")]
        assert asked(postgres_url, "SELECT FROM procrastinate_workers") == []

    told(postgres_url, story)


def test_a_lost_database_is_waited_for_while_drives_go_on(
    postgres_url: str, postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Procrastinate's worker would end, and first wait for all that it runs."""

    async def story(store: PostgresStore) -> None:
        ends = asyncio.Event()

        async def waits(session: SessionId) -> None:
            if session == S1:
                await ends.wait()

        driver = Driver(waits)
        async with running(postgres_url, driver):
            await say(store)
            await driver.until("s1")
            with out_of_reach(postgres_url, postgres_server):
                for text in ("fetched", "tended", "listens"):
                    await becomes([True], lambda text=text: [text in caplog.text])
            await patiently(store, S2)
            await driver.until("s1", "s2")
            ends.set()

    told(postgres_url, story)


@pytest.mark.parametrize("turns", [0, 1, 2, 50, 500])
def test_who_is_stopped_before_it_has_begun_ends(postgres_url: str, turns: int) -> None:
    """Procrastinate's worker would forget it as it begins."""

    async def story(store: PostgresStore) -> None:
        await say(store)
        driver = Driver()
        engine = ProcrastinateEngine(postgres_url, SERVED, slots=10, lease_s=LEASE_S)
        async with asyncio.TaskGroup() as group:
            with kept_out(postgres_url):
                group.create_task(engine.run(driver))
                for _ in range(turns):
                    await asyncio.sleep(0)
                await engine.stop()
        assert driver.brought == []

    told(postgres_url, story)


def test_who_is_cancelled_at_any_moment_of_its_start_ends(postgres_url: str) -> None:
    """On Python 3.11 the pool loses a cancellation that comes together with a connection."""

    async def story(store: PostgresStore) -> None:
        await say(store)
        for turns in range(0, 2_000, 25):
            async with running(postgres_url, Driver()):
                for _ in range(turns):
                    await asyncio.sleep(0)

    told(postgres_url, story)


def test_what_runs_is_cut_off_also_where_it_was_to_end_by_itself(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        driver = Driver(lambda _: asyncio.Event().wait())  # pyright: ignore[reportArgumentType] - it never returns
        async with running(postgres_url, driver) as engine:
            await driver.until("s1")
            await engine.stop()
            listens = """
                SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE 'LISTEN%%'
            """
            await becomes([], lambda: asked(postgres_url, listens))  # It waits for what runs.
        assert jobs(postgres_url) == [("s1", "todo")]

    told(postgres_url, story)


def test_a_database_that_is_out_of_reach_at_first_is_waited_for(
    postgres_url: str, postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: PostgresStore) -> None:
        driver = Driver()
        async with AsyncExitStack() as stack:
            with out_of_reach(postgres_url, postgres_server):
                await stack.enter_async_context(running(postgres_url, driver))
                await becomes([True], lambda: [caplog.text.count("Nothing is fetched") > 1])
            await patiently(store, S1)
            await driver.until("s1")

    told(postgres_url, story)


@contextmanager
def kept_out(url: str) -> Generator[None]:
    """Let no worker into the list of those there are meanwhile: without that none begins."""
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE jackline.procrastinate_workers")
        yield


@contextmanager
def out_of_reach(url: str, server: str) -> Generator[None]:
    """End all connections to a database, and let nobody in again meanwhile."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(server, autocommit=True) as admin:
        allow = SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        admin.execute(allow.format(Identifier(name), SQL("false")))
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            yield
        finally:
            admin.execute(allow.format(Identifier(name), SQL("true")))


async def patiently(store: PostgresStore, session: SessionId) -> None:
    """Submit something, again where the connection that was lent is lost: it is there once."""
    while True:
        try:
            await say(store, session)
        except (StoreError, UnknownOutcomeError):
            await asyncio.sleep(0)
        else:
            return
