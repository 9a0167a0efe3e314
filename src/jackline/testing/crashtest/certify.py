"""Certifies an agent: kills its process at every boundary there is, and judges what is left."""

import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import msgspec

from jackline.core.errors import CallerError
from jackline.core.events import Record, ToolFailed
from jackline.core.value import Value
from jackline.testing.crashtest.life import models
from jackline.testing.crashtest.log import entries
from jackline.testing.crashtest.moments import Kill, Stopped
from jackline.testing.crashtest.run import Conditions, Ground, Outcome, Plan, points, run
from jackline.testing.recording import recorded, write
from jackline.testing.scenario import Scenario, ScenarioError

Progress = Callable[[int, int], None]
_SECOND_MOMENT_MAX = 12
_MEMORY = "/dev/shm"  # noqa: S108 - a folder of its own is made there


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is run. Of runs with a second death, and of deaths by the clock, these many.

    Of the boundaries those are run whose names have `at` in them.
    """

    jobs: int = 2
    doubles: int = 24
    timed: int = 8
    seed: int = 0
    timeout_s: float = 20.0
    at: str = ""


class Found(Value, frozen=True):
    """A guarantee that did not hold, where the process died then, and how."""

    guarantee: str
    boundary: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a crash test has found. `kept` is where the runs with breaches lie."""

    boundaries: Sequence[str]
    outcomes: Sequence[Outcome]
    seconds: float
    kept: Path | None

    @property
    def breaches(self) -> Sequence[Found]:
        """Which guarantees did not hold."""
        return [
            Found(breach.guarantee, outcome.plan.label, breach.text)
            for outcome in self.outcomes
            for breach in outcome.verdict.breaches
        ]

    @property
    def rerun(self) -> int:
        """How many calls were invoked again, all runs together."""
        return sum(len(outcome.verdict.rerun) for outcome in self.outcomes)

    @property
    def unknown(self) -> int:
        """How many calls are flagged unknown."""
        return sum(len(outcome.verdict.unknown) for outcome in self.outcomes)

    @property
    def fenced(self) -> int:
        """How many writes were refused, as somebody else drove by then."""
        return sum(outcome.verdict.fenced for outcome in self.outcomes)

    @property
    def missed(self) -> Sequence[str]:
        """The boundaries that their runs did not come by, because things went another way."""
        return [outcome.plan.label for outcome in self.outcomes if not outcome.hit]

    def as_json(self) -> bytes:
        """Return the numbers, as `--json` prints them."""
        return msgspec.json.encode(
            {
                "boundaries": len(self.boundaries),
                "runs": len(self.outcomes),
                "breaches": self.breaches,
                "rerun": self.rerun,
                "unknown": self.unknown,
                "fenced": self.fenced,
            }
        )


def certify(scenario: Scenario, extent: Extent, progress: Progress, ground: Ground) -> Report:
    """Strike a process at each boundary of the scenario, and report what did not hold.

    It forks: call it in a process that has no threads and no event loop. Raises `ScenarioError`
    where the scenario does not come to its end even if nothing is killed, `CallerError` where no
    boundary is named so, and what the ground raises.
    """
    began = time.perf_counter()
    conditions = Conditions(scenario, ground, extent.timeout_s)
    with ground.open(), _folders() as folders:
        conditions, boundaries, clean = _recorded(conditions, folders)
        boundaries = [each for each in boundaries if extent.at in each]
        if not boundaries:
            raise CallerError(f"No boundary has {extent.at!r} in its name: try a shorter one.")
        plans = _plans(ground, boundaries, extent, time.perf_counter() - began)
        outcomes = [clean]
        with _workers(conditions, plans, folders, extent.jobs) as results:
            for outcome in results:
                outcomes.append(outcome)
                progress(len(outcomes), len(plans) + 1)
        kept = folders.kept if any(folders.kept.iterdir()) else None
    outcomes.sort(key=lambda outcome: outcome.plan.number)
    return Report(boundaries, outcomes, time.perf_counter() - began, kept)


@dataclass(frozen=True, slots=True)
class _Folders:
    """Where runs are made, and where those lie that are to be looked at."""

    work: Path
    kept: Path


@contextmanager
def _folders() -> Generator[_Folders]:
    """Give folders. The runs' is in memory where it can be.

    What a process has written outlives its SIGKILL there, too: that is in the kernel's hands.
    """
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    kept = Path(tempfile.mkdtemp(prefix="jackline-crashtest-"))
    try:
        with tempfile.TemporaryDirectory(prefix="jackline-crashtest-", dir=memory) as work:
            yield _Folders(Path(work), kept)
    except KeyboardInterrupt:
        shutil.rmtree(kept)  # What was interrupted says nothing.
        raise
    finally:
        if kept.exists() and not any(kept.iterdir()):
            kept.rmdir()


