"""What durability costs in bytes: `python -m benchmarks.bare_insert`, figures as JSON.

Sessions are driven on SQLite; then the events that they left are inserted into a plain table with
the same index, in transactions cut where jackline's were. Both are counted as bytes handed to
write(2), checkpoints included.
"""

import asyncio
import json
import sqlite3
import statistics
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from benchmarks.jackline import SUBJECT
from benchmarks.peers.measure import ROUNDS_WRITTEN, Figure
from benchmarks.peers.process import written_bytes
from benchmarks.peers.work import Run, Script, play

SESSIONS = 40
_TABLE = """
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX event_position ON event (session, seq);
"""
_EVENTS = "SELECT session, seq, at, body FROM event ORDER BY session, seq"
_INSERT = "INSERT INTO event (session, seq, at, body) VALUES (?, ?, ?, ?)"
_Event = tuple[int, int, float, bytes]


async def written(folder: Path) -> Figure:
    """Measure the bytes of sessions beside those of a bare insert of their events."""
    database = folder / "sessions.sqlite"
    assert SUBJECT.durable is not None, "jackline keeps sessions"
    async with SUBJECT.durable(database) as run:
        ours = [await _session(run, n) for n in range(SESSIONS)]
    with closing(sqlite3.connect(database)) as kept:
        events: list[_Event] = kept.execute(_EVENTS).fetchall()
    bare = _inserted(folder / "bare.sqlite", events)
    ratio = statistics.fmean(ours) / statistics.fmean(bare)
    median = statistics.median(ours) / statistics.median(bare)
    note = f"{statistics.fmean(bare) / 1024:.0f} KiB a session, bare"
    return Figure(round(ratio, 3), round(median, 3), "times", SESSIONS, note)


async def _session(run: Run, number: int) -> int:
    """Return the bytes that a session of fifty rounds writes."""
    before = written_bytes()
    await play(run, Script(f"session-{number}", ROUNDS_WRITTEN))
    return written_bytes() - before


def _inserted(database: Path, events: Iterable[_Event]) -> list[int]:
    """Insert the events; return the bytes that each session took."""
    taken: list[int] = []
    with closing(sqlite3.connect(database, isolation_level=None)) as bare:
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = FULL")
        bare.executescript(_TABLE)
        for _, session in groupby(events, key=lambda event: event[0]):
            before = written_bytes()
            for _, batch in groupby(session, key=lambda event: event[2]):
                bare.execute("BEGIN IMMEDIATE")
                bare.executemany(_INSERT, batch)
                bare.execute("COMMIT")
            taken.append(written_bytes() - before)
    return taken


def _main() -> None:
    """Measure in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        taken = asyncio.run(written(Path(folder)))
    print(json.dumps({"written_bare": asdict(taken)}))


if __name__ == "__main__":
    _main()
