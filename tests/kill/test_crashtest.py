"""That the crash test certifies what is sound, and finds what is not."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
PATHS = {"PYTHONPATH": os.pathsep.join(sys.path)}
COMMAND = [sys.executable, "-c", "from jackline.cli import main; main()", "crashtest"]


def ran(
    *arguments: str, timeout_s: float = 240, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | PATHS | environment,
        timeout=timeout_s,
        check=False,
    )


def found(fault: str, at: str, kept: Path, server: str = "") -> list[dict[str, Any]]:
    """Return the breaches that the crash test finds at the boundaries named so."""
    command = [sys.executable, "-m", "tests.kill.faults", fault, at, server]
    environment = os.environ | PATHS | {"TMPDIR": str(kept)}
    done = subprocess.run(
        command, capture_output=True, cwd=ROOT, env=environment, timeout=120, check=True
    )
    return json.loads(done.stdout)["breaches"]


@pytest.mark.verify
def test_an_agent_of_all_effects_outlives_a_death_inside_every_call() -> None:
    done = ran("tests.kill.seller:sale", "--json", "--at", "call", "--sample", "8")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report.keys() == {"boundaries", "runs", "breaches", "rerun", "unknown", "fenced"}
    assert report["breaches"] == []
    assert report["boundaries"] == 3 * 6
    assert report["runs"] > report["boundaries"]
    assert report["rerun"] >= 10, "a call that reads is made again"
    assert report["unknown"] >= 3, "a payment is not"


def test_a_report_says_what_each_death_cost() -> None:
    arguments = ("tests.kill.seller:sale", "--at", "call turn 1/model/1/tool/0", "--sample", "0")
    short = ran(*arguments)
    assert short.returncode == 0, short.stdout + short.stderr
    assert "3 deaths cost something, as they may" in short.stdout
    assert "unknown: charge" not in short.stdout
    done = ran(*arguments, "--verbose")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in call turn 1/model/1/tool/0\n    unknown: charge\n" in done.stdout
    assert "seller: 3 boundaries, 4 runs, 0 breaches; 0 calls ran again, 3 are" in done.stdout


def test_a_judge_that_dies_loses_no_result() -> None:
    done = ran("tests.kill.seller:judged", "--json", "--at", "judge", "--sample", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["boundaries"] >= 4
    assert report["breaches"] == []
    assert report["rerun"] == 0, "what was returned before is not asked for again"


def test_nobody_waits_for_what_an_agent_waits_for() -> None:
    """A process that only waits ends, and the next one's clock is ahead."""
    done = ran("tests.kill.seller:patience", "--at", "turn 1/model/2", "--sample", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was not reached" not in done.stdout
    assert "seller: 5 boundaries, 6 runs, 0 breaches;" in done.stdout


def test_a_model_is_asked_in_the_first_run_and_its_replies_are_replayed(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    arguments = ("tests.kill.seller:bought", "--json", "--at", "asked", "--sample", "0")
    done = ran(*arguments, JACKLINE_TEST_ASKED=str(asked))
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["runs"] == 1 + 7
    assert len(asked.read_text().splitlines()) == 4 + 2, "the last of the 7 asks if it is there"


@pytest.mark.parametrize(
    ("fault", "at", "guarantee", "text"),
    [
        ("misdeclared", "call turn 1/model/1/tool/0", "G2", "made twice"),
        ("lazy", "call turn 1/model/1/tool/0", "G2", "must run once"),
        ("hasty", "model.reserved) turn 1/model/0", "G1", "was acknowledged, and is not"),
    ],
)
def test_a_planted_fault_is_found(
    fault: str, at: str, guarantee: str, text: str, tmp_path: Path
) -> None:
    assert found("none", at, tmp_path) == []
    breaches = found(fault, at, tmp_path)
    assert any(each["guarantee"] == guarantee and text in each["text"] for each in breaches)


def test_a_breach_is_an_exit_code_and_keeps_its_journal(tmp_path: Path) -> None:
    at = "in call turn 1/model/1/tool/0"
    done = ran("tests.kill.faults:misdeclared_sale", "--at", at, TMPDIR=str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BREACH of G2: in call turn 1/model/1/tool/0" in done.stdout
    kept = Path(done.stdout.rsplit(" are in ", 1)[1].strip().rstrip("."))
    assert kept.parent == tmp_path
    assert list(kept.glob("*/journal.db"))


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("tests.kill.seller:seller", "is no scenario, but of type Agent"),
        ("tests.kill.seller:nothing", "has no 'nothing'"),
        ("tests.kill.nowhere:sale", "There is no module"),
        ("sale", "write module:name"),
        ("tests.kill.faults:broken", "fails without a crash"),
        ("tests.kill.faults:left", "the process that resumed ended with 3"),
        ("tests.kill.faults:unserved", "could not be had (RuntimeError: no database)"),
        ("tests.kill.faults:unrecorded", "nowhere.jsonl"),
        ("tests.kill.faults:unanswered", "a script has at least one answer"),
    ],
)
def test_what_cannot_be_certified_is_said_in_one_sentence(
    reference: str, sentence: str, tmp_path: Path
) -> None:
    done = ran(reference, TMPDIR=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def databases(server: str) -> set[str]:
    """Return the names of the databases that a crash test has made."""
    with psycopg.connect(server) as admin:
        rows = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE '%crashtest%'")
        return {name for (name,) in rows.fetchall()}


def test_on_postgres_one_worker_goes_on_for_another_that_is_killed_or_stopped(
    postgres_server: str,
) -> None:
    before = databases(postgres_server)
    at = "tool.started) turn 1/model/1/tool/0"
    done = ran(
        "tests.kill.seller:sale", "--store", postgres_server, "--json", "--at", at, "--sample", "0"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report.keys() == {"boundaries", "runs", "breaches", "rerun", "unknown", "fenced"}
    assert report["breaches"] == []
    assert (report["boundaries"], report["runs"]) == (2, 1 + 2 * 2)
    # A machine that stands still for longer than a lease costs a run without a strike its outcome.
    assert 2 <= report["unknown"] <= 5, "the payment was begun before two of the strikes"
    assert report["fenced"] >= 1, "who was stopped before its commit is refused"
    assert databases(postgres_server) == before


@pytest.mark.verify
def test_on_postgres_nobody_waits_for_what_an_agent_waits_for(postgres_server: str) -> None:
    """The database's clock is put forward by ten minutes, and timers with it."""
    arguments = ("--at", "asked turn 1/model/2", "--sample", "0")
    done = ran("tests.kill.seller:patience", "--store", postgres_server, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seller: 1 boundaries, 3 runs, 0 breaches;" in done.stdout


@pytest.mark.verify
def test_a_store_that_does_not_fence_is_found(postgres_server: str, tmp_path: Path) -> None:
    at = "before commit drive (model.replied, tool.started) turn 2/model/0"
    assert found("none", at, tmp_path, postgres_server) == []
    breaches = found("careless", at, tmp_path, postgres_server)
    texts = [each["text"] for each in breaches]
    assert any("was not fenced" in text or "is no history" in text for text in texts)
    assert list(tmp_path.glob("*/*/journal.jsonl"))


@pytest.fixture
def poor_user(postgres_server: str) -> Generator[str]:
    """The URL by which somebody connects who may make no databases."""
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
        try:
            yield make_url(postgres_server, "poor")
        finally:
            admin.execute("DROP ROLE poor")


def make_url(server: str, user: str) -> str:
    """Return the server's URL for another user."""
    parts = urlsplit(server)
    return parts._replace(netloc=f"{user}:{user}@{parts.netloc.rpartition('@')[2]}").geturl()


def test_who_may_make_no_database_is_told_so(poor_user: str) -> None:
    done = ran("tests.kill.seller:sale", "--store", poor_user)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "does not let this user make a database" in done.stderr
    assert "ALTER ROLE poor CREATEDB" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("store", "code", "sentence"),
    [
        ("sqlite:///jackline.db", 2, "is no Postgres server: write postgresql://"),
        ("postgresql://nobody@127.0.0.1:9/none", 3, "cannot be reached"),
    ],
)
def test_a_server_that_cannot_be_had_is_said_in_one_sentence(
    store: str, code: int, sentence: str
) -> None:
    done = ran("tests.kill.seller:sale", "--store", store)
    assert done.returncode == code
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.verify
@pytest.mark.timeout(900)
def test_on_postgres_an_agent_of_all_effects_outlives_death_and_stop_at_every_boundary(
    postgres_server: str,
) -> None:
    done = ran("tests.kill.seller:sale", "--store", postgres_server, "--json", timeout_s=800)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["runs"] > 2 * report["boundaries"]
    assert report["fenced"] > 0


@pytest.mark.verify
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", ["1", "2"])
def test_an_agent_of_all_effects_outlives_a_death_at_every_boundary(seed: str) -> None:
    done = ran("tests.kill.seller:sale", "--json", "--seed", seed, "--sample", "80")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.verify
@pytest.mark.timeout(300)
def test_the_demo_s_agent_outlives_a_death_at_every_boundary() -> None:
    done = ran("--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["boundaries"] > 100
