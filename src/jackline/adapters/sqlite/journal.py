"""The journal's statements: what each append does within the writer's transaction.

Every function takes the writer's connection and the database's time, and raises or returns
what its caller is to get. What it wrote before it raised is rolled back.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jackline.adapters import rules
from jackline.adapters.sqlite.transact import run_within
from jackline.adapters.sqlite.writer import RaisedByTool
from jackline.core.budget import Account
from jackline.core.codec import decode, encode
from jackline.core.events import (
    InputProvided,
    Record,
    SessionId,
    SessionOpened,
    SessionTaken,
    Told,
    ToolReturned,
    TurnSteered,
    TurnSubmitted,
)
from jackline.ports import (
    Appended,
    Batch,
    Behind,
    Claimed,
    Clock,
    Committed,
    Late,
    Receipt,
    Refused,
)
from jackline.ports.usage import DAY_S

_OPEN = """
    INSERT INTO session (tenant, name, user, agent, parent, head, updated_at)
    VALUES (?, ?, ?, ?, ?, 1, ?) RETURNING no
"""
_CLAIM = """
    UPDATE session SET epoch = epoch + 1, head = head + 1, worker = ?1, lease_until = ?2,
        updated_at = ?3
    WHERE tenant = ?4 AND name = ?5 AND due_at <= ?3 AND lease_until <= ?3
    RETURNING no, head, epoch
"""
# Only a process that drives moves the log into the file, in a commit of its own.
_CHECKPOINT = "PRAGMA wal_autocheckpoint = 1000"
_RENEW = """
    UPDATE session SET lease_until = ?1
    FROM (
        SELECT json_extract(value, '$[0]') AS tenant, json_extract(value, '$[1]') AS name,
            json_extract(value, '$[2]') AS epoch
        FROM json_each(?2)
    ) AS mine
    WHERE session.tenant = mine.tenant AND session.name = mine.name
        AND session.epoch = mine.epoch AND session.worker = ?3 AND session.lease_until > 0
    RETURNING session.tenant, session.name, session.head
"""
_DRIVE = """
    UPDATE session SET head = ?, turn = ?, lease_until = ?, held = held + ?, spent = spent + ?,
        questions = ?, updated_at = ?
    WHERE no = ?
"""
_RELEASE = """
    UPDATE session SET head = ?, turn = ?, due_at = ?, lease_until = 0, held = held + ?,
        spent = spent + ?, questions = ?, updated_at = ?
    WHERE no = ?
"""
_ACCOUNT = "SELECT allowed, spent, held FROM account WHERE tenant = ? AND name = ?"
_MOVE = """
    INSERT INTO account (tenant, name, allowed, spent, held) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET spent = spent + excluded.spent, held = held + excluded.held
"""
_USED = """
    INSERT INTO usage (tenant, user, agent, day, turns, cost, input, output)
    SELECT tenant, user, agent, ?, ?, ?, ?, ? FROM session WHERE no = ?
    ON CONFLICT DO UPDATE SET turns = turns + excluded.turns, cost = cost + excluded.cost,
        input = input + excluded.input, output = output + excluded.output
"""
_FENCE = "SELECT no, epoch, head, turn FROM session WHERE tenant = ? AND name = ?"
_GROWN = "UPDATE session SET head = ?, updated_at = ? WHERE no = ?"
_PARK = "UPDATE session SET due_at = NULL, lease_until = 0 WHERE no = ?"
_STATE = """
    SELECT no, head, turn, due_at, questions, user, agent FROM session
    WHERE tenant = ? AND name = ?
"""
_REPEATED = "SELECT seq, turn, at, content FROM event WHERE session = ? AND request = ?"
_TELL = "UPDATE session SET head = ?, turn = ?, questions = ?, updated_at = ? WHERE no = ?"
_WAKE = "UPDATE session SET due_at = ? WHERE no = ?"
_INSERT = "INSERT INTO event (session, seq, at, body) VALUES (?, ?, ?, ?)"
_INSERT_TOLD = """
    INSERT INTO event (session, seq, at, body, request, content, turn) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_QUEUED = "SELECT count(*) FROM event WHERE session = ?1 AND seq > ?2 AND turn > ?2"
_STEERED = "SELECT count(*) FROM event WHERE session = ?1 AND seq > ?2 AND turn = ?2"
_EVENT = "SELECT body FROM event WHERE session = ? AND seq = ?"
_READ = """
    SELECT seq, at, body FROM event WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?
"""


def number(database: sqlite3.Connection, session: SessionId) -> int:
    """Return the session's number. Raises `NotFoundError`."""
    sql = "SELECT no FROM session WHERE tenant = ? AND name = ?"
    row = database.execute(sql, (session.tenant, session.name)).fetchone()
    if row is None:
        raise rules.unknown_session(session)
    return row[0]


