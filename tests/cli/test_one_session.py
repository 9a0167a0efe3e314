"""Several processes on one session: each gets what is its own, and nothing is left behind."""

import signal
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.cli.terminal import COMMAND, environment, jackline

ECHO = """
import asyncio
from pathlib import Path

from jackline import Agent
from jackline.testing import ScriptedModel

async def answer(request):
    said = request.messages[-1].text
    with Path("asked").open("a") as file:
        file.write(said + "\\n")
    while said == "wait" and not Path("go").exists():
        await asyncio.sleep(0.02)
    return f"Answer to {said}"

agent = Agent("echo", model=ScriptedModel(answer))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "echo.py").write_text(ECHO)
    (tmp_path / "jackline.toml").write_text('app = "echo:agent"\n')
    return tmp_path


@contextmanager
def started(folder: Path, *arguments: str) -> "Generator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdout is not None
    assert any(text in line for line in process.stdout)


def test_each_run_prints_its_own_answer_and_none_is_left(folder: Path) -> None:
    jackline(folder, "run", "hello", "--session", "s1")
    with ExitStack() as stack:
        runs = {
            name: stack.enter_context(started(folder, "run", name, "--session", "s1"))
            for name in ("one", "two", "three", "four")
        }
        for name, run in runs.items():
            out, err = run.communicate(timeout=60)
            assert (run.returncode, out) == (0, f"Answer to {name}\n"), err
    rows = jackline(folder, "sessions", "--json").stdout
    assert '"state":"idle"' in rows
    assert sorted((folder / "asked").read_text().split()) == sorted(["hello", *runs])


def test_ctrl_c_on_a_run_that_waits_cancels_that_one_alone(folder: Path) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(started(folder, "run", "wait", "--session", "s1", "--json"))
        wait_for(first, "model.reserved")
        follow = ("events", "s1", "--follow", "--json")
        events = stack.enter_context(started(folder, *follow))
        with started(folder, "run", "queued", "--session", "s1", "--json") as queued:
            wait_for(queued, "turn.submitted")
            queued.send_signal(signal.SIGINT)
            wait_for(events, "turn.cancel_requested")
            (folder / "go").touch()
            out, err = queued.communicate(timeout=30)
            assert queued.returncode == 1, err
            assert "turn.cancelled" in out
        out, err = first.communicate(timeout=30)
        assert (first.returncode, "turn.completed" in out) == (0, True), err
    assert (folder / "asked").read_text() == "wait\n"


def test_a_run_behind_a_question_says_who_must_act(folder: Path) -> None:
    (folder / "asks.py").write_text(
        "from jackline import Agent, ToolCall, tool\n"
        "from jackline.testing import ScriptedModel\n"
        "@tool(effect='once', approve=True)\n"
        "def pay() -> str:\n    '''Pay.'''\n    return 'paid'\n"
        "agent = Agent('a', model=ScriptedModel([[ToolCall('pay', '{}')], 'Done.', 'Next.']),"
        " tools=[pay])\n"
    )
    agent = ("--session", "s1")
    assert jackline(folder, "run", "asks:agent", "one", *agent).returncode == 4
    second = jackline(folder, "run", "asks:agent", "two", *agent)
    assert (second.returncode, second.stdout) == (4, "")
    assert "waits behind turn 2" in second.stderr
    assert "jackline approve s1 " in second.stderr


def test_of_an_answer_that_never_fits_only_the_reason_is_shown(folder: Path) -> None:
    (folder / "typed.py").write_text(
        "from jackline import Agent\n"
        "from jackline.testing import ScriptedModel\n"
        "agent = Agent('t', model=ScriptedModel(['no'] * 9), output=int)\n"
    )
    done = jackline(folder, "run", "typed:agent", "one")
    assert done.returncode == 1
    assert "Its answer did not fit: " in done.stderr
    assert "Answer again" not in done.stderr
