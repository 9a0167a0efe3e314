"""The measuring, the same for every `Subject`: jackline and its peers go through this file.

`value` is the least of the repetitions, which others on the machine disturb least, and `median`
says how much they did; of bytes it is the mean. CPU is that of all threads of the process, system
time included.
Durable figures need a temporary folder on a disk that syncs: set TMPDIR where /tmp is memory.
Those on Postgres need an empty database, whose URL is in `DATABASE`.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import count
from math import log
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.commits import commits
from benchmarks.peers.process import (
    forget_peak,
    resident_kb,
    resident_peak_kb,
    written_bytes,
)
from benchmarks.peers.transactions import Counted, counted
from benchmarks.peers.work import DELTAS, Run, Script, Subject, WorkDiffersError, play

ROUNDS = 20
TOOLS = 8
ROUNDS_SHORT, ROUNDS_LONG = 10, 400
ROUNDS_WRITTEN, ROUNDS_WRITTEN_LONG = 50, 200
CROWD, CROWD_ROUNDS, CROWD_WAIT_S = 1000, 5, 0.05
SESSIONS_COUNTED = 10
DATABASE = "BENCHMARK_DATABASE_URL"

_US, _MS, _KIB = 1e6, 1e3, 1024
_NAMES = count()


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, and what has to be known to read it."""

    value: float
    median: float
    unit: str
    repetitions: int
    note: str = ""


class NotOfferedError(Exception):
    """The framework has no such thing to measure."""


class Effort(NamedTuple):
    """How often to repeat: at least `least` times, then while `seconds` and `most` allow."""

    least: int = 5
    seconds: float = 2.0
    most: int = 300


_LIGHT = Effort()
_HEAVY = Effort(least=1, seconds=10.0, most=3)


class Samples(NamedTuple):
    """What each repetition took."""

    cpu_s: list[float]
    wall_s: list[float]
    written_bytes: list[int]
    grown_kb: list[int]


async def sample(work: Callable[[], Awaitable[object]], effort: Effort = _LIGHT) -> Samples:
    """Repeat `work` on a heap collected once before, and return what each repetition took."""
    samples = Samples([], [], [], [])
    gc.collect()
    end_s = time.perf_counter() + effort.seconds
    while len(samples.cpu_s) < effort.least or (
        len(samples.cpu_s) < effort.most and time.perf_counter() < end_s
    ):
        forget_peak()
        memory_kb, written = resident_kb(), written_bytes()
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        await work()
        samples.cpu_s.append(time.process_time() - cpu_s)
        samples.wall_s.append(time.perf_counter() - wall_s)
        samples.written_bytes.append(written_bytes() - written)
        samples.grown_kb.append(resident_peak_kb() - memory_kb)
    return samples


def figure(values: list[float], factor: float, unit: str, note: str = "") -> Figure:
    """Return the least and the median of `values`, each times `factor`."""
    least, median = min(values) * factor, statistics.median(values) * factor
    return Figure(_rounded(least), _rounded(median), unit, len(values), note)


async def rounds(subject: Subject) -> tuple[Figure, ...]:
    """Measure the CPU of a round, with one tool and with several in parallel."""
    async with subject.memory() as run:
        one = await _sessions(run, ROUNDS)
        many = await _sessions(run, ROUNDS, TOOLS)
    per_round = _US / ROUNDS
    return (
        figure(one.cpu_s, per_round, "µs a round"),
        figure(many.cpu_s, per_round, "µs a round"),
    )


async def growth(subject: Subject) -> tuple[Figure, ...]:
    """Measure what a round of a long session costs beside one of a short session."""
    async with subject.memory() as run:
        short = figure((await _sessions(run, ROUNDS_SHORT)).cpu_s, 1 / ROUNDS_SHORT, "s")
        long = figure((await _sessions(run, ROUNDS_LONG)).cpu_s, 1 / ROUNDS_LONG, "s")
    ratio, median = long.value / short.value, long.median / short.median
    return (Figure(_rounded(ratio), _rounded(median), "times", long.repetitions),)


