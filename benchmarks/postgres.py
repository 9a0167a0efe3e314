"""A real Postgres for figures: its commits are on the disk before they are acknowledged.

One is started in a temporary folder, which has to be on a disk that syncs: set TMPDIR where /tmp
is memory. `JACKLINE_TEST_DATABASE_URL` names another server.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tests import postgres

SERVER = "JACKLINE_TEST_DATABASE_URL"
_NOT_DURABLE = """
    SELECT name FROM pg_settings
    WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off'
"""


class NotDurableError(Exception):
    """The server acknowledges what a crash may lose: its figures would be another thing's."""


@contextmanager
def server() -> Generator[str]:
    """Yield the URL of a server that keeps what it acknowledges. Raises `NotDurableError`."""
    if given := os.environ.get(SERVER):
        yield _checked(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="benchmark-postgres-"))
    try:
        yield _checked(postgres.started(folder, durable=True))
    finally:
        postgres.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database() -> Generator[str]:
    """Yield the URL of a database of its own, which has the schema, on such a server."""
    with server() as url, postgres.template(url) as made:
        yield made


def _checked(url: str) -> str:
    with psycopg.connect(url) as connection:
        off = [name for (name,) in connection.execute(_NOT_DURABLE)]
    if off:
        raise NotDurableError(f"{', '.join(off)} is off")
    return url
