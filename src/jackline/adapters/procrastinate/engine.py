"""An engine on procrastinate: a job is queued in the transaction that makes a session due.

A job holds a session's name and lasts as long as its drive. It has no lock: the journal's claim
is the lock, and without one no job can hold back another, nor is one left over.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition
from procrastinate.worker import Worker
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from jackline.adapters.postgres.address import direct_options
from jackline.adapters.procrastinate.queue import Queue
from jackline.core.events import SessionId
from jackline.ports.engine import Drive

_LOG = logging.getLogger("jackline")
_TASK = "jackline.drive"
_POLL_S = 0.5
_AGAIN_S = 0.1
_BEATS = 3
_CONNECTIONS = 3
_WAIT_S = 2.0
_HOUR_S = 3_600.0
_OVERDUE_S = 1.0
_AT_ONCE = 1_000
_SHARE = 0.05  # Of the time, at most, somebody audits.
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
# Who waits in the queue is not lost, nor is what a worker has that is alive and about to claim it.
_AUDIT = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(NULL) AS at),
    lost AS (
        SELECT s.no FROM jackline.session AS s
        LEFT JOIN procrastinate_jobs AS job ON job.id = s.job AND (
            job.status = 'todo'
            OR s.lease_until = 0 AND EXISTS (
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
# One worker audits for all of them: it reads whatever is due, though nothing is lost.
_TURN = """
    INSERT INTO jackline.audit AS a (one, next_at)
    VALUES (true, clock_timestamp() + make_interval(secs => %(pause_s)s))
    ON CONFLICT (one) DO UPDATE SET next_at = excluded.next_at WHERE a.next_at <= clock_timestamp()
    RETURNING a.next_at
"""
_REST = """
    UPDATE jackline.audit SET next_at = clock_timestamp() + make_interval(secs => %(pause_s)s)
"""


def queue_name(agent: str, version: str) -> str:
    """Return the name of a version's queue, as `jackline.queue_1` does."""
    return sha256(f"{agent} {version}".encode()).hexdigest()[:32]


class ProcrastinateEngine:
    """See `Engine`. Up to `slots` sessions at once, of the agents' versions that are `served`.

    Of one tenant there are at most `tenant_max`. Its connections are direct ones: what it listens
    with does not pass through a pooler.
    """

    def __init__(
        self,
        url: str,
        served: Mapping[str, str],
        *,
        slots: int,
        lease_s: float,
        tenant_max: int | None = None,
    ) -> None:
        self._queues = [
            queue_name(agent, version)
            for agent, newest in served.items()
            for version in (newest, "")
        ]
        self._slots = slots
        self._tenant_max = tenant_max
        self._lease_s = lease_s
        self._conninfo = direct_options(url)
        self._driving = set[asyncio.Task[None]]()
        self._stopping = asyncio.Event()

    def wake(self, session: SessionId) -> None:
        """See `Engine.wake`. Nothing is left to do: the job was queued with what was told."""

    async def run(self, drive: Drive) -> None:
        """See `Engine.run`. Where the database goes away it waits for it."""

        async def driven(tenant: str, name: str) -> None:
            """Drive the session that the job names."""
            task = asyncio.current_task()
            assert task is not None, "a job has a task"
            self._driving.add(task)
            try:
                await drive(SessionId(tenant, name))
            finally:
                self._driving.discard(task)

        while not self._stopping.is_set():
            async with self._opened() as (app, queue):
                app.task(name=_TASK)(driven)
                await self._work(app, queue)
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._stopping.wait()

    async def stop(self) -> None:
        """See `Engine.stop`."""
        self._stopping.set()

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[tuple[App, Queue]]:
        """Give an app with a pool of its own. Who first needs a connection waits for one."""
        connector = PsycopgConnector(configure=_configure)  # For what listens: that has no pool.
        app = App(connector=connector)
        app.job_manager = queue = Queue(connector, self._slots, self._tenant_max)
        pool = AsyncConnectionPool[AsyncConnection](
            self._conninfo,
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_WAIT_S,
            configure=_configure,
            open=False,
            reconnect_timeout=_WAIT_S,  # Its attempts come ever later: begin anew.
        )
        async with pool:
            await connector.open_async(pool)
            yield app, queue

    async def _work(self, app: App, queue: Queue) -> None:
        worker = Worker(
            app,
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
            group.create_task(_worked(worker, ended))
            beside = (
                group.create_task(self._tend(worker, queue)),
                group.create_task(self._audit(queue)),
                group.create_task(queue.ripening(self._queues)),
                group.create_task(queue.tidy()),
                group.create_task(self._stop(worker)),
            )
            try:
                await ended.wait()
            except asyncio.CancelledError:
                self._stopping.set()
                worker.stop()
                for task in self._driving:
                    task.cancel()  # What runs is put back.
                raise
            finally:
                await _cancelled(beside)

    async def _stop(self, worker: Worker) -> None:
        """Stop the worker when it is time: once it has begun, for as it begins it forgets that."""
        await self._stopping.wait()
        worker.stop()

    async def _tend(self, worker: Worker, queue: Queue) -> None:
        """Stay alive, and put back what the dead have left and what this worker never heard of."""
        every_s = self._lease_s / _BEATS
        clock, execute = asyncio.get_running_loop().time, queue.connector.execute_query_async
        beaten_at = clock()
        while True:
            me = worker.worker_id
            try:
                if clock() >= beaten_at + every_s and me is not None:
                    beaten_at = clock()
                    await queue.update_heartbeat(me)
                    await execute(_REAP, silent_s=self._lease_s)
                    await execute(_BURY, silent_s=_HOUR_S)
                if me is not None:
                    await queue.recover(me)
            except ConnectorException as error:
                _LOG.warning("The queue could not be tended: %s", error.__cause__)
            await asyncio.sleep(min(_POLL_S, every_s))

    async def _audit(self, queue: Queue) -> None:
        """Queue what nobody was woken for, and forget what nobody is to be woken for."""
        clock, execute = asyncio.get_running_loop().time, queue.connector.execute_query_async
        pause_s = min(_POLL_S, self._lease_s / _BEATS)
        values = {"silent_s": self._lease_s, "overdue_s": _OVERDUE_S, "limit": _AT_ONCE}
        forgotten_at = clock()
        while True:
            try:
                if await queue.connector.execute_query_all_async(_TURN, pause_s=pause_s):
                    began_at = clock()
                    await execute(_AUDIT, **values)
                    if (rest_s := (clock() - began_at) / _SHARE) > pause_s:
                        await execute(_REST, pause_s=rest_s)
                    if clock() >= forgotten_at + _HOUR_S:
                        forgotten_at = clock()
                        await queue.forget()
            except ConnectorException as error:
                _LOG.warning("The queue could not be audited: %s", error.__cause__)
            await asyncio.sleep(pause_s)


async def _worked(worker: Worker, ended: asyncio.Event) -> None:
    """Have the worker work until it is stopped, or the database is lost."""
    try:
        await worker.run()
    except ConnectorException as error:
        _LOG.error("Nothing is fetched from the queue: %s", error.__cause__ or error)
    finally:
        ended.set()


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel the tasks until they have ended.

    On Python 3.11 the pool loses a cancellation that comes together with a connection: its
    `asyncio.wait_for` does (python/cpython, issue 86296).
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN_S)


async def _configure(connection: AsyncConnection) -> None:
    await connection.set_autocommit(True)
    await connection.execute(_SETTINGS)
