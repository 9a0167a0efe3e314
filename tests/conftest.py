"""What holds for all tests."""

import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings

# A run is the same as the one before it, whatever else the machine has to do meanwhile.
settings.register_profile("alike", deadline=None, derandomize=True, database=None)
settings.load_profile("alike")

# Before anything imports them: their assertions say what was compared.
pytest.register_assert_rewrite("jackline.testing.conformance", "tests.simulation", "tests.kill")

from tests import postgres  # noqa: E402 - as said above
from tests.postgres import Databases  # noqa: E402 - as above
from tests.temporal import TemporalServer  # noqa: E402 - as above

_FOLDER = "JACKLINE_TEST_POSTGRES_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Name a folder for the server that the processes of this run share."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what is in its background so, and what we start would ignore Ctrl-C, too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="jackline-postgres-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server after the last of them."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(_FOLDER))
        postgres.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a server that all processes of this run share."""
    return postgres.server_url(Path(os.environ[_FOLDER]))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Generator[str]:
    """A database that has the schema and nothing in it."""
    with postgres.template(postgres_server) as made:
        yield made


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str, postgres_template: str) -> Generator[Databases]:
    """Databases for the tests of this process."""
    with closing(Databases(postgres_server, postgres_template)) as databases:
        yield databases


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Generator[str]:
    """The URL of a database of the test's own, which has the schema and no rows."""
    with postgres_databases.lend() as url:
        yield url


@pytest.fixture(scope="session")
def temporal_server() -> Generator[TemporalServer]:
    """A server of this process's own."""
    server = TemporalServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def temporal_url(temporal_server: TemporalServer) -> str:
    """The URL of a namespace of the test's own."""
    return temporal_server.url()
