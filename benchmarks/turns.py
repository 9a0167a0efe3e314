"""How many trivial turns two workers drive: `python -m benchmarks.turns`, figures as JSON.

This process submits turns of new sessions as fast as it may, of many tenants, while two others
drive them: a model that answers at once, and no tool. All that the machine has is shared by the
three and the server. The time is the database's, from before the first submission to the end of
the last turn.
"""

import asyncio
import json
from dataclasses import asdict

import psycopg

from benchmarks.peers.measure import Figure
from benchmarks.postgres import database
from benchmarks.workers import hired, submitter, user
from jackline import Runtime, Submission

TURNS = 3000
_AT_ONCE = 32
_WARM_UP = 100
_WAIT_S = 120.0
_LOOK_S = 0.05
_NOW = "SELECT extract(epoch FROM clock_timestamp())::double precision"
_OPEN = "SELECT count(*) FROM jackline.session WHERE turn IS NOT NULL OR due_at IS NOT NULL"
_ENDED = "SELECT count(*), max(updated_at) FROM jackline.session"


async def turns(url: str) -> Figure:
    """Measure from the first submission to the end of the last turn."""
    async with submitter(url) as runtime, hired(url, "one"), hired(url, "two"):
        await _driven(url, runtime, range(_WARM_UP))
        began_at = _one(url, _NOW)[0]
        await _driven(url, runtime, range(_WARM_UP, _WARM_UP + TURNS))
        count, ended_at = _one(url, _ENDED)
    assert count == _WARM_UP + TURNS, "each is a session"
    per_s = round(TURNS / (ended_at - began_at), 1)
    return Figure(per_s, per_s, "a second", 1, f"{TURNS:,} turns")


async def _driven(url: str, runtime: Runtime, numbers: range) -> None:
    """Submit these turns, and wait until all have ended."""
    left = iter(numbers)

    async def submit() -> None:
        for number in left:
            said, name = Submission("hi"), f"session-{number}"
            await runtime.sessions.begin("bench", user(number), said, name)

    async with asyncio.timeout(_WAIT_S), asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(submit())
    async with asyncio.timeout(_WAIT_S):
        while await asyncio.to_thread(_one, url, _OPEN) != (0,):
            await asyncio.sleep(_LOOK_S)


def _one(url: str, sql: str) -> tuple[float, ...]:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None, "it is a sum"
    return row


def _main() -> None:
    """Measure in a database of its own."""
    with database() as url:
        taken = asyncio.run(turns(url))
    print(json.dumps({"turns_per_s": asdict(taken)}))


if __name__ == "__main__":
    _main()
