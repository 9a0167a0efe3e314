"""What a transactional tool gets of the journal's own connection, and what it does not.

The proxy is for those who forget, SQLite's authorizer for everybody: under it no statement
ends the transaction, changes a setting, leaves the file, touches jackline's own tables, or
leaves anything behind that would act when no tool runs.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from jackline.core.errors import InputError
from jackline.core.events import ToolReturned
from jackline.ports import Clock

T = TypeVar("T")
Parameters = Sequence[Any] | Mapping[str, Any]

LIMIT_S = 1.0
OWN_TABLES = frozenset(
    ("account", "api_key", "artifact", "bucket", "event", "migration", "session", "snapshot")
) | {"store_key", "usage"}
_STEPS_BETWEEN_LOOKS = 10_000
_TEMPORARY = "make temporary things: they would outlive it, and hide what is called alike"
_DENIED = {
    sqlite3.SQLITE_TRANSACTION: "begin or end a transaction: jackline commits what it wrote",
    sqlite3.SQLITE_SAVEPOINT: "use savepoints: it is a transaction as a whole",
    sqlite3.SQLITE_ATTACH: "attach a database",
    sqlite3.SQLITE_DETACH: "detach a database",
    sqlite3.SQLITE_PRAGMA: "use PRAGMA",
    sqlite3.SQLITE_ANALYZE: "use ANALYZE: jackline's own statements are planned by it, too",
    sqlite3.SQLITE_CREATE_TRIGGER: "make triggers: they would act when it is over",
    sqlite3.SQLITE_CREATE_VIEW: "make views: they would show others what it may not see",
    sqlite3.SQLITE_CREATE_VTABLE: "make virtual tables: their modules reach any table",
    sqlite3.SQLITE_CREATE_TEMP_INDEX: _TEMPORARY,
    sqlite3.SQLITE_CREATE_TEMP_TABLE: _TEMPORARY,
    sqlite3.SQLITE_CREATE_TEMP_TRIGGER: _TEMPORARY,
    sqlite3.SQLITE_CREATE_TEMP_VIEW: _TEMPORARY,
}
_DEFINES = frozenset((sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_ALTER_TABLE))
_CHANGES = frozenset((sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE))
# SQLite names the table first, and what else there is second, but not of these.
_TABLE_SECOND = frozenset(
    (
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TEMP_INDEX,
        sqlite3.SQLITE_DROP_TEMP_TRIGGER,
        sqlite3.SQLITE_DROP_TRIGGER,
    )
)
_REFERRING = """
    SELECT mine.name FROM main.sqlite_master AS mine, pragma_foreign_key_list(mine.name) AS key
    WHERE mine.type = 'table' AND lower(key."table") IN (SELECT value FROM json_each(?))
