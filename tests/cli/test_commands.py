"""Commands with pipes, as scripts use them: real processes."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.shop import SHOP
from tests.cli.terminal import COMMAND, environment, jackline


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "jackline.toml").write_text('app = "shop:support"\n')
    return tmp_path


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_run_prints_the_answer_alone(folder: Path) -> None:
    done = jackline(folder, "run", "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Good morning to you.\n", "")


def test_run_reads_what_is_piped_in(folder: Path) -> None:
    done = jackline(folder, "run", "shop:support", said="hello")
    assert (done.returncode, done.stdout) == (0, "Good morning to you.\n")


def test_run_prints_events_as_they_are_on_the_wire(folder: Path) -> None:
    done = jackline(folder, "run", "hello", "--json", "--session", "s1")
    assert done.returncode == 0
    events = lines(done.stdout)
    assert events[0]["type"] == "turn.submitted"
    assert events[-1]["type"] == "turn.completed"
    assert [event["seq"] for event in events] == list(range(2, 2 + len(events)))
    kept = lines(jackline(folder, "events", "s1", "--json").stdout)
    assert kept[1:] == events


def test_run_stops_at_the_budget_and_says_how_to_go_further(folder: Path) -> None:
    done = jackline(folder, "run", "shop:several", "hello", "--agent", "poor")
    assert (done.returncode, done.stdout) == (1, "")
    assert "stopped (budget)" in done.stderr
    assert "jackline raise " in done.stderr


def test_a_call_waits_is_approved_and_the_turn_resumes(folder: Path) -> None:
    done = jackline(folder, "run", "refund", "--session", "s1")
    assert (done.returncode, done.stdout) == (4, "")
    (question,) = lines(jackline(folder, "approve", "s1", "--json").stdout)
    number = str(question["question"])
    assert f"jackline approve s1 {number}" in done.stderr
    assert lines(jackline(folder, "sessions", "--waiting", "--json").stdout)[0]["session"] == "s1"
    shown = jackline(folder, "approve", "s1").stdout
    assert "cents = 500" in shown
    assert str(question["digest"])[:12] in shown
    assert jackline(folder, "approve", "s1", number).returncode == 0
    assert jackline(folder, "approve", "s1", number, "--no").returncode == 2
    done = jackline(folder, "resume", "s1")
    assert (done.returncode, done.stdout) == (0, "All is done.\n")
    assert (folder / "calls").read_text() == "refund 7 500\n"
    timeline = jackline(folder, "events", "s1").stdout
    for part in (
        "local           refund",
        "Let me look.",
        "← Order 7",
        "approved question",
        "completed",
    ):
        assert part in timeline
    assert max(map(len, timeline.splitlines())) <= 80


def test_an_approval_may_change_the_arguments(folder: Path) -> None:
    jackline(folder, "run", "refund", "--session", "s1")
    number = str(lines(jackline(folder, "approve", "s1", "--json").stdout)[0]["question"])
    done = jackline(folder, "approve", "s1", number, "--edit", '{"order_id": "7"}')
    assert done.returncode == 2
    assert "do not fit refund" in done.stderr
    done = jackline(folder, "approve", "s1", number, "--edit", '{"order_id": "7", "cents": 1}')
    assert done.returncode == 0, done.stderr
    assert jackline(folder, "resume", "s1").returncode == 0
    assert (folder / "calls").read_text() == "refund 7 1\n"


def test_a_turn_is_cancelled_while_nobody_drives_it(folder: Path) -> None:
    jackline(folder, "run", "refund", "--session", "s1")
    assert jackline(folder, "cancel", "s1", "--reason", "a mistake").returncode == 0
    done = jackline(folder, "resume", "s1")
    assert done.returncode == 1
    assert "a mistake" in done.stderr
    assert jackline(folder, "cancel", "s1").returncode == 2
    assert not (folder / "calls").exists()


def test_a_stopped_session_goes_on_with_a_higher_limit(folder: Path) -> None:
    poor = ("--app", "shop:poor")
    jackline(folder, "run", "shop:poor", "hello", "--session", "s1")
    assert jackline(folder, "resume", "s1", *poor).returncode == 1
    raised = jackline(
        folder, "raise", "s1", *poor, "--limit", "usd=999", "--limit", "session_usd=none"
    )
    assert raised.returncode == 0, raised.stderr
    assert "usd to $999.00" in raised.stdout
    done = jackline(folder, "resume", "s1", *poor)
    assert (done.returncode, done.stdout) == (0, "never\n"), done.stderr
    told = lines(jackline(folder, "budget", "s1", "--json").stdout)[0]
    assert isinstance(told["spent"], int)
    assert told["spent"] > 0
    assert "dear" in jackline(folder, "budget", "s1", *poor).stdout


def test_a_fork_goes_its_own_way(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    assert jackline(folder, "fork", "s1", "s2").stdout == "s2\n"
    assert jackline(folder, "fork", "s1", "s2").returncode == 2
    assert jackline(folder, "run", "hello", "--session", "s2").returncode == 0
    rows = lines(jackline(folder, "sessions", "--json").stdout)
    assert {row["session"]: row["events"] for row in rows}["s1"] == 6


def test_a_run_is_handed_over_at_sigterm_and_resumed(folder: Path) -> None:
    arguments = [*COMMAND, "run", "wait", "--session", "s1", "--json"]
    run = subprocess.Popen(
        arguments, cwd=folder, env=environment(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert run.stdout is not None
    try:
        assert any(b'"tool.started"' in line for line in run.stdout)
        run.send_signal(signal.SIGTERM)
        (folder / "go").touch()
        run.communicate(timeout=20)
        assert run.returncode == 143
    finally:
        run.kill()
        run.wait()
    done = jackline(folder, "resume", "s1")
    assert (done.returncode, done.stdout) == (0, "It is there.\n")
    assert (folder / "calls").read_text() == "wait\n"


def test_events_follow_a_turn_that_another_process_drives(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    follow = subprocess.Popen(
        [*COMMAND, "events", "s1", "--follow", "--json"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
    )
    assert follow.stdout is not None
    try:
        assert any(b'"turn.completed"' in line for line in follow.stdout)
        jackline(folder, "run", "hello", "--session", "s1")
        assert any(b'"turn.completed"' in line for line in follow.stdout)
        follow.send_signal(signal.SIGINT)
        assert follow.wait(20) == 130
    finally:
        follow.kill()
        follow.communicate()


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    follow = subprocess.Popen(
        [*COMMAND, "events", "s1", "--follow", "--json"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert follow.stdout is not None
    try:
        follow.stdout.readline()
        follow.stdout.close()
        jackline(folder, "run", "hello", "--session", "s1")
        assert follow.wait(20) == 0
        assert follow.stderr is not None
        with follow.stderr as complaints:
            assert complaints.read() == b""
    finally:
        follow.kill()
        follow.wait()


def test_what_is_erased_is_gone_and_its_money_is_not(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    assert jackline(folder, "erase", "--session", "s1").returncode == 2
    assert jackline(folder, "erase", "--session", "s1", "--yes").stdout == "Erased 1 session.\n"
    assert "Good morning" not in jackline(folder, "events", "s1", "--json").stdout
    assert jackline(folder, "doctor").returncode == 0


def test_a_project_may_be_written_where_one_is(tmp_path: Path) -> None:
    done = jackline(tmp_path, "new", ".")
    assert done.stdout.startswith("Wrote agent.py, scenario.py, jackline.toml. Try:\n")
    assert " cd " not in done.stdout
    assert len(list(tmp_path.iterdir())) == 3
    again = jackline(tmp_path, "new", ".")
    assert again.stderr == "jackline: There is a file agent.py already: choose another name.\n"


def test_a_new_project_runs_as_it_stands(tmp_path: Path) -> None:
    assert jackline(tmp_path, "new", "shop").returncode == 0
    project = tmp_path / "shop"
    assert len(list(project.iterdir())) == 3
    done = jackline(project, "run", "Refund order 7", "--session", "s1")
    assert done.returncode == 4, done.stderr
    number = str(lines(jackline(project, "approve", "s1", "--json").stdout)[0]["question"])
    jackline(project, "approve", "s1", number)
    done = jackline(project, "resume", "s1")
    assert done.stdout == "That was order 7. What else may I do?\n"
    done = jackline(project, "run", "Send order 8 to 1 Harbour Road")
    assert done.stdout == "Order 8 now goes to 1 Harbour Road.\n"
    (project / "agent.py").write_text("# mine\n")
    assert jackline(tmp_path, "new", "shop").returncode == 2
    assert (project / "agent.py").read_text() == "# mine\n"


def test_what_is_idle_for_long_enough_is_deleted_when_somebody_drives(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    jackline(folder, "run", "hello", "--session", "s2", JACKLINE_RETENTION_DAYS="0.0000001")
    rows = lines(jackline(folder, "sessions", "--json").stdout)
    assert [row["session"] for row in rows] == ["s2"]


def test_colours_are_for_terminals(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    for command in (("events", "s1"), ("sessions",), ("budget", "s1"), ("doctor",)):
        assert "\x1b" not in jackline(folder, *command).stdout


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        pytest.param(
            ["--help"],
            ("asyncio", "pydantic", "pydantic_ai", "rich", "sqlite3", "jackline.app"),
            id="the list of commands",
        ),
        pytest.param(
            ["sessions", "--json"],
            ("pydantic_ai", "pydantic_settings", "rich", "psycopg", "jackline.app"),
            id="a look",
        ),
        pytest.param(
            ["run", "hello"], ("pydantic_ai", "rich.console", "psycopg"), id="a turn in a pipe"
        ),
    ],
)
def test_nothing_heavy_is_imported_for(
    arguments: list[str], heavy: tuple[str, ...], folder: Path
) -> None:
    jackline(folder, "run", "hello")
    code = (
        "import sys\nfrom jackline.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n"
        f"    print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("\n[]\n")
