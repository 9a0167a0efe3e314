"""The store that any number of workers, on any number of machines, may share."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from psycopg import Connection

from jackline.adapters import rules
from jackline.adapters.postgres import archive, fleet, journal, migrate
from jackline.adapters.postgres.connections import Connections
from jackline.adapters.postgres.keys import PostgresKeys
from jackline.adapters.postgres.lanes import Lanes
from jackline.adapters.postgres.news import look
from jackline.adapters.postgres.rates import PostgresRates
from jackline.adapters.postgres.transact import RaisedByTool, Transact
from jackline.core.budget import Account
from jackline.core.errors import StaleError
from jackline.core.events import Record, SessionId, SessionOpened, Told, ToolReturned, TurnSubmitted
from jackline.core.session import Session
from jackline.ports import (
    Appended,
    Batch,
    Claimed,
    Clock,
    Loaded,
    Presence,
    Receipt,
    SessionRow,
    Unattended,
    Waiting,
    WorkerRow,
)

T = TypeVar("T")
Work = Callable[[Connection, float | None], T]

_CONNECTIONS = 8
_WAIT_S = 10.0
_ANSWER_S = 30.0
_RETAIN_AT_ONCE = 100


def open_postgres(url: str, *, clock: Clock | None = None, queues: bool = False) -> "PostgresStore":
    """Open the database, brought up to date where it has to be. Raises `StoreError`."""
    migrate.bring_up_to_date(url)
    return PostgresStore(url, clock=clock, queues=queues)


class PostgresStore:
    """A `Store` in one Postgres database. All times are the server's, and no process's.

    Each append is one transaction, at most `connections` at a time; a connection is waited for
    `wait_s`, and the server's answer `answer_s`. `clock` stands for the server's clock in a test.
    Where it `queues`, whatever makes a session due queues a job for it in the same transaction.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        connections: int = _CONNECTIONS,
        wait_s: float = _WAIT_S,
        answer_s: float = _ANSWER_S,
        queues: bool = False,
    ) -> None:
        self._clock = clock
        self._queues = queues
        self._closed = False
        self._key = b""
        self._connections = Connections(url, connections, wait_s, answer_s)
        self._lanes = Lanes(connections)
        self.rates = PostgresRates(self._connections, self._lanes, clock)
        """What all workers share of rates and breakers: see `SharesRates`."""
        self.keys = PostgresKeys(self._append, self._read)
        """See `KeepsKeys`."""

    async def open(self, session: SessionId, opened: SessionOpened) -> None:
        """See `Journal.open`."""
        rules.check_name(session)
        rules.encoded(opened)
        await self._write(partial(journal.open_session, session=session, opened=opened), session)

    async def claim(self, session: SessionId, worker: str, lease_s: float) -> Claimed | None:
        """See `Journal.claim`."""
        work = partial(journal.claim, session=session, worker=worker, lease_s=lease_s)
        return await self._append(work, session)

    async def renew(
        self, worker: str, epochs: Mapping[SessionId, int], lease_s: float
    ) -> Mapping[SessionId, int]:
        """See `Journal.renew`."""
        if not epochs:
            return {}
        work = partial(journal.renew, worker=worker, epochs=dict(epochs), lease_s=lease_s)
        return await self._append(work)

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        """See `Journal.drive`."""
        bodies = rules.all_encoded(batch.events)
        return await self._append(
            journal.Drive(session, batch, bodies, lease_s, self._queues), session
        )

    async def transact(
        self, session: SessionId, epoch: int, turn: int, work: Callable[[Any], ToolReturned]
    ) -> Record:
        """See `Journal.transact`. A statement that runs for more than a second is ended."""
        try:
            return await self._write(Transact(session, epoch, turn, work), session)
        except RaisedByTool as parcel:
            raise parcel.__cause__ or parcel from None

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
        bodies, told = rules.all_encoded(events), tuple(events)
        tell = journal.Tell(session, told, bodies, opened, idle_only, after, self._queues)
        try:
            if isinstance(told[0], TurnSubmitted) and (
                receipt := await self._append(tell.at_once, session)
            ):
                return receipt
            return await self._write(tell, session)
        except StaleError:
            await self._append(journal.remember)
            raise

    async def read(
        self, session: SessionId, after: int = 0, limit: int | None = None
    ) -> list[Record]:
        """See `Journal.read`."""
        return await self._read(lambda database, _: journal.read(database, session, after, limit))

    async def load(self, session: SessionId) -> Loaded:
        """See `Journal.load`."""
        return await self._read(lambda database, _: archive.load(database, session))

    async def save(self, session: Session) -> None:
        """See `Journal.save`."""
        await self._write(partial(archive.save, session=session), session.id)

    async def park(self, session: SessionId, epoch: int) -> None:
        """See `Journal.park`."""
        await self._write(partial(journal.park, session=session, epoch=epoch), session)

    async def due(self, agents: Collection[str], limit: int = 1000) -> list[SessionId]:
        """See `Journal.due`."""
        return await self._read(partial(archive.due, agents=list(agents), limit=limit))

    async def row(self, session: SessionId) -> SessionRow:
        """See `Archive.row`."""
        return await self._read(partial(archive.row, session=session))

    async def sessions(
        self, tenant: str, user: str | None = None, limit: int = 100, *, waiting: bool = False
    ) -> list[SessionRow]:
        """See `Archive.sessions`."""
        count = (limit, waiting)
        return await self._read(partial(archive.sessions, tenant=tenant, user=user, limit=count))

    async def queued(self, tenant: str, most: int) -> int:
        """See `Archive.queued`."""
        return await self._read(partial(archive.queued, tenant=tenant, most=most))

    async def fork(self, source: SessionId, after: int, target: SessionId) -> None:
        """See `Archive.fork`."""
        await self._write(partial(archive.fork, source=source, after=after, target=target), source)

    async def allow(self, tenant: str, account: str, limit: int | None) -> None:
        """See `Archive.allow`."""
        await self._append(lambda database, _: archive.allow(database, tenant, account, limit))

    async def accounts(self, tenant: str, prefix: str = "") -> list[Account]:
        """See `Archive.accounts`."""
        return await self._read(lambda database, _: archive.accounts(database, tenant, prefix))

    async def put(
        self, session: SessionId, data: bytes, media_type: str, *, epoch: int | None = None
    ) -> str:
        """See `Archive.put`."""
        artifact = (data, media_type)
        work = partial(archive.put, session=session, artifact=artifact, epoch=epoch)
        return await self._write(work, session)

    async def get(self, session: SessionId, handle: str) -> tuple[bytes, str]:
        """See `Archive.get`."""
        return await self._read(lambda database, _: archive.get(database, session, handle))

    async def key(self) -> bytes:
        """See `Archive.key`."""
        if not self._key:
            self._key = await self._read(archive.key)
        return self._key

    async def erase(self, tenant: str, user: str | None = None, session: str | None = None) -> int:
        """See `Archive.erase`.

        The bytes leave the files when Postgres vacuums and writes over them; its log and its
        backups are the operator's, and so are tables of transactional tools.
        """
        found = await self._read(
            lambda database, _: archive.reached(database, tenant, user, session)
        )
        write = self._write
        erased = await rules.erase_each(found, lambda no: write(partial(archive.erase, no=no)))
        await self._append(lambda database, _: archive.announce(database, look(tenant)))
        return erased

    async def retain(self, older_than_s: float) -> int:
        """See `Archive.retain`. It writes in small pieces, so that nobody waits for long."""
        await self._append(archive.forget_requests)
        work = partial(archive.drop_idle, older_than_s=older_than_s, limit=_RETAIN_AT_ONCE)
        total = 0
        while dropped := await self._write(work):
            total += dropped
        return total

    async def beat(self, presence: Presence) -> None:
        """See `Fleet.beat`."""
        await self._append(partial(fleet.beat, presence=presence))

    async def leave(self, worker: str) -> None:
        """See `Fleet.leave`."""
        await self._append(lambda database, _: fleet.leave(database, worker))

    async def overdue(self, served: Mapping[str, str], limit: int = 1000) -> list[SessionId]:
        """See `Fleet.overdue`."""
        return await self._read(partial(fleet.overdue, served=served, limit=limit))

    async def unattended(self, sessions: Sequence[SessionId]) -> list[Unattended]:
        """See `Fleet.unattended`."""
        return await self._read(partial(fleet.unattended, sessions=sessions))

    async def unserved(self, served: Mapping[str, str], late_s: float) -> list[SessionId]:
        """See `Fleet.unserved`."""
        return await self._read(partial(fleet.unserved, served=served, late_s=late_s))

    async def served_again(self, served: Mapping[str, str]) -> list[SessionId]:
        """See `Fleet.served_again`."""
        return await self._read(lambda database, _: fleet.served_again(database, served))

    async def workers(self) -> Sequence[WorkerRow]:
        """See `Archive.workers`."""
        return await self._read(fleet.workers)

    async def waiting(self) -> Sequence[Waiting]:
        """See `Archive.waiting`."""
        return await self._read(fleet.waiting)

    async def lacks(self) -> Sequence[str]:
        """See `Probed.lacks`."""
        where = self._connections.place
        steps = await self._read(lambda database, _: migrate.pending(database, where))
        return [step.name for step in steps]

    async def touch(self) -> None:
        """See `Probed.touch`. A transaction with a number of its own is written down."""
        await self._write(lambda database, _: database.execute("SELECT pg_current_xact_id()"))

    def close(self) -> None:
        """See `Store.close`."""
        if self._closed:
            return
        self._closed = True
        self._lanes.close()
        self._connections.close()

    async def _read(self, work: Work[T]) -> T:
        return await self._run(self._connections.read, work)

    async def _append(self, work: Work[T], session: SessionId | None = None) -> T:
        """Run work of one statement, which is a transaction of its own."""
        return await self._run(self._connections.append, work, session)

    async def _write(self, work: Work[T], session: SessionId | None = None) -> T:
        return await self._run(self._connections.transact, work, session)

    async def _run(
        self,
        run: Callable[[Callable[[Connection], T], float], T],
        work: Work[T],
        session: SessionId | None = None,
    ) -> T:
        given = self._clock() if self._clock else None
        until = self._connections.until()
        bound = lambda: run(lambda database: work(database, given), until)  # noqa: E731 - it is handed on
        return await self._lanes.run(bound, session)
