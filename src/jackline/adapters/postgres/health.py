"""What an operator wants to know of a database before they trust it."""

from collections.abc import Mapping, Sequence
from contextlib import closing

import psycopg
from psycopg import Connection

from jackline.adapters.postgres.address import place
from jackline.adapters.postgres.faults import store_error
from jackline.adapters.postgres.journal import one
from jackline.adapters.postgres.migrate import connect, pending
from jackline.adapters.postgres.transact import ROLE
from jackline.core.value import Value

_SETTINGS = """
    SELECT current_setting('server_version'), pg_database_size(current_database()),
        current_setting('fsync'), current_setting('full_page_writes'),
        current_setting('synchronous_commit'), EXISTS (SELECT FROM pg_roles WHERE rolname = %s)
"""
_TENANTS = "SELECT DISTINCT tenant FROM jackline.session ORDER BY tenant"


class Health(Value, frozen=True):
    """A database, examined. `durable`: settings that have to be on, or commits may be lost."""

    place: str
    version: str
    size_bytes: int
    durable: Mapping[str, str]
    missing: Sequence[str]
    role: str
    has_role: bool
    tenants: Sequence[str]


def examined(url: str) -> Health:
    """Return how the database is, having changed nothing. Raises `StoreError`."""
    where = place(url)
    with closing(connect(url)) as database:
        missing = [step.name for step in pending(database, where)]
        try:
            return _examined(database, where, missing)
        except psycopg.Error as error:
            raise store_error(error, where) from error


def _examined(database: Connection, where: str, missing: Sequence[str]) -> Health:
    version, size, fsync, pages, commit, has_role = one(database, _SETTINGS, (ROLE,))
    # remote_write and its like wait for a replica, too: what they keep here is on the disk.
    kept = "off" if commit == "off" else "on"
    durable = {"fsync": fsync, "full_page_writes": pages, "synchronous_commit": kept}
    rows = [] if missing else database.execute(_TENANTS).fetchall()
    return Health(
        where, version, size, durable, missing, ROLE, has_role, [name for (name,) in rows]
    )
