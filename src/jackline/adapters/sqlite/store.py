"""The store that many tasks, event loops and processes of one machine may share."""

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jackline.adapters import rules
from jackline.adapters.sqlite import archive, journal, migrate
from jackline.adapters.sqlite.faults import store_error
from jackline.adapters.sqlite.keys import SqliteKeys
from jackline.adapters.sqlite.lanes import Commit, Gather, Job, Kind, Lanes, Threads
from jackline.adapters.sqlite.locks import Turns
from jackline.adapters.sqlite.writer import Work, Writer
from jackline.core.budget import Account
from jackline.core.events import Record, SessionId, SessionOpened, Told, ToolReturned
from jackline.core.session import Session
from jackline.ports import (
    Appended,
    Batch,
    Claimed,
    Clock,
    Loaded,
    Receipt,
    SessionRow,
    Waiting,
    WorkerRow,
)

T = TypeVar("T")

_LOCKED_S = 10.0
_RETAIN_AT_ONCE = 100
_PAGE_BYTES = 4_096


def wall_clock() -> Clock:
    """Return a clock that starts at the machine's time, and that nobody sets back or forward."""
    source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    started_at = time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(source)
    return lambda: started_at + time.clock_gettime(source)


def open_sqlite(
    path: str | Path, *, clock: Clock | None = None, offload: Callable[[Commit], Lanes] = Threads
) -> "SqliteStore":
    """Open the file, made or brought up to date where it has to be. Raises `StoreError`."""
    clock = clock or wall_clock()
    migrate.bring_up_to_date(Path(path), clock())
    return SqliteStore(path, clock=clock, offload=offload)


