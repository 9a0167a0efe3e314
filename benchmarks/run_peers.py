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
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.peers.environments import (
    NotInstalledError,
    last_line,
    python_of,
    quiet_environment,
)
from benchmarks.peers.measure import MEASUREMENTS

PEERS = ("agent_framework", "agno", "langgraph", "openai_agents", "pydantic_ai")
TIMEOUT_S = 300.0

_ROOT = Path(__file__).parent.parent

Outcome = dict[str, object]
Figures = dict[str, dict[str, Outcome]]


def measure_peers(
    peers: Iterable[str] = PEERS,
    measurements: Iterable[str] = tuple(MEASUREMENTS),
    *,
    timeout_s: float = TIMEOUT_S,
    say: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Return every figure of `measurements` for every one of `peers`; `say` hears of progress."""
    figures: Figures = defaultdict(dict)
    pythons = {peer: _installed(peer, say) for peer in peers}
    for measurement in measurements:
        for peer, python in pythons.items():
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
        done = subprocess.run(
            command,
            cwd=_ROOT,
            env=quiet_environment(),
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


def _not_measured(measurement: str, reason: str) -> dict[str, Outcome]:
    """Return `reason` for every figure of `measurement`."""
    return {name: {"not_measured": reason} for name in MEASUREMENTS[measurement].figures}


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
    parser.add_argument("--measurement", action="append", choices=MEASUREMENTS)
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, help="seconds a measurement")
    options = parser.parse_args()
    figures = measure_peers(
        options.peer or PEERS,
        options.measurement or tuple(MEASUREMENTS),
        timeout_s=options.timeout,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(json.dumps(figures, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    _main()
