"""What procrastinate does with its tables, where it has to be done otherwise.

Each method is here because of something that was seen to go wrong with version 3.10, which is
pinned. A job is no more than a wake-up: none of this is needed for a history to be right, but
for sessions to be woken soon, and once.
"""

import asyncio
import logging
from collections.abc import Iterable

from procrastinate import jobs
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager, NotificationCallback

_LOG = logging.getLogger("jackline")
_AGAIN_S = 0.5
_TRIES = 5  # Then it is left to whoever looks for jobs of workers that have ended.
_MINE = """
    WHERE id = %(id)s AND status = 'doing' AND attempts = %(attempts)s
        AND worker_id IS NOT DISTINCT FROM %(worker)s
"""
_DONE = f"DELETE FROM procrastinate_jobs {_MINE}"  # noqa: S608 - of our own words
_PUT_BACK = f"""
    UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, worker_id = NULL {_MINE}
"""  # noqa: S608 - as above
_BEAT = """
    INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (%(worker)s)
    ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()
"""


class Queue(JobManager):
    """Procrastinate's own, but for what it leaves to chance."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """Return a job, or none where the database cannot be asked: an error ends the worker."""
        try:
            return await super().fetch_job(queues, worker_id)
        except ConnectorException as error:
            _LOG.warning("No job could be fetched: %s", error.__cause__)
            return None

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:  # noqa: FBT001 - procrastinate's
        """End the job if it is still this worker's, this time; put it back where it was cut off.

        A worker that was stopped for long goes on to acknowledge what another one runs by now.
        """
        del delete_job
        query = _DONE if status == jobs.Status.SUCCEEDED else _PUT_BACK
        mine = {"id": job.id, "attempts": job.attempts, "worker": job.worker_id}
        for _ in range(_TRIES):
            try:
                await self.connector.execute_query_async(query, **mine)
            except ConnectorException as error:
                _LOG.warning("Job %s cannot be ended: %s", job.id, error.__cause__)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def update_heartbeat(self, worker_id: int) -> None:
        """Say that the worker is alive, also where others have taken it for dead meanwhile."""
        await self.connector.execute_query_async(_BEAT, worker=worker_id)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listen, and where the database went away listen again: meanwhile there is the poll."""
        while True:
            try:
                await super().listen_for_jobs(on_notification=on_notification, queues=queues)
            except ConnectorException as error:
                _LOG.warning("Nobody listens for jobs: %s", error.__cause__)
            await asyncio.sleep(_AGAIN_S)
