"""What procrastinate does with its tables, where it has to be done otherwise.

Each method is here because of something that was seen to go wrong with version 3.10, which is
pinned. A job is no more than a wake-up: none of this is needed for a history to be right, but
for sessions to be woken soon, and once.
"""

import asyncio
import json
import logging
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any, LiteralString

from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, JobInserted, Notification, Status
from procrastinate.manager import JobManager, NotificationCallback

_LOG = logging.getLogger("jackline")
_AGAIN_S = 0.5
_AT_ONCE = 16  # What one worker fetches, another one cannot.
_TOGETHER_S = 0.02
_LOOK_S = 0.005
_RIPEN_S = 0.25
_RIPE_AT_ONCE = 1_000
_FETCH = """
    SELECT * FROM jackline.fetch_1(
        %(queues)s, %(worker)s, %(limit)s, %(after)s, %(here)s::jsonb, %(tenant_max)s)
"""
_RIPEN = "SELECT jackline.ripen_1(%(queues)s, %(limit)s) AS count"
# A worker that was stopped for long goes on to end what another one runs by now.
_MINE = """
    unnest(%(ids)s::bigint[], %(attempts)s::integer[], %(workers)s::bigint[])
        AS mine (id, attempt, worker)
    WHERE job.id = mine.id AND job.status = 'doing' AND job.attempts = mine.attempt
        AND job.worker_id IS NOT DISTINCT FROM mine.worker
"""
_DONE = f"DELETE FROM procrastinate_jobs AS job USING {_MINE}"  # noqa: S608 - of our own words
_PUT_BACK = f"""
    UPDATE procrastinate_jobs AS job
    SET status = 'todo', attempts = job.attempts + 1, worker_id = NULL FROM {_MINE}
"""  # noqa: S608 - as above
_GIVEN = "SELECT * FROM procrastinate_jobs WHERE worker_id = %(worker)s AND status = 'doing'"
_FORGET = """
    DELETE FROM procrastinate_jobs AS job WHERE job.status = 'todo' AND NOT EXISTS (
        SELECT FROM jackline.session AS s WHERE s.tenant = job.args ->> 'tenant'
            AND s.name = job.args ->> 'name' AND s.job = job.id AND s.due_at IS NOT NULL
    )
"""
_BEAT = """
    INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (%(worker)s)
    ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()
"""


class _Job(Job):
    """A job that is quickly logged: five times while it runs, and nearly always for nobody."""

    def log_context(self) -> dict[str, Any]:
        """Return what a log record has of it."""
        return {"id": self.id, "call_string": self.call_string}


