"""The one connection that writes: groups of jobs, each group one transaction.

A job's failure is its own: nearly all jobs check before they write, so only where one fails after
it has written is the rest of its group run again, each job in a savepoint then. All of a group is
durable once its COMMIT has returned; where that fails in a way that leaves open what is on the
disk, the outcome of the whole group is unknown.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from jackline.adapters.rules import SteadyClock
from jackline.adapters.sqlite.faults import code, store_error
from jackline.adapters.sqlite.lanes import Gather, Job
from jackline.adapters.sqlite.locks import Turns
from jackline.core.errors import JacklineError, StoreError, UnknownOutcomeError

Work = Callable[[sqlite3.Connection, float], object]

_SURELY_UNDONE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY)
_LAST_AT = "SELECT at FROM event ORDER BY id DESC LIMIT 1"


class RaisedByTool(Exception):  # noqa: N818 - it is a parcel, and no error of its own
    """What a transactional tool raised: nobody else's business, and not the database's fault."""


class _UndoneError(Exception):
    """The whole group has to be undone for one of its jobs, or SQLite has: the disk was full."""

    def __init__(self, culprit: Job) -> None:
        super().__init__(str(culprit.error))
        self.culprit = culprit


class Writer:
    """Writes what has gathered, under the lock that processes share."""

    def __init__(
        self, database: sqlite3.Connection, turns: Turns, clock: SteadyClock, path: Path
    ) -> None:
        self.groups = 0
        self._database = database
        self._turns = turns
        self._clock = clock
        self._path = path

    def commit(self, gather: Gather) -> None:
        """Run the jobs that `gather` returns, and give each its outcome or its error."""
        jobs: list[Job] | None = None
        try:
            with self._turns:
                jobs = gather()
                for group in _groups(jobs):
                    self._commit(group)
        except JacklineError as error:
            for job in gather() if jobs is None else jobs:
                job.error = error
        except OSError as error:
            if jobs is not None:
                return  # Only the lock was not let go: whoever writes next takes it over.
            for job in gather():
                job.error = StoreError(f"{self._path} cannot be locked: {error.strerror or error}.")

    def close(self) -> None:
        """Let the database go."""
        with self._turns:
            self._database.close()
        self._turns.close()

    def _commit(self, group: Sequence[Job], *, savepoints: bool = False) -> None:
        self.groups += 1
        try:
            self._run(group, savepoints=savepoints)
        except _UndoneError as undone:
            rest = [job for job in group if job is not undone.culprit]
            for again in [[job] for job in rest] if savepoints else [rest]:
                self._commit(again, savepoints=True)
        except sqlite3.Error as error:
            self._fail(group, store_error(error, self._path))
        else:
            self._end(group)

    def _run(self, group: Sequence[Job], *, savepoints: bool) -> None:
        self._roll_back()
        if group[0].kind != "bare":
            self._database.execute("BEGIN IMMEDIATE")
        now = self._now()
        if len(group) == 1:
            self._run_alone(group[0], now)
            return
        run = self._run_in_savepoint if savepoints else self._run_in_group
        for job in group:
            run(job, now)

    def _end(self, group: Sequence[Job]) -> None:
        if not self._database.in_transaction:
            return  # The only job failed, or needed none.
        try:
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if code(error) in _SURELY_UNDONE:
                self._fail(group, store_error(error, self._path))
            else:
                self._fail(group, UnknownOutcomeError(f"Nobody knows what was kept: {error}."))

    def _now(self) -> float:
        """Return the database's time: never before that of an event that is there."""
        last = self._database.execute(_LAST_AT).fetchone()
        return self._clock(last[0] if last else 0.0)

    def _run_alone(self, job: Job, now: float) -> None:
        """Run the job, and end the transaction if it failed."""
        job.error = self._attempt(job, now)
        if job.error is not None:
            self._roll_back()

    def _run_in_group(self, job: Job, now: float) -> None:
        """Run the job; if it failed after it has written, the group has to be undone."""
        database = self._database
        before = database.total_changes
        job.error = self._attempt(job, now)
        untouched = database.in_transaction and database.total_changes == before
        if job.error is not None and not untouched:
            raise _UndoneError(job)

    def _run_in_savepoint(self, job: Job, now: float) -> None:
        """Run the job, and undo its part of the transaction if it failed."""
        database = self._database
        database.execute("SAVEPOINT job")
        job.error = self._attempt(job, now)
        if job.error is not None:
            if not database.in_transaction:
                raise _UndoneError(job)
            database.execute("ROLLBACK TO job")
        database.execute("RELEASE job")

    def _attempt(self, job: Job, now: float) -> BaseException | None:
        try:
            job.outcome = job.work(self._database, now)
        except RaisedByTool as parcel:
            return parcel.__cause__
        except sqlite3.Error as error:
            return store_error(error, self._path)
        except Exception as error:  # noqa: BLE001 - it belongs to the task that waits for it
            return error
        return None

    def _fail(self, group: Sequence[Job], error: JacklineError) -> None:
        for job in group:
            job.error = job.error or error
        with suppress(sqlite3.Error):  # The next group tries again, and says what is wrong.
            self._roll_back()

    def _roll_back(self) -> None:
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")


def _groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return what is committed together, in the order asked: a job of another kind is alone."""
    groups = list[list[Job]]()
    for job in jobs:
        if groups and job.kind == groups[-1][0].kind == "grouped":
            groups[-1].append(job)
        else:
            groups.append([job])
    return groups