def _recorded(
    conditions: Conditions, folders: _Folders
) -> tuple[Conditions, Sequence[str], Outcome]:
    """Run without a death, and return conditions in which no model is asked for money again."""
    where, scenario = folders.work / "0", conditions.scenario
    clean = run(conditions, Plan(0, (), "no death"), where)
    if clean.verdict.breaches:
        raise _failed(scenario, clean.verdict.breaches[0].text, _keep(where, folders))
    kept = conditions.ground.records(scenario, where)
    if lacking := _lacking(kept):
        raise _failed(scenario, lacking, _keep(where, folders))
    boundaries = points(entries(where / "log"))
    if scenario.model() is None:
        replies = folders.work / "replies.jsonl"
        write(replies, recorded(kept))
        terms = models(scenario)[0].terms
        conditions = replace(conditions, scenario=replace(scenario, record=replies, terms=terms))
    return conditions, boundaries, clean


def _failed(scenario: Scenario, why: str, where: Path) -> ScenarioError:
    return ScenarioError(f"Scenario {scenario.name!r} fails without a crash: {why} (see {where}).")


def _lacking(kept: Sequence[Record]) -> str:
    """Return why a tool was never invoked, or nothing.

    Where none runs, no death inside a call is tried, and to find no breach means nothing.
    """
    for record in kept:
        if isinstance(record.event, ToolFailed) and record.event.code == "dependencies":
            return record.event.text.removeprefix("Not made: ").removesuffix(".")
    return ""


def _plans(
    ground: Ground, boundaries: Sequence[str], extent: Extent, seconds: float
) -> Sequence[Plan]:
    """Return each boundary in each way, then samples of double faults, and of some by the clock."""
    random = Random(extent.seed)
    first = [
        (Kill(at=point, stopped=how), _label(point, how))
        for point in boundaries
        for how in ground.hows(point)
    ]
    planned = list[tuple[tuple[Kill, ...], str]]()
    planned += [((kill,), label) for kill, label in first]
    for kill, label in random.sample(first, min(extent.doubles, len(first))):
        nth = random.randint(1, _SECOND_MOMENT_MAX)
        then = f"{label}, then at moment {nth} of the next process"
        planned.append(((kill, Kill(nth=nth)), then))
    for _ in range(0 if extent.at else extent.timed):
        after_s, how = random.uniform(0.01, max(0.02, seconds)), random.choice(ground.hows(""))
        label = _label(f"{after_s * 1000:.0f} ms after its start", how)
        planned.append(((Kill(after_s=after_s, stopped=how),), label))
    return [Plan(number, kills, label) for number, (kills, label) in enumerate(planned, 1)]


def _label(where: str, how: Stopped) -> str:
    return f"{where}, stopped {how}" if how else where


@contextmanager
def _workers(
    conditions: Conditions, plans: Sequence[Plan], folders: _Folders, jobs: int
) -> Generator[Iterator[Outcome]]:
    """Fork processes that share the plans, and give the outcomes as they come."""
    workers = dict[int, int]()
    try:
        for number in range(max(1, min(jobs, len(plans)))):
            results, out = os.pipe()
            child = os.fork()
            if child == 0:
                _work(conditions, plans[number :: max(1, jobs)], folders, out)
            os.close(out)
            workers[results] = child
        yield _outcomes(list(workers))
    finally:
        for results, child in workers.items():
            os.close(results)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


def _work(conditions: Conditions, plans: Sequence[Plan], folders: _Folders, out: int) -> None:
    """Make runs one after another, and exit. When it is told to end, its children end first."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        for plan in plans:
            where = folders.work / str(plan.number)
            outcome = run(conditions, plan, where)
            if outcome.verdict.breaches:
                _keep(where, folders)
            else:
                shutil.rmtree(where)
            os.write(out, msgspec.json.encode(outcome) + b"\n")
        code = 0
    except KeyboardInterrupt:
        code = 130
    finally:
        os._exit(code)


def _keep(run: Path, folders: _Folders) -> Path:
    return Path(shutil.move(run, folders.kept))


def _outcomes(pipes: list[int]) -> Iterator[Outcome]:
    """Yield what comes through the pipes, line by line, until all of them are closed."""
    decoder, parts = msgspec.json.Decoder(Outcome), dict.fromkeys(pipes, b"")
    while pipes:
        ready, _, _ = select.select(pipes, [], [])
        for pipe in ready:
            data = os.read(pipe, 65_536)
            if not data:
                pipes.remove(pipe)
            *lines, parts[pipe] = (parts[pipe] + data).split(b"\n")
            for line in lines:
                yield decoder.decode(line)
