"""Measure jackline and its peers in one run: `python -m benchmarks [--quick] [--only ID]`.

Each measurement is a process of its own, one after another; jackline takes one, then all peers
do, before the next begins, so that they meet the same machine. Prints the tables, and writes them
to `docs/benchmarks.json`, from which `docs/benchmarks.md` is made. `--area` measures one table,
and leaves the other as it was. With `--quick` or `--only` nothing is written.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers.environments import NotInstalledError, last_line, python_of
from benchmarks.peers.measure import MEASUREMENTS
from benchmarks.postgres import SERVER, server
from benchmarks.report import Entry, Found, entry, keep, table
from benchmarks.rows import AREAS, Area, Row
from benchmarks.run_peers import FIGURES, Outcome, measure, measure_peers
from benchmarks.start_up import IMPORTS, imported

RUN_S = 840.0
PEER_S = 120.0
_ROOT = Path(__file__).parent.parent


class Run:
    """One run of all measurements of an area that are asked for, within `RUN_S`."""

    def __init__(self, name: str, *, quick: bool) -> None:
        self._name = name
        self._area: Area = AREAS[name]
        self._quick = quick
        self._until = time.perf_counter() + RUN_S

    def find(self, rows: Sequence[Row]) -> list[Found]:
        """Take the measurements of these rows."""
        sources = list(dict.fromkeys(row.source for row in rows))
        ours, theirs = dict[str, Outcome](), dict[str, Mapping[str, Outcome]]()
        for source in sources:
            print(f"{source}: jackline", file=sys.stderr, flush=True)
            ours |= self._ours(source)
            theirs |= self._theirs(source)
        missing: Outcome = {"not_measured": "it gave no such figure"}
        return [
            Found(self._name, row, ours.get(row.id, missing), theirs.get(row.id, {}))
            for row in rows
        ]

    def _ours(self, source: str) -> dict[str, Outcome]:
        if source in MEASUREMENTS:
            return measure("benchmarks.jackline", source)
        command = [sys.executable, "-m", f"benchmarks.{source}"]
        try:
            done = subprocess.run(
                command, cwd=_ROOT, capture_output=True, text=True, timeout=RUN_S, check=False
            )
        except subprocess.TimeoutExpired:
            return self._none(source, f"timed out after {RUN_S:g} s")
        if done.returncode:
            return self._none(source, last_line(done.stderr))
        return json.loads(last_line(done.stdout))

    def _none(self, source: str, why: str) -> dict[str, Outcome]:
        rows = [row for row in self._area.rows if row.source == source]
        return {row.id: {"not_measured": why} for row in rows}

    def _theirs(self, source: str) -> Mapping[str, Mapping[str, Outcome]]:
        left_s = self._until - time.perf_counter()
        peers = () if self._quick else self._area.peers.get(source, ())
        if not peers:
            return {}
        if source == "start_up":
            return {"import_agent_cpu": {peer: _import_of(peer) for peer in peers}}
        if left_s < PEER_S:
            late: Outcome = {"not_measured": f"the run was to end after {RUN_S:g} s"}
            return {figure: dict.fromkeys(peers, late) for figure in FIGURES[source]}
        return measure_peers(
            peers,
            [source],
            timeout_s=min(PEER_S, left_s / len(peers)),
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )


def _import_of(peer: str) -> Outcome:
    """Return what a peer takes to import."""
    try:
        return asdict(imported(python_of(peer), IMPORTS[peer]))
    except (NotInstalledError, subprocess.SubprocessError) as error:
        return {"not_measured": str(error)}


def _machine() -> str:
    """Return what the figures depend on beside the code."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        info = ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line]
    cpu = models[0] if models else platform.machine()
    return f"{os.cpu_count()} x {cpu}, {platform.system()}, Python {platform.python_version()}"


@contextmanager
def _served(area: str) -> Generator[None]:
    """Let all processes of an area that needs it share a server."""
    if area != "cluster":
        yield
        return
    given = os.environ.get(SERVER)
    with server() as url:
        os.environ[SERVER] = url
        try:
            yield
        finally:
            del os.environ[SERVER]
            if given:
                os.environ[SERVER] = given


def _measured(name: str, options: argparse.Namespace) -> list[Entry]:
    """Measure what is asked for of an area, print it, and return it."""
    area, only = AREAS[name], options.only
    rows = [row for row in area.rows if not only or row.id in only]
    if not rows:
        return []
    date = datetime.now(UTC).date().isoformat()  # noqa: TID251 - a report's date
    with _served(name):
        found = Run(name, quick=options.quick).find(rows)
    entries = [entry(each, _machine(), date) for each in found]
    print(table(area, rows, {each["id"]: each for each in entries}), end="\n\n", flush=True)
    return entries


def _main() -> None:
    """Measure what the command line asks for, by default everything."""
    ids = [row.id for area in AREAS.values() for row in area.rows]
    parser = argparse.ArgumentParser(description="Measure jackline and its peers in one run.")
    parser.add_argument("--quick", action="store_true", help="jackline alone, without its peers")
    parser.add_argument("--area", choices=AREAS, help="one of the tables")
    parser.add_argument("--only", action="append", choices=ids, metavar="ID")
    options = parser.parse_args()
    names = [options.area] if options.area else list(AREAS)
    entries = [each for name in names for each in _measured(name, options)]
    if not options.quick and not options.only:
        keep(entries)


if __name__ == "__main__":
    _main()
