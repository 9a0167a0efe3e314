"""The whole demo, with real processes that are really killed."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from jackline.cli.demo import demo, exit_code
from jackline.cli.options import Exit
from jackline.demo.act_three import Real
from jackline.demo.payments import POINTS
from jackline.demo.play import Played, play
from jackline.demo.processes import started
from jackline.demo.proofs import Naive, Step
from jackline.demo.stage import Stage

NO_MODEL = "openai:gpt-5.4-mini"  # Without a key.

ALL_HELD = {
    "G1": True,
    "G2": True,
    "G3": True,
    "G4": True,
    "G5": True,
    "G6": True,
    "G9": True,
    "limit": True,
}


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(len(POINTS)))
def test_all_that_is_claimed_holds_wherever_the_worker_dies(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code = demo(folder=tmp_path / "demo", model=NO_MODEL, seed=seed, as_json=True)
    played = json.loads(capsys.readouterr().out)
    assert {step["guarantee"]: step["held"] for step in played["steps"]} == ALL_HELD
    figures = played["steps"][0]["figures"]
    assert figures["unknown"] == figures["reconciled"] > 0
    assert played["point"] == POINTS[seed]
    naive = played["naive"]
    assert (naive["payments"], naive["large_cents"], naive["rows_mailed"]) == (2, 90_000, 6)
    assert code == Exit.OPERATOR
    assert played["real"]["problem"] == (
        "openai:gpt-5.4-mini cannot be asked: it has no key. Set OPENAI_API_KEY."
    )


class Impatient:
    """Kills the worker as soon as that is offered, and says no."""

    def __init__(self) -> None:
        self.killed = 0

    async def ask(self, question: str, default: str, within_s: float) -> str:
        assert question.strip()
        assert default
        assert within_s > 0
        return "n"

    @contextmanager
    def on_enter(self, act: Callable[[], None]) -> Generator[None]:
        if not self.killed:
            act()
        self.killed += 1
        yield


@pytest.mark.verify
def test_a_person_may_kill_at_any_time_and_say_no(tmp_path: Path) -> None:
    person = Impatient()
    stage = Stage(Console(quiet=True), person, is_live=True)
    run = asyncio.run(play(stage, tmp_path / "demo", NO_MODEL, lambda _: None))
    assert {step.guarantee: step.held for step in run.steps} == ALL_HELD
    assert person.killed >= 2
    approval = next(step for step in run.steps if step.guarantee == "G5")
    assert approval.figures["payments"] == 0


def test_a_process_is_killed_when_nobody_needs_it_any_more(tmp_path: Path) -> None:
    async def run() -> int | None:
        async with started("bank", tmp_path / "ledger", 0, log=tmp_path / "log") as process:
            assert process.returncode is None
        return process.returncode

    assert asyncio.run(run()) == -9


def test_a_process_ends_with_whoever_started_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "jackline.demo.bank", str(tmp_path / "ledger"), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert int(process.stdout.readline()) > 0
    process.stdin.close()
    process.stdout.close()
    assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("holds", "problem", "code"),
    [
        ([True, True], "", 0),
        ([True, False, True], "", 1),
        ([True, False], "not installed", 1),
        ([True], "not installed", 3),
    ],
)
def test_the_exit_code_says_what_broke_or_is_missing(
    holds: list[bool], problem: str, code: int
) -> None:
    steps = [Step("", "G1", each, "", "") for each in holds]
    naive = Naive(2, 8_000, 90_000, 1, 1, 1, 1, 6)
    run = Played("", "", "booked", naive, steps, Real("local", problem=problem), 0.0)
    assert exit_code(run) == code
