"""One run: processes one after another on one fresh file, each to its end, and the verdict."""

import os
import select
import shutil
import signal
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jackline.core.value import Value
from jackline.testing.crashtest.judge import Verdict, judge
from jackline.testing.crashtest.life import AT_REST, WAITS, Life, OpenStore, live
from jackline.testing.crashtest.log import Entry, entries
from jackline.testing.crashtest.moments import LIVE, Kill
from jackline.testing.scenario import Scenario

_LIVES_MAX = 12
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Conditions:
    """How all runs of a scenario go.

    Nobody waits for the lease of the dead to be over: the next process's clock is ahead by as much.
    """

    scenario: Scenario
    open_store: OpenStore
    timeout_s: float
    lease_s: float = 2.0


class Plan(Value, frozen=True):
    """What kills the first processes of a run. After them one lives until all is at rest."""

    number: int
    kills: tuple[Kill, ...]
    label: str


class Outcome(Value, frozen=True):
    """What came of a run. `died` says which processes were killed as planned."""

    plan: Plan
    verdict: Verdict
    died: tuple[bool, ...]

    @property
    def hit(self) -> bool:
        """Whether a process died where the first was to."""
        wanted = self.plan.kills[0].at if self.plan.kills else ""
        return not wanted or self.died[:1] == (True,)


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
    died, ahead_s, exited, kills = list[bool](), 0.0, WAITS, list(plan.kills)
    for number in range(1, _LIVES_MAX + 1):
        kill = kills[0] if kills else LIVE
        life = Life(number, folder, kill, ahead_s, conditions.lease_s, conditions.timeout_s)
        exited = _lived(conditions, life)
        if kills and exited != WAITS:  # After a wait things go on, and so may come by the point.
            died.append(exited == -signal.SIGKILL)
            kills.pop(0)
        if exited == AT_REST or exited not in {-signal.SIGKILL, WAITS}:
            break
        ahead_s += _wait_s(folder) + 0.05 if exited == WAITS else conditions.lease_s + 0.05
    told = entries(folder / "log")
    verdict = judge(
        conditions.scenario, folder / "journal.db", told, _ended(exited, conditions.timeout_s)
    )
    return Outcome(plan, verdict, tuple(died))


def _lived(conditions: Conditions, life: Life) -> int:
    """Fork a process that lives, wait for its end, and return what it exited with.

    A negative number is the signal that ended it.
    """
    ended, end = os.pipe()
    child = os.fork()
    if child == 0:
        _be(conditions, life)
    os.close(end)
    try:
        if life.kill.after_s:
            # The pipe is closed by the end of the only process that has its other end.
            select.select([ended], [], [], life.kill.after_s)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    finally:
        os.close(ended)
    return os.waitstatus_to_exitcode(status)


def _be(conditions: Conditions, life: Life) -> None:
    """Live, and exit without what the parent would do at its own exit."""
    code = 1
    try:
        said = os.open(life.folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = live(conditions.scenario, life, conditions.open_store)
    except BaseException:  # noqa: BLE001 - nothing may come back out of a fork
        traceback.print_exc()
    finally:
        os._exit(code)


def _wait_s(folder: Path) -> float:
    waits = [each for each in entries(folder / "log") if each.what == "waits"]
    return float(waits[-1].name)


def _ended(exited: int, timeout_s: float) -> str:
    """Return what is wrong with how the last process ended, or nothing."""
    if exited == AT_REST:
        return ""
    if exited == -signal.SIGALRM:
        return f"not at rest after {timeout_s:g} s"
    if exited in {-signal.SIGKILL, WAITS}:
        return f"not at rest after {_LIVES_MAX} processes"
    return f"the process that resumed ended with {exited}"


def points(told: Sequence[Entry]) -> Sequence[str]:
    """Return where the process of a clean run could have died, in order."""
    written = {e.name for e in told if e.what == "commit" and e.side == "after"}
    found = (e.point for e in told if e.point and (e.what != "commit" or e.name in written))
    return list(dict.fromkeys(found))
