"""Where sessions are kept."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from jackline.core.budget import Account
from jackline.core.events import Record, SessionId, SessionOpened, Told, ToolReturned
from jackline.core.session import Session
from jackline.core.value import Value
from jackline.ports.append import Appended, Batch, Claimed, Loaded, Receipt
from jackline.ports.fleet import Waiting, WorkerRow
from jackline.ports.usage import UsageAsked, Used


class Journal(Protocol):
    """An append-only list of events for each session, and who may add to it.

    Where an append is cancelled or raises `UnknownOutcomeError` its events may be there or
    not, but not later: what is read afterwards is the truth. All times are the database's. Any
    method raises `StoreError` where the database cannot be used, and those that name a session
    `NotFoundError` where there is none.
    """

    async def open(self, session: SessionId, opened: SessionOpened) -> None:
        """Create the session unless it exists.

        Raises `NotFoundError` where it is another user's, and `CallerError` where it is one with
        another agent.
        """
        ...

    async def claim(self, session: SessionId, worker: str, lease_s: float) -> Claimed | None:
        """Append `session.taken`, if something is due and nobody drives or the lease is over."""
        ...

    async def renew(
        self, worker: str, epochs: Mapping[SessionId, int], lease_s: float
    ) -> Mapping[SessionId, int]:
        """Extend the leases of these epochs, and return the heads of those that still hold."""
        ...

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        """Append by the driver, and extend its lease or end it.

        Raises `FencedError` unless the batch has the session's epoch. Only a batch that
        reserves may be refused, by its sum after settling: facts never are.
        """
        ...

    async def transact(
        self,
        session: SessionId,
        epoch: int,
        turn: int,
        work: Callable[[Any], ToolReturned],
    ) -> Record:
        """Run `work` with a connection to the journal's own database, and append what it returns.

        Both commit together or not at all. The connection ends with `work`, cannot end the
        transaction and cannot touch jackline's tables. Raises `FencedError` like `drive`,
        `ToolError` unless `turn` is open, `TimeoutError` where it took too long, and what `work`
        raises, having written nothing.
        """
        ...

    async def tell(
        self,
        session: SessionId,
        events: Sequence[Told],
        *,
        opened: SessionOpened | None = None,
        idle_only: bool = False,
        after: int | None = None,
    ) -> Receipt:
        """Append by anybody, make the session due, and say where it stands.

        With `opened` a session that does not exist is created in the same transaction, and one
        that does raises what `open` raises. The first event decides: a request id that was told
        before changes nothing and returns what was said then; with another body it raises
        `ConflictError`. An answer raises `StaleError` unless its question is open and unexpired
        and the digests are equal. `BusyError`: with `idle_only` a turn is open, or the journal
        has not exactly `after` events, or too many inputs wait.
        """
        ...

    async def read(
        self, session: SessionId, after: int = 0, limit: int | None = None
    ) -> list[Record]:
        """Return the session's records, oldest first, leaving out the first `after`.

        There is nothing after what is beyond all positions.
        """
        ...

    async def load(self, session: SessionId) -> Loaded:
        """Return what a driver starts from: the newest snapshot that we can read, and the rest."""
        ...

    async def save(self, session: Session) -> None:
        """Keep a snapshot of the session, in place of older ones."""
        ...

    async def park(self, session: SessionId, epoch: int) -> None:
        """Let go, and be due only when somebody tells something. For what nobody can go on with.

        Raises `FencedError` like `drive`. Whatever is open stays so.
        """
        ...

    async def due(self, agents: Collection[str], limit: int = 1000) -> list[SessionId]:
        """Return sessions of these agents that have work and no driver, longest due first.

        Where there are more, the longest due of each tenant comes first, then the next of each.
        """
        ...


State = Literal["idle", "due", "driven", "paused"]


class SessionRow(Value, frozen=True):
    """How a session stands, without what was said in it. Money in micro-dollars."""

    id: SessionId
    user: str
    agent: str
    state: State
    head: int
    epoch: int
    turn: int | None
    spent: int
    held: int
    questions: tuple[int, ...]
    updated_at: float
    worker: str = ""
    erased_at: float | None = None
    number: int = 0


class Listing(Value, frozen=True):
    """Which of a tenant's sessions are wanted: those that fit all of this.

    The latest opened comes first. Its place never changes, so that who goes on `before` the
    `number` of the last row is told no session twice and misses none. `waiting`: those with open
    questions.
    """

    user: str | None = None
    agent: str | None = None
    state: State | None = None
    waiting: bool = False
    before: int = (1 << 63) - 1
    limit: int = 100


EVERYONES = Listing()


class Archive(Protocol):
    """What else is kept beside the journal, and how it is kept in order."""

    async def row(self, session: SessionId) -> SessionRow:
        """Return how the session stands. Costs the same however long it is."""
        ...

    async def sessions(self, tenant: str, listing: Listing = EVERYONES) -> list[SessionRow]:
        """Return those of the tenant's sessions that are wanted."""
        ...

    async def workers(self) -> Sequence[WorkerRow]:
        """Return who drives, of whatever tenant, or has said that it is there."""
        ...

    async def waiting(self) -> Sequence[Waiting]:
        """Return what is due and undriven, or was set aside, by agent and version.

        The longest comes first; it is counted over all tenants.
        """
        ...

    async def queued(self, tenant: str, most: int) -> int:
        """Count the tenant's sessions that have work and no driver, up to `most` of them."""
        ...

    async def fork(self, source: SessionId, after: int, target: SessionId) -> None:
        """Copy the first `after` events to a new session, and append `session.forked`."""
        ...

    async def allow(self, tenant: str, account: str, limit: int | None) -> None:
        """Set what an account of the tenant may spend, in micro-dollars. None: it only counts.

        Raises `InputError` for what is no whole amount from 0 to 2**62.
        """
        ...

    async def accounts(self, tenant: str, prefix: str = "") -> list[Account]:
        """Return the tenant's accounts whose names begin so."""
        ...

    async def usage(self, tenant: str, asked: UsageAsked) -> Sequence[Used]:
        """Return what turns of the tenant used, by the day and session in which they ended.

        It is counted in the transaction that ends a turn, and stays when sessions are erased.
        """
        ...

    async def put(
        self, session: SessionId, data: bytes, media_type: str, *, epoch: int | None = None
    ) -> str:
        """Keep an artifact of the session, and return its handle: a digest of the content.

        A driver says its epoch. Raises `FencedError` unless that is the session's.
        """
        ...

    async def get(self, session: SessionId, handle: str) -> tuple[bytes, str]:
        """Return an artifact and its media type. Raises `NotFoundError`."""
        ...

    async def key(self) -> bytes:
        """Return 32 random bytes of the store's own, made with it, that nobody is ever told."""
        ...

    async def erase(self, tenant: str, user: str | None = None, session: str | None = None) -> int:
        """Replace what was said by tombstones, forks and artifacts included; count sessions.

        Drivers are fenced. Money and hashes of request ids stay for 30 days.
        """
        ...

    async def retain(self, older_than_s: float) -> int:
        """Delete sessions that are idle for so long; return how many."""
        ...


class Store(Journal, Archive, Protocol):
    """A journal and its archive, in one database."""

    def close(self) -> None:
        """Finish what was begun, and let the database go."""
        ...


@runtime_checkable
class Probed(Protocol):
    """A store whose database can be asked whether it is fit for use."""

    async def lacks(self) -> Sequence[str]:
        """Return the steps that its schema lacks. Raises `StoreError`."""
        ...

    async def touch(self) -> None:
        """Commit something that changes nothing. Raises `StoreError` where that cannot be."""
        ...
