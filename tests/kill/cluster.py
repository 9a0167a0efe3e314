"""Worker processes on one database, somebody who asks, and what must hold when all is at rest."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg
from tests.kill.hand import ROUNDS, World, hand
from tests.kill.processes import end
from tests.simulation import checks

from jackline import Result, Runtime, Submission, User
from jackline.core import events as e

ROOT = Path(__file__).parents[2]
USER = User("u")
LEASE_S = 1.0
_ONCE = ("pay", "charge")
_AT_ONCE = 16


class Tally(NamedTuple):
    """What came of a run: steps that have a result, repeated payments, and the rest.

    `taken` counts how often a session was taken over.
    """

    steps: int
    expected: int
    repeated: int
    lost: int
    unknown: int
    taken: int
    fenced: int


@dataclass
class Cluster:
    """A database, a folder for the rest of the world, and the workers that were started."""

    url: str
    folder: Path
    runtime: Runtime
    lease_s: float = LEASE_S
    slots: int = 2
    step_s: float = 0.15
    workers: list[Process] = field(default_factory=list[Process])

    @property
    def world(self) -> World:
        """What the tools do things to."""
        return World(self.folder)

    async def hire(self) -> Process:
        """Start a worker, and return it when it is ready."""
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.kill.hand",
            self.url,
            str(self.folder),
            str(self.lease_s),
            str(self.slots),
            str(self.step_s),
            stdout=PIPE,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.workers.append(worker)
        assert worker.stdout is not None
        assert await worker.stdout.readline() == b"ready\n"
        return worker

    async def asks(self, count: int, said: str = "Go.", prefix: str = "s") -> Mapping[str, int]:
        """Say something in so many sessions, and return their turns."""
        turns = dict[str, int]()

        async def ask(number: int) -> None:
            submission = Submission(said, "request")
            name, receipt = await self.runtime.sessions.begin(
                "hand", USER, submission, f"{prefix}{number}"
            )
            turns[name.name] = receipt.turn or receipt.seq

        for first in range(0, count, _AT_ONCE):
            async with asyncio.TaskGroup() as group:
                for number in range(first, min(count, first + _AT_ONCE)):
                    group.create_task(ask(number))
        return turns

    async def result(self, session: str, turn: int) -> Result:
        """Return how the turn ended, and send on what has killed its workers too often."""
        while True:
            result = await self.runtime.result(named(session), turn, USER)
            if result.outcome != "paused":
                return result
            await self.runtime.sessions.go_on(named(session), USER)

    async def all_done(self, turns: Mapping[str, int]) -> None:
        """Wait for all of these turns."""
        for session, turn in turns.items():
            assert (await self.result(session, turn)).outcome == "completed"

    async def records(self, session: str) -> list[e.Record]:
        """Return the journal."""
        return await self.runtime.store.read(named(session))

    async def leave(self) -> None:
        """Have all workers that live go on, and end."""
        for worker in self.workers:
            if worker.returncode is None:
                worker.send_signal(signal.SIGCONT)
                worker.terminate()
        for worker in self.workers:
            await worker.wait()

    async def tally(self, turns: Mapping[str, int]) -> Tally:
        """Check every journal, and count what happened."""
        done = self.world.done()
        steps, lost, unknown, taken = 0, 0, 0, -len(turns)
        for session in turns:
            records = await self.records(session)
            checks.once_each(records, {"request"})
            checks.results_are_final(records)
            checks.prefixes_live(named(session), records, hand())
            results, flagged = closed(records)
            steps, unknown = steps + len(results), unknown + len(flagged)
            lost += len(unsaid(records, flagged, done))
            taken += checks.count(records, e.SessionTaken)
        payments = Counter(each for each in done if each.startswith(_ONCE))
        repeated = sum(times - 1 for times in payments.values())
        expected = len(turns) * sum(map(len, ROUNDS))
        return Tally(steps, expected, repeated, lost, unknown, taken, done.count("fenced"))

    async def failures(self, turns: Mapping[str, int]) -> list[e.ToolFailed]:
        """Return how tools have failed that should not have."""
        found = [record.event for each in turns for record in await self.records(each)]
        return [event for event in found if isinstance(event, e.ToolFailed)]

    def notes(self) -> list[str]:
        """Return what the transactional tool has written."""
        with psycopg.connect(self.url) as server:
            return [key for (key,) in server.execute("SELECT key FROM note").fetchall()]


def named(session: str) -> e.SessionId:
    """Return the session's full name."""
    return e.SessionId(USER.tenant, session)


def closed(records: Sequence[e.Record]) -> tuple[set[str], set[str]]:
    """Return the calls that have one result, and of these what nobody knows the outcome of."""
    events = [record.event for record in records]
    unknown = {each.key for each in events if isinstance(each, e.ToolUnknown)}
    returned = {each.key for each in events if isinstance(each, e.ToolReturned)}
    assert not unknown & returned, "what returned is not guessed"
    return returned | unknown, unknown


def unsaid(records: Sequence[e.Record], flagged: set[str], done: Sequence[str]) -> set[str]:
    """Return the calls whose effect the world and the journal tell in two ways.

    What returned was done, whatever its effect, and what was paid and did not return is flagged.
    """
    wrong, effects = set[str](), set(done)
    for event in (record.event for record in records):
        if not isinstance(event, e.ToolStarted) or event.name == "note":
            continue
        happened = f"{event.name} {event.effect_key}" in effects
        if not happened and event.key not in flagged:
            wrong.add(event.key)
    return wrong


@asynccontextmanager
async def cluster(url: str, folder: Path) -> AsyncGenerator[Cluster]:
    """Give a cluster without workers, and end those that were started."""
    with psycopg.connect(url) as server:
        server.execute("CREATE TABLE note (key text)")
        server.execute("GRANT ALL ON note TO jackline_tool")
    async with Runtime([hand()], store=url, drive=False) as runtime:
        there = Cluster(url, folder, runtime)
        try:
            yield there
        finally:
            await end(there.workers)
