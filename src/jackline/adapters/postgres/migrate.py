"""Brings a database's schema up to date: numbered scripts, under a lock for all processes."""

import psycopg
from psycopg import Connection

from jackline.adapters.migrations import Migration, lacking, migrations
from jackline.adapters.postgres import schema
from jackline.adapters.postgres.address import options, place
from jackline.adapters.postgres.faults import store_error
from jackline.core.errors import StoreError

_OLDEST = 140_000
_QUEUE = 3  # The step that the queue's own schema belongs to: it keeps no count of its versions.
_LOCK = 0x6A61636B6C696E65  # "jackline": an advisory lock is a number.
_APPLIED = "SELECT version, checksum FROM jackline.migration ORDER BY version"
_RECORD = """
    INSERT INTO jackline.migration (version, name, checksum, at)
    VALUES (%s, %s, %s, extract(epoch FROM clock_timestamp()))
"""
_BEGIN = """
    CREATE SCHEMA IF NOT EXISTS jackline;
    CREATE TABLE IF NOT EXISTS jackline.migration (
        version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
        at double precision NOT NULL
    )
"""
# It reads the catalogue itself: names that were looked up before the lock are remembered as absent.
_THERE = """
    SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'jackline' AND c.relname = 'migration')
"""


def connect(url: str) -> Connection:
    """Return a connection, each of whose statements is a transaction. Raises `StoreError`.

    Nothing is kept in it from one transaction to the next, so that a pooler may stand between.
    """
    try:
        return psycopg.connect(options(url), autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise store_error(error, place(url)) from error


def bring_up_to_date(url: str) -> list[Migration]:
    """Apply what the database lacks, all or nothing, one process at a time. Return what it was."""
    with connect(url) as database:
        steps = pending(database, place(url))
        return _migrate(database, place(url)) if steps else []


def pending(database: Connection, where: str) -> list[Migration]:
    """Return the steps that the database lacks.

    One that a newer jackline has migrated lacks none: what it added, we need not know. Raises
    `StoreError` where a script was changed afterwards, or the server is too old.
    """
    version = database.info.server_version
    if version < _OLDEST:
        raise StoreError(f"{where} is of version {version // 10_000}: 14 is the oldest to do.")
    try:
        there = database.execute(_THERE).fetchone()
        applied = database.execute(_APPLIED).fetchall() if there == (True,) else []
    except psycopg.Error as error:
        raise store_error(error, where) from error
    return lacking(applied, migrations(schema), where)


def _migrate(database: Connection, where: str) -> list[Migration]:
    try:
        with database.transaction():
            database.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            steps = pending(database, where)  # Somebody may have been faster.
            database.execute(_BEGIN)
            for step in steps:
                if step.version == _QUEUE:
                    from procrastinate.schema import SchemaManager  # noqa: PLC0415 - it takes 0.1 s to import

                    database.execute("SET LOCAL search_path = jackline")
                    database.execute(SchemaManager.get_schema().encode())
                database.execute(step.sql.encode())
                database.execute(_RECORD, (step.version, step.name, step.checksum))
    except psycopg.errors.DuplicateTable as error:
        raise StoreError(
            f"{where} has a schema named jackline that is not ours ({error.diag.message_primary}): "
            "name another database."
        ) from error
    except psycopg.Error as error:
        raise store_error(error, where) from error
    return steps