class Queue(JobManager):
    """Procrastinate's own, but for what it leaves to chance, and for many jobs a statement.

    Of one tenant it has at most `tenant_max` jobs at once.
    """

    def __init__(self, connector: BaseConnector, slots: int, tenant_max: int | None = None) -> None:
        super().__init__(connector)
        self._slots = slots
        self._tenant_max = slots if tenant_max is None else tenant_max
        self._mine: dict[int, str] = {}
        self._served = ""
        self._tell: NotificationCallback | None = None
        self._told = 0
        self._unheard = set[int]()
        self._looked_at = 0.0
        self._fetched = deque[Job]()
        self._done: list[Job] = []
        self._cut_off: list[Job] = []
        self._ended = asyncio.Event()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """Return a job, or none where the database cannot be asked: an error ends the worker.

        Who asked forgets then what it was told meanwhile: so this looks again for that.
        """
        told = -1
        while not self._fetched and told != self._told:
            await self._pause()
            told = self._told
            try:
                await self._fetch(queues, worker_id)
            except ConnectorException as error:
                _LOG.warning("No job could be fetched: %s", error.__cause__)
        return self._fetched.popleft() if self._fetched else None

    async def _fetch(self, queues: Iterable[str] | None, worker_id: int) -> None:
        """Fetch as many jobs as there is room for. Tenants take turns."""
        rows = await self.connector.execute_query_all_async(
            _FETCH,
            queues=queues,
            worker=worker_id,
            limit=max(1, min(_AT_ONCE, self._slots - len(self._mine))),
            after=self._served,
            here=json.dumps(self._here()),
            tenant_max=self._tenant_max,
        )
        self._fetched.extend(map(_Job.from_row, rows))
        self._mine |= {row["id"]: row["args"]["tenant"] for row in rows}
        if rows:
            self._served = rows[-1]["args"]["tenant"]

    def _here(self) -> Counter[str]:
        """Return how many jobs of each tenant there are."""
        return Counter(self._mine.values())

    def _is_full(self, tenant: str) -> bool:
        """Whether jobs of the tenant wait although there are slots."""
        return self._tenant_max < self._slots and self._here()[tenant] >= self._tenant_max

    async def ripen(self, queues: Iterable[str]) -> bool:
        """Let come whose time has come, or a thousand of each queue. False: there was none."""
        values = {"queues": queues, "limit": _RIPE_AT_ONCE}
        row = await self.connector.execute_query_one_async(_RIPEN, **values)
        return row["count"] > 0

    async def ripening(self, queues: Iterable[str]) -> None:
        """Let come whose time has come, for ever."""
        while True:
            try:
                while await self.ripen(queues):
                    await self._notice()
            except ConnectorException as error:
                _LOG.warning("Nothing that was to come later comes: %s", error.__cause__)
            await asyncio.sleep(_RIPEN_S)

    async def forget(self) -> None:
        """Delete what nobody is to be woken by: the session was queued anew, or has ended."""
        await self.connector.execute_query_async(_FORGET)

    async def _notice(self) -> None:
        """Have the worker look for a job."""
        if self._tell:
            await self._tell(channel="", notification=JobInserted(type="job_inserted", job_id=0))

    async def _pause(self) -> None:
        """Let more jobs come where the last look was just now: under load each look costs."""
        clock = asyncio.get_running_loop().time
        if (wait_s := self._looked_at + _LOOK_S - clock()) > 0:
            await asyncio.sleep(wait_s)
        self._looked_at = clock()

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001 - procrastinate's
        """End the job soon, with others; or put it back, where it was cut off."""
        del delete_job
        assert job.id is not None, "it was fetched"
        is_full = self._is_full(self._mine.get(job.id, ""))
        self._mine.pop(job.id, None)
        if is_full:
            await self._notice()  # One that waited may come now.
        (self._done if status == Status.SUCCEEDED else self._cut_off).append(job)
        self._ended.set()

    async def tidy(self) -> None:
        """End what has to be ended, for ever."""
        while True:
            await self._ended.wait()
            await asyncio.sleep(_TOGETHER_S)
            self._ended.clear()
            if not await self.end():
                await asyncio.sleep(_AGAIN_S)
                self._ended.set()

    async def end(self) -> bool:
        """End the jobs that are over if they are still this worker's. False: try again."""
        return await self._write(_DONE, self._done) and await self._write(_PUT_BACK, self._cut_off)

    async def unregister_worker(self, worker_id: int) -> None:
        """Say that the worker fetches no more. What it has fetched and not begun is put back."""
        self._cut_off += self._fetched
        self._fetched.clear()
        self._mine.clear()
        await self.end()
        await super().unregister_worker(worker_id)

    async def _write(self, query: LiteralString, jobs: list[Job]) -> bool:
        """Write what is listed now, which is then listed no more."""
        written = tuple(jobs)
        if not written:
            return True
        values = {
            "ids": [job.id for job in written],
            "attempts": [job.attempts for job in written],
            "workers": [job.worker_id for job in written],
        }
        try:
            await self.connector.execute_query_async(query, **values)
        except ConnectorException as error:
            _LOG.warning("%d jobs cannot be ended: %s", len(written), error.__cause__)
            return False
        del jobs[: len(written)]
        return True

    async def recover(self, worker_id: int) -> None:
        """Put back what this worker was given and never heard of: the answer was lost."""
        rows = await self.connector.execute_query_all_async(_GIVEN, worker=worker_id)
        heard = {*self._mine, *(job.id for job in (*self._done, *self._cut_off))}
        unheard = {row["id"]: row for row in rows if row["id"] not in heard}
        if lost := unheard.keys() & self._unheard:
            self._cut_off += [_Job.from_row(unheard[each]) for each in lost]
            self._ended.set()
        self._unheard = unheard.keys() - lost

    async def update_heartbeat(self, worker_id: int) -> None:
        """Say that the worker is alive, also where others have taken it for dead meanwhile."""
        await self.connector.execute_query_async(_BEAT, worker=worker_id)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listen, and where the database went away listen again: meanwhile there is the poll."""

        async def tell(*, channel: str, notification: Notification) -> None:
            """Pass it on, and count it for who looks just now."""
            self._told += 1
            await on_notification(channel=channel, notification=notification)

        self._tell = tell
        while True:
            try:
                await super().listen_for_jobs(on_notification=tell, queues=queues)
            except ConnectorException as error:
                _LOG.warning("Nobody listens for jobs: %s", error.__cause__)
            await asyncio.sleep(_AGAIN_S)
