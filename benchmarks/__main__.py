"""Measure jackline and its peers in one run: `python -m benchmarks [--quick] [--only ID]`.

Each measurement is a process of its own, one after another; jackline takes one, then all peers
do, before the next begins, so that they meet the same machine. Prints the table, and writes it
to `docs/benchmarks.md` and `docs/benchmarks.json`. With `--quick` or `--only` nothing is written.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.environments import NotInstalledError, last_line, python_of
from benchmarks.run_peers import PEERS, Outcome, measure, measure_peers
from benchmarks.start_up import IMPORTS, imported

RUN_S = 840.0
PEER_S = 60.0
_ROOT = Path(__file__).parent.parent
_PEER_MEASUREMENTS = ("rounds", "growth", "deltas", "durable", "written", "crowd", "durable_crowd")


class Row(NamedTuple):
    """A figure of the table: which process takes it, what is to be reached, and what it is."""

    id: str
    source: str
    target: float | None
    title: str


ROWS = (
    Row("round_cpu", "rounds", 100, "CPU of a round: model and one tool"),
    Row("round_cpu_8_tools", "rounds", 400, "CPU of a round with 8 parallel tools"),
    Row("round_cpu_growth", "growth", 1.2, "CPU of a round at 400 rounds against 10"),
    Row("durable_commits", "durable", 2, "SQLite: commits a round"),
    Row("durable_cpu", "durable", 0.45, "SQLite: CPU of a round, one session"),
    Row("durable_crowd_cpu", "durable_crowd", 0.25, "SQLite: CPU of a round, 1,000 sessions"),
    Row("written_50", "written", None, "SQLite: written by 50 rounds"),
    Row("written_bare", "bare_insert", 2, "SQLite: written, against a bare insert"),
    Row("written_growth", "written", 1.05, "SQLite: growth of what is written"),
    Row("delta_cpu", "deltas", 5, "CPU of a streamed delta"),
    Row("crowd_wall", "crowd", 0.8, "1,000 sessions, 5 rounds, model waits 50 ms"),
    Row("crowd_memory", "crowd", 30, "the same: memory"),
    Row("durable_crowd_wall", "durable_crowd", 1.5, "the same on SQLite"),
    Row("durable_crowd_memory", "durable_crowd", 30, "the same on SQLite: memory"),
    Row("import_cpu", "start_up", 0.12, "CPU of `import jackline`"),
    Row("import_agent_cpu", "start_up", None, "CPU of importing what makes an agent"),
    Row("help_cpu", "start_up", 0.25, "CPU of `jackline --help`"),
    Row("takeover", "takeover", 20, "taking over a session of 10,000 events"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a row: jackline's outcome, and each peer's."""

    row: Row
    ours: Outcome
    peers: Mapping[str, Outcome]


class Run:
    """One run of all measurements that are asked for, within `RUN_S`."""

    def __init__(self, peers: Sequence[str]) -> None:
        self._peers = peers
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
        return [Found(row, ours.get(row.id, missing), theirs.get(row.id, {})) for row in rows]

    def _ours(self, source: str) -> dict[str, Outcome]:
        if source in _PEER_MEASUREMENTS:
            return measure("benchmarks.jackline", source)
        command = [sys.executable, "-m", f"benchmarks.{source}"]
        done = subprocess.run(
            command, cwd=_ROOT, capture_output=True, text=True, timeout=RUN_S, check=False
        )
        if done.returncode:
            why = last_line(done.stderr)
            return {row.id: {"not_measured": why} for row in ROWS if row.source == source}
        return json.loads(last_line(done.stdout))

    def _theirs(self, source: str) -> Mapping[str, Mapping[str, Outcome]]:
        left_s = self._until - time.perf_counter()
        if source == "start_up":
            return {"import_agent_cpu": {peer: _import_of(peer) for peer in self._peers}}
        if source not in _PEER_MEASUREMENTS or not self._peers:
            return {}
        if left_s < PEER_S:
            late: Outcome = {"not_measured": f"the run was to end after {RUN_S:g} s"}
            return {
                row.id: dict.fromkeys(self._peers, late) for row in ROWS if row.source == source
            }
        return measure_peers(
            self._peers,
            [source],
            timeout_s=min(PEER_S, left_s / len(self._peers)),
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )


