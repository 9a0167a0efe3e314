"""The commands on a store that is a Postgres database: the same, with another URL."""

import json
import os
from pathlib import Path

import psycopg
import pytest
from tests import postgres
from tests.cli.shop import SHOP
from tests.cli.terminal import SOURCES, jackline

from jackline.adapters.migrations import migrations
from jackline.adapters.postgres import schema


@pytest.fixture
def folder(tmp_path: Path, postgres_url: str) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    settings = f'app = "shop:support"\nstore = "{postgres_url}"\n'
    (tmp_path / "jackline.toml").write_text(settings)
    assert jackline(tmp_path, "run", "hello", "--session", "s1").returncode == 0
    return tmp_path


def findings(folder: Path, code: int) -> dict[str, tuple[str, str]]:
    done = jackline(folder, "doctor", "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return {each["what"]: (each["verdict"], each["text"]) for each in json.loads(done.stdout)}


def test_what_ran_is_listed_shown_and_well(folder: Path) -> None:
    assert "s1" in jackline(folder, "sessions").stdout
    assert "hello" in jackline(folder, "events", "s1").stdout
    found = findings(folder, 0)
    assert found["money"][0] == found["wake-ups"][0] == found["schema"][0] == "ok"
    assert found["database"][0] == "ok"


def test_a_doctor_finds_money_that_somebody_changed(folder: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as database:
        database.execute("UPDATE jackline.session SET spent = spent + 1")
    assert findings(folder, 1)["money"][0] == "breach"


def test_a_database_without_the_schema_is_brought_up_to_date(
    tmp_path: Path, postgres_server: str
) -> None:
    with postgres.database(postgres_server) as url:
        lacking = jackline(tmp_path, "migrate", "--check", "--json", "--store", url)
        assert lacking.returncode == 1
        steps = [step.name for step in migrations(schema)]
        assert len(steps) >= 3
        assert json.loads(lacking.stdout) == {"pending": steps}
        applied = jackline(tmp_path, "migrate", "--json", "--store", url)
        assert json.loads(applied.stdout) == {"applied": steps}
        assert "is up to date" in jackline(tmp_path, "migrate", "--store", url).stdout


def test_half_an_extra_is_said_to_be_missing(tmp_path: Path, postgres_server: str) -> None:
    (tmp_path / "procrastinate.py").write_text("raise ImportError('it is not installed')")
    path = f"{SOURCES}{os.pathsep}{tmp_path}"
    with postgres.database(postgres_server) as url:
        for command in ("sessions", "migrate"):
            done = jackline(tmp_path, command, "--store", url, PYTHONPATH=path)
            assert done.returncode == 2, done.stderr
            assert "pip install 'jackline[postgres]'" in done.stderr


def test_no_password_is_shown(tmp_path: Path) -> None:
    url = "postgresql://ann:secret@127.0.0.1:1/journal"
    for command in ("doctor", "sessions", "migrate"):
        done = jackline(tmp_path, command, "--store", url)
        assert done.returncode == 3
        assert "cannot be reached" in done.stdout + done.stderr
        assert "secret" not in done.stdout + done.stderr
