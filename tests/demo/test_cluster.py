"""The demo with two workers on a real Postgres, of which one is really killed."""

import json
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.cli.terminal import Terminal, jackline

from jackline.cli.demo import demo


@pytest.mark.verify
def test_a_turn_goes_on_with_the_other_worker_and_its_stream_without_a_gap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], postgres_url: str
) -> None:
    code = demo(with_workers=True, store=postgres_url, folder=tmp_path / "demo", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert {step["guarantee"]: step["held"] for step in found["steps"]} == dict.fromkeys(
        ("G1", "G2", "G4", "G9"), True
    )
    assert (code, found["went_on"]) == (0, True)
    assert found["steps"][0]["figures"]["reconciled"] == 1
    for process in (found["killed"], found["survivor"]):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    said = (tmp_path / "demo" / "workers.log").read_text()
    assert said.count("All was finished or handed over.") == 1, "the other had no time to say it"


@pytest.mark.verify
def test_it_brings_its_own_postgres_and_shows_a_person_what_happens() -> None:
    with (
        TemporaryDirectory() as name,
        Terminal(Path(name), "demo", "--cluster", TMPDIR=name) as terminal,
    ):
        terminal.expect("This process drives nothing")
        terminal.expect("is dead (SIGKILL)")
        terminal.expect("knows this call's key: it happened")
        terminal.expect("G4")
        terminal.expect("exit code 0")
        assert terminal.end() == 0
        assert '{"calls"' not in terminal.text, "a plan is nobody's answer"
        assert not list(Path(name).glob("jackline-demo-*")), "its server is gone"


@pytest.mark.verify
def test_who_ends_it_leaves_no_process_behind(tmp_path: Path, postgres_url: str) -> None:
    with Terminal(tmp_path, "demo", "--cluster", "--store", postgres_url) as terminal:
        terminal.expect("drives")
        workers = [int(word) for word in terminal.text.split() if word.isdigit()][:2]
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == 143
    for process in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--store", "postgresql://localhost/x"), "--store is for --cluster"),
        (("--cluster", "--store", "sqlite:///x.db"), "need a Postgres database"),
        (("--cluster", "--store", "postgresql://a:secret@127.0.0.1:1/x"), "cannot be reached"),
    ],
)
def test_what_it_cannot_use_is_said_in_a_sentence(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = jackline(tmp_path, "demo", *options)
    assert done.returncode in {2, 3}
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
