"""What a stopped worker still writes: `python -m benchmarks.zombies`, figures as JSON.

A worker whose model is at work in many sessions is stopped (SIGSTOP) until another has taken them
all over, and is let go on (SIGCONT). All that it then has to say comes too late. What of it is in
a journal after the other's `session.taken` is a zombie write: its replies say who it is.
"""

import asyncio
import json
import signal
from dataclasses import asdict

from benchmarks.peers.measure import Figure
from benchmarks.postgres import database
from benchmarks.recovery import SESSIONS, asked_at, crowd
from benchmarks.workers import Hired, Report, hired, submitter, user
from jackline import Runtime
from jackline.core.events import ModelReplied, Record, SessionId, SessionTaken, TurnEnded

LEASE_S = 2.0
_AT_WORK_S = 4.0
_WAIT_S = 60.0


async def zombies(url: str) -> Figure:
    """Count them over as many sessions as there are."""
    async with (
        submitter(url) as runtime,
        hired(url, "zombie", lease_s=LEASE_S, wait_s=_AT_WORK_S) as zombie,
    ):
        turns = await crowd(runtime, zombie)
        zombie.signal(signal.SIGSTOP)
        async with hired(url, "heir", lease_s=LEASE_S) as heir:
            async with asyncio.timeout(_WAIT_S):
                for number, (session, turn) in enumerate(turns.items()):
                    await runtime.result(session, turn, user(number))
            report = await _let_go_on(zombie)
            landed = [await _landed(runtime, session, heir) for session in turns]
    taken = sum(each is not None for each in landed)
    assert taken == SESSIONS, f"{taken} of {SESSIONS} sessions were taken over"
    count = sum(each or 0 for each in landed)
    note = f"{taken} sessions taken over, {report.fenced} appends fenced"
    return Figure(count, count, "events", 1, note)


async def _let_go_on(zombie: Hired) -> Report:
    """Let it say what it has to, and end."""
    zombie.signal(signal.SIGCONT)
    await asyncio.sleep(_AT_WORK_S + LEASE_S)
    return await zombie.report()


async def _landed(runtime: Runtime, session: SessionId, heir: Hired) -> int | None:
    """Return how much of the journal after the take-over is not its new driver's."""
    records = await runtime.store.read(session)
    if asked_at(records, heir.name) is None:
        return None
    return written_by_others(records, heir.name)


def written_by_others(records: list[Record], driver: str) -> int:
    """Count what this driver did not say after it had taken over, and turns that ended again."""
    taken, ended, others = False, 0, 0
    for record in records:
        match record.event:
            case SessionTaken(worker=worker):
                others += taken and worker != driver
                taken = taken or worker == driver
            case ModelReplied(model=_) as reply if taken:
                others += reply.text != driver
            case event:
                ended += isinstance(event, TurnEnded)
    return others + max(0, ended - 1)


def _main() -> None:
    """Count in a database of its own."""
    with database() as url:
        taken = asyncio.run(zombies(url))
    print(json.dumps({"zombie_writes": asdict(taken)}))


if __name__ == "__main__":
    _main()
