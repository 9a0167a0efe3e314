"""The journal's statements: what each append does within its transaction.

Every function takes a connection and `given`, which stands for the database's clock in a test,
and raises or returns what its caller is to get. What it wrote before it raised is rolled back.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import Connection

from jackline.adapters import rules
from jackline.adapters.postgres.faults import REFUSED
from jackline.core.budget import Account
from jackline.core.codec import decode, encode, unpack
from jackline.core.events import (
    InputProvided,
    Record,
    SessionId,
    SessionOpened,
    SessionTaken,
    Told,
    TurnCancelRequested,
    TurnResumed,
    TurnSteered,
    TurnSubmitted,
)
from jackline.core.session import Session
from jackline.core.value import Value
from jackline.ports import (
    Appended,
    Batch,
    Behind,
    Claimed,
    Committed,
    Late,
    Loaded,
    Receipt,
    Refused,
)

_LOCKED = "SELECT * FROM jackline.locked_1(%s, %s, %s)"
_OPENED = "SELECT * FROM jackline.opened_1(%s, %s, %s, %s, %s, %b, %s)"
_CLAIM = "SELECT * FROM jackline.claim_1(%s, %s, %s, %s, %b, %b, %s)"
_SUBMIT = """
    SELECT * FROM jackline.submit_1(%s, %s, %b, %s, %s, %s, %s, %b, %b, %b, %s, %s, %s)
"""
_EPOCH = b'"epoch":0'
_RENEW = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    UPDATE jackline.session AS s SET lease_until = now.at + %s
    FROM now, unnest(%s::text[], %s::text[], %s::bigint[]) AS mine (tenant, name, epoch)
    WHERE s.tenant = mine.tenant AND s.name = mine.name AND s.epoch = mine.epoch
        AND s.worker = %s AND s.lease_until > 0
    RETURNING s.tenant, s.name, s.head
"""
_PARK = "UPDATE jackline.session SET due_at = NULL, lease_until = 0 WHERE no = %s"
_DRIVE = """
    SELECT * FROM jackline.drive_2(
        %s, %s, %s, %s, %b, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::bigint[],
        %s, %s, %s
    )
"""
_REMEMBER = "UPDATE jackline.clock SET latest = jackline.time_1(%s)"
_REPEATED = """
    SELECT seq, turn, at, content FROM jackline.event WHERE session = %s AND request = %s
"""
_QUEUED = """
    SELECT count(*) FROM jackline.event WHERE session = %(no)s AND seq > %(turn)s
        AND turn > %(turn)s
"""
_STEERED = """
    SELECT count(*) FROM jackline.event WHERE session = %(no)s AND seq > %(turn)s
        AND turn = %(turn)s
"""
_EVENT = "SELECT body FROM jackline.event WHERE session = %s AND seq = %s"
_TELL = """
    WITH told AS (
        INSERT INTO jackline.event (session, seq, at, body, request, content, turn)
        VALUES (%(no)s, %(seq)s, %(at)s, %(body)b, %(request)b, %(content)b, %(mine)s)
    ), riders AS (
        INSERT INTO jackline.event (session, seq, at, body)
        SELECT %(no)s, %(seq)s + rider.n, %(at)s, rider.body
        FROM unnest(%(riders)b::bytea[]) WITH ORDINALITY AS rider (body, n)
    )
    UPDATE jackline.session SET head = %(head)s, turn = %(turn)s, questions = %(questions)s,
        due_at = %(due_at)s, updated_at = %(at)s,
        version = coalesce(%(version)s, version),
        job = CASE WHEN %(wakes)s THEN jackline.wake_1(
            tenant, name, agent, coalesce(%(version)s, version), %(due_at)s, %(at)s
        ) ELSE job END
    WHERE no = %(no)s
"""
# One row even where there is no event: then it is empty, and the session is there.
_READ = """
    SELECT e.seq, e.at, e.body FROM jackline.session AS s LEFT JOIN LATERAL (
        SELECT seq, at, body FROM jackline.event
        WHERE session = s.no AND seq > %s ORDER BY seq LIMIT %s
    ) AS e ON true
    WHERE s.tenant = %s AND s.name = %s ORDER BY e.seq
"""


class Locked(NamedTuple):
    """A session's row, which nobody else changes until the transaction ends."""

    no: int
    head: int
    epoch: int
    turn: int | None
    due_at: float | None
    lease_until: float
    questions: list[int]
    user: str
    agent: str
    at: float


def one(database: Connection, sql: LiteralString, values: Sequence[Any] | Mapping[str, Any]) -> Any:
    """Return the first row, or None. Rows have the types that the statement gives them."""
    return database.execute(sql, values, binary=True).fetchone()


