"""What holds for all tests."""

from collections.abc import Generator
from pathlib import Path

import pytest

# Before anything imports them: their assertions say what was compared.
pytest.register_assert_rewrite("jackline.testing.conformance", "tests.simulation", "tests.kill")

from tests import postgres  # noqa: E402 - as said above


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    """The URL of a server that all processes of this run share."""
    folder: Path = tmp_path_factory.getbasetemp()
    return postgres.server_url((folder if worker_id == "master" else folder.parent) / "postgres")


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Generator[str]:
    """A database that has the schema and nothing in it."""
    with postgres.template(postgres_server) as made:
        yield made


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Generator[str]:
    """The URL of a database of the test's own, which has the schema."""
    with postgres.database(postgres_server, postgres_template) as made:
        yield made