def fence(database: sqlite3.Connection, session: SessionId) -> tuple[int, int, int, int | None]:
    """Return the session's number, epoch, head and open turn. Raises `NotFoundError`."""
    row = database.execute(_FENCE, (session.tenant, session.name)).fetchone()
    if row is None:
        raise rules.unknown_session(session)
    return row


def records(
    database: sqlite3.Connection, no: int, after: int, limit: int | None = None
) -> list[Record]:
    """Return the records of a session's number, oldest first, without the first `after`."""
    count = -1 if limit is None else rules.position(limit)
    rows = database.execute(_READ, (no, rules.position(after), count))
    return [Record(seq, at, decode(body)) for seq, at, body in rows]


def read(
    database: sqlite3.Connection, session: SessionId, after: int, limit: int | None
) -> list[Record]:
    """See `Journal.read`."""
    return records(database, number(database, session), after, limit)


def open_session(
    database: sqlite3.Connection, at: float, session: SessionId, opened: SessionOpened
) -> None:
    """See `Journal.open`."""
    _state(database, at, session, opened)


def _state(
    database: sqlite3.Connection, at: float, session: SessionId, opened: SessionOpened | None
) -> tuple[int, int, int | None, float | None, str]:
    """Return number, head, open turn, wake-up and questions of the session, created if it may be.

    Raises what `Journal.open` raises, and `NotFoundError` where nobody says how it is opened.
    """
    row = database.execute(_STATE, (session.tenant, session.name)).fetchone()
    if row:
        if opened:
            rules.check_opened(session, opened, *row[5:])
        return row[:5]
    if opened is None:
        raise rules.unknown_session(session)
    new = (session.tenant, session.name, opened.user, opened.agent, opened.parent, at)
    (no,) = database.execute(_OPEN, new).fetchone()
    database.execute(_INSERT, (no, 1, at, encode(opened)))
    return no, 1, None, None, ""


def claim(
    database: sqlite3.Connection, at: float, session: SessionId, worker: str, lease_s: float
) -> Claimed | None:
    """See `Journal.claim`."""
    key = (worker, at + lease_s, at, session.tenant, session.name)
    row = database.execute(_CLAIM, key).fetchone()
    if row is None:
        number(database, session)
        return None
    no, head, epoch = row
    database.execute(_CHECKPOINT)
    database.execute(_INSERT, (no, head, at, encode(SessionTaken(epoch, worker))))
    return Claimed(epoch, at)


def renew(
    database: sqlite3.Connection,
    at: float,
    worker: str,
    epochs: Mapping[SessionId, int],
    lease_s: float,
) -> Mapping[SessionId, int]:
    """See `Journal.renew`."""
    mine = json.dumps([(s.tenant, s.name, epoch) for s, epoch in epochs.items()])
    rows = database.execute(_RENEW, (at + lease_s, mine, worker))
    return {SessionId(tenant, name): head for tenant, name, head in rows.fetchall()}


def park(database: sqlite3.Connection, _: float, session: SessionId, epoch: int) -> None:
    """See `Journal.park`."""
    no, current, _head, _turn = fence(database, session)
    rules.check_driver(session, epoch, current)
    database.execute(_PARK, (no,))