class SqliteStore:
    """A `Store` in one file, in WAL mode, synced at each commit.

    `offload` says where it blocks: in threads, or in the event loop for a simulation. Whoever
    else holds the file's lock is waited for `locked_s`. The file may grow to `limit_bytes`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        clock: Clock,
        offload: Callable[[Commit], Lanes] = Threads,
        locked_s: float = _LOCKED_S,
        limit_bytes: int | None = None,
    ) -> None:
        self._path = Path(path)
        self._raw_clock = clock
        self._clock = rules.SteadyClock(clock)
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._key = b""
        self._version: object = None
        database = migrate.connect_current(self._path, locked_s)
        if limit_bytes is not None:
            database.execute(f"PRAGMA max_page_count = {limit_bytes // _PAGE_BYTES}")
        turns = Turns(self._path, self._pause, locked_s)
        self._writer = Writer(database, turns, self._clock, self._path)
        self._lanes = offload(self._commit)
        self.keys = SqliteKeys(self._write, self._read, self._clock.peek)
        """See `KeepsKeys`."""

    @property
    def groups(self) -> int:
        """How many groups were committed, or tried to be."""
        return self._writer.groups

    def _commit(self, gather: Gather) -> None:
        self._writer.commit(gather)

    def _pause(self, seconds: float) -> None:
        self._lanes.pause(seconds)

    async def open(self, session: SessionId, opened: SessionOpened) -> None:
        """See `Journal.open`."""
        rules.check_name(session)
        rules.encoded(opened)
        await self._write(partial(journal.open_session, session=session, opened=opened))

    async def claim(self, session: SessionId, worker: str, lease_s: float) -> Claimed | None:
        """See `Journal.claim`."""
        work = partial(journal.claim, session=session, worker=worker, lease_s=lease_s)
        return await self._write(work)

    async def renew(
        self, worker: str, epochs: Mapping[SessionId, int], lease_s: float
    ) -> Mapping[SessionId, int]:
        """See `Journal.renew`."""
        if not epochs:
            return {}
        work = partial(journal.renew, worker=worker, epochs=dict(epochs), lease_s=lease_s)
        return await self._write(work)

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        """See `Journal.drive`."""
        bodies = rules.all_encoded(batch.events)
        return await self._write(journal.Drive(session, batch, bodies, lease_s))

    async def transact(
        self, session: SessionId, epoch: int, turn: int, work: Callable[[Any], ToolReturned]
    ) -> Record:
        """See `Journal.transact`. A statement that runs for more than a second is interrupted."""
        transact = journal.Transact(session, epoch, turn, work, self._raw_clock)
        return await self._write(transact, "alone")

    async def tell(
        self,
        session: SessionId,
        events: Sequence[Told],
        *,
        opened: SessionOpened | None = None,
        idle_only: bool = False,
        after: int | None = None,
    ) -> Receipt:
        """See `Journal.tell`."""
        rules.first(events)
        if opened:
            rules.check_name(session)
            rules.encoded(opened)
        bodies = rules.all_encoded(events)
        told = tuple(events)
        return await self._write(journal.Tell(session, told, bodies, opened, idle_only, after))

    async def read(
        self, session: SessionId, after: int = 0, limit: int | None = None
    ) -> list[Record]:
        """See `Journal.read`."""
        work = partial(journal.read, session=session, after=after, limit=limit)
        return await self._read(work)

    async def load(self, session: SessionId) -> Loaded:
        """See `Journal.load`."""
        return await self._read(partial(archive.load, session=session))

    async def save(self, session: Session) -> None:
        """See `Journal.save`."""
        await self._write(partial(archive.save, session=session))

    async def park(self, session: SessionId, epoch: int) -> None:
        """See `Journal.park`."""
        await self._write(partial(journal.park, session=session, epoch=epoch))

    async def due(self, agents: Collection[str], limit: int = 1000) -> list[SessionId]:
        """See `Journal.due`."""
        now, names = self._clock.peek(), list(agents)
        return await self._read(partial(archive.due, now=now, agents=names, limit=limit))

    async def row(self, session: SessionId) -> SessionRow:
        """See `Archive.row`."""
        now = self._clock.peek()
        return await self._read(partial(archive.row, now=now, session=session))

    async def sessions(
        self, tenant: str, user: str | None = None, limit: int = 100, *, waiting: bool = False
    ) -> list[SessionRow]:
        """See `Archive.sessions`."""
        now, count = self._clock.peek(), (limit, waiting)
        work = partial(archive.sessions, now=now, tenant=tenant, user=user, limit=count)
        return await self._read(work)

    async def workers(self) -> Sequence[WorkerRow]:
        """See `Archive.workers`."""
        return await self._read(partial(archive.workers, now=self._clock.peek()))

    async def waiting(self) -> Sequence[Waiting]:
        """See `Archive.waiting`."""
        return await self._read(partial(archive.waiting, now=self._clock.peek()))

    async def queued(self, tenant: str, most: int) -> int:
        """See `Archive.queued`."""
        now = self._clock.peek()
        return await self._read(partial(archive.queued, now=now, tenant=tenant, most=most))

    async def fork(self, source: SessionId, after: int, target: SessionId) -> None:
        """See `Archive.fork`."""
        await self._write(partial(archive.fork, source=source, after=after, target=target))

    async def allow(self, tenant: str, account: str, limit: int | None) -> None:
        """See `Archive.allow`."""
        await self._write(partial(archive.allow, tenant=tenant, account=account, limit=limit))

    async def accounts(self, tenant: str, prefix: str = "") -> list[Account]:
        """See `Archive.accounts`."""
        return await self._read(partial(archive.accounts, tenant=tenant, prefix=prefix))

    async def put(
        self, session: SessionId, data: bytes, media_type: str, *, epoch: int | None = None
    ) -> str:
        """See `Archive.put`."""
        return await self._write(archive.Put(session, data, media_type, epoch))

    async def get(self, session: SessionId, handle: str) -> tuple[bytes, str]:
        """See `Archive.get`."""
        return await self._read(partial(archive.get, session=session, handle=handle))

    async def key(self) -> bytes:
        """See `Archive.key`."""
        if not self._key:
            self._key = await self._read(archive.key)
        return self._key

    async def erase(self, tenant: str, user: str | None = None, session: str | None = None) -> int:
        """See `Archive.erase`. Afterwards the bytes are gone from the file and its log.

        What transactional tools wrote to tables of their own is theirs to erase. Raises
        `StoreError` where somebody reads the log for too long: then erase again.
        """
        work = partial(archive.reached, tenant=tenant, user=user, session=session)
        erased = await rules.erase_each(
            await self._read(work), lambda no: self._write(partial(archive.erase, no=no))
        )
        await self._write(archive.empty_log, "bare")
        return erased

    async def retain(self, older_than_s: float) -> int:
        """See `Archive.retain`. It writes in small pieces, so that nobody waits for long."""
        await self._write(archive.forget_requests)
        work = partial(archive.drop_idle, older_than_s=older_than_s, limit=_RETAIN_AT_ONCE)
        total = 0
        while dropped := await self._write(work):
            total += dropped
        return total

    async def lacks(self) -> Sequence[str]:
        """See `Probed.lacks`."""
        look = partial(migrate.pending, path=self._path)
        return [step.name for step in await self._read(look)]

    async def touch(self) -> None:
        """See `Probed.touch`."""
        await self._write(archive.touch)

    def close(self) -> None:
        """See `Store.close`."""
        if self._closed:
            return
        self._closed = True
        self._lanes.close()
        while self._readers:
            self._readers.pop().close()
        self._writer.close()

    async def others_wrote(self) -> bool:
        """See `Noticing`. SQLite counts what other connections wrote than the one that writes."""
        before, self._version = self._version, await self._write(archive.data_version, "bare")
        return before != self._version

    async def _write(self, work: Work, kind: Kind = "grouped") -> Any:  # what the work returns
        job = Job(work, kind)
        await self._lanes.write(job)
        if job.error is not None:
            raise job.error
        return job.outcome

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._lanes.read(lambda: self._with_reader(work))

    def _with_reader(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            database = self._readers.pop()
        except IndexError:
            database = migrate.connect_to_read(self._path)
        try:
            return work(database)
        except sqlite3.Error as error:
            raise store_error(error, self._path) from error
        finally:
            self._readers.append(database)
