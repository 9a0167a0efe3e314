"""Pooled connections, and what an error on one of them says about what was written."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from jackline.adapters.postgres.faults import commit_error, place, store_error
from jackline.adapters.postgres.migrate import options
from jackline.core.errors import StoreError

T = TypeVar("T")
Work = Callable[[Connection], T]

_IDLE_S = 300.0
# A machine that dies in the midst of a transaction lets its locks go before a lease is over.
_BEGIN = """
    BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL lock_timeout = '10s'
"""


class Connections:
    """Connections to one database, at most `count`, made when they are needed."""

    def __init__(self, url: str, count: int, wait_s: float) -> None:
        self.place = place(url)
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            options(url),
            min_size=1,
            max_size=count,
            timeout=wait_s,
            max_idle=_IDLE_S,
            reconnect_timeout=wait_s,
            kwargs={"autocommit": True, "prepare_threshold": None},
            open=True,
        )

    def read(self, work: Work[T]) -> T:
        """Return what `work` reads. Raises `StoreError`."""
        return self._lent(lambda database: self._read(database, work))

    def append(self, work: Work[T]) -> T:
        """Return what `work` returns, whose one statement is a transaction of its own.

        Raises `UnknownOutcomeError` where the connection was lost, and `StoreError` where surely
        nothing was written.
        """
        return self._lent(lambda database: self._append(database, work))

    def transact(self, work: Work[T]) -> T:
        """Return what `work` returns, all of whose statements commit together, or none.

        Raises what `work` raises, having written nothing, and what `append` raises.
        """
        return self._lent(lambda database: self._transact(database, work))

    def close(self) -> None:
        """Let them go."""
        self._pool.close()

    def _lent(self, work: Work[T]) -> T:
        try:
            database = self._pool.getconn()
        except psycopg.Error as error:
            raise store_error(error, self.place) from error
        try:
            return work(database)
        finally:
            self._give_back(database)

    def _give_back(self, database: Connection) -> None:
        lost = database.closed
        self._pool.putconn(database)
        if lost:
            # The server has ended or was restarted: the others are gone, too, and found out here.
            self._pool.check()

    def _read(self, database: Connection, work: Work[T]) -> T:
        try:
            return work(database)
        except psycopg.Error as error:
            raise store_error(error, self.place) from error

    def _append(self, database: Connection, work: Work[T]) -> T:
        try:
            return work(database)
        except psycopg.Error as error:
            raise commit_error(error, self.place, lost=database.closed) from error

    def _transact(self, database: Connection, work: Work[T]) -> T:
        self._read(database, _begin)
        try:
            outcome = self._read(database, work)
        except BaseException:
            with suppress(psycopg.Error):  # Where the connection is lost the server does it.
                database.execute("ROLLBACK")
            raise
        self._commit(database)
        return outcome

    def _commit(self, database: Connection) -> None:
        try:
            ended = database.execute("COMMIT").statusmessage
        except psycopg.Error as error:
            raise commit_error(error, self.place, lost=database.closed) from error
        if ended != "COMMIT":
            raise StoreError(f"{self.place} rolled a transaction back, and nothing was kept.")


def _begin(database: Connection) -> None:
    database.execute(_BEGIN)
