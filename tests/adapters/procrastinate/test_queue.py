"""What a worker says to the queue, where procrastinate itself would take too much for granted."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import Job, Status
from tests.adapters.procrastinate.world import jobs, say, told

from jackline.adapters.postgres.store import PostgresStore
from jackline.adapters.procrastinate.engine import queue_name
from jackline.adapters.procrastinate.queue import Queue


@asynccontextmanager
async def managing(url: str) -> AsyncGenerator[Queue]:
    """Give a manager, as a worker has it."""

    async def configure(connection: psycopg.AsyncConnection) -> None:
        await connection.set_autocommit(True)
        await connection.execute("SET search_path = jackline")

    app = App(connector=PsycopgConnector(conninfo=url, configure=configure))
    async with app.open_async():
        yield Queue(app.connector, 10)


async def fetched(manager: Queue, worker: int) -> Job:
    job = await manager.fetch_job([queue_name("support", "v1")], worker)
    assert job is not None
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
