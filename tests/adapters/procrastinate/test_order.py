"""Whose job comes next, and that no worker sleeps beside one."""

import asyncio
import json
from typing import Any, LiteralString

from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job, JobInserted, Notification, Status
from procrastinate.manager import NotificationCallback
from tests.adapters.procrastinate.test_fetch import QUEUE, fetched, working
from tests.adapters.procrastinate.test_queue import managing
from tests.adapters.procrastinate.world import (
    LATE,
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
from jackline.adapters.procrastinate.queue import Queue
from jackline.core.events import SessionId

WAITING = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)
    SELECT %s, 'jackline.drive', -n, jsonb_build_object('tenant', %s::text, 'name', %s || n),
        now() - %s::interval
    FROM generate_series(1, %s) AS n
"""
FETCH = "SELECT args ->> 'tenant' FROM jackline.fetch_1(%s, NULL, %s, %s, %s::jsonb, %s)"


def queued(url: str, tenant: str, count: int, since: str | None = None) -> None:
    """Queue jobs of a tenant: such as wait, or timers that are due since then."""
    asked(url, WAITING, QUEUE, tenant, f"{tenant}-", since, count)


def given(url: str, at_most: int, *, after: str = "", each: int = 100, **here: int) -> list[str]:
    """Return the tenants whose jobs a worker is given that has so many jobs of each."""
    rows = asked(url, FETCH, [QUEUE], at_most, after, json.dumps(here), each)
    return [tenant for (tenant,) in rows]


def test_a_free_place_goes_to_the_tenant_of_whom_least_runs(postgres_url: str) -> None:
    queued(postgres_url, "flood", 100)
    queued(postgres_url, "calm", 100)
    assert given(postgres_url, 1, after="calm", flood=9) == ["calm"]
    assert given(postgres_url, 1, after="calm", flood=9, calm=3) == ["calm"]
    assert given(postgres_url, 3, flood=2, calm=1) == ["calm", "calm", "flood"]
    assert given(postgres_url, 3, flood=1, calm=5, gone=1) == ["flood", "flood", "flood"]


def test_long_turns_of_one_tenant_leave_places_to_the_short_ones_of_another(
    postgres_url: str,
) -> None:
    queued(postgres_url, "flood", 50)
    queued(postgres_url, "calm", 50)

    async def story(_: PostgresStore) -> None:
        all_are_done = asyncio.Event()
        done = list[str]()

        async def drive(session: SessionId) -> None:
            if session.tenant == "flood":
                await all_are_done.wait()
                return
            done.append(session.name)
            if len(done) == 50:
                all_are_done.set()

        async with running(postgres_url, Driver(drive), slots=4):
            await all_are_done.wait()

    told(postgres_url, story)


def test_a_fetch_passes_what_others_have_locked(postgres_url: str) -> None:
    queued(postgres_url, "a", 1)
    queued(postgres_url, "b", 3)
    queued(postgres_url, "c", 3)
    rows_of_a = "SELECT FROM procrastinate_jobs WHERE args ->> 'tenant' = 'a' FOR UPDATE"

    with working(postgres_url) as other:
        other.execute(rows_of_a)
        assert given(postgres_url, 1) == ["b"]
        assert given(postgres_url, 1, b=1, c=2) == ["b"], "also of those who run here"
        assert given(postgres_url, 2, b=1) == ["c"], "and a place that is left is filled next"
    assert given(postgres_url, 1) == ["a"]


def test_of_two_workers_that_look_at_once_neither_goes_without(postgres_url: str) -> None:
    queued(postgres_url, "a", 1)
    queued(postgres_url, "b", 1)
    with working(postgres_url) as other:
        assert fetched(other, 1) == ["a-1"]
        assert given(postgres_url, 1) == ["b"]


class Interrupted:
    """A connector by which something comes to pass right behind the first look for a job."""

    def __init__(self, connector: BaseConnector, url: str) -> None:
        self._connector = connector
        self._url = url
        self.tell: NotificationCallback | None = None
        self.listened = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def execute_query_all_async(self, query: LiteralString, **values: Any) -> Any:
        rows = await self._connector.execute_query_all_async(query, **values)
        if self.tell:
            tell, self.tell = self.tell, None
            queued(self._url, "late", 1)
            await tell(channel="", notification=JobInserted(type="job_inserted", job_id=1))
        return rows

    async def listen_notify(self, on_notification: Any, channels: Any) -> None:
        del channels

        async def tell(*, channel: str, notification: Notification) -> None:
            await on_notification(channel=channel, payload=json.dumps(notification))

        self.tell = tell
        self.listened.set()
        await asyncio.Event().wait()


def test_who_is_told_of_a_job_while_it_looks_looks_again(postgres_url: str) -> None:
    """Procrastinate would forget it, and sleep until the next poll."""

    async def story(_: PostgresStore) -> None:
        async with managing(postgres_url) as manager:
            connector = Interrupted(manager.connector, postgres_url)
            queue: Queue = Queue(connector, 10)  # type: ignore[arg-type]  # It does what one does.
            worker = await queue.register_worker()

            async def ignore(**_: object) -> None: ...

            async with asyncio.TaskGroup() as group:
                listening = group.create_task(
                    queue.listen_for_jobs(on_notification=ignore, queues=[QUEUE])
                )
                await connector.listened.wait()
                job = await queue.fetch_job([QUEUE], worker)
                listening.cancel()
            assert isinstance(job, Job)
            assert job.task_kwargs == {"tenant": "late", "name": "late-1"}
            await queue.finish_job(job, Status.SUCCEEDED, delete_job=True)

    told(postgres_url, story)


def test_a_flood_of_timers_delays_another_tenant_s_by_a_turn(postgres_url: str) -> None:
    queued(postgres_url, "flood", 2_500, "2 s")
    queued(postgres_url, "other", 1, "1 s")
    ripe = "SELECT count(*) FROM procrastinate_jobs WHERE scheduled_at IS NOT NULL"

    async def story(_: PostgresStore) -> None:
        all_are_ripe, other_came = asyncio.Event(), asyncio.Event()

        async def drive(session: SessionId) -> None:
            await all_are_ripe.wait()
            if session.tenant == "other":
                other_came.set()

        driver = Driver(drive)
        async with running(postgres_url, driver, slots=1):
            await becomes([(0,)], lambda: asked(postgres_url, ripe))
            all_are_ripe.set()
            await other_came.wait()
            assert driver.brought.index("other-1") <= 1

    told(postgres_url, story)


def test_one_worker_audits_for_all_when_it_is_time(postgres_url: str) -> None:
    next_at = "INSERT INTO audit VALUES (true, now() + interval '1 hour')"

    async def story(store: PostgresStore) -> None:
        await say(store)
        asked(postgres_url, "DELETE FROM procrastinate_jobs")
        asked(postgres_url, LATE)
        asked(postgres_url, next_at)
        driver = Driver(lambda session: rested(store, session))
        async with running(postgres_url, driver):
            for _ in range(2):
                await beaten(postgres_url)
            assert driver.brought == [], "another worker has just looked"
            asked(postgres_url, "UPDATE audit SET next_at = now()")
            await driver.until("s1")

    told(postgres_url, story)


def test_what_nobody_is_to_be_woken_by_is_forgotten(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await say(store)
        at = asked(postgres_url, "SELECT jackline.time_1(NULL)")[0][0]
        await rested(store, SessionId("acme", "s1"), at + 3_600)
        assert jobs(postgres_url) == [("s1", "todo")] * 2, "the first is of a version that is gone"
        async with managing(postgres_url) as manager:
            await manager.forget()
            assert jobs(postgres_url) == [("s1", "todo")], "the timer is wanted"
            asked(postgres_url, "UPDATE session SET due_at = NULL")
            await manager.forget()
            assert jobs(postgres_url) == [], "and ended without it"

    told(postgres_url, story)
