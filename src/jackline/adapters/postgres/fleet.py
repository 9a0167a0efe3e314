"""The fleet's statements: which workers there are, and which sessions lack one."""

import json
from collections.abc import Mapping, Sequence
from typing import LiteralString

from psycopg import Connection

from jackline.core.events import SessionId
from jackline.ports import Presence, Unattended, Waiting, WorkerRow

_OVERDUE_S = 1.0
_AT_ONCE = 100
_FORGOTTEN_S = 3_600.0
# The time comes from a query of its own, so that an index ends there: what is due later is most.
_BEAT = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at),
    forgotten AS (
        DELETE FROM jackline.worker AS w USING now WHERE w.seen_at < now.at - %s AND w.name <> %s
    )
    INSERT INTO jackline.worker AS w (name, serves, slots, lease_s, draining, seen_at)
    SELECT %s, %s::jsonb, %s, %s, %s, now.at FROM now
    ON CONFLICT (name) DO UPDATE SET serves = excluded.serves, slots = excluded.slots,
        lease_s = excluded.lease_s, draining = excluded.draining, seen_at = excluded.seen_at
"""
_LEAVE = "DELETE FROM jackline.worker WHERE name = %s"
_OVERDUE = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT s.tenant, s.name FROM jackline.session AS s
    WHERE s.due_at <= (SELECT at FROM now) - %s AND s.lease_until <= (SELECT at FROM now)
        AND %s::jsonb ? s.agent AND s.version IN ('', %s::jsonb ->> s.agent)
    ORDER BY s.due_at LIMIT %s
"""
_UNATTENDED = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT s.tenant, s.name, s.agent, s.version
    FROM now, unnest(%s::text[], %s::text[]) AS woken (tenant, name)
    JOIN jackline.session AS s ON s.tenant = woken.tenant AND s.name = woken.name
    WHERE s.due_at <= now.at AND s.lease_until <= now.at
"""
_UNSERVED = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT s.tenant, s.name FROM jackline.session AS s
    WHERE s.due_at <= (SELECT at FROM now) - %s AND s.lease_until <= (SELECT at FROM now)
        AND s.version <> '' AND (%s::jsonb ->> s.agent) <> s.version
        AND NOT EXISTS (
            SELECT FROM jackline.worker AS w
            WHERE w.serves ->> s.agent = s.version AND NOT w.draining
                AND w.seen_at > (SELECT at FROM now) - w.lease_s
        )
    ORDER BY s.due_at LIMIT %s
"""
_SERVED_AGAIN = """
    SELECT s.tenant, s.name FROM jackline.session AS s
    WHERE s.due_at = 'infinity' AND (%s::jsonb ->> s.agent) = s.version LIMIT %s
"""
# Those that have died are shown for an hour, and then forgotten by whoever is alive.
_WORKERS = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at),
    driving AS (
        SELECT s.worker AS name, count(*) AS driven FROM jackline.session AS s
        WHERE s.due_at <= (SELECT at FROM now) AND s.lease_until > (SELECT at FROM now)
        GROUP BY s.worker
    )
    SELECT coalesce(w.name, d.name), coalesce(d.driven, 0),
        coalesce(w.seen_at > now.at - w.lease_s, true), coalesce(w.serves, '{}')::text, w.slots,
        now.at - w.seen_at, coalesce(w.draining, false)
    FROM jackline.worker AS w FULL JOIN driving AS d ON d.name = w.name, now
    WHERE d.driven > 0 OR w.seen_at > now.at - %s
    ORDER BY 1
"""
_WAITING = """
    WITH now AS MATERIALIZED (SELECT jackline.time_1(%s) AS at)
    SELECT s.agent, s.version, count(*),
        now.at - min(CASE WHEN s.due_at = 'infinity' THEN s.updated_at
            ELSE greatest(s.due_at, s.lease_until) END),
        EXISTS (
            SELECT FROM jackline.worker AS w
            WHERE w.serves ? s.agent AND s.version IN ('', w.serves ->> s.agent) AND NOT w.draining
                AND w.seen_at > now.at - w.lease_s
        )
    FROM jackline.session AS s, now
    WHERE (s.due_at <= (SELECT at FROM now) OR s.due_at = 'infinity') AND s.lease_until <= now.at
    GROUP BY s.agent, s.version, now.at ORDER BY 4 DESC
"""


def beat(database: Connection, given: float | None, presence: Presence) -> None:
    """See `Fleet.beat`."""
    serves = json.dumps(dict(presence.serves))
    says = (presence.worker, serves, presence.slots, presence.lease_s, presence.draining)
    database.execute(_BEAT, (given, _FORGOTTEN_S, presence.worker, *says))


def leave(database: Connection, worker: str) -> None:
    """See `Fleet.leave`."""
    database.execute(_LEAVE, (worker,))


def overdue(
    database: Connection, given: float | None, served: Mapping[str, str], limit: int
) -> list[SessionId]:
    """See `Fleet.overdue`."""
    mine = json.dumps(dict(served))
    return _ids(database, _OVERDUE, (given, _OVERDUE_S, mine, mine, limit))


def unattended(
    database: Connection, given: float | None, sessions: Sequence[SessionId]
) -> list[Unattended]:
    """See `Fleet.unattended`."""
    names = [each.tenant for each in sessions], [each.name for each in sessions]
    rows = database.execute(_UNATTENDED, (given, *names), binary=True).fetchall()
    return [
        Unattended(SessionId(tenant, name), agent, version) for tenant, name, agent, version in rows
    ]


def unserved(
    database: Connection, given: float | None, served: Mapping[str, str], late_s: float
) -> list[SessionId]:
    """See `Fleet.unserved`."""
    return _ids(database, _UNSERVED, (given, late_s, json.dumps(dict(served)), _AT_ONCE))


def served_again(database: Connection, served: Mapping[str, str]) -> list[SessionId]:
    """See `Fleet.served_again`."""
    return _ids(database, _SERVED_AGAIN, (json.dumps(dict(served)), _AT_ONCE))


def workers(database: Connection, given: float | None) -> list[WorkerRow]:
    """See `Archive.workers`."""
    rows = database.execute(_WORKERS, (given, _FORGOTTEN_S), binary=True).fetchall()
    return [
        WorkerRow(name, driven, alive, json.loads(serves), slots, silent_s, draining)
        for name, driven, alive, serves, slots, silent_s, draining in rows
    ]


def waiting(database: Connection, given: float | None) -> list[Waiting]:
    """See `Archive.waiting`."""
    rows = database.execute(_WAITING, (given,), binary=True).fetchall()
    return [Waiting(*row) for row in rows]


def _ids(database: Connection, sql: LiteralString, values: tuple[object, ...]) -> list[SessionId]:
    rows = database.execute(sql, values, binary=True).fetchall()
    return [SessionId(tenant, name) for tenant, name in rows]