@dataclass(frozen=True, slots=True)
class Drive:
    """A batch with its events as bytes, ready to be written."""

    session: SessionId
    batch: Batch
    bodies: Sequence[bytes]
    lease_s: float

    def __call__(self, database: sqlite3.Connection, at: float) -> Appended:
        """See `Journal.drive`."""
        batch, session = self.batch, self.session
        no, epoch, head, _ = fence(database, session)
        rules.check_driver(session, batch.epoch, epoch)
        if head > batch.after:
            return Behind(records(database, no, batch.after))
        if head < batch.after:
            raise rules.cut_short(session)
        if batch.before is not None and at >= batch.before:
            return Late(at)
        if batch.reserves and (refused := self._refused(database)):
            return Refused(refused)
        row = (
            head + len(self.bodies),
            batch.turn,
            batch.due_at if batch.release else at + self.lease_s,
            batch.held,
            batch.spent,
            _listed(batch.questions),
            at,
            no,
        )
        database.execute(_RELEASE if batch.release else _DRIVE, row)
        events = [(no, seq, at, body) for seq, body in enumerate(self.bodies, head + 1)]
        database.executemany(_INSERT, events)
        if batch.moves:
            tenant, limits = session.tenant, batch.limits
            moves = sorted(batch.moves.items())
            rows = [(tenant, name, limits.get(name), s, h) for name, (h, s) in moves]
            database.executemany(_MOVE, rows)
        if used := rules.used(batch.events):
            sums = used.turns, used.cost, used.input, used.output
            database.execute(_USED, (int(at // DAY_S), *sums, no))
        return Committed(at)

    def _refused(self, database: sqlite3.Connection) -> Account | None:
        """Return the first account that does not admit the batch. Nothing is written yet."""
        for name, (held, spent) in sorted(self.batch.moves.items()):
            row = database.execute(_ACCOUNT, (self.session.tenant, name)).fetchone()
            allowed, was_spent, was_held = row or (self.batch.limits.get(name), 0, 0)
            account = Account(name, allowed, was_spent, was_held)
            account = rules.tightened(account, self.batch.limits.get(name))
            if not account.admits(held, spent):
                return account
        return None


@dataclass(frozen=True, slots=True)
class Transact:
    """A transactional tool, and where its result goes."""

    session: SessionId
    epoch: int
    turn: int
    work: Callable[[Any], ToolReturned]
    clock: Clock

    def __call__(self, database: sqlite3.Connection, at: float) -> Record:
        """See `Journal.transact`."""
        session = self.session
        no, epoch, head, open_turn = fence(database, session)
        rules.check_driver(session, self.epoch, epoch)
        rules.check_turn(self.turn, open_turn)
        try:
            returned = run_within(database, self.work, self.clock)
        except Exception as error:
            raise RaisedByTool from error
        seq, body = head + 1, rules.encoded(returned)
        database.execute(_GROWN, (seq, at, no))
        database.execute(_INSERT, (no, seq, at, body))
        return Record(seq, at, returned)


@dataclass(frozen=True, slots=True)
class Tell:
    """What somebody who does not drive has to say, as bytes, too."""

    session: SessionId
    events: Sequence[Told]
    bodies: Sequence[bytes]
    opened: SessionOpened | None
    idle_only: bool
    after: int | None

    def __call__(self, database: sqlite3.Connection, at: float) -> Receipt:
        """See `Journal.tell`."""
        session, first = self.session, self.events[0]
        no, head, turn, due_at, listed = _state(database, at, session, self.opened)
        request = rules.request(first)
        if request and (receipt := _repeated(database, no, first, request)):
            return receipt
        rules.check_idle(session, turn, head, idle_only=self.idle_only, after=self.after)
        if isinstance(first, TurnSubmitted | TurnSteered) and turn is not None:
            rules.check_room(_waiting(database, no, first, turn))
        if isinstance(first, InputProvided):
            listed = _answered(database, no, first, listed, at)
        seq = head + 1
        mine = rules.goes_to(first, seq, turn)
        told = (request.name, request.content, mine) if request else (None, None, None)
        database.execute(_INSERT_TOLD, (no, seq, at, self.bodies[0], *told))
        riders = [(no, n, at, body) for n, body in enumerate(self.bodies[1:], seq + 1)]
        database.executemany(_INSERT, riders)
        opened = mine if turn is None else turn
        database.execute(_TELL, (head + len(self.bodies), opened, listed, at, no))
        if rules.wakes(first, turn) and (due_at is None or due_at > at):
            database.execute(_WAKE, (at, no))
        return Receipt(seq, mine, at, queued=turn is not None and mine != turn)


def _repeated(
    database: sqlite3.Connection, no: int, event: Told, request: rules.Request
) -> Receipt | None:
    row = database.execute(_REPEATED, (no, request.name)).fetchone()
    if row is None:
        return None
    seq, turn, at, content = row
    rules.check_repeated(event, request, content)
    return Receipt(seq, turn, at, repeated=True)


def _waiting(
    database: sqlite3.Connection, no: int, event: TurnSubmitted | TurnSteered, turn: int
) -> int:
    """Return how many inputs wait for turns, or how many the open turn was steered by."""
    sql = _QUEUED if isinstance(event, TurnSubmitted) else _STEERED
    return database.execute(sql, (no, turn)).fetchone()[0]


def _answered(
    database: sqlite3.Connection, no: int, answer: InputProvided, listed: str, at: float
) -> str:
    """Return the questions that are left, as they are kept."""
    still_open: list[int] = json.loads(listed or "[]")
    question = rules.position(answer.question)
    row = database.execute(_EVENT, (no, question)).fetchone()
    rules.check_answer(answer, still_open, decode(row[0]) if row else None, at)
    return _listed([seq for seq in still_open if seq != answer.question])


def _listed(questions: Sequence[int]) -> str:
    return json.dumps(list(questions)) if questions else ""
