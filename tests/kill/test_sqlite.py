"""What only real processes can show: that they take turns, and that one may die at any time."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from jackline.adapters.sqlite.store import open_sqlite
from jackline.core.budget import Account
from jackline.core.events import SessionId
from jackline.testing.conformance.world import LEASE_S, S1, events

# Drives a session: each batch is two events that hold one micro-dollar, and is acknowledged.
DRIVER = """
import asyncio, sys
from contextlib import closing
from pathlib import Path
from jackline.adapters.sqlite.store import open_sqlite
from jackline.core.events import SessionId, ToolReturned
from jackline.core.messages import Text
from jackline.ports import Batch, Committed
from jackline.testing.conformance.world import driven, reserved

async def story(store, name, batches):
    session = SessionId("acme", name)
    await driven(store, session)
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(batches):
        after = 3 + 2 * n
        events = (ToolReturned(f"k{n}", (Text("x" * (n * 37 % 5000)),)), reserved(f"k{n}", hold=1))
        batch = Batch(1, after, events, 2, 1, moves={"user": (1, 0)}, reserves=True)
        assert isinstance(await store.drive(session, batch, 60), Committed)
        print(after + 2, flush=True)

with closing(open_sqlite(Path(sys.argv[1]))) as store:
    asyncio.run(story(store, sys.argv[2], int(sys.argv[3])))
"""


def start(path: Path, name: str, batches: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, path, name, str(batches)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )


def go(*processes: subprocess.Popen[str]) -> None:
    """Let all of them drive, once all of them can."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_processes_that_share_a_file_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    path, batches = tmp_path / "journal.db", 150
    processes = [start(path, name, batches) for name in ("s1", "s2")]
    go(*processes)
    for process in processes:
        output, _ = process.communicate(timeout=50)
        assert process.returncode == 0
        assert output.split()[-1] == str(3 + 2 * batches)
    assert is_sound(path)
    with closing(sqlite3.connect(path)) as database:
        order = database.execute("SELECT session FROM event WHERE seq > 3 ORDER BY id").fetchall()
    assert sum(one != other for one, other in pairwise(order)) > batches / 5, "they took turns"
    with closing(open_sqlite(path)) as store:
        assert asyncio.run(store.accounts("acme")) == [Account("user", None, 0, 2 * batches)]
        heads = {row.id: row.head for row in asyncio.run(store.sessions("acme"))}
        assert heads == {S1: 3 + 2 * batches, SessionId("acme", "s2"): 3 + 2 * batches}


MORE_SEEDS = [pytest.param(seed, marks=pytest.mark.verify) for seed in range(1, 20)]


@pytest.mark.parametrize("seed", [0, *MORE_SEEDS])
def test_of_a_process_that_is_killed_all_that_it_acknowledged_is_there(
    tmp_path: Path, seed: int
) -> None:
    path = tmp_path / "journal.db"
    with start(path, "s1", 100_000) as process:
        go(process)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(Random(seed).randrange(1, 120))]
        process.kill()
        lines += process.stdout.readlines()
    last = int([line for line in lines if line.endswith("\n")][-1])
    with closing(open_sqlite(path)) as store:
        seen = len(asyncio.run(events(store)))
        assert seen in (last, last + 2), "at most one batch was not heard of, and whole"
        (row,) = asyncio.run(store.sessions("acme"))
        assert (row.head, row.held) == (seen, (seen - 3) // 2)
        assert asyncio.run(store.accounts("acme")) == [Account("user", None, 0, row.held)]
        assert asyncio.run(store.claim(S1, "w2", LEASE_S)) is None, "its lease is not over"
    assert is_sound(path)


def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first, second = start(path, "s1", 100_000), start(path, "s2", 50)
    go(first, second)
    first.kill()
    output, _ = second.communicate(timeout=50)
    assert second.returncode == 0
    assert output.split()[-1] == "103"
    first.communicate()
    assert is_sound(path)
