"""The store in memory: for tests, and for sessions that need not outlive their process.

It keeps events as bytes, as every store does, and never suspends: between two awaits of its
caller all of an append has happened, or nothing.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

from jackline.adapters import rules
from jackline.adapters.keys import MemoryKeys
from jackline.adapters.memory_row import Row, waiting
from jackline.adapters.memory_usage import Usages
from jackline.core.budget import Account
from jackline.core.codec import decode, encode, pack, unpack
from jackline.core.errors import (
    ConflictError,
    NotFoundError,
)
from jackline.core.events import (
    InputProvided,
    Record,
    SessionForked,
    SessionId,
    SessionOpened,
    SessionTaken,
    Told,
    ToolReturned,
    TurnSteered,
    TurnSubmitted,
)
from jackline.core.session import Session
from jackline.ports import (
    EVERYONES,
    Appended,
    Batch,
    Behind,
    Claimed,
    Clock,
    Committed,
    Late,
    Listing,
    Loaded,
    Receipt,
    Refused,
    SessionRow,
    UsageAsked,
    Used,
    Waiting,
    WorkerRow,
)

if TYPE_CHECKING:
    import sqlite3


class MemoryStore:
    """A `Store` that is gone when its process is."""

    def __init__(self, clock: Clock) -> None:
        self.rows: dict[SessionId, Row] = {}
        self._accounts: dict[tuple[str, str], Account] = {}
        self._clock = rules.SteadyClock(clock)
        self._key = secrets.token_bytes(32)
        self.keys = MemoryKeys(self._clock)
        self._numbers = count(1)
        self._usages = Usages()
        self.tables: sqlite3.Connection | None = None

    async def open(self, session: SessionId, opened: SessionOpened) -> None:
        """See `Journal.open`."""
        self.rows[session] = self._opened(session, opened, self._clock())

    async def claim(self, session: SessionId, worker: str, lease_s: float) -> Claimed | None:
        """See `Journal.claim`."""
        row, now = self._row(session), self._clock()
        if not row.is_due(now):
            return None
        row.epoch, row.worker, row.lease_until = row.epoch + 1, worker, now + lease_s
        row.append(encode(SessionTaken(row.epoch, worker)), now)
        return Claimed(row.epoch, now)

    async def renew(
        self, worker: str, epochs: Mapping[SessionId, int], lease_s: float
    ) -> Mapping[SessionId, int]:
        """See `Journal.renew`."""
        until, heads = self._clock() + lease_s, dict[SessionId, int]()
        for session, epoch in epochs.items():
            row = self.rows.get(session)
            if row and row.epoch == epoch and row.worker == worker and row.lease_until:
                row.lease_until = until
                heads[session] = len(row.bodies)
        return heads

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        """See `Journal.drive`."""
        row = self._row(session)
        rules.check_driver(session, batch.epoch, row.epoch)
        head = len(row.bodies)
        if head > batch.after:
            return Behind(row.records(batch.after))
        if head < batch.after:
            raise rules.cut_short(session)
        bodies = rules.all_encoded(batch.events)
        now = self._clock()
        if batch.before is not None and now >= batch.before:
            return Late(now)
        if batch.moves and (refused := self._move(session.tenant, batch)):
            return Refused(refused)
        row.bodies += bodies
        row.times += [now] * len(bodies)
        row.turn, row.questions, row.updated_at = batch.turn, batch.questions, now
        row.held += batch.held
        row.spent += batch.spent
        whose = session.tenant, row.opened.user, row.opened.agent
        self._usages.add(whose, now, rules.used(batch.events))
        if batch.release:
            row.lease_until, row.due_at = 0.0, batch.due_at
        else:
            row.lease_until = now + lease_s
        return Committed(now)

    def _move(self, tenant: str, batch: Batch) -> Account | None:
        """Change the accounts, or none and return the one that refuses."""
        moved: dict[tuple[str, str], Account] = {}
        for name, (held, spent) in batch.moves.items():
            key, limit = (tenant, name), batch.limits.get(name)
            account = self._accounts.get(key) or Account(name, limit)
            if batch.reserves:
                tight = rules.tightened(account, limit)
                if not tight.admits(held, spent):
                    return tight
            moved[key] = Account(name, account.limit, account.spent + spent, account.held + held)
        self._accounts.update(moved)
        return None

    async def transact(
        self, session: SessionId, epoch: int, turn: int, work: Callable[[Any], ToolReturned]
    ) -> Record:
        """See `Journal.transact`. The tables are of this store, and gone with it."""
        import sqlite3  # noqa: PLC0415 - only for those who have such tools

        from jackline.adapters.sqlite.transact import run_within  # noqa: PLC0415 - as above

        row = self._row(session)
        rules.check_driver(session, epoch, row.epoch)
        rules.check_turn(turn, row.turn)
        if self.tables is None:
            self.tables = sqlite3.connect(":memory:", isolation_level=None)
        database, now = self.tables, self._clock()
        database.execute("BEGIN IMMEDIATE")
        try:
            returned = run_within(database, work)
            body = rules.encoded(returned)
            database.execute("COMMIT")
        finally:
            if database.in_transaction:
                database.execute("ROLLBACK")
        return Record(row.append(body, now), now, returned)

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
        now = self._clock()
        row = self._opened(session, opened, now) if opened else self._row(session)
        first, bodies = rules.first(events), rules.all_encoded(events)
        asked = rules.request(first)
        if asked and (before := row.told.get(asked.name)):
            seq, turn, content = before
            rules.check_repeated(first, asked, content)
            return Receipt(seq, turn, row.times[seq - 1], repeated=True)
        rules.check_idle(session, row.turn, len(row.bodies), idle_only=idle_only, after=after)
        if isinstance(first, TurnSubmitted | TurnSteered) and row.turn is not None:
            rules.check_room(row.waiting(first))
        if isinstance(first, InputProvided):
            known = 0 < first.question <= len(row.bodies)
            question = decode(row.bodies[first.question - 1]) if known else None
            rules.check_answer(first, row.questions, question, now)
            row.questions = tuple(seq for seq in row.questions if seq != first.question)
        seq = row.append(bodies[0], now)
        for body in bodies[1:]:
            row.append(body, now)
        turn = rules.goes_to(first, seq, row.turn)
        if asked:
            row.told[asked.name] = seq, turn, asked.content
        if rules.wakes(first, row.turn):
            row.due_at = now if row.due_at is None else min(row.due_at, now)
        queued = row.turn is not None and row.turn != turn
        row.turn = turn if row.turn is None else row.turn
        self.rows[session] = row
        return Receipt(seq, turn, now, queued=queued)

    async def read(
        self, session: SessionId, after: int = 0, limit: int | None = None
    ) -> list[Record]:
        """See `Journal.read`."""
        row = self._row(session)
        return row.records(rules.position(after), None if limit is None else rules.position(limit))

    async def load(self, session: SessionId) -> Loaded:
        """See `Journal.load`."""
        row = self._row(session)
        start = unpack(row.snapshot[1]) or Session(session)
        return Loaded(start, row.records(start.head))

    async def save(self, session: Session) -> None:
        """See `Journal.save`."""
        row = self._row(session.id)
        if session.epoch == row.epoch and row.snapshot[0] < session.head <= len(row.bodies):
            row.snapshot = session.head, pack(session)

    async def park(self, session: SessionId, epoch: int) -> None:
        """See `Journal.park`."""
        row = self._row(session)
        rules.check_driver(session, epoch, row.epoch)
        row.lease_until, row.due_at = 0.0, None

    async def due(self, agents: Collection[str], limit: int = 1000) -> list[SessionId]:
        """See `Journal.due`."""
        now = self._clock()
        due = [
            (row.due_at, name)
            for name, row in self.rows.items()
            if row.is_due(now) and row.opened.agent in agents
        ]
        due.sort(key=lambda pair: pair[0] or 0.0)
        return rules.in_turn([name for _, name in due], limit)

    async def row(self, session: SessionId) -> SessionRow:
        """See `Archive.row`."""
        return self._row(session).listed(session, self._clock())

    async def sessions(self, tenant: str, listing: Listing = EVERYONES) -> list[SessionRow]:
        """See `Archive.sessions`."""
        now = self._clock()
        mine = (row.listed(name, now) for name, row in self.rows.items() if name.tenant == tenant)
        rows = [row for row in mine if rules.is_wanted(row, listing)]
        return sorted(rows, key=lambda row: row.number, reverse=True)[: listing.limit]

    async def workers(self) -> Sequence[WorkerRow]:
        """See `Archive.workers`."""
        now = self._clock()
        driven = Counter(row.worker for row in self.rows.values() if row.lease_until > now)
        return [WorkerRow(name, count, alive=True) for name, count in sorted(driven.items())]

    async def waiting(self) -> Sequence[Waiting]:
        """See `Archive.waiting`."""
        return waiting(self.rows.values(), self._clock())

    async def queued(self, tenant: str, most: int) -> int:
        """See `Archive.queued`."""
        now = self._clock()
        due = (row.is_due(now) for name, row in self.rows.items() if name.tenant == tenant)
        return min(most, sum(due))

    async def fork(self, source: SessionId, after: int, target: SessionId) -> None:
        """See `Archive.fork`."""
        row = self._row(source)
        rules.check_fork(source, after, target, len(row.bodies))
        if target in self.rows:
            raise ConflictError(f"There is a session {target.name!r} already.")
        copy = Row(row.opened, source, artifacts=dict(row.artifacts), number=next(self._numbers))
        copy.bodies, copy.times = row.bodies[:after], row.times[:after]
        copy.append(encode(SessionForked(source.name, after)), self._clock())
        self.rows[target] = copy

    async def allow(self, tenant: str, account: str, limit: int | None) -> None:
        """See `Archive.allow`."""
        rules.check_limit(limit)
        key = tenant, account
        before = self._accounts.get(key) or Account(account, limit)
        self._accounts[key] = Account(account, limit, before.spent, before.held)

    async def accounts(self, tenant: str, prefix: str = "") -> list[Account]:
        """See `Archive.accounts`."""
        return [
            account
            for (owner, name), account in sorted(self._accounts.items())
            if owner == tenant and name.startswith(prefix)
        ]

    async def usage(self, tenant: str, asked: UsageAsked) -> Sequence[Used]:
        """See `Archive.usage`."""
        return self._usages.sums(tenant, asked)

    async def put(
        self, session: SessionId, data: bytes, media_type: str, *, epoch: int | None = None
    ) -> str:
        """See `Archive.put`."""
        row, handle = self._row(session), sha256(data).hexdigest()
        rules.check_driver(session, epoch, row.epoch)
        row.artifacts[handle] = data, media_type
        return handle

    async def get(self, session: SessionId, handle: str) -> tuple[bytes, str]:
        """See `Archive.get`."""
        try:
            return self._row(session).artifacts[handle]
        except KeyError:
            raise NotFoundError(f"There is no artifact {handle!r} in this session.") from None

    async def key(self) -> bytes:
        """See `Archive.key`."""
        return self._key

    async def erase(self, tenant: str, user: str | None = None, session: str | None = None) -> int:
        """See `Archive.erase`."""
        rows = {name: row for name, row in self.rows.items() if name.tenant == tenant}
        reached = {
            name
            for name, row in rows.items()
            if user in (None, row.opened.user) and session in (None, name.name)
        }
        if session is not None and not reached:
            raise rules.unknown_session(SessionId(tenant, session))
        found = reached
        while found:
            names = {name.name for name in found}
            found = {
                name
                for name, row in rows.items()
                if name not in reached and (row.source in found or row.opened.parent in names)
            }
            reached |= found
        for name in reached:
            self._erase(tenant, self.rows[name])
        return len(reached)

    def _erase(self, tenant: str, row: Row) -> None:
        for hold in rules.open_holds(row.bodies) if row.held else ():
            for name in hold.accounts:
                account = self._accounts[tenant, name]
                settled = account.spent + hold.hold, account.held - hold.hold
                self._accounts[tenant, name] = Account(name, account.limit, *settled)
        row.bodies = list(map(rules.tombstone, row.bodies))
        opened = decode(row.bodies[0])
        assert isinstance(opened, SessionOpened), opened
        row.opened, row.epoch, row.lease_until = opened, row.epoch + 1, 0.0
        row.spent, row.held = row.spent + row.held, 0
        row.due_at, row.turn, row.questions = None, None, ()
        row.told = {name: (seq, turn, None) for name, (seq, turn, _) in row.told.items()}
        row.snapshot, row.artifacts, row.erased_at = (0, b""), {}, self._clock()

    async def retain(self, older_than_s: float) -> int:
        """See `Archive.retain`."""
        now = self._clock()
        for row in self.rows.values():
            if row.erased_at is not None and row.erased_at <= now - rules.HASHES_KEPT_S:
                row.told.clear()
        old = [
            name
            for name, row in self.rows.items()
            if row.turn is None and row.due_at is None and row.updated_at <= now - older_than_s
        ]
        self._forget(old)
        return len(old)

    def _forget(self, names: Iterable[SessionId]) -> None:
        gone = set(names)
        for name in gone:
            del self.rows[name]
        for row in self.rows.values():
            row.source = None if row.source in gone else row.source

    def close(self) -> None:
        """See `Store.close`."""
        if self.tables is not None:
            self.tables.close()

    def _opened(self, session: SessionId, opened: SessionOpened, now: float) -> Row:
        """Return the session's row, or a new one, that is not kept yet."""
        if row := self.rows.get(session):
            rules.check_opened(session, opened, row.opened.user, row.opened.agent)
            return row
        rules.check_name(session)
        row = Row(opened, number=next(self._numbers))
        row.append(rules.encoded(opened), now)
        return row

    def _row(self, session: SessionId) -> Row:
        row = self.rows.get(session)
        if row is None:
            raise rules.unknown_session(session)
        return row
