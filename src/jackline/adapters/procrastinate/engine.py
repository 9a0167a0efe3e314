"""An engine on procrastinate: a job is queued in the transaction that makes a session due.

A job holds a session's name and lasts as long as its drive. It has no lock: the journal's claim
is the lock, and without one no job can hold back another, nor is one left over.
"""

import asyncio
import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, LiteralString

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from jackline.adapters.postgres.address import direct_options
from jackline.adapters.procrastinate.queue import Queue
from jackline.core.events import SessionId
from jackline.ports.engine import Drive

_LOG = logging.getLogger("jackline")
_TASK = "jackline.drive"
_POLL_S = 0.5
_BEATS = 3
_CONNECTIONS = 3
_WAIT_S = 2.0
_HOUR_S = 3_600.0
_OVERDUE_S = 1.0
_AT_ONCE = 1_000
# Nothing is lost with a job that was not yet on disk: what is due stands in the journal.
_SETTINGS = "SET search_path = jackline; SET synchronous_commit = off"
_REAP = """
    WITH stalled AS (
        SELECT job.id FROM procrastinate_jobs AS job
        LEFT JOIN procrastinate_workers AS w ON w.id = job.worker_id
        WHERE job.status = 'doing' AND (
            w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %(silent_s)s))
        FOR UPDATE OF job SKIP LOCKED
    )
    UPDATE procrastinate_jobs AS job
    SET status = 'todo', attempts = job.attempts + 1, worker_id = NULL
    FROM stalled WHERE job.id = stalled.id
"""
_BURY = """
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < now() - make_interval(secs => %(silent_s)s)
"""
# Who waits in the queue is not lost, nor is what a worker has fetched that is alive and about to
# claim it. A worker knows which jobs it has: of others, whose answer was lost, it never heard.
_AUDIT = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(NULL) AS at),
    lost AS (
        SELECT s.no FROM jackline.session AS s
        LEFT JOIN procrastinate_jobs AS job ON job.id = s.job AND (
            job.status = 'todo'
            OR s.lease_until = 0 AND job.id = ANY (%(mine)s::bigint[])
            OR s.lease_until = 0 AND job.worker_id <> %(me)s AND EXISTS (
                SELECT FROM procrastinate_workers AS w WHERE w.id = job.worker_id
                    AND w.last_heartbeat >= now() - make_interval(secs => %(silent_s)s)
            )
        )
        WHERE s.due_at <= (SELECT at FROM now) - %(overdue_s)s
            AND s.lease_until <= (SELECT at FROM now)
            AND job.id IS NULL
        ORDER BY s.due_at LIMIT %(limit)s FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE jackline.session AS s
    SET job = jackline.wake_1(s.tenant, s.name, s.agent, s.version, s.due_at, now.at)
    FROM lost, now WHERE s.no = lost.no
"""


def queue_name(agent: str, version: str) -> str:
    """Return the name of a version's queue, as `jackline.queue_1` does."""
    return sha256(f"{agent} {version}".encode()).hexdigest()[:32]


class ProcrastinateEngine:
    """See `Engine`. Up to `slots` sessions at once, of the agents' versions that are `served`.

    Its connections are direct ones: what it listens with does not pass through a pooler.
    """

    def __init__(self, url: str, served: Mapping[str, str], *, slots: int, lease_s: float) -> None:
        self._queues = [
            queue_name(agent, version)
            for agent, newest in served.items()
            for version in (newest, "")
        ]
        self._slots = slots
        self._lease_s = lease_s
        connector = PsycopgConnector(
            pool_factory=_pool,
            conninfo=direct_options(url),
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_WAIT_S,
            configure=_configure,
            reconnect_timeout=_WAIT_S,  # Its attempts come ever later: begin anew.
        )
        self._app = App(connector=connector)
        self._app.job_manager = self._queue = Queue(connector, slots)
        self._worker: Worker | None = None
        self._stopped = False

    def wake(self, session: SessionId) -> None:
        """See `Engine.wake`. Nothing is left to do: the job was queued with what was told."""

    async def run(self, drive: Drive) -> None:
        """See `Engine.run`. Where the database goes away it waits for it."""

        async def driven(tenant: str, name: str) -> None:
            """Drive the session that the job names."""
            await drive(SessionId(tenant, name))

        self._app.task(name=_TASK)(driven)
        while not self._stopped:
            try:
                async with self._app.open_async():
                    await self._work()
            except (ConnectorException, PoolTimeout) as error:
                _LOG.error("Nothing is fetched from the queue: %s", error.__cause__ or error)
                await asyncio.sleep(_POLL_S)

    async def stop(self) -> None:
        """See `Engine.stop`."""
        self._stopped = True
        if self._worker:
            self._worker.stop()

    async def _work(self) -> None:
        self._worker = worker = Worker(
            self._app,
            queues=self._queues,
            concurrency=self._slots,
            fetch_job_polling_interval=_POLL_S,
            abort_job_polling_interval=_HOUR_S,
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
            update_heartbeat_interval=_HOUR_S,  # It would stop while jobs go on: see `_tend`.
            stalled_worker_timeout=_HOUR_S,
        )
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            working = group.create_task(worker.run())
            beside = group.create_task(self._tend(worker)), group.create_task(self._queue.tidy())
            working.add_done_callback(lambda _: ended.set())
            try:
                await ended.wait()
            except asyncio.CancelledError:
                worker.shutdown_graceful_timeout = 0  # What runs is cancelled, and put back.
                raise
            for task in beside:
                task.cancel()

    async def _tend(self, worker: Worker) -> None:
        """Stay alive, put back what the dead have left, and queue what nobody was woken for."""
        every_s = self._lease_s / _BEATS
        clock = asyncio.get_running_loop().time
        beaten_at = clock()
        while True:
            me = worker.worker_id
            try:
                if clock() >= beaten_at + every_s and me is not None:
                    beaten_at = clock()
                    await self._queue.update_heartbeat(me)
                    await self._execute(_REAP, silent_s=self._lease_s)
                    await self._execute(_BURY, silent_s=_HOUR_S)
                if me is not None:
                    await self._audit(me)
            except ConnectorException as error:
                _LOG.warning("The queue could not be tended: %s", error.__cause__)
            await asyncio.sleep(min(_POLL_S, every_s))

    async def _audit(self, me: int) -> None:
        await self._execute(
            _AUDIT,
            me=me,
            mine=self._queue.mine,
            silent_s=self._lease_s,
            overdue_s=_OVERDUE_S,
            limit=_AT_ONCE,
        )

    async def _execute(self, query: LiteralString, **values: float | list[int]) -> None:
        await self._app.connector.execute_query_async(query, **values)


def _pool(**options: Any) -> AsyncConnectionPool:
    """Make a pool that lends without a look: who gets a lost connection tries again."""
    options.pop("check")
    return AsyncConnectionPool(**options)


async def _configure(connection: AsyncConnection) -> None:
    await connection.set_autocommit(True)
    await connection.execute(_SETTINGS)
