"""The archive's statements: lists, forks, artifacts, money, erasure and retention."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import LiteralString

from psycopg import Connection

from jackline.adapters import rules
from jackline.adapters.postgres.journal import locked, one, read
from jackline.adapters.postgres.news import CHANNEL
from jackline.core.budget import Account
from jackline.core.codec import decode, encode, pack, unpack
from jackline.core.errors import ConflictError, NotFoundError
from jackline.core.events import Record, SessionForked, SessionId
from jackline.core.session import Session
from jackline.ports import By, Listing, Loaded, SessionRow, UsageAsked, Used

# The time comes from a query of its own, so that the index ends there: what is due later is most.
_DUE = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT tenant, name FROM jackline.session
    WHERE due_at <= (SELECT at FROM now) AND lease_until <= (SELECT at FROM now)
        AND agent = ANY (%s)
    ORDER BY due_at LIMIT %s
"""
_DUE_IN_TURN = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at),
    placed AS (
        SELECT tenant, name, due_at,
            row_number() OVER (PARTITION BY tenant ORDER BY due_at) AS place
        FROM jackline.session
        WHERE due_at <= (SELECT at FROM now) AND lease_until <= (SELECT at FROM now)
            AND agent = ANY (%s)
    )
    SELECT tenant, name FROM placed ORDER BY place, due_at LIMIT %s