"""


class Rows:
    """The rows of one statement, as `sqlite3.Cursor` gives them."""

    def __init__(self, connection: "Connection", cursor: sqlite3.Cursor) -> None:
        self._connection = connection
        self._cursor = cursor
        self.rowcount = cursor.rowcount
        self.lastrowid = cursor.lastrowid
        self.description = cursor.description

    def fetchone(self) -> Any:  # rows have the types that the statement gives them
        """Return the next row, or None."""
        return self._connection.run(self._cursor.fetchone)

    def fetchall(self) -> list[Any]:  # as above
        """Return the rows that are left."""
        return self._connection.run(self._cursor.fetchall)

    def __iter__(self) -> Iterator[Any]:  # as above
        while (row := self.fetchone()) is not None:
            yield row


class Connection:
    """The journal's connection for as long as a transactional tool runs, and no longer."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database: sqlite3.Connection | None = database
        self._cursors: list[sqlite3.Cursor] = []
        self.denied = ""
        self.defined = False

    def execute(self, sql: str, parameters: Parameters = ()) -> Rows:
        """Run one statement. Raises what `sqlite3` raises."""
        return self.run(lambda: Rows(self, self._cursor().execute(sql, parameters)))

    def executemany(self, sql: str, parameters: Iterable[Parameters]) -> Rows:
        """Run one statement for each of the parameters."""
        return self.run(lambda: Rows(self, self._cursor().executemany(sql, parameters)))

    def run(self, work: Callable[[], T]) -> T:
        """Return what `work` does with the connection, which has to be there and in order."""
        database = self._alive()
        self.denied = ""
        try:
            return work()
        except sqlite3.DatabaseError as error:
            if not self.denied:
                raise
            raise sqlite3.DatabaseError(f"A transactional tool cannot {self.denied}.") from error
        finally:
            # INSERT OR ROLLBACK ends the transaction; what came after it would stand alone.
            if not database.in_transaction:
                self.revoke()

    def revoke(self) -> None:
        """End the connection for whoever still has it."""
        self._database = None
        while self._cursors:
            self._cursors.pop().close()

    def _cursor(self) -> sqlite3.Cursor:
        cursor = self._alive().cursor()
        self._cursors.append(cursor)
        return cursor

    def _alive(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.ProgrammingError("This connection ended with its tool's transaction.")
        return self._database

    def permits(
        self, action: int, first: str | None, second: str | None, database: str | None
    ) -> bool:
        """Whether a tool may do this, and remember why not."""
        self.denied = _DENIED.get(action, "")
        self.defined = self.defined or action in _DEFINES
        table = ((second if action in _TABLE_SECOND else first) or "").lower()
        if table in OWN_TABLES:
            self.denied = f"touch jackline's own table {table!r}"
        if table.startswith("sqlite_stat") and action in _CHANGES:
            self.denied = _DENIED[sqlite3.SQLITE_ANALYZE]
        # Without the word TEMP, as in CREATE TABLE temp.t, the action is that of a lasting table.
        if action == sqlite3.SQLITE_CREATE_TABLE and database == "temp":
            self.denied = _TEMPORARY
        if action == sqlite3.SQLITE_FUNCTION and second == "load_extension":
            self.denied = "load an extension"
        return not self.denied


def run_within(
    database: sqlite3.Connection, work: Callable[[Any], ToolReturned], clock: Clock | None = None
) -> ToolReturned:
    """Return what `work` returns, given a connection that ends with it.

    The transaction is the caller's: to commit where this returns, to roll back where it raises.
    By `clock` a statement that runs past the limit is interrupted; Python code cannot be, but
    having taken too long it raises, too.
    """
    connection = Connection(database)
    started_at = clock() if clock else 0.0
    is_late = partial(_is_late, clock, started_at)
    database.set_authorizer(
        lambda action, first, second, name, _trigger: (
            sqlite3.SQLITE_OK
            if connection.permits(action, first, second, name)
            else sqlite3.SQLITE_DENY
        )
    )
    database.set_progress_handler(is_late, _STEPS_BETWEEN_LOOKS)
    try:
        returned = work(connection)
    finally:
        connection.revoke()
        database.set_progress_handler(None, 0)
        database.set_authorizer(None)
    if not isinstance(returned, ToolReturned):  # pyright: ignore[reportUnnecessaryIsInstance] - a coroutine, for one
        raise InputError("A transactional tool is a plain function: it cannot be async.")
    if is_late():
        raise TimeoutError(f"A transactional tool has {LIMIT_S:g} s: nothing was written.")
    if not database.in_transaction:
        raise sqlite3.OperationalError("The tool's transaction was rolled back by a statement.")
    if connection.defined:
        _check_references(database)
    return returned


def _check_references(database: sqlite3.Connection) -> None:
    """Raise where a table refers to jackline's own: nothing says so while it is made."""
    row = database.execute(_REFERRING, (json.dumps(sorted(OWN_TABLES)),)).fetchone()
    if row is not None:
        raise sqlite3.DatabaseError(
            f"A transactional tool cannot refer to jackline's own tables, as {row[0]!r} does."
        )


def _is_late(clock: Clock | None, started_at: float) -> bool:
    return clock is not None and clock() > started_at + LIMIT_S
