"""How soon others go on for a killed worker: `python -m benchmarks.recovery`, figures as JSON.

A worker drives sessions whose model is at work; another waits. The first is killed with SIGKILL.
It is over once each session's journal has what its new driver does first, after it was taken
over; times are the database's. Measured with the default lease, and with one of two seconds.
"""

import asyncio
import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict

import psycopg
from tests import postgres

from benchmarks.peers.measure import Figure
from benchmarks.postgres import server
from benchmarks.workers import Hired, hired, submitter, user
from jackline import Runtime, Submission
from jackline.core.events import ModelReserved, Record, SessionId, SessionTaken

SESSIONS = 50
REPETITIONS = 3
LEASES_S = {"recovery": 0.0, "recovery_2s": 2.0}
_LONG_S = 600.0
_WAIT_S = 60.0
_LOOK_S = 0.1
_NOW = "SELECT extract(epoch FROM clock_timestamp())::double precision"


async def crowd(runtime: Runtime, driver: Hired) -> Mapping[SessionId, int]:
    """Return sessions in each of which this worker, the only one, has asked its model."""
    turns = dict[SessionId, int]()
    for number in range(SESSIONS):
        name, said = f"session-{number}", Submission("hi")
        session, receipt = await runtime.sessions.begin("bench", user(number), said, name)
        turns[session] = receipt.seq
    async with asyncio.timeout(_WAIT_S):
        await _each_asked_by(runtime, turns, driver)
    return turns


async def _each_asked_by(
    runtime: Runtime, sessions: Mapping[SessionId, int], worker: Hired
) -> list[float]:
    """Wait until this worker has asked its model in each session; return when, for each."""
    when: list[float] = []
    for session in sessions:
        while (at := asked_at(await runtime.store.read(session), worker.name)) is None:
            await asyncio.sleep(_LOOK_S)  # Another process writes it.
        when.append(at)
    return when


def asked_at(records: list[Record], worker: str) -> float | None:
    """Return when this worker first asked its model, having taken the session."""
    taken = False
    for record in records:
        if isinstance(record.event, SessionTaken):
            taken = record.event.worker == worker
        elif taken and isinstance(record.event, ModelReserved):
            return record.at
    return None


def recovery(server_url: str, lease_s: float) -> Figure:
    """Measure from the kill until the last session is driven again, in some databases."""
    taken_s: list[float] = []
    for _ in range(REPETITIONS):
        with postgres.template(server_url) as url:
            taken_s.append(asyncio.run(_recovered(url, lease_s)))
    worst, median = max(taken_s), statistics.median(taken_s)
    return Figure(round(worst, 2), round(median, 2), "s", REPETITIONS, "the worst")


async def _recovered(url: str, lease_s: float) -> float:
    """Kill one worker; return the seconds until another drives its sessions."""
    async with (
        submitter(url) as runtime,
        hired(url, "victim", lease_s=lease_s, wait_s=_LONG_S) as victim,
    ):
        sessions = await crowd(runtime, victim)
        async with hired(url, "heir", lease_s=lease_s, wait_s=_LONG_S) as heir:
            await victim.killed()
            killed_at = _now(url)
            async with asyncio.timeout(_WAIT_S):
                driven_at = await _each_asked_by(runtime, sessions, heir)
    return max(driven_at) - killed_at


def _now(url: str) -> float:
    with psycopg.connect(url) as connection:
        row = connection.execute(_NOW).fetchone()
    assert row is not None, "there is always a time"
    return row[0]


def _main() -> None:
    """Measure on one server."""
    with server() as url:
        taken = {name: recovery(url, lease_s) for name, lease_s in LEASES_S.items()}
    print(json.dumps({name: asdict(each) for name, each in taken.items()}))


if __name__ == "__main__":
    _main()
