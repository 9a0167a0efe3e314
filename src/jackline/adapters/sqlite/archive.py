"""The archive's statements: lists, forks, artifacts, money, erasure and retention."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from jackline.adapters import rules
from jackline.adapters.sqlite.journal import fence, number, records
from jackline.core.budget import Account
from jackline.core.codec import encode, pack, unpack
from jackline.core.errors import ConflictError, NotFoundError, StoreError
from jackline.core.events import SessionForked, SessionId
from jackline.core.session import Session
from jackline.ports import By, Listing, Loaded, SessionRow, UsageAsked, Used, Waiting, WorkerRow

# The database's time goes on with its events, also where this process's clock is behind.
_TOUCHES = 1 << 31
_DUE = """
    WITH now (at) AS MATERIALIZED (SELECT max(?, coalesce(
        (SELECT at FROM event ORDER BY id DESC LIMIT 1), 0)))
    SELECT tenant, name FROM session, now
    WHERE due_at <= now.at AND lease_until <= now.at
        AND agent IN (SELECT value FROM json_each(?))
    ORDER BY due_at LIMIT ?
"""
# The same, where there are more of them: that of each tenant which is due for longest, then the
# next of each.
_DUE_IN_TURN = """
    WITH now (at) AS MATERIALIZED (SELECT max(?, coalesce(
        (SELECT at FROM event ORDER BY id DESC LIMIT 1), 0))),
    placed AS (
        SELECT tenant, name, due_at,
            row_number() OVER (PARTITION BY tenant ORDER BY due_at) AS place
        FROM session, now
        WHERE due_at <= now.at AND lease_until <= now.at
            AND agent IN (SELECT value FROM json_each(?))
    )
    SELECT tenant, name FROM placed ORDER BY place, due_at LIMIT ?
"""
_QUEUED = """
    WITH now (at) AS MATERIALIZED (SELECT max(?, coalesce(
        (SELECT at FROM event ORDER BY id DESC LIMIT 1), 0)))
    SELECT count(*) FROM (
        SELECT 1 FROM session, now
        WHERE tenant = ? AND due_at <= now.at AND lease_until <= now.at LIMIT ?)
"""
_NOW = "SELECT max(?, coalesce((SELECT at FROM event ORDER BY id DESC LIMIT 1), 0))"
_WORKERS = """
    SELECT worker, count(*) FROM session WHERE lease_until > ? GROUP BY worker ORDER BY worker
"""
# 9e999 is how SQLite writes what never comes.
_WAITING = """
    SELECT agent, count(*),
        ?1 - min(CASE due_at WHEN 9e999 THEN updated_at ELSE max(due_at, lease_until) END)
    FROM session WHERE (due_at <= ?1 OR due_at = 9e999) AND lease_until <= ?1
    GROUP BY agent ORDER BY 3 DESC
"""
_COLUMNS = """
    SELECT no, name, user, agent, head, epoch, turn, spent, held, updated_at, worker, erased_at,
        lease_until, due_at, max(?1, coalesce(
            (SELECT at FROM event ORDER BY id DESC LIMIT 1), 0)) AS now, questions
    FROM session
"""
_ROW = _COLUMNS + "WHERE tenant = ?2 AND name = ?3"
_STATE = """
    CASE WHEN lease_until > now THEN 'driven' WHEN due_at <= now THEN 'due'
        WHEN turn IS NULL THEN 'idle' ELSE 'paused' END = ?6
"""
_SNAPSHOT = """
    INSERT INTO snapshot (session, head, body)
    SELECT no, ?1, ?2 FROM session
    WHERE tenant = ?3 AND name = ?4 AND epoch = ?5 AND head >= ?1
    ON CONFLICT DO UPDATE SET head = excluded.head, body = excluded.body
    WHERE excluded.head > snapshot.head
"""
_FORK = """
    INSERT INTO session (tenant, name, user, agent, parent, source, head, updated_at)
    SELECT tenant, ?, user, agent, parent, no, ?, ? FROM session WHERE no = ?
    ON CONFLICT DO NOTHING RETURNING no
