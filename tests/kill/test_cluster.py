"""Workers that are killed and stopped at any moment, and the ones that go on for them."""

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from pathlib import Path
from random import Random

import pytest
from tests import postgres
from tests.kill.cluster import LEASE_S, Cluster, Tally, cluster
from tests.kill.processes import passed

WORKERS = 3


class Storm:
    """Strikes workers by a schedule that a seed draws: they are killed, or stand still."""

    def __init__(self, there: Cluster, random: Random) -> None:
        self._there = there
        self._random = random
        self._up = list[Process]()

    async def gather(self) -> None:
        """Have workers that can be struck."""
        async with asyncio.TaskGroup() as hired:
            tasks = [hired.create_task(self._there.hire()) for _ in range(WORKERS)]
        self._up = [task.result() for task in tasks]

    async def rage(self, strikes: int) -> None:
        """Strike so often. Afterwards as many workers live as before."""
        async with asyncio.TaskGroup() as group:
            for number in range(strikes):
                await passed(self._random.uniform(0.1, 0.6))
                if len(self._up) == 1:
                    continue  # Somebody has to be there who takes over.
                worker = self._up.pop(self._random.randrange(len(self._up)))
                group.create_task(self._stopped(worker) if number % 2 else self._killed(worker))

    async def _killed(self, worker: Process) -> None:
        worker.kill()
        assert await worker.wait() == -signal.SIGKILL
        self._up.append(await self._there.hire())

    async def _stopped(self, worker: Process) -> None:
        """Have it stand still until its lease is over, and somebody else drives."""
        worker.send_signal(signal.SIGSTOP)
        await passed(self._random.uniform(1.5, 2.5) * LEASE_S)
        worker.send_signal(signal.SIGCONT)
        self._up.append(worker)


def raged(seed: int, url: str, folder: Path, sessions: int, strikes: int) -> Tally:
    """Make a run and return what came of it, once everything in it was checked."""

    async def run() -> Tally:
        async with asyncio.timeout(100), cluster(url, folder) as there:
            storm = Storm(there, Random(seed))
            await storm.gather()
            async with asyncio.TaskGroup() as group:
                group.create_task(storm.rage(strikes))
                turns = await there.asks(sessions)
            await there.all_done(turns)
            await there.leave()
            assert await there.failures(turns) == []
            assert len(there.notes()) == len(set(there.notes())) == sessions
            return await there.tally(turns)

    tally = asyncio.run(run())
    sys.stdout.write(f"seed {seed}: {tally}\n")
    assert tally.steps == tally.expected
    assert (tally.repeated, tally.lost) == (0, 0)
    return tally


def matrix(seeds: range, server: str, template: str, folder: Path) -> None:
    """Make a run of each seed, each on a database of its own."""
    tallies = list[Tally]()
    for seed in seeds:
        own = folder / str(seed)
        own.mkdir()
        with postgres.database(server, template) as url:
            tallies.append(raged(seed, url, own, sessions=24, strikes=8))
    total = Tally(*map(sum, zip(*tallies, strict=True)))
    sys.stdout.write(f"{len(seeds)} seeds: {total}\n")
    assert total.fenced > 0, "somebody stood still, and wrote afterwards"
    assert total.unknown > 0, "somebody died while it paid"


def test_no_step_is_lost_or_paid_twice_while_workers_are_killed_and_stopped(
    postgres_url: str, tmp_path: Path
) -> None:
    tally = raged(0, postgres_url, tmp_path, sessions=12, strikes=3)
    assert tally.taken > 0, "somebody was struck while it drove"


@pytest.mark.verify
@pytest.mark.timeout(400)
def test_no_step_is_lost_or_paid_twice_over_eight_seeds(
    postgres_server: str, postgres_template: str, tmp_path: Path
) -> None:
    matrix(range(1, 9), postgres_server, postgres_template, tmp_path)


@pytest.mark.soak
def test_no_step_is_lost_or_paid_twice_over_a_hundred_seeds(
    postgres_server: str, postgres_template: str, tmp_path: Path
) -> None:
    matrix(range(100, 200), postgres_server, postgres_template, tmp_path)