def locked(database: Connection, given: float | None, session: SessionId) -> Locked:
    """Return the session's row and lock it. Raises `NotFoundError`."""
    row = one(database, _LOCKED, (session.tenant, session.name, given))
    if row[0] is None:
        raise rules.unknown_session(session)
    return Locked(*row)


def read(
    database: Connection, session: SessionId, after: int, limit: int | None = None
) -> list[Record]:
    """See `Journal.read`."""
    count = None if limit is None else rules.position(limit)
    values = (rules.position(after), count, session.tenant, session.name)
    rows = database.execute(_READ, values, binary=True).fetchall()
    if not rows:
        raise rules.unknown_session(session)
    return [Record(seq, at, decode(body)) for seq, at, body in rows if seq is not None]


def open_session(
    database: Connection, given: float | None, session: SessionId, opened: SessionOpened
) -> None:
    """See `Journal.open`."""
    _opened(database, given, session, opened)


def _opened(
    database: Connection, given: float | None, session: SessionId, opened: SessionOpened
) -> tuple[bool, Locked]:
    """Return whether the session was made now, and its row."""
    new = (session.tenant, session.name, opened.user, opened.agent, opened.parent)
    made, *columns = one(database, _OPENED, (*new, encode(opened), given))
    found = Locked(*columns)
    rules.check_opened(session, opened, found.user, found.agent)
    return made, found


def claim(
    database: Connection, given: float | None, session: SessionId, worker: str, lease_s: float
) -> Claimed | None:
    """See `Journal.claim`."""
    opening, _, closing = encode(SessionTaken(0, worker)).partition(_EPOCH)
    body = opening + _EPOCH[:-1], closing
    values = (session.tenant, session.name, worker, lease_s, *body, given)
    epoch, at, *found = one(database, _CLAIM, values)
    if at is None:
        raise rules.unknown_session(session)
    return None if epoch is None else Claimed(epoch, at, _loaded(session, *found))


def _loaded(
    session: SessionId, kept: bytes | None, head: int, times: list[float], bodies: list[bytes]
) -> Loaded | None:
    """Return what came with a claim. None: its snapshot is none that we can read."""
    start = unpack(kept) if kept else Session(session)
    events = zip(times, bodies, strict=True)
    records = [Record(seq, at, decode(body)) for seq, (at, body) in enumerate(events, head + 1)]
    return Loaded(start, records) if start else None


def renew(
    database: Connection,
    given: float | None,
    worker: str,
    epochs: Mapping[SessionId, int],
    lease_s: float,
) -> Mapping[SessionId, int]:
    """See `Journal.renew`."""
    tenants, names = [each.tenant for each in epochs], [each.name for each in epochs]
    values = (given, lease_s, tenants, names, list(epochs.values()), worker)
    rows = database.execute(_RENEW, values, binary=True)
    return {SessionId(tenant, name): head for tenant, name, head in rows.fetchall()}


def park(database: Connection, given: float | None, session: SessionId, epoch: int) -> None:
    """See `Journal.park`."""
    row = locked(database, given, session)
    rules.check_driver(session, epoch, row.epoch)
    database.execute(_PARK, (row.no,))


class Drive(Value, frozen=True):
    """A batch with its events as bytes, ready to be written."""

    session: SessionId
    batch: Batch
    bodies: Sequence[bytes]
    lease_s: float
    wakes: bool

    def __call__(self, database: Connection, given: float | None) -> Appended:
        """See `Journal.drive`. One statement: the rules are a function in the database."""
        session, batch = self.session, self.batch
        try:
            row = one(database, _DRIVE, self._values(given))
        except psycopg.DatabaseError as error:
            if error.sqlstate != REFUSED:
                raise
            name, figures = error.diag.message_primary or "", error.diag.message_detail or ""
            return Refused(Account(name, *json.loads(figures)))
        match row:
            case ("committed", _, at):
                return Committed(at)
            case ("late", _, at):
                return Late(at)
            case ("behind", _, _):
                return Behind(read(database, session, batch.after))
            case ("fenced", epoch, _):
                raise rules.fenced(session, epoch)
            case ("unknown", _, _):
                raise rules.unknown_session(session)
            case _:
                raise rules.cut_short(session)

    def _values(self, given: float | None) -> tuple[object, ...]:
        batch, moves = self.batch, sorted(self.batch.moves.items())
        used = rules.used(batch.events)
        # Empty arrays have no type: where there is nothing, nothing is said.
        return (
            self.session.tenant,
            self.session.name,
            batch.epoch,
            batch.after,
            self.bodies or None,
            batch.turn,
            self.lease_s,
            batch.release,
            batch.due_at,
            batch.held,
            batch.spent,
            list(batch.questions),
            batch.reserves,
            batch.before,
            [name for name, _ in moves] or None,
            [batch.limits.get(name) for name, _ in moves],
            [held for _, (held, _) in moves],
            [spent for _, (_, spent) in moves],
            [used.turns, used.cost, used.input, used.output] if used else None,
            batch.version,
            self.wakes,
            given,
        )