"""
_COPY_EVENTS = """
    INSERT INTO event (session, seq, at, body)
    SELECT ?, seq, at, body FROM event WHERE session = ? AND seq <= ? ORDER BY seq
"""
_COPY_ARTIFACTS = """
    INSERT INTO artifact (session, handle, media_type, body)
    SELECT ?, handle, media_type, body FROM artifact WHERE session = ?
"""
_ALLOW = """
    INSERT INTO account (tenant, name, allowed) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET allowed = excluded.allowed
"""
_ACCOUNTS = """
    SELECT name, allowed, spent, held FROM account
    WHERE tenant = ? AND substr(name, 1, ?) = ? ORDER BY name
"""
_USAGE = """
    SELECT {key}, sum(turns), sum(cost), sum(input), sum(output) FROM usage
    WHERE tenant = ?1 AND day BETWEEN ?2 AND ?3 AND (?4 IS NULL OR user = ?4)
    GROUP BY 1 HAVING {key} > ?6 ORDER BY 1 LIMIT ?5
"""
_USAGE_KEYS: Mapping[By, str] = {
    "tenant": "tenant",
    "user": "user",
    "agent": "agent",
    "day": "date(day * 86400, 'unixepoch')",
}
_PUT = """
    INSERT INTO artifact (session, handle, media_type, body) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET media_type = excluded.media_type
"""
_GET = "SELECT body, media_type FROM artifact WHERE session = ? AND handle = ?"
_REACHED = """
    WITH RECURSIVE reached (no, name) AS (
        SELECT no, name FROM session
        WHERE tenant = ?1 AND (?2 IS NULL OR user = ?2) AND (?3 IS NULL OR name = ?3)
        UNION
        SELECT session.no, session.name FROM reached JOIN session ON session.source = reached.no
        UNION
        SELECT session.no, session.name FROM reached
        JOIN session ON session.tenant = ?1 AND session.parent = reached.name AND parent <> ''
    )
    SELECT no FROM reached
"""
_DERIVED = """
    SELECT fork.no FROM session AS fork WHERE fork.source = ?1
    UNION
    SELECT child.no FROM session AS child
    JOIN session AS mine ON child.tenant = mine.tenant AND child.parent = mine.name
    WHERE mine.no = ?1 AND child.parent <> ''
"""
_SETTLE = "UPDATE account SET spent = spent + ?, held = held - ? WHERE tenant = ? AND name = ?"
_ENTOMB = "UPDATE event SET body = ?, content = NULL WHERE id = ?"
_ERASE = """
    UPDATE session SET epoch = epoch + 1, turn = NULL, due_at = NULL, lease_until = 0,
        questions = '', spent = spent + held, held = 0, erased_at = ? WHERE no = ?
"""
_FORGET_REQUESTS = """
    UPDATE event SET request = NULL WHERE request IS NOT NULL AND session IN (
        SELECT no FROM session WHERE erased_at <= ?)
"""
_OLD = """
    SELECT no FROM session
    WHERE turn IS NULL AND due_at IS NULL AND lease_until <= ?1 AND updated_at <= ?2 LIMIT ?3
