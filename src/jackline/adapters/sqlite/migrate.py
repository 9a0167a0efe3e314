"""Brings a file's schema up to date: numbered scripts, each applied once, none ever changed."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from jackline.adapters.migrations import Migration, lacking, migrations
from jackline.adapters.sqlite import schema
from jackline.adapters.sqlite.faults import store_error
from jackline.adapters.sqlite.locks import Turns
from jackline.core.errors import StoreError

_OLDEST_SQLITE = (3, 38)
_READ_LOCKED_S = 5.0
_MIGRATE_LOCKED_S = 60.0
_APPLIED = "SELECT version, checksum FROM migration ORDER BY version"
_TABLE = """CREATE TABLE IF NOT EXISTS migration (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, at REAL NOT NULL
) STRICT"""


def connect(path: Path, locked_s: float) -> sqlite3.Connection:
    """Return a connection that writes: what was committed survives the power, too.

    What is deleted is overwritten, so that an erasure leaves nothing in the file.
    """
    _check_is_file(path)
    database = _connect(path, locked_s)
    try:
        (mode,) = database.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StoreError(f"{path} is on a file system without WAL: use a local disk.")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA secure_delete = ON")
        database.execute("PRAGMA wal_autocheckpoint = 0")
    except sqlite3.Error as error:
        database.close()
        raise store_error(error, path) from error
    return database


def connect_current(path: Path, locked_s: float) -> sqlite3.Connection:
    """Return a connection that writes, to a file that lacks no step."""
    database = connect(path, locked_s)
    try:
        _check_current(database, path)
    except StoreError:
        database.close()
        raise
    return database


def _check_current(database: sqlite3.Connection, path: Path) -> None:
    if pending(database, path):
        raise StoreError(f"{path} is of an older schema: run `jackline migrate`.")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Return a connection that only reads, and waits for no writer."""
    database = _connect(path, _READ_LOCKED_S)
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.execute("PRAGMA query_only = ON")
    return database


def _check_is_file(path: Path) -> None:
    if str(path) == ":memory:":
        raise StoreError("SQLite in memory is no store: use MemoryStore, or name a file.")


def _connect(path: Path, locked_s: float) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            path, timeout=locked_s, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise store_error(error, path) from error


def bring_up_to_date(path: Path, at: float) -> list[Migration]:
    """Apply what the file lacks, while no other process writes. Return what that was."""
    _check_is_file(path)
    turns = Turns(path, threading.Event().wait, _MIGRATE_LOCKED_S)
    try:
        with turns, closing(connect(path, _MIGRATE_LOCKED_S)) as database:
            steps = pending(database, path)
            _migrate(database, path, steps, at)
            return steps
    finally:
        turns.close()


def pending(database: sqlite3.Connection, path: Path) -> list[Migration]:
    """Return the steps that the file lacks.

    Raises `StoreError` where it is of a newer version, or a script was changed afterwards.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: 3.38 is the oldest to do.")
    known = migrations(schema)
    try:
        tables = database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migration'")
        applied = database.execute(_APPLIED).fetchall() if tables.fetchone() else []
    except sqlite3.Error as error:
        raise store_error(error, path) from error
    if len(applied) > len(known):
        raise StoreError(
            f"{path} has schema {len(applied)} and this jackline knows {len(known)}: upgrade "
            "jackline, or name another file."
        )
    return lacking(applied, known, str(path))


def _migrate(
    database: sqlite3.Connection, path: Path, steps: Sequence[Migration], at: float
) -> None:
    """Apply `steps`, each in a transaction of its own."""
    for step in steps:
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute(_TABLE)
            for statement in _statements(step.sql):
                database.execute(statement)
            row = (step.version, step.name, step.checksum, at)
            database.execute("INSERT INTO migration VALUES (?, ?, ?, ?)", row)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            if "already exists" in str(error):
                raise StoreError(
                    f"{path} has a table of the same name as jackline's ({error}): name another "
                    "file."
                ) from error
            raise store_error(error, path) from error


def _statements(sql: str) -> list[str]:
    """Return the statements of a script, which `executescript` would run outside a transaction."""
    statements, current = list[str](), ""
    for line in sql.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    assert not current.strip(), f"a statement is not complete: {current}"
    return statements
