"""Pooled connections, and what an error on one of them says about what was written."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg
from psycopg import Connection
from psycopg_pool import ConnectionPool

from jackline.adapters.postgres.address import options, place
from jackline.adapters.postgres.answers import Answering
from jackline.adapters.postgres.faults import commit_error, is_lost, store_error
from jackline.core.errors import StoreError

T = TypeVar("T")
Work = Callable[[Connection], T]

_IDLE_S = 300.0
# Who has waited in line for long enough takes what is there, and where nothing is does not wait on.
_LEAST_WAIT_S = 0.2
# A machine that dies in the midst of a transaction lets its locks go before a lease is over.
_BEGIN = """
    BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL lock_timeout = '10s'
"""


class Connections:
    """Connections to one database, at most `count`, made when they are needed.

    For one of them `wait_s` is waited, and for an answer of the server `answer_s`.
    """

    def __init__(self, url: str, count: int, wait_s: float, answer_s: float) -> None:
        self.place = place(url)
        self._wait_s = wait_s
        self._answer_s = answer_s
        self._pool: ConnectionPool[Answering] = ConnectionPool(
            options(url),
            connection_class=Answering,
            configure=self._configure,
            min_size=1,
            max_size=count,
            max_idle=_IDLE_S,
            reconnect_timeout=wait_s,
            kwargs={"autocommit": True, "prepare_threshold": None},
            open=True,
        )

    def until(self) -> float:
        """Return when whoever begins to wait now has waited for long enough."""
        return time.monotonic() + self._wait_s  # noqa: TID251 - threads wait, and no simulated time

    def read(self, work: Work[T], until: float) -> T:
        """Return what `work` reads. Raises `StoreError`, also where none is there in time."""
        return self._lent(lambda database: self._read(database, work), until)

    def append(self, work: Work[T], until: float) -> T:
        """Return what `work` returns, whose one statement is a transaction of its own.

        Raises `UnknownOutcomeError` where the connection was lost, and `StoreError` where surely
        nothing was written.
        """
        return self._lent(lambda database: self._append(database, work), until)

    def transact(self, work: Work[T], until: float) -> T:
        """Return what `work` returns, all of whose statements commit together, or none.

        Raises what `work` raises, having written nothing, and what `append` raises.
        """
        return self._lent(lambda database: self._transact(database, work), until)

    def close(self) -> None:
        """Let them go."""
        self._pool.close()

    def _lent(self, work: Work[T], until: float) -> T:
        left_s = until - time.monotonic()  # noqa: TID251 - as above
        try:
            database = self._pool.getconn(max(_LEAST_WAIT_S, left_s))
        except psycopg.Error as error:
            raise store_error(error, self.place) from error
        try:
            return work(database)
        finally:
            self._give_back(database)

    def _configure(self, database: Answering) -> None:
        database.answer_s = self._answer_s

    def _give_back(self, database: Answering) -> None:
        lost = is_lost(database)
        self._pool.putconn(database)
        if lost:
            # The server has ended or does not answer, and so with the others: none is asked.
            self._pool.drain()

    def _read(self, database: Connection, work: Work[T]) -> T:
        try:
            return work(database)
        except psycopg.Error as error:
            raise store_error(error, self.place) from error

    def _append(self, database: Connection, work: Work[T]) -> T:
        try:
            return work(database)
        except psycopg.Error as error:
            raise commit_error(error, self.place, lost=is_lost(database)) from error

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
            raise commit_error(error, self.place, lost=is_lost(database)) from error
        if ended != "COMMIT":
            raise StoreError(f"{self.place} rolled a transaction back, and nothing was kept.")


def _begin(database: Connection) -> None:
    database.execute(_BEGIN)
