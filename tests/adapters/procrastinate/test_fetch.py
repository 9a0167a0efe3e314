"""Who gets which job where several fetch, where tenants share a batch, and where one is full."""

import asyncio
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import psycopg
import pytest
from procrastinate.jobs import Job, Notification, Status
from tests.adapters.procrastinate.test_queue import managing
from tests.adapters.procrastinate.world import asked, becomes, jobs, told

from jackline.adapters.postgres.store import PostgresStore
from jackline.adapters.procrastinate.engine import queue_name
from jackline.adapters.procrastinate.queue import Queue

Database = psycopg.Connection[tuple[Any, ...]]
QUEUE = queue_name("support", "v1")
FETCH = "SELECT args->>'name' FROM fetch_1(%s, NULL, %s, '', %s, %s)"
RIPEN = "SELECT ripen_1(%s, %s)"
WAITS = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
LISTENS = """
    SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%%'
"""
NOBODY: Mapping[str, int] = MappingProxyType({})


def queued(url: str, *names: str) -> None:
    """Queue a job for each, in this order. The first letter is the tenant's name."""
    for name in names:
        asked(url, "SELECT wake_1(%s, %s, 'support', 'v1', 0, 0)", name[0], name)


@contextmanager
def working(url: str) -> Generator[Database]:
    """Give a connection whose transaction stays open. Where it waits long for another it fails."""
    options = "-c search_path=jackline -c lock_timeout=5s"
    with psycopg.connect(url, options=options) as database:
        yield database


def fetched(
    database: Database,
    at_most: int,
    here: Mapping[str, int] = NOBODY,
    each_at_most: int = 10,
) -> list[str]:
    """Return which jobs a worker gets, in their order."""
    values = ([QUEUE], at_most, json.dumps(dict(here)), each_at_most)
    return [name for (name,) in database.execute(FETCH, values)]


async def got(manager: Queue, worker: int) -> Job:
    """Return the job that a worker begins next, of those that wait."""
    job = await manager.fetch_job([QUEUE], worker)
    assert job is not None
    return job


def name(job: Job) -> object:
    return job.task_kwargs["name"]


def test_a_fetch_waits_for_no_other_one_and_gets_what_that_leaves(postgres_url: str) -> None:
    queued(postgres_url, "a1", "a2", "a3", "b1")
    with working(postgres_url) as first, working(postgres_url) as second:
        assert fetched(first, 2) == ["a1", "b1"]
        assert fetched(second, 2) == ["a2"]


def test_two_who_fetch_at_the_same_moment_do_not_both_get_a_job(postgres_url: str) -> None:
    queued(postgres_url, "a1")

    async def story(_: PostgresStore) -> None:
        with working(postgres_url) as first, working(postgres_url) as second:
            pid = second.info.backend_pid
            assert fetched(first, 1) == ["a1"]
            async with asyncio.TaskGroup() as group:
                late = group.create_task(asyncio.to_thread(fetched, second, 1))
                await becomes(
                    [()], lambda: [()] if late.done() else asked(postgres_url, WAITS, pid)
                )
                first.commit()
            assert late.result() == []

    told(postgres_url, story)


def test_what_comes_by_its_time_waits_for_nobody_who_lets_others_come(postgres_url: str) -> None:
    queued(postgres_url, "a1", "a2")
    asked(postgres_url, "UPDATE procrastinate_jobs SET scheduled_at = now()")
    with working(postgres_url) as first, working(postgres_url) as second:
        assert first.execute(RIPEN, ([QUEUE], 1)).fetchall() == [(1,)]
        assert second.execute(RIPEN, ([QUEUE], 10)).fetchall() == [(1,)]


def test_each_tenant_has_one_of_a_batch_before_any_has_two(postgres_url: str) -> None:
    queued(postgres_url, "a1", "a2", "a3", "a4", "b1", "b2", "c1", "c2")
    with working(postgres_url) as database:
        assert fetched(database, 4) == ["a1", "b1", "c1", "a2"]


def test_tenants_who_are_full_leave_their_places_to_others(postgres_url: str) -> None:
    queued(postgres_url, "a1", "a2", "b1", "b2", "c1", "c2", "d1", "e1")
    with working(postgres_url) as database:
        assert fetched(database, 3, here={"a": 1, "b": 1}, each_at_most=1) == ["c1", "d1", "e1"]


def test_a_batch_begins_behind_whoever_was_the_last_of_the_one_before(postgres_url: str) -> None:
    queued(postgres_url, "a1", "a2", "b1", "b2", "c1", "c2")

    async def story(_: PostgresStore) -> None:
        async with managing(postgres_url, 2) as manager:
            worker = await manager.register_worker()
            names = list[object]()
            for _each in range(2):
                batch = [await got(manager, worker), await got(manager, worker)]
                names += map(name, batch)
                for job in batch:
                    await manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
            assert names == ["a1", "b1", "c1", "a2"]

    told(postgres_url, story)


def test_who_ends_puts_back_what_was_fetched_and_not_begun(postgres_url: str) -> None:
    queued(postgres_url, "a1", "a2", "b1")

    async def story(_: PostgresStore) -> None:
        async with managing(postgres_url) as manager:
            worker = await manager.register_worker()
            assert name(await got(manager, worker)) == "a1"
            assert {status for _, status in jobs(postgres_url)} == {"doing"}
            await manager.unregister_worker(worker)
        assert jobs(postgres_url) == [("a1", "doing"), ("a2", "todo"), ("b1", "todo")]

    told(postgres_url, story)


@pytest.mark.parametrize(("tenant_max", "told_of"), [(1, ["job_inserted"]), (2, [])])
def test_a_worker_is_told_where_a_tenant_who_was_full_has_a_place_again(
    postgres_url: str, tenant_max: int, told_of: list[str]
) -> None:
    queued(postgres_url, "a1")
    heard = list[str]()

    async def tell(*, channel: str, notification: Notification) -> None:
        del channel
        heard.append(notification["type"])

    async def story(_: PostgresStore) -> None:
        async with managing(postgres_url) as other, asyncio.TaskGroup() as group:
            manager = Queue(other.connector, 3, tenant_max)
            listens = manager.listen_for_jobs(on_notification=tell, queues=[QUEUE])
            listening = group.create_task(listens)
            await becomes([()], lambda: asked(postgres_url, LISTENS))
            job = await got(manager, await manager.register_worker())
            await manager.finish_job(job, Status.SUCCEEDED, delete_job=True)
            assert heard == told_of
            listening.cancel()

    told(postgres_url, story)