def _import_of(peer: str) -> Outcome:
    """Return what a peer takes to import."""
    try:
        return asdict(imported(python_of(peer), IMPORTS[peer]))
    except (NotInstalledError, subprocess.SubprocessError) as error:
        return {"not_measured": str(error)}


def table(found: Sequence[Found], peers: Sequence[str]) -> str:
    """Return the figures as a Markdown table, then what has to be known to read them."""
    names = {peer: peer.replace("_", "-") for peer in peers}
    heads = ["figure", "to reach", "jackline", *names.values()]
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    notes: list[str] = []
    for each in found:
        target = "-" if each.row.target is None else f"≤ {each.row.target:g}"
        ours = _cell(each.ours, f"jackline, {each.row.title}", notes)
        cells = [_cell(each.peers.get(peer, {}), name, notes) for peer, name in names.items()]
        unit = each.ours.get("unit", "")
        title = f"{each.row.title} ({unit})" if unit else each.row.title
        ours = f"**{ours}**" if _reached(each) else ours
        lines.append(f"| {' | '.join([title, target, ours, *cells])} |")
    return "\n".join([*lines, "", *(f"{n}. {note}" for n, note in enumerate(notes, 1))])


def _cell(outcome: Outcome, whose: str, notes: list[str]) -> str:
    """Return a value, and remember why it is none or what has to be known of it."""
    why = outcome.get("not_measured") or outcome.get("note")
    mark = ""
    if why:
        note = f"{whose}: {why}."
        if note not in notes:
            notes.append(note)
        mark = f"<sup>{notes.index(note) + 1}</sup>"
    return f"{outcome['value']:g}{mark}" if "value" in outcome else f"-{mark}"


def _reached(found: Found) -> bool:
    value, target = found.ours.get("value"), found.row.target
    return target is not None and isinstance(value, int | float) and value <= target


def _machine() -> str:
    """Return what the figures depend on beside the code."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        info = ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line]
    cpu = models[0] if models else platform.machine()
    return f"{os.cpu_count()} x {cpu}, {platform.system()}, Python {platform.python_version()}"


def _entries(found: Sequence[Found], machine: str, date: str) -> list[dict[str, object]]:
    return [
        {
            "area": "core",
            "id": each.row.id,
            "value": each.ours.get("value"),
            "unit": each.ours.get("unit"),
            "better": "lower",
            "target": each.row.target,
            "peers": {
                peer: outcome.get("value", {"not_measured": outcome.get("not_measured")})
                for peer, outcome in each.peers.items()
            },
            "machine": machine,
            "date": date,
            **{
                key: each.ours[key]
                for key in ("median", "not_measured", "note")
                if each.ours.get(key)
            },
        }
        for each in found
    ]


def _write(found: Sequence[Found], text: str) -> None:
    machine, date = _machine(), datetime.now(UTC).date().isoformat()  # noqa: TID251 - a report's date
    docs = _ROOT / "docs"
    docs.mkdir(exist_ok=True)
    entries = json.dumps(_entries(found, machine, date), indent=2, ensure_ascii=False)
    docs.joinpath("benchmarks.json").write_text(f"{entries}\n", encoding="utf-8")
    docs.joinpath("benchmarks.md").write_text(
        f"""# Benchmarks

Written by `make bench` on {date}: {machine}.

All play the same scripted work through their own API: a model that replies at once, and async
tools. jackline has every limit, its budgets and two guards on; the peers run bare, in
environments of their own with pinned versions, in processes of their own, in the same run. Each
value is the least of its repetitions, which others on the machine disturb least; lower is better,
and bold says that a target is reached. `benchmarks/peers/measure.py` says how each is measured.

{text}
""",
        encoding="utf-8",
    )


def _main() -> None:
    """Measure what the command line asks for, by default everything."""
    parser = argparse.ArgumentParser(description="Measure jackline and its peers in one run.")
    parser.add_argument("--quick", action="store_true", help="jackline alone, without its peers")
    parser.add_argument("--only", action="append", choices=[row.id for row in ROWS], metavar="ID")
    options = parser.parse_args()
    peers = () if options.quick else PEERS
    rows = [row for row in ROWS if not options.only or row.id in options.only]
    found = Run(peers).find(rows)
    text = table(found, peers)
    print(text)
    if not options.quick and not options.only:
        _write(found, text)


if __name__ == "__main__":
    _main()
