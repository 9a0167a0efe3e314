"""Measure the peers: `python -m benchmarks.run_peers [--peer agno] [--measurement rounds]`.

Prints `{figure: {peer: {"value": …, "median": …, "unit": …, "version": …, …}}}` as JSON. What
could not be measured says why: `{"not_measured": "timed out after 300 s"}`. Each measurement is
a process of its own, and all peers take one before any takes the next, so that they meet the
same machine. Environments are built at the first run, from the package index in use.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests import postgres

from benchmarks.peers.environments import (
    NotInstalledError,
    last_line,
    python_of,
    quiet_environment,
)
from benchmarks.peers.measure import DATABASE, MEASUREMENTS
from benchmarks.postgres import server
from benchmarks.rows import AREAS

PEERS = tuple(sorted({peer for area in AREAS.values() for peer in area.columns}))
FIGURES: Mapping[str, tuple[str, ...]] = {
    **{name: each.figures for name, each in MEASUREMENTS.items()},
    "turns": ("turns_per_s",),
    "wake_up": ("wake_up_p50", "wake_up_p99"),
    "server.tokens": ("sse_tokens", "sse_bytes", "first_delta_p50", "first_delta_p99"),
    "server.turns": ("http_turns",),
}
"""The names of the figures of each measurement that peers take."""
ON_POSTGRES = ("durable_postgres", "turns", "wake_up")
TIMEOUT_S = 300.0

_ROOT = Path(__file__).parent.parent

Outcome = dict[str, object]
Figures = dict[str, dict[str, Outcome]]


def measure_peers(
    peers: Iterable[str] = PEERS,
    measurements: Iterable[str] = tuple(FIGURES),
    *,
    timeout_s: float = TIMEOUT_S,
    say: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Return every figure of `measurements` for those of `peers` that take it; `say` hears."""
    figures: Figures = defaultdict(dict)
    pythons = {peer: _installed(peer, say) for peer in peers}
    for measurement in measurements:
        for peer, python in pythons.items():
            if peer not in _takers(measurement):
                continue
            say(f"{measurement}: {peer}")
            if isinstance(python, Path):
                outcomes = measure(f"benchmarks.peers.{peer}", measurement, python, timeout_s)
            else:
                outcomes = _not_measured(measurement, python)
            for name, outcome in outcomes.items():
                figures[name][peer] = outcome
    return dict(figures)


def measure(
    module: str,
    measurement: str,
    python: Path = Path(sys.executable),
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Outcome]:
    """Take `measurement` in a new process; return what each of its figures came to.

    `module` ends in `measure.main(subject)`, and is run by `python` at the repository's root.
    """
    command = [str(python), "-m", module, measurement]
    try:
        with _place(measurement) as place:
            done = subprocess.run(
                command,
                cwd=_ROOT,
                env=quiet_environment() | place,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return _not_measured(measurement, f"timed out after {timeout_s:g} s")
    if done.returncode:
        return _not_measured(measurement, last_line(done.stderr))
    taken = json.loads(last_line(done.stdout))
    version = {"version": taken["version"]}
    return {name: figure | version for name, figure in taken["figures"].items()}


def _takers(measurement: str) -> set[str]:
    """Return the peers that take this measurement."""
    return {peer for area in AREAS.values() for peer in area.peers.get(measurement, ())}


@contextmanager
def _place(measurement: str) -> Generator[dict[str, str]]:
    """Yield what a process has to know of where to keep what it measures."""
    if measurement not in ON_POSTGRES:
        yield {}
        return
    with server() as url, postgres.database(url) as made:
        yield {DATABASE: made}


def _not_measured(measurement: str, reason: str) -> dict[str, Outcome]:
    """Return `reason` for every figure of `measurement`."""
    return {name: {"not_measured": reason} for name in FIGURES[measurement]}


def _installed(peer: str, say: Callable[[str], None]) -> Path | str:
    """Return the interpreter of `peer`, or why there is none."""
    say(f"environment: {peer}")
    try:
        return python_of(peer)
    except NotInstalledError as error:
        return f"not installed: {error}"


def _main() -> None:
    """Measure what the command line names, by default everything."""
    parser = argparse.ArgumentParser(description="Measure jackline's peers on the scripted work.")
    parser.add_argument("--peer", action="append", choices=PEERS)
    parser.add_argument("--measurement", action="append", choices=FIGURES)
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, help="seconds a measurement")
    options = parser.parse_args()
    figures = measure_peers(
        options.peer or PEERS,
        options.measurement or tuple(FIGURES),
        timeout_s=options.timeout,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(json.dumps(figures, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    _main()