def remember(database: Connection, given: float | None) -> None:
    """Have the time never go back to before now: something was refused because it is over."""
    database.execute(_REMEMBER, (given,))


class Tell(Value, frozen=True):
    """What somebody who does not drive has to say, as bytes, too."""

    session: SessionId
    events: Sequence[Told]
    bodies: Sequence[bytes]
    opened: SessionOpened | None
    idle_only: bool
    after: int | None
    wakes: bool

    def __call__(self, database: Connection, given: float | None) -> Receipt:
        """See `Journal.tell`."""
        session, first, made = self.session, self.events[0], False
        if self.opened:
            made, row = _opened(database, given, session, self.opened)
        else:
            row = locked(database, given, session)
        request = rules.request(first)
        if request and not made and (receipt := _repeated(database, row.no, first, request)):
            return receipt
        rules.check_idle(session, row.turn, row.head, idle_only=self.idle_only, after=self.after)
        if isinstance(first, TurnSubmitted | TurnSteered) and row.turn is not None:
            rules.check_room(_waiting(database, row.no, first, row.turn))
        questions = row.questions
        if isinstance(first, InputProvided):
            questions = _answered(database, row, first)
        seq, at, due_at = row.head + 1, row.at, row.due_at
        if rules.wakes(first, row.turn):
            due_at = at if due_at is None else min(due_at, at)
        mine, version = rules.goes_to(first, seq, row.turn), _version(first, row.turn)
        values = {
            "no": row.no,
            "seq": seq,
            "at": at,
            "body": self.bodies[0],
            "request": request.name if request else None,
            "content": request.content if request else None,
            "mine": mine if request else None,
            "riders": self.bodies[1:] or None,
            "head": row.head + len(self.bodies),
            "turn": mine if row.turn is None else row.turn,
            "questions": questions,
            "due_at": due_at,
            "version": version,
            "wakes": self.wakes and due_at is not None and _rests(row, version),
        }
        database.execute(_TELL, values)
        return Receipt(seq, mine, at, queued=row.turn is not None and mine != row.turn)

    def at_once(self, database: Connection, given: float | None) -> Receipt | None:
        """Submit in one statement, where nothing speaks against it. None: nothing was written."""
        session, first, opened = self.session, self.events[0], self.opened
        assert isinstance(first, TurnSubmitted), "nothing else opens a turn for sure"
        request = rules.request(first)
        assert request is not None, "each submission has a name"
        values = (
            session.tenant,
            session.name,
            encode(opened) if opened else None,
            opened.user if opened else None,
            opened.agent if opened else None,
            opened.parent if opened else None,
            self.after,
            self.bodies,
            request.name,
            request.content,
            first.version,
            self.wakes,
            given,
        )
        seq, at = one(database, _SUBMIT, values)
        return None if seq is None else Receipt(seq, seq, at)


def _rests(row: Locked, version: str | None) -> bool:
    """Whether nobody drives the session, or is to be woken for it already, in this version."""
    woken = version is None and row.due_at is not None and row.due_at <= row.at
    return row.lease_until <= row.at and not woken


def _version(event: Told, turn: int | None) -> str | None:
    """Return the version of its agent that a turn begins with, or goes on with from here.

    What nobody wants any more has none: a worker of any version may end it.
    """
    if isinstance(event, TurnCancelRequested) and turn is not None:
        return "" if event.turn in {None, turn} else None
    if isinstance(event, TurnResumed):
        return event.version or None
    if isinstance(event, TurnSubmitted | TurnSteered) and turn is None:
        return event.version
    return None


def _repeated(database: Connection, no: int, event: Told, request: rules.Request) -> Receipt | None:
    row = one(database, _REPEATED, (no, request.name))
    if row is None:
        return None
    seq, turn, at, content = row
    rules.check_repeated(event, request, content)
    return Receipt(seq, turn, at, repeated=True)


def _waiting(database: Connection, no: int, event: TurnSubmitted | TurnSteered, turn: int) -> int:
    """Return how many inputs wait for turns, or how many the open turn was steered by."""
    sql = _QUEUED if isinstance(event, TurnSubmitted) else _STEERED
    return one(database, sql, {"no": no, "turn": turn})[0]


def _answered(database: Connection, row: Locked, answer: InputProvided) -> list[int]:
    """Return the questions that are left."""
    asked = one(database, _EVENT, (row.no, rules.position(answer.question)))
    rules.check_answer(answer, row.questions, decode(asked[0]) if asked else None, row.at)
    return [seq for seq in row.questions if seq != answer.question]