async def deltas(subject: Subject) -> tuple[Figure, ...]:
    """Measure the CPU that a streamed delta takes on its way to the client."""
    async with subject.streaming() as stream:

        async def work() -> None:
            seen = await stream()
            if seen != DELTAS:
                raise WorkDiffersError(f"{seen} deltas reached the client, not {DELTAS}")

        await work()
        samples = await sample(work)
    return (figure(samples.cpu_s, _US / DELTAS, "µs a delta"),)


async def durable(subject: Subject) -> tuple[Figure, ...]:
    """Measure the commits and the CPU of a round of one session on SQLite."""
    async with _kept(subject) as (run, committed, note):
        samples = await _sessions(run, ROUNDS)
    return (
        Figure(committed, committed, "commits a round", 1, note),
        figure(samples.cpu_s, _MS / ROUNDS, "ms a round", note),
    )


async def written(subject: Subject) -> tuple[Figure, ...]:
    """Measure the bytes that a session writes, and the power of its length they grow with.

    `value` comes from the mean: checkpoints of the log fall to some sessions and belong to all.
    """
    async with _kept(subject) as (run, _, note):
        short = (await _sessions(run, ROUNDS_WRITTEN)).written_bytes
        long = (await _sessions(run, ROUNDS_WRITTEN_LONG)).written_bytes
    mean, median = statistics.fmean, statistics.median
    return (
        Figure(
            _rounded(mean(short) / _KIB), _rounded(median(short) / _KIB), "KiB", len(short), note
        ),
        Figure(
            _power(mean(short), mean(long)),
            _power(median(short), median(long)),
            "power of n",
            len(long),
            note,
        ),
    )


async def crowd(subject: Subject) -> tuple[Figure, ...]:
    """Measure many concurrent sessions whose model waits, nothing being kept."""
    async with subject.memory() as run:
        samples = await _crowds(run)
    return (figure(samples.wall_s, 1.0, "s"), _memory(samples))


async def durable_crowd(subject: Subject) -> tuple[Figure, ...]:
    """Measure many concurrent sessions whose model waits, all kept in one SQLite file."""
    async with _kept(subject) as (run, _, note):
        samples = await _crowds(run)
    per_round = _MS / (CROWD * CROWD_ROUNDS)
    return (
        figure(samples.wall_s, 1.0, "s", note),
        _memory(samples, note),
        figure(samples.cpu_s, per_round, "ms a round", note),
    )


async def durable_postgres(subject: Subject) -> tuple[Figure, ...]:
    """Measure the transactions, the CPU and the time of a round of one session on Postgres.

    CPU is this process's, without the server's. Transactions are all that the server commits for
    it, reads too: those of some sessions more, so that opening and closing do not count.
    """
    if subject.postgres is None:
        raise NotOfferedError("it keeps no sessions in Postgres")
    url = os.environ[DATABASE]
    one = await _transactions(subject, url, 1)
    many = await _transactions(subject, url, 1 + SESSIONS_COUNTED)
    rounds = SESSIONS_COUNTED * ROUNDS
    committed = _rounded((many.committed - one.committed) / rounds)
    written = _rounded((many.written - one.written) / rounds)
    async with subject.postgres(url) as run:
        samples = await _sessions(run, ROUNDS)
    wall = figure(samples.wall_s, _MS / ROUNDS, "ms a round", "the median")
    return (
        Figure(committed, committed, "a round", 1, f"xact_commit; {written:g} of them write"),
        figure(samples.cpu_s, _MS / ROUNDS, "ms a round"),
        replace(wall, value=wall.median),
    )


async def _transactions(subject: Subject, url: str, sessions: int) -> Counted:
    """Return what the server commits for so many sessions of `ROUNDS` rounds."""
    assert subject.postgres is not None, "it was asked before"
    before = counted(url)
    async with subject.postgres(url) as run:
        for _ in range(sessions):
            await _session(run, ROUNDS)
    return counted(url).since(before)


class Measurement(NamedTuple):
    """What one process measures, and the names of its figures in the order they come in."""

    measure: Callable[[Subject], Awaitable[tuple[Figure, ...]]]
    figures: tuple[str, ...]