"""
_QUEUED = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT count(*) FROM (
        SELECT FROM jackline.session
        WHERE tenant = %s AND due_at <= (SELECT at FROM now) AND lease_until <= (SELECT at FROM now)
        LIMIT %s) AS due
"""
# The snapshot comes first, and what came after it, all as of one moment. No row: no session.
_LOAD = """
    WITH mine AS (SELECT no FROM jackline.session WHERE tenant = %s AND name = %s),
    kept AS (SELECT head, body FROM jackline.snapshot JOIN mine ON session = no)
    SELECT 0::bigint, 0::double precision, (SELECT body FROM kept) FROM mine
    UNION ALL
    SELECT e.seq, e.at, e.body FROM jackline.event AS e JOIN mine ON e.session = mine.no
    WHERE e.seq > coalesce((SELECT head FROM kept), 0)
    ORDER BY 1
"""
_SAVE = """
    INSERT INTO jackline.snapshot AS s (session, head, body) VALUES (%s, %s, %b)
    ON CONFLICT (session) DO UPDATE SET head = excluded.head, body = excluded.body
    WHERE excluded.head > s.head
"""
_COLUMNS = """
    SELECT no, name, "user", agent, head, epoch, turn, spent, held, updated_at, worker, erased_at,
        lease_until, due_at, jackline.time_1(%s), questions
    FROM jackline.session
"""
_ROW = _COLUMNS + "WHERE tenant = %s AND name = %s"
_STATE = """
    CASE WHEN lease_until > (SELECT jackline.time_1(%(given)s)) THEN 'driven'
        WHEN due_at <= (SELECT jackline.time_1(%(given)s)) THEN 'due'
        WHEN turn IS NULL THEN 'idle' ELSE 'paused' END = %(state)s
"""
_FORK = """
    INSERT INTO jackline.session (tenant, name, "user", agent, parent, source, head, updated_at)
    SELECT tenant, %s, "user", agent, parent, no, %s, %s FROM jackline.session WHERE no = %s
    ON CONFLICT (tenant, name) DO NOTHING RETURNING no
"""
_COPY_EVENTS = """
    INSERT INTO jackline.event (session, seq, at, body)
    SELECT %s, seq, at, body FROM jackline.event WHERE session = %s AND seq <= %s
"""
_COPY_ARTIFACTS = """
    INSERT INTO jackline.artifact (session, handle, media_type, body)
    SELECT %s, handle, media_type, body FROM jackline.artifact WHERE session = %s
"""
_EVENT = "INSERT INTO jackline.event (session, seq, at, body) VALUES (%s, %s, %s, %b)"
_ALLOW = """
    INSERT INTO jackline.account (tenant, name, allowed) VALUES (%s, %s, %s)
    ON CONFLICT (tenant, name) DO UPDATE SET allowed = excluded.allowed
"""
_ACCOUNTS = """
    SELECT name, allowed, spent, held FROM jackline.account
    WHERE tenant = %s AND starts_with(name, %s) ORDER BY name
"""
_USAGE: LiteralString = """
    SELECT {key}, sum(turns)::bigint, sum(cost)::bigint, sum(input)::bigint, sum(output)::bigint
    FROM jackline.usage
    WHERE tenant = %s AND day BETWEEN %s AND %s AND (%s::text IS NULL OR "user" = %s)
    GROUP BY 1 HAVING {key} > %s ORDER BY 1 LIMIT %s
"""
_USAGE_KEYS: Mapping[By, LiteralString] = {
    "tenant": "tenant",
    "user": '"user"',
    "agent": "agent",
    "day": "to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}
_PUT = """
    INSERT INTO jackline.artifact (session, handle, media_type, body) VALUES (%s, %s, %s, %b)
    ON CONFLICT (session, handle) DO UPDATE SET media_type = excluded.media_type
"""
_GET = """
    SELECT a.body, a.media_type FROM jackline.session AS s
    LEFT JOIN jackline.artifact AS a ON a.session = s.no AND a.handle = %s
    WHERE s.tenant = %s AND s.name = %s
"""
_REACHED = """
    WITH RECURSIVE reached (no, name) AS (
        SELECT no, name FROM jackline.session WHERE tenant = %(tenant)s
            AND (%(user)s::text IS NULL OR "user" = %(user)s)
            AND (%(name)s::text IS NULL OR name = %(name)s)
        UNION
        SELECT next.no, next.name FROM reached JOIN jackline.session AS next
            ON next.source = reached.no
            OR next.tenant = %(tenant)s AND next.parent = reached.name AND next.parent <> ''
    )
    SELECT no FROM reached
"""
_DERIVED = """
    SELECT other.no FROM jackline.session AS other JOIN jackline.session AS mine
        ON other.source = mine.no
        OR other.tenant = mine.tenant AND other.parent = mine.name AND other.parent <> ''
    WHERE mine.no = %s
"""
_SETTLE = """
    UPDATE jackline.account SET spent = spent + %s, held = held - %s
    WHERE tenant = %s AND name = %s
"""
_ENTOMB = """
    UPDATE jackline.event AS e SET body = tombstone.body, content = NULL
    FROM unnest(%s::bigint[], %b::bytea[]) AS tombstone (seq, body)
    WHERE e.session = %s AND e.seq = tombstone.seq
"""
_ERASE = """
    UPDATE jackline.session SET epoch = epoch + 1, turn = NULL, due_at = NULL, lease_until = 0,
        questions = '{}', spent = spent + held, held = 0, erased_at = jackline.time_1(%s)
    WHERE no = %s
"""
_FORGET_REQUESTS = """
    UPDATE jackline.event SET request = NULL WHERE request IS NOT NULL AND session IN (
        SELECT no FROM jackline.session WHERE erased_at <= jackline.time_1(%s) - %s)
"""
# What somebody holds just now is not idle.
_OLD = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT no FROM jackline.session, now
    WHERE turn IS NULL AND due_at IS NULL AND lease_until <= now.at AND updated_at <= now.at - %s
    LIMIT %s FOR UPDATE OF session SKIP LOCKED
"""
_DROP = (
    "DELETE FROM jackline.event WHERE session = ANY (%s)",
    "DELETE FROM jackline.snapshot WHERE session = ANY (%s)",
    "DELETE FROM jackline.artifact WHERE session = ANY (%s)",
    "DELETE FROM jackline.session WHERE no = ANY (%s)",
)


def due(
    database: Connection, given: float | None, agents: Sequence[str], limit: int
) -> list[SessionId]:
    """See `Journal.due`."""
    asked = (given, list(agents), limit + 1)
    rows = database.execute(_DUE, asked, binary=True).fetchall()
    if len(rows) > limit:
        rows = database.execute(_DUE_IN_TURN, (*asked[:2], limit), binary=True).fetchall()
    return [SessionId(tenant, name) for tenant, name in rows]


def queued(database: Connection, given: float | None, tenant: str, most: int) -> int:
    """See `Archive.queued`."""
    row = database.execute(_QUEUED, (given, tenant, most), binary=True).fetchone()
    return row[0] if row else 0


def load(database: Connection, session: SessionId) -> Loaded:
    """See `Journal.load`. A snapshot that we cannot read is left out."""
    rows = database.execute(_LOAD, (session.tenant, session.name), binary=True).fetchall()
    if not rows:
        raise rules.unknown_session(session)
    kept = rows[0][2]
    start = unpack(kept) if kept else Session(session)
    if start is None:
        return Loaded(Session(session), read(database, session, 0))
    return Loaded(start, [Record(seq, at, decode(body)) for seq, at, body in rows[1:]])


def save(database: Connection, given: float | None, session: Session) -> None:
    """See `Journal.save`. Of another epoch, or older than what is there, it is dropped."""
    row = locked(database, given, session.id)
    if row.epoch == session.epoch and row.head >= session.head:
        database.execute(_SAVE, (row.no, session.head, pack(session)))


def sessions(
    database: Connection, given: float | None, tenant: str, listing: Listing
) -> list[SessionRow]:
    """See `Archive.sessions`."""
    values = {"given": given, "tenant": tenant} | {
        name: getattr(listing, name) for name in listing.__struct_fields__
    }
    found = database.execute(listing_sql(listing), values, binary=True)
    return [rules.listed(tenant, each[:-1], each[-1]) for each in found.fetchall()]


def listing_sql(listing: Listing) -> LiteralString:
    """Return the statement that finds what is wanted: what is not asked for hides no index."""
    conditions: dict[LiteralString, bool] = {
        '"user" = %(user)s': listing.user is not None,
        "agent = %(agent)s": listing.agent is not None,
        _STATE: listing.state is not None,
        "questions <> '{}'": listing.waiting,
    }
    asked: list[LiteralString] = [sql for sql, is_asked in conditions.items() if is_asked]
    where = " AND ".join(["tenant = %(tenant)s", "no < %(before)s", *asked])
    return _COLUMNS.replace("%s", "%(given)s") + f" WHERE {where} ORDER BY no DESC LIMIT %(limit)s"


def row(database: Connection, given: float | None, session: SessionId) -> SessionRow:
    """See `Archive.row`."""
    found = one(database, _ROW, (given, session.tenant, session.name))
    if found is None:
        raise rules.unknown_session(session)
    return rules.listed(session.tenant, found[:-1], found[-1])


def fork(
    database: Connection, given: float | None, source: SessionId, after: int, target: SessionId
) -> None:
    """See `Archive.fork`."""
    mine = locked(database, given, source)
    rules.check_fork(source, after, target, mine.head)
    made = one(database, _FORK, (target.name, after + 1, mine.at, mine.no))
    if made is None:
        raise ConflictError(f"There is a session {target.name!r} already.")
    database.execute(_COPY_EVENTS, (made[0], mine.no, after))
    body = encode(SessionForked(source.name, after))
    database.execute(_EVENT, (made[0], after + 1, mine.at, body))
    database.execute(_COPY_ARTIFACTS, (made[0], mine.no))


def allow(database: Connection, tenant: str, account: str, limit: int | None) -> None:
    """See `Archive.allow`."""
    rules.check_limit(limit)
    database.execute(_ALLOW, (tenant, account, limit))


def accounts(database: Connection, tenant: str, prefix: str) -> list[Account]:
    """See `Archive.accounts`."""
    rows = database.execute(_ACCOUNTS, (tenant, prefix), binary=True)
    return [Account(*each) for each in rows.fetchall()]


def usage(database: Connection, tenant: str, asked: UsageAsked) -> list[Used]:
    """See `Archive.usage`."""
    sql = _USAGE.replace("{key}", _USAGE_KEYS[asked.by])
    days, users = (asked.since, asked.until), (asked.user, asked.user)
    values = (tenant, *days, *users, asked.after, asked.limit)
    return [Used(*each) for each in database.execute(sql, values, binary=True).fetchall()]


def put(
    database: Connection,
    given: float | None,
    session: SessionId,
    artifact: tuple[bytes, str],
    epoch: int | None,
) -> str:
    """See `Archive.put`. An `artifact` is data and media type."""
    mine = locked(database, given, session)
    rules.check_driver(session, epoch, mine.epoch)
    data, media_type = artifact
    handle = sha256(data).hexdigest()
    database.execute(_PUT, (mine.no, handle, media_type, data))
    return handle


def get(database: Connection, session: SessionId, handle: str) -> tuple[bytes, str]:
    """See `Archive.get`."""
    found = one(database, _GET, (handle, session.tenant, session.name))
    if found is None:
        raise rules.unknown_session(session)
    data, media_type = found
    if data is None:
        raise NotFoundError(f"There is no artifact {handle!r} in this session.")
    return data, media_type


def key(database: Connection, _: float | None) -> bytes:
    """See `Archive.key`."""
    (found,) = one(database, "SELECT key FROM jackline.store_key", ())
    return found


def reached(database: Connection, tenant: str, user: str | None, session: str | None) -> list[int]:
    """Return the numbers of the sessions that an erasure reaches, with forks and children."""
    names = {"tenant": tenant, "user": user, "name": session}
    found = [no for (no,) in database.execute(_REACHED, names).fetchall()]
    if session is not None and not found:
        raise rules.unknown_session(SessionId(tenant, session))
    return found


def erase(database: Connection, given: float | None, no: int) -> list[int]:
    """Leave tombstones of one session's events, and nothing of its artifacts and snapshots.

    Returns its forks and children, that were made before: later ones copy tombstones.
    """
    sql = "SELECT tenant, name, held FROM jackline.session WHERE no = %s FOR UPDATE"
    tenant, name, held = one(database, sql, (no,)) or ("", "", 0)
    sql = "DELETE FROM jackline.delta WHERE tenant = %s AND session = %s"
    database.execute(sql, (tenant, name))
    sql = "SELECT seq, body FROM jackline.event WHERE session = %s"
    rows = database.execute(sql, (no,), binary=True).fetchall()
    holds = Counter[str]()
    for hold in rules.open_holds([body for _, body in rows]) if held else ():
        holds.update(dict.fromkeys(hold.accounts, hold.hold))
    for account, amount in sorted(holds.items()):
        database.execute(_SETTLE, (amount, amount, tenant, account))
    if rows:
        left = [rules.tombstone(body) for _, body in rows]
        database.execute(_ENTOMB, ([seq for seq, _ in rows], left, no))
    database.execute("DELETE FROM jackline.snapshot WHERE session = %s", (no,))
    database.execute("DELETE FROM jackline.artifact WHERE session = %s", (no,))
    database.execute(_ERASE, (given, no))
    return [found for (found,) in database.execute(_DERIVED, (no,)).fetchall()]


def announce(database: Connection, payload: str) -> None:
    """Say something to the processes that share the database."""
    database.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))


def forget_requests(database: Connection, given: float | None) -> None:
    """Drop the hashes of request ids whose time is over."""
    database.execute(_FORGET_REQUESTS, (given, rules.HASHES_KEPT_S))


def drop_idle(database: Connection, given: float | None, older_than_s: float, limit: int) -> int:
    """Delete up to `limit` sessions that nothing has happened to for so long; count them.

    Their forks go on naming numbers that nobody gets again.
    """
    values = (given, older_than_s, limit)
    old = [no for (no,) in database.execute(_OLD, values).fetchall()]
    for sql in _DROP:
        database.execute(sql, (old,))
    return len(old)
