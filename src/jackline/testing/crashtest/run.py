"""One run: processes on a fresh database until all is at rest, some of them struck; the verdict."""

import os
import select
import shutil
import signal
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jackline.core.events import Record
from jackline.core.value import Value
from jackline.ports import Store
from jackline.testing.crashtest.judge import Verdict, judge
from jackline.testing.crashtest.life import AT_REST, WAITS, Keeping, Life, live
from jackline.testing.crashtest.log import Entry, Log, entries
from jackline.testing.crashtest.moments import Kill, Stopped
from jackline.testing.scenario import Scenario

LIVES_MAX = 12
_TRIES = 3


class Plan(Value, frozen=True):
    """What kills or stops processes of a run. After them one lives until all is at rest."""

    number: int
    kills: tuple[Kill, ...]
    label: str


class Outcome(Value, frozen=True):
    """What came of a run, and how many processes were struck as planned."""

    plan: Plan
    verdict: Verdict
    struck: int

    @property
    def hit(self) -> bool:
        """Whether a process was struck where the first was to be."""
        return self.struck > 0 or not (self.plan.kills and self.plan.kills[0].at)


class Ground(Protocol):
    """Where runs are made: in which database, and how processes are started and ended there.

    They mostly wait, so that several fit a core: `jobs_a_core`.
    """

    jobs_a_core: int

    def open(self) -> AbstractContextManager[None]:
        """Make it ready, and tidy it in the end. Raises `StoreError`."""
        ...

    def cleared(self, scenario: Scenario, folder: Path) -> AbstractContextManager[None]:
        """Give a run its own database. In the end the journal is in the run's folder alone."""
        ...

    def store(self, folder: Path) -> Store:
        """Open the run's database."""
        ...

    def records(self, scenario: Scenario, folder: Path) -> Sequence[Record]:
        """Return the journal of a run that is over."""
        ...

    def lived(self, conditions: "Conditions", plan: Plan, folder: Path) -> str:
        """Have the run's processes live. Return what is wrong with how it ended, or nothing."""
        ...

    def hows(self, point: str) -> Sequence[Stopped]:
        """Return how a process can be struck at a point, or where that is empty by the clock."""
        ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """How all runs of a scenario go."""

    scenario: Scenario
    ground: Ground
    timeout_s: float


def run(conditions: Conditions, plan: Plan, folder: Path) -> Outcome:
    """Make the run, in a folder of its own, and judge it.

    Where things went another way, and not by the point at which it was to die, it is made anew.
    """
    for _ in range(_TRIES - 1):
        outcome = _made(conditions, plan, folder)
        if outcome.hit or outcome.verdict.breaches:
            return outcome
        shutil.rmtree(folder)
    return _made(conditions, plan, folder)


def _made(conditions: Conditions, plan: Plan, folder: Path) -> Outcome:
    folder.mkdir()
    ground = conditions.ground
    with ground.cleared(conditions.scenario, folder):
        ended = ground.lived(conditions, plan, folder)
        told = entries(folder / "log")
        verdict = judge(conditions.scenario, lambda: ground.store(folder), told, ended)
    return Outcome(plan, verdict, struck(told))


def struck(told: Sequence[Entry]) -> int:
    """Return how many processes of the run were killed or stopped so far."""
    return len({each.name for each in told if each.what == "struck"})


def begun(scenario: Scenario, life: Life, keeping: Keeping) -> int:
    """Fork a process that lives, and return its id."""
    child = os.fork()
    if child == 0:
        _be(scenario, life, keeping)
    return child


def until_ended(child: int) -> int:
    """Return what a process exits with. Where it is struck once more it is let go on."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(child, signal.SIGCONT)


def strike(kills: Sequence[Kill], log: Path, over: int, victim: Callable[[], int]) -> None:
    """Strike a process at its time, if that is due next and the run is not over by then.

    `over` is a pipe that is closed when it is.
    """
    number = struck(entries(log))
    kill = kills[number] if number < len(kills) else Kill()
    if kill.after_s and not select.select([over], [], [], kill.after_s)[0]:
        pid = victim()
        stopped = pid if kill.stopped == "until driven" else 0
        Log(log, 0).write(Entry(0, "struck", str(number), pid=stopped))
        os.kill(pid, signal.SIGSTOP if kill.stopped else signal.SIGKILL)


def _be(scenario: Scenario, life: Life, keeping: Keeping) -> None:
    """Live, and exit without what the parent would do at its own exit."""
    code = 1
    try:
        said = os.open(life.folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = live(scenario, life, keeping)
    except BaseException:  # noqa: BLE001 - nothing may come back out of a fork
        traceback.print_exc()
    finally:
        os._exit(code)


def wait_s(folder: Path) -> float:
    """Return for how long nothing can happen, as the last process has said."""
    waits = [each for each in entries(folder / "log") if each.what == "waits"]
    return float(waits[-1].name)


def wrong_end(exited: int, timeout_s: float) -> str:
    """Return what is wrong with how the last process ended, or nothing."""
    if exited == AT_REST:
        return ""
    if exited == -signal.SIGALRM:
        return f"not at rest after {timeout_s:g} s"
    if exited in {-signal.SIGKILL, WAITS}:
        return f"not at rest after {LIVES_MAX} processes"
    return f"the process that resumed ended with {exited}"


def points(told: Sequence[Entry]) -> Sequence[str]:
    """Return where the process of a clean run could have died, in order."""
    written = {e.name for e in told if e.what == "commit" and e.side == "after"}
    found = (e.point for e in told if e.point and (e.what != "commit" or e.name in written))
    return list(dict.fromkeys(found))
