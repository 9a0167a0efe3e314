"""What a turn weighs on Postgres: `python -m benchmarks.log_bytes`, figures as JSON.

Sessions of one turn each, with two rounds of tools and short texts, one after the other, after a
checkpoint: bytes of the write-ahead log, and by how much the database is larger.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict

import psycopg

from benchmarks.jackline import SUBJECT
from benchmarks.peers.measure import Figure
from benchmarks.peers.work import Script, play
from benchmarks.postgres import database

SESSIONS, ROUNDS = 300, 2
_WEIGHED = """
    SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint,
        pg_database_size(current_database())
"""


async def log_bytes(url: str) -> Mapping[str, Figure]:
    """Measure the mean of a turn, in KiB."""
    assert SUBJECT.postgres is not None, "jackline keeps sessions in Postgres"
    with psycopg.connect(url, autocommit=True) as connection:
        async with SUBJECT.postgres(url) as run:
            await play(run, Script("first", ROUNDS))
            connection.execute("CHECKPOINT")
            before = _weighed(connection)
            for number in range(SESSIONS):
                await play(run, Script(f"session-{number}", ROUNDS))
            after = _weighed(connection)
    wal, grown = (
        round((now - then) / SESSIONS / 1024, 2) for then, now in zip(before, after, strict=True)
    )
    return {
        "postgres_wal": Figure(wal, wal, "KiB", SESSIONS, "the mean"),
        "postgres_grown": Figure(grown, grown, "KiB", SESSIONS, "the mean"),
    }


def _weighed(connection: psycopg.Connection) -> tuple[int, int]:
    row = connection.execute(_WEIGHED).fetchone()
    assert row is not None, "there is always a size"
    return row[0], row[1]


def _main() -> None:
    """Measure in a database of its own."""
    with database() as url:
        taken = asyncio.run(log_bytes(url))
    print(json.dumps({name: asdict(each) for name, each in taken.items()}))


if __name__ == "__main__":
    _main()
