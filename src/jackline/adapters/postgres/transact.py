"""What a transactional tool gets of a connection, and what it does not.

The role is the wall: while the tool runs its connection may do what `jackline_tool` may, and that
has no right in jackline's schema. The words are for those who forget: one statement at a time,
none that ends the transaction, changes a setting, or leaves something behind that acts later.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus

from jackline.adapters import rules
from jackline.adapters.postgres.faults import is_lost
from jackline.adapters.postgres.journal import locked, one
from jackline.core.errors import InputError, StoreError
from jackline.core.events import Record, SessionId, ToolReturned
from jackline.core.value import Value

Parameters = Sequence[Any] | Mapping[str, Any]

LIMIT_S = 1.0
ROLE = "jackline_tool"
_BECOME = """
    SELECT current_setting('statement_timeout'),
        set_config('statement_timeout', %s, true), set_config('role', %s, true)
"""
_WHO = "SELECT current_user::text"
_BE_ONESELF = """
    SELECT set_config('role', 'none', true), set_config('statement_timeout', %s, true)
"""
_TIME = "SELECT jackline.time_1(%s)"
_APPEND = """
    WITH mine AS (
        UPDATE jackline.session SET head = %s, updated_at = %s WHERE no = %s
        RETURNING no, head, updated_at
    )
    INSERT INTO jackline.event (session, seq, at, body)
    SELECT no, head, updated_at, %b FROM mine
"""
_COMMENTS = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)
_MAY = re.compile(
    r"\(*\s*(?:select|insert|update|delete|merge|values|with)\b"
    r"|(?:create|alter|drop)\s+(?:unique\s+)?(?:table|index|sequence|type)\b",
    re.IGNORECASE,
)
_MAY_NOT = re.compile(r"\bset_config\b|\binto\s+temp", re.IGNORECASE)


class RaisedByTool(Exception):  # noqa: N818 - it is a parcel, and no error of its own
    """What a transactional tool raised: nobody else's business, and not the database's fault."""


class Rows:
    """The rows of one statement, as `psycopg.Cursor` gives them."""

    def __init__(self, tool: "ToolConnection", cursor: Cursor) -> None:
        self._tool = tool
        self._cursor = cursor
        self.rowcount = cursor.rowcount
        self.description = cursor.description

    def fetchone(self) -> Any:  # rows have the types that the statement gives them
        """Return the next row, or None."""
        self._tool.alive()
        return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:  # as above
        """Return the rows that are left."""
        self._tool.alive()
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:  # as above
        while (row := self.fetchone()) is not None:
            yield row


class ToolConnection:
    """A connection for as long as a transactional tool runs, and no longer."""

    def __init__(self, database: Connection) -> None:
        self._database: Connection | None = database

    def execute(self, sql: str, parameters: Parameters = ()) -> Rows:
        """Run one statement, with `%s` for each parameter. Raises what `psycopg` raises."""
        database = self.alive()
        _check(sql)
        # Only of what it is asked for in binary, or with parameters, can it be but one statement.
        values = parameters or None
        cursor = database.execute(sql.encode(), values, binary=values is None)
        return Rows(self, cursor)

    def executemany(self, sql: str, parameters: Iterable[Parameters]) -> Rows:
        """Run one statement for each of the parameters."""
        cursor = self.alive().cursor()
        _check(sql)
        cursor.executemany(sql.encode(), parameters)
        return Rows(self, cursor)

    def alive(self) -> Connection:
        """Return what is behind it. Raises `psycopg.InterfaceError` once its tool has ended."""
        if self._database is None:
            raise psycopg.InterfaceError("This connection ended with its tool's transaction.")
        return self._database

    def revoke(self) -> None:
        """End the connection for whoever still has it."""
        self._database = None


def _check(sql: str) -> None:
    """Raise `psycopg.ProgrammingError` for what a tool may not say."""
    start = 0
    while comment := _COMMENTS.match(sql, start):
        start = comment.end()
    if _MAY.match(sql, start) is None or _MAY_NOT.search(sql):
        raise psycopg.ProgrammingError(
            "A transactional tool may read and write rows, and make tables and indices: it "
            f"cannot run {sql[start : start + 40]!r}."
        )


class Transact(Value, frozen=True):
    """A transactional tool, and where its result goes."""

    session: SessionId
    epoch: int
    turn: int
    work: Callable[[Any], ToolReturned]

    def __call__(self, database: Connection, given: float | None) -> Record:
        """See `Journal.transact`. Others wait for the session's row until it has committed."""
        session = self.session
        row = locked(database, given, session)
        rules.check_driver(session, self.epoch, row.epoch)
        rules.check_turn(self.turn, row.turn)
        timeout = _become(database)
        try:
            returned = _returned(database, self.work)
            _be_oneself(database, timeout)
            _check_time(database, given, row.at)
        except Exception as error:
            if is_lost(database):
                raise _lost(error) from error
            raise RaisedByTool from error
        seq, body = row.head + 1, rules.encoded(returned)
        database.execute(_APPEND, (seq, row.at, row.no, body))
        return Record(seq, row.at, returned)


def _lost(error: Exception) -> psycopg.Error:
    """Return what says that the connection is gone, whatever the tool has made of that."""
    return error if isinstance(error, psycopg.Error) else psycopg.OperationalError(str(error))


def _become(database: Connection) -> str:
    """Take the tool's role, and return the timeout that has to be put back."""
    try:
        return one(database, _BECOME, (f"{LIMIT_S * 1_000:.0f}", ROLE))[0]
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
        raise StoreError(
            f"Transactional tools need the role {ROLE}. As an administrator: CREATE ROLE {ROLE}; "
            f"GRANT {ROLE} TO {database.info.user}; GRANT USAGE, CREATE ON SCHEMA public TO {ROLE}."
        ) from error


def _returned(database: Connection, work: Callable[[Any], ToolReturned]) -> ToolReturned:
    connection = ToolConnection(database)
    try:
        returned = work(connection)
    finally:
        connection.revoke()
    if not isinstance(returned, ToolReturned):  # pyright: ignore[reportUnnecessaryIsInstance] - a coroutine, for one
        raise InputError("A transactional tool is a plain function: it cannot be async.")
    return returned


def _be_oneself(database: Connection, timeout: str) -> None:
    """Take our own role again."""
    if database.info.transaction_status != TransactionStatus.INTRANS:
        raise psycopg.errors.InFailedSqlTransaction(
            "A statement of the tool failed, and with it all of its transaction."
        )
    if one(database, _WHO, ()) != (ROLE,):
        raise psycopg.ProgrammingError("A transactional tool cannot change who it is.")
    database.execute(_BE_ONESELF, (timeout,))


def _check_time(database: Connection, given: float | None, began_at: float) -> None:
    if one(database, _TIME, (given,))[0] > began_at + LIMIT_S:
        raise TimeoutError(f"A transactional tool has {LIMIT_S:g} s: nothing was written.")
