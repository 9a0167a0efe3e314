"""A store in which each commit is a moment: before it, and after it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from jackline.core.budget import Account
from jackline.core.errors import FencedError
from jackline.core.events import Event, Record, SessionId, SessionOpened, Told, ToolReturned
from jackline.core.events import kind as kind_of
from jackline.core.session import Session
from jackline.ports import (
    EVERYONES,
    Appended,
    Batch,
    Behind,
    Claimed,
    Committed,
    Late,
    Listing,
    Loaded,
    Receipt,
    Refused,
    SessionRow,
    Store,
    UsageAsked,
    Used,
    Waiting,
    WorkerRow,
)
from jackline.testing.crashtest.moments import Moments

T = TypeVar("T")


class Watched:
    """See `Store`. What it does is done by `store`; leases and reading are no moments.

    Whoever begins to drive lets a process go on that stands still until then.
    """

    def __init__(self, store: Store, moments: Moments) -> None:
        self._store = store
        self._moments = moments

    async def open(self, session: SessionId, opened: SessionOpened) -> None:
        """See `Journal.open`."""
        await self._commit("open", (opened,), lambda: self._store.open(session, opened))

    async def claim(self, session: SessionId, worker: str, lease_s: float) -> Claimed | None:
        """See `Journal.claim`."""
        work = lambda: self._store.claim(session, worker, lease_s)  # noqa: E731 - it is handed on
        claimed = await self._commit("claim", (), work)
        if claimed:
            events = [record.event for record in await self._store.read(session)]
            keys = tuple(event.key for event in events if isinstance(event, ToolReturned))
            self._moments.note("returned", "", keys=keys)
            self._moments.release()
        return claimed

    async def renew(
        self, worker: str, epochs: Mapping[SessionId, int], lease_s: float
    ) -> Mapping[SessionId, int]:
        """See `Journal.renew`."""
        return await self._store.renew(worker, epochs, lease_s)

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        """See `Journal.drive`."""
        work = lambda: self._store.drive(session, batch, lease_s)  # noqa: E731 - as above
        return await self._commit("drive", batch.events, work, batch.epoch)

    async def transact(
        self, session: SessionId, epoch: int, turn: int, work: Callable[[Any], ToolReturned]
    ) -> Record:
        """See `Journal.transact`."""
        transact = lambda: self._store.transact(session, epoch, turn, work)  # noqa: E731 - as above
        return await self._commit("transact", (), transact, epoch)

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
        work = lambda: self._store.tell(  # noqa: E731 - as above
            session, events, opened=opened, idle_only=idle_only, after=after
        )
        return await self._commit("tell", events, work)

    async def read(
        self, session: SessionId, after: int = 0, limit: int | None = None
    ) -> list[Record]:
        """See `Journal.read`."""
        return await self._store.read(session, after, limit)

    async def load(self, session: SessionId) -> Loaded:
        """See `Journal.load`."""
        return await self._store.load(session)

    async def save(self, session: Session) -> None:
        """See `Journal.save`."""
        await self._commit("save", (), lambda: self._store.save(session))

    async def park(self, session: SessionId, epoch: int) -> None:
        """See `Journal.park`."""
        await self._store.park(session, epoch)

    async def due(self, agents: Collection[str], limit: int = 1000) -> list[SessionId]:
        """See `Journal.due`."""
        return await self._store.due(agents, limit)

    async def queued(self, tenant: str, most: int) -> int:
        """See `Archive.queued`."""
        return await self._store.queued(tenant, most)

    async def row(self, session: SessionId) -> SessionRow:
        """See `Archive.row`."""
        return await self._store.row(session)

    async def sessions(self, tenant: str, listing: Listing = EVERYONES) -> list[SessionRow]:
        """See `Archive.sessions`."""
        return await self._store.sessions(tenant, listing)

    async def workers(self) -> Sequence[WorkerRow]:
        """See `Archive.workers`."""
        return await self._store.workers()

    async def waiting(self) -> Sequence[Waiting]:
        """See `Archive.waiting`."""
        return await self._store.waiting()

    async def fork(self, source: SessionId, after: int, target: SessionId) -> None:
        """See `Archive.fork`."""
        await self._store.fork(source, after, target)

    async def allow(self, tenant: str, account: str, limit: int | None) -> None:
        """See `Archive.allow`."""
        await self._store.allow(tenant, account, limit)

    async def accounts(self, tenant: str, prefix: str = "") -> list[Account]:
        """See `Archive.accounts`."""
        return await self._store.accounts(tenant, prefix)

    async def usage(self, tenant: str, asked: UsageAsked) -> Sequence[Used]:
        """See `Archive.usage`."""
        return await self._store.usage(tenant, asked)

    async def put(
        self, session: SessionId, data: bytes, media_type: str, *, epoch: int | None = None
    ) -> str:
        """See `Archive.put`."""
        work = lambda: self._store.put(session, data, media_type, epoch=epoch)  # noqa: E731 - as above
        return await self._commit("put", (), work)

    async def get(self, session: SessionId, handle: str) -> tuple[bytes, str]:
        """See `Archive.get`."""
        return await self._store.get(session, handle)

    async def key(self) -> bytes:
        """See `Archive.key`."""
        return await self._store.key()

    async def erase(self, tenant: str, user: str | None = None, session: str | None = None) -> int:
        """See `Archive.erase`."""
        return await self._store.erase(tenant, user, session)

    async def retain(self, older_than_s: float) -> int:
        """See `Archive.retain`."""
        return await self._store.retain(older_than_s)

    def close(self) -> None:
        """See `Store.close`."""
        self._store.close()

    async def _commit(
        self,
        kind: str,
        events: Sequence[Event],
        work: Callable[[], Awaitable[T]],
        epoch: int = 0,
    ) -> T:
        name = self._moments.again(_named(kind, events))
        self._moments.note("commit", name, "before")
        try:
            outcome = await work()
        except FencedError:
            self._moments.note("fenced", name)
            raise
        if (kind == "claim" and outcome is None) or isinstance(outcome, Behind | Refused | Late):
            self._moments.note("commit", name, text="nothing was written")
            return outcome
        written = [*events, outcome.event] if isinstance(outcome, Record) else events
        keys = tuple(event.key for event in written if isinstance(event, ToolReturned))
        at = outcome.at if isinstance(outcome, Committed | Record) else 0.0
        self._moments.note("commit", name, "after", keys=keys, by=(epoch, at))
        return outcome


def _named(kind: str, events: Sequence[Event]) -> str:
    """Return what is written, in short, and of which call, so that each run names it alike."""
    said = ", ".join(kind_of(type(event).__name__) for event in events)
    keys = [key for event in events if (key := getattr(event, "key", ""))]
    return " ".join(filter(None, (kind, f"({said})" if said else "", *keys[:1])))