"""


def due(
    database: sqlite3.Connection, now: float, agents: Sequence[str], limit: int
) -> list[SessionId]:
    """See `Journal.due`."""
    asked = (now, json.dumps(agents), limit + 1)
    rows = database.execute(_DUE, asked).fetchall()
    if len(rows) > limit:
        rows = database.execute(_DUE_IN_TURN, (*asked[:2], limit)).fetchall()
    return [SessionId(tenant, name) for tenant, name in rows]


def queued(database: sqlite3.Connection, now: float, tenant: str, most: int) -> int:
    """See `Archive.queued`."""
    return database.execute(_QUEUED, (now, tenant, most)).fetchone()[0]


def workers(database: sqlite3.Connection, now: float) -> list[WorkerRow]:
    """See `Archive.workers`."""
    rows = database.execute(_WORKERS, database.execute(_NOW, (now,)).fetchone())
    return [WorkerRow(name, driven, alive=True) for name, driven in rows]


def waiting(database: sqlite3.Connection, now: float) -> list[Waiting]:
    """See `Archive.waiting`."""
    rows = database.execute(_WAITING, database.execute(_NOW, (now,)).fetchone())
    return [Waiting(agent, "", count, longest_s, None) for agent, count, longest_s in rows]


def load(database: sqlite3.Connection, session: SessionId) -> Loaded:
    """See `Journal.load`. What is read belongs together: it is one transaction."""
    database.execute("BEGIN")
    try:
        no = number(database, session)
        sql = "SELECT body FROM snapshot WHERE session = ?"
        row = database.execute(sql, (no,)).fetchone()
        start = (unpack(row[0]) if row else None) or Session(session)
        return Loaded(start, records(database, no, start.head))
    finally:
        database.execute("COMMIT")


def save(database: sqlite3.Connection, _: float, session: Session) -> None:
    """See `Journal.save`. Of another epoch, or older than what is there, it is dropped."""
    no = number(database, session.id)
    assert no, session.id
    key = (session.id.tenant, session.id.name, session.epoch)
    database.execute(_SNAPSHOT, (session.head, pack(session), *key))


def sessions(
    database: sqlite3.Connection, now: float, tenant: str, listing: Listing
) -> list[SessionRow]:
    """See `Archive.sessions`."""
    wanted = (listing.before, listing.user, listing.agent, listing.state, listing.limit)
    found = database.execute(listing_sql(listing), (now, tenant, *wanted))
    return [_listed(tenant, each) for each in found]


def listing_sql(listing: Listing) -> str:
    """Return the statement that finds what is wanted: what is not asked for hides no index."""
    conditions = {
        "user = ?4": listing.user is not None,
        "agent = ?5": listing.agent is not None,
        _STATE: listing.state is not None,
        "questions <> ''": listing.waiting,
    }
    asked = " AND ".join(sql for sql, is_asked in conditions.items() if is_asked)
    where = f"tenant = ?2 AND no < ?3{' AND ' if asked else ''}{asked}"
    return f"{_COLUMNS} WHERE {where} ORDER BY no DESC LIMIT ?7"


def row(database: sqlite3.Connection, now: float, session: SessionId) -> SessionRow:
    """See `Archive.row`."""
    found = database.execute(_ROW, (now, session.tenant, session.name)).fetchone()
    if found is None:
        raise rules.unknown_session(session)
    return _listed(session.tenant, found)


def _listed(tenant: str, columns: Sequence[Any]) -> SessionRow:
    *others, questions = columns
    return rules.listed(tenant, others, json.loads(questions or "[]"))


def fork(
    database: sqlite3.Connection, at: float, source: SessionId, after: int, target: SessionId
) -> None:
    """See `Archive.fork`."""
    no = number(database, source)
    (head,) = database.execute("SELECT head FROM session WHERE no = ?", (no,)).fetchone()
    rules.check_fork(source, after, target, head)
    row = database.execute(_FORK, (target.name, after + 1, at, no)).fetchone()
    if row is None:
        raise ConflictError(f"There is a session {target.name!r} already.")
    database.execute(_COPY_EVENTS, (row[0], no, after))
    body = encode(SessionForked(source.name, after))
    sql = "INSERT INTO event (session, seq, at, body) VALUES (?, ?, ?, ?)"
    database.execute(sql, (row[0], after + 1, at, body))
    database.execute(_COPY_ARTIFACTS, (row[0], no))


def allow(
    database: sqlite3.Connection, _: float, tenant: str, account: str, limit: int | None
) -> None:
    """See `Archive.allow`."""
    rules.check_limit(limit)
    database.execute(_ALLOW, (tenant, account, limit))


def accounts(database: sqlite3.Connection, tenant: str, prefix: str) -> list[Account]:
    """See `Archive.accounts`."""
    rows = database.execute(_ACCOUNTS, (tenant, len(prefix), prefix))
    return [Account(*row) for row in rows]


def usage(database: sqlite3.Connection, tenant: str, asked: UsageAsked) -> list[Used]:
    """See `Archive.usage`."""
    sql = _USAGE.format(key=_USAGE_KEYS[asked.by])
    days, which = (asked.since, asked.until), (asked.user, asked.limit, asked.after)
    rows = database.execute(sql, (tenant, *days, *which))
    return [Used(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Put:
    """An artifact, and the epoch of the driver who keeps it, if it is one."""

    session: SessionId
    data: bytes
    media_type: str
    epoch: int | None

    def __call__(self, database: sqlite3.Connection, _: float) -> str:
        """See `Archive.put`."""
        no, current, _head, _turn = fence(database, self.session)
        rules.check_driver(self.session, self.epoch, current)
        handle = sha256(self.data).hexdigest()
        database.execute(_PUT, (no, handle, self.media_type, self.data))
        return handle


def get(database: sqlite3.Connection, session: SessionId, handle: str) -> tuple[bytes, str]:
    """See `Archive.get`."""
    row = database.execute(_GET, (number(database, session), handle)).fetchone()
    if row is None:
        raise NotFoundError(f"There is no artifact {handle!r} in this session.")
    return row


def key(database: sqlite3.Connection) -> bytes:
    """See `Archive.key`."""
    (found,) = database.execute("SELECT key FROM store_key").fetchone()
    return found


def reached(
    database: sqlite3.Connection, tenant: str, user: str | None, session: str | None
) -> list[int]:
    """Return the numbers of the sessions that an erasure reaches, with forks and children."""
    found = [no for (no,) in database.execute(_REACHED, (tenant, user, session))]
    if session is not None and not found:
        raise rules.unknown_session(SessionId(tenant, session))
    return found


def erase(database: sqlite3.Connection, at: float, no: int) -> list[int]:
    """Leave tombstones of one session's events, and nothing of its artifacts and snapshots.

    Returns its forks and children, that were made before: later ones copy tombstones.
    """
    sql = "SELECT tenant, held FROM session WHERE no = ?"
    tenant, held = database.execute(sql, (no,)).fetchone() or ("", 0)
    rows = database.execute("SELECT id, body FROM event WHERE session = ?", (no,)).fetchall()
    for hold in rules.open_holds([body for _, body in rows]) if held else ():
        moves = [(hold.hold, hold.hold, tenant, name) for name in hold.accounts]
        database.executemany(_SETTLE, moves)
    database.executemany(_ENTOMB, [(rules.tombstone(body), event) for event, body in rows])
    database.execute("DELETE FROM snapshot WHERE session = ?", (no,))
    database.execute("DELETE FROM artifact WHERE session = ?", (no,))
    database.execute(_ERASE, (at, no))
    return [found for (found,) in database.execute(_DERIVED, (no,))]


def empty_log(database: sqlite3.Connection, _: float) -> None:
    """Move the log into the file and empty it, so that nothing is left there either."""
    (busy, _, _) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(
            "All was erased, but another process still reads the log, where the old bytes are: "
            "end it and erase again."
        )


def data_version(database: sqlite3.Connection, _: float) -> int:
    """Return a number that changes with what other connections write, and with nothing else."""
    (version,) = database.execute("PRAGMA data_version").fetchone()
    return version


def forget_requests(database: sqlite3.Connection, at: float) -> None:
    """Drop the hashes of request ids whose time is over."""
    database.execute(_FORGET_REQUESTS, (at - rules.HASHES_KEPT_S,))


def drop_idle(database: sqlite3.Connection, at: float, older_than_s: float, limit: int) -> int:
    """Delete up to `limit` sessions that nothing has happened to for so long; count them.

    Their forks go on naming numbers that nobody gets again: a fork's own number is higher, and
    the next session's is higher than all.
    """
    rows = database.execute(_OLD, (at, at - older_than_s, limit)).fetchall()
    for table in ("event", "snapshot", "artifact"):
        database.executemany(f"DELETE FROM {table} WHERE session = ?", rows)  # noqa: S608 - three names of ours
    database.executemany("DELETE FROM session WHERE no = ?", rows)
    return len(rows)


def touch(database: sqlite3.Connection, at: float) -> None:
    """Write a number that nobody reads: what is written as it was before would not be written."""
    database.execute(f"PRAGMA user_version = {int(at * 1_000) % _TOUCHES}")
