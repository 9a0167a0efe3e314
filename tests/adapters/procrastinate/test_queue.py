"""What a worker says to the queue, where procrastinate itself would take too much for granted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job, Status
from tests.adapters.procrastinate.world import asked, jobs, say, told

from jackline.adapters.postgres.store import PostgresStore
from jackline.adapters.procrastinate.engine import queue_name
from jackline.adapters.procrastinate.queue import Queue
from jackline.core.events import SessionId


@asynccontextmanager
async def managing(url: str, slots: int = 10) -> AsyncGenerator[Queue]:
    """Give a manager, as a worker has it."""

    async def configure(connection: psycopg.AsyncConnection) -> None:
        await connection.set_autocommit(True)
        await connection.execute("SET search_path = jackline")

    app = App(connector=PsycopgConnector(conninfo=url, configure=configure))
    async with app.open_async():
        yield Queue(app.connector, slots)


async def fetched(manager: Queue, worker: int) -> Job:
    job, queues = None, [queue_name("support", "v1")]
    while job is None:  # What was put back for a time has to ripen.
        await manager.ripen(queues)
        job = await manager.fetch_job(queues, worker)
    return job


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.ABORTED])
def test_a_zombie_cannot_end_what_another_worker_runs_by_now(
    postgres_url: str, status: Status
) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        async with managing(postgres_url) as manager:
            first, second = await manager.register_worker(), await manager.register_worker()
            stale = await fetched(manager, first)
            await manager.retry_job(stale)
            mine = await fetched(manager, second)
            await manager.finish_job(stale, status, delete_job=True)
            assert await manager.end()
            assert jobs(postgres_url) == [("s1", "doing")]
            await manager.finish_job(mine, Status.SUCCEEDED, delete_job=True)
            assert await manager.end()
            assert jobs(postgres_url) == []

    told(postgres_url, story)


def test_a_zombie_whom_all_have_forgotten_cannot_end_it_either(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        async with managing(postgres_url) as manager:
            worker = await manager.register_worker()
            stale = await fetched(manager, worker)
            await manager.unregister_worker(worker)  # The job has nobody's number now.
            await manager.finish_job(stale, Status.SUCCEEDED, delete_job=True)
            assert await manager.end()
            assert jobs(postgres_url) == [("s1", "doing")]
            await manager.update_heartbeat(worker)
            await manager.retry_job(stale)
            assert await fetched(manager, worker), "it is back among the workers"

    told(postgres_url, story)


def test_beyond_a_thousand_of_one_tenant_none_is_left_for_later(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store, SessionId("flood", "f0"))
        await say(store, SessionId("zoo", "alone"))
        more = """
            INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args)
            SELECT queue_name, task_name, priority, args || jsonb_build_object('name', 'f' || at)
            FROM procrastinate_jobs, generate_series(1, 1200) AS at
            WHERE args->>'tenant' = 'flood'
        """
        asked(postgres_url, more)
        async with managing(postgres_url, 2_000) as manager:
            worker = await manager.register_worker()
            names = [(await fetched(manager, worker)).task_kwargs["name"] for _ in range(1_202)]
        assert names == ["f0", "alone", *(f"f{at}" for at in range(1, 1_201))]

    told(postgres_url, story)
