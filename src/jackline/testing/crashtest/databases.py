"""Databases for the runs of a crash test, beside the one that is named: made here, dropped here."""

import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from jackline.adapters.postgres.address import place
from jackline.adapters.postgres.faults import store_error
from jackline.adapters.postgres.migrate import bring_up_to_date, connect
from jackline.core.errors import StoreError

_NAMES = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
_TIME = "SELECT extract(epoch FROM clock_timestamp())::double precision"
_LEAP = """
    WITH leap AS (UPDATE jackline.clock SET ahead = ahead + %(seconds)s)
    UPDATE jackline.procrastinate_jobs
    SET scheduled_at = scheduled_at - make_interval(secs => %(seconds)s)
    WHERE scheduled_at IS NOT NULL
"""


class Databases:
    """Copies of one empty journal. Their names begin with a word that nobody else can have."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._name = f"jackline_crashtest_{secrets.token_hex(6)}"

    @contextmanager
    def open(self) -> Generator[None]:
        """Make the journal that is copied, and in the end drop it and all its copies.

        Raises `StoreError` where the server cannot be reached, or lets this user make none.
        """
        with self._admin() as admin:
            admin.execute(SQL("CREATE DATABASE {}").format(Identifier(self._name)))
        try:
            bring_up_to_date(self.url())
            yield
        finally:
            with self._admin() as admin:
                for (name,) in admin.execute(_NAMES, (self._name,)).fetchall():
                    _drop(admin, name)

    @contextmanager
    def copy(self, name: str) -> Generator[None]:
        """Make a copy, and drop it in the end, whoever still uses it."""
        full = f"{self._name}_{name}"
        with self._admin() as admin:
            make = SQL("CREATE DATABASE {} TEMPLATE {}")
            admin.execute(make.format(Identifier(full), Identifier(self._name)))
        try:
            yield
        finally:
            with self._admin() as admin:
                _drop(admin, full)

    def url(self, name: str = "") -> str:
        """Return where a copy is, or the journal itself."""
        full = f"{self._name}_{name}" if name else self._name
        return urlsplit(self._url)._replace(path=f"/{full}").geturl()

    def ahead_s(self) -> float:
        """Return by how much the server's clock is ahead of this machine's."""
        with self._admin() as admin:
            row = admin.execute(_TIME).fetchone()
            return row[0] - time.time() if row else 0.0  # noqa: TID251 - the clock that is measured

    def leap(self, name: str, seconds: float) -> None:
        """Let time pass in a copy at once."""
        with connect(self.url(name)) as database:
            database.execute(_LEAP, {"seconds": seconds})

    @contextmanager
    def _admin(self) -> Generator[Connection]:
        with connect(self._url) as admin:
            try:
                yield admin
            except psycopg.errors.InsufficientPrivilege as error:
                raise StoreError(
                    f"{place(self._url)} does not let this user make a database, and a crash test "
                    f"needs some of its own: ALTER ROLE {admin.info.user} CREATEDB, or name "
                    "another server."
                ) from error
            except psycopg.Error as error:
                raise store_error(error, place(self._url)) from error


def _drop(admin: Connection, name: str) -> None:
    admin.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