MEASUREMENTS = {
    "rounds": Measurement(rounds, ("round_cpu", "round_cpu_8_tools")),
    "growth": Measurement(growth, ("round_cpu_growth",)),
    "deltas": Measurement(deltas, ("delta_cpu",)),
    "durable": Measurement(durable, ("durable_commits", "durable_cpu")),
    "written": Measurement(written, ("written_50", "written_growth")),
    "crowd": Measurement(crowd, ("crowd_wall", "crowd_memory")),
    "durable_crowd": Measurement(
        durable_crowd, ("durable_crowd_wall", "durable_crowd_memory", "durable_crowd_cpu")
    ),
    "durable_postgres": Measurement(
        durable_postgres, ("postgres_commits", "postgres_cpu", "postgres_wall")
    ),
}


def main(subject: Subject) -> None:
    """Take the measurement that the command line names, and print its figures as a line of JSON."""
    parser = argparse.ArgumentParser(description=f"Measure {subject.distribution}.")
    parser.add_argument("measurement", choices=MEASUREMENTS)
    name: str = parser.parse_args().measurement
    try:
        figures = asyncio.run(_named(subject, MEASUREMENTS[name]))
    except NotOfferedError as not_offered:
        sys.exit(str(not_offered))
    sys.stdout.write(json.dumps({"version": version(subject.distribution), "figures": figures}))
    sys.stdout.write("\n")


async def _named(subject: Subject, measurement: Measurement) -> dict[str, dict[str, object]]:
    """Take `measurement` and return its figures by name."""
    taken = await measurement.measure(subject)
    return {name: asdict(figure) for name, figure in zip(measurement.figures, taken, strict=True)}


async def _session(run: Run, rounds: int, tools: int = 1, wait_s: float = 0.0) -> None:
    """Play a script in a session that was never there before."""
    await play(run, Script(f"session-{next(_NAMES)}", rounds, tools, wait_s))


async def _sessions(run: Run, rounds: int, tools: int = 1) -> Samples:
    """Warm up, then sample one session after the other."""
    for _ in range(2):
        await _session(run, ROUNDS_SHORT, tools)
    return await sample(partial(_session, run, rounds, tools))


async def _crowds(run: Run) -> Samples:
    """Warm up, then sample crowds of sessions."""
    for _ in range(2):
        await _session(run, CROWD_ROUNDS)
    return await sample(partial(_crowd, run), _HEAVY)


async def _crowd(run: Run) -> None:
    """Play `CROWD` sessions at once."""
    async with asyncio.TaskGroup() as group:
        for _ in range(CROWD):
            group.create_task(_session(run, CROWD_ROUNDS, wait_s=CROWD_WAIT_S))


def _memory(samples: Samples, note: str = "") -> Figure:
    """Return what a session of the first crowd took: later ones reuse memory."""
    each_kb = _rounded(samples.grown_kb[0] / CROWD)
    return Figure(each_kb, each_kb, "KiB a session", 1, note)


def _power(short_bytes: float, long_bytes: float) -> float:
    """Return the power of a session's length that its bytes grow with: 1 is linear."""
    longer = ROUNDS_WRITTEN_LONG / ROUNDS_WRITTEN
    return _rounded(log(long_bytes / short_bytes) / log(longer))


@asynccontextmanager
async def _kept(subject: Subject) -> AsyncGenerator[tuple[Run, float, str], None]:
    """Open `subject` on a new SQLite file; yield it, its commits a round, and a note on them."""
    if subject.durable is None:
        raise NotOfferedError("it keeps no sessions in SQLite")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        database = Path(folder) / "sessions.sqlite"
        async with subject.durable(database) as run:
            await _session(run, ROUNDS)
            committed = await commits(database, partial(_session, run, ROUNDS)) / ROUNDS
            note = "" if committed >= 1 else "less than a commit a round: a crash loses rounds"
            yield run, _rounded(committed), note


def _rounded(value: float) -> float:
    """Return `value` with four significant digits."""
    return float(f"{value:.4g}")
