"""Temporal wakes workers that are killed, stopped and told to go, and is itself taken away."""

import signal
import sys
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import Generator, Mapping
from pathlib import Path
from random import Random
from typing import NamedTuple

import psycopg
import pytest
from tests.kill.processes import passed
from tests.kill.test_runtime import (
    LONG_LEASE_S,
    Office,
    Place,
    answered,
    in_office,
    killed,
    kinds,
    let_through,
    said,
)
from tests.postgres import database
from tests.temporal import TemporalServer

from jackline.core import events as e
from jackline.ports import Fleet

BLOWS = 4
GATES = ("delta", "look", "reserve", "charge", "note")
STEPS = 7  # Three answers of the model, and four calls.


@pytest.fixture
def place(tmp_path: Path, postgres_url: str, temporal_url: str) -> Place:
    return Place(postgres_url, tmp_path, temporal_url)


@pytest.fixture
def server() -> Generator[TemporalServer]:
    server = TemporalServer()
    yield server
    server.stop()


def test_a_turn_goes_on_with_another_worker_when_the_first_is_killed(place: Place) -> None:
    async def story(there: Office) -> None:
        first = await there.hire("pay")
        turn = await there.asks("pay")
        await said(first, "pay")
        await there.hire()
        await killed(first)
        assert (await there.result(turn)).outcome == "completed"
        events = await there.sound()
        assert kinds(events, e.SessionTaken, e.ToolReturned, e.ToolUnknown) == [
            "SessionTaken",
            "SessionTaken",
            "ToolUnknown",
        ]
        assert there.world() == ["pay"]

    in_office(story, place)


async def drains(there: Office) -> None:
    """Wait until a worker has said that it is about to leave."""
    store = there.runtime.store
    assert isinstance(store, Fleet)
    while not any(worker.draining for worker in await store.workers()):
        await passed(0.02)


@pytest.mark.verify
def test_a_worker_that_is_told_to_end_finishes_its_call_and_another_goes_on(place: Place) -> None:
    async def story(there: Office) -> None:
        first = await there.hire("pay", lease_s=LONG_LEASE_S)
        turn = await there.asks("pay")
        await said(first, "pay")
        await there.hire(lease_s=LONG_LEASE_S)
        first.terminate()
        await drains(there)
        let_through(first)
        assert await first.wait() == 0
        assert (await there.result(turn)).outcome == "completed"
        assert kinds(await there.sound(), e.SessionTaken, e.ToolReturned, e.ToolUnknown) == [
            "SessionTaken",
            "ToolReturned",
            "SessionTaken",
        ]
        assert there.world() == ["pay"]

    in_office(story, place)


@pytest.mark.verify
def test_a_worker_that_stood_still_too_long_is_fenced(place: Place) -> None:
    async def story(there: Office) -> None:
        zombie = await there.hire("pay")
        turn = await there.asks("pay")
        await said(zombie, "pay")
        zombie.send_signal(signal.SIGSTOP)
        await there.hire()
        assert (await there.result(turn)).outcome == "completed"
        before = await there.records()
        zombie.send_signal(signal.SIGCONT)
        let_through(zombie)
        await said(zombie, "fenced")
        zombie.terminate()
        assert await zombie.wait() == 0
        assert await there.records() == before
        assert kinds(await there.sound(), e.ToolReturned, e.ToolUnknown) == ["ToolUnknown"]
        assert there.world() == ["pay"]

    in_office(story, place)


@pytest.mark.verify
def test_what_is_accepted_while_temporal_is_away_is_driven_when_it_has_forgotten_all(
    server: TemporalServer, postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: Office) -> None:
        worker = await there.hire("pay")
        before = await there.asks("pay", "before")  # It is accepted before there is a server.
        server.start()
        await said(worker, "pay")
        server.stop()
        turns = {f"s{n}": await there.asks("all", f"s{n}") for n in range(4)}
        let_through(worker)
        # What was brought goes on without it.
        assert (await there.result(before, "before")).outcome == "completed"
        server.start()
        for session, turn in turns.items():
            assert (await there.result(turn, session)).outcome == "completed"
            assert kinds(await there.sound(session), e.SessionTaken) == ["SessionTaken"]
        assert Counter(there.world())["pay"] == 1 + len(turns)

    in_office(story, Place(postgres_url, tmp_path, server.url()))


class Tally(NamedTuple):
    """What came of a run of the matrix."""

    steps: int
    expected: int
    once_max: int
    lost: int
    fenced: int


async def fought(there: Office, random: Random) -> tuple[dict[str, int], list[Process]]:
    """Strike workers down in the midst of a step. Return all turns, and who only stands still."""
    with psycopg.connect(there.place.store) as server:
        # Whoever makes a table in a transaction bars the way of all who would make it, too.
        server.execute("CREATE TABLE note (text text)")
        server.execute("GRANT ALL ON note TO jackline_tool")
    turns: dict[str, int] = {}
    zombies: list[Process] = []
    stops = random.sample([True, *random.choices([True, False], k=BLOWS - 2), False], k=BLOWS)
    for stands_still in stops:
        for session in (f"s{len(turns)}", f"s{len(turns) + 1}"):
            turns[session] = await there.asks("charge", session)
        # Who stands still within a transaction is cut off by the server: one at least is fenced.
        gate = random.choice(GATES if zombies or not stands_still else GATES[:-1])
        worker = await there.hire(gate)
        await said(worker, gate)
        await passed(random.uniform(0.0, 0.2))
        if stands_still:
            worker.send_signal(signal.SIGSTOP)
            zombies.append(worker)
        else:
            await killed(worker)
    return turns, zombies


async def tallied(there: Office, turns: Mapping[str, int], fenced: int) -> Tally:
    lost, steps = 0, 0
    for session in turns:
        events = await there.sound(session)
        lost += not kinds(events, e.TurnCompleted)
        steps += len([each for each in events if isinstance(each, e.ModelReplied)])
        ended = [each for each in events if isinstance(each, e.ToolReturned | e.ToolUnknown)]
        steps += len({each.key for each in ended})
    charged = Counter(line for line in there.world() if line.startswith("charge"))
    return Tally(steps, STEPS * len(turns), max(charged.values()), lost, fenced)


def matrix(seeds: range, databases: tuple[str, str], server: TemporalServer, folder: Path) -> None:
    """Have it rain blows, seed by seed, each in a database and a namespace of its own."""
    tallies: list[Tally] = []
    for seed in seeds:
        (home := folder / f"{seed}").mkdir()
        with database(*databases) as url:
            tallies.append(befall(seed, Place(url, home, server.url())))
    sys.stdout.write(f"{len(seeds)} seeds: {sum(each.fenced for each in tallies)} fenced\n")
    assert sum(each.fenced for each in tallies) > 0, "somebody stood still, and wrote afterwards"


@pytest.mark.verify
@pytest.mark.timeout(600)
def test_whatever_befalls_workers_each_step_is_done_and_none_twice(
    postgres_server: str, postgres_template: str, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    matrix(range(8), (postgres_server, postgres_template), temporal_server, tmp_path)


@pytest.mark.soak
def test_of_a_hundred_seeds_none_loses_a_step_or_does_it_twice(
    postgres_server: str, postgres_template: str, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    matrix(range(100, 200), (postgres_server, postgres_template), temporal_server, tmp_path)


def befall(seed: int, place: Place) -> Tally:
    """Have it rain blows, look at what came of it, and return that."""
    tallies: list[Tally] = []

    async def story(there: Office) -> None:
        turns, zombies = await fought(there, Random(seed))
        await there.hire()
        for session, turn in turns.items():
            await answered(there, session, turn)
        before = {session: await there.records(session) for session in turns}
        ends = Counter[str]()
        for zombie in zombies:
            zombie.send_signal(signal.SIGCONT)
            let_through(zombie)
            ends[await said(zombie, "fenced", "cut off")] += 1
            zombie.terminate()
            assert await zombie.wait() == 0
        assert {session: await there.records(session) for session in turns} == before
        tally = await tallied(there, turns, ends["fenced"])
        sys.stdout.write(f"seed {seed}: {tally}\n")
        assert tally.steps == tally.expected
        assert (tally.once_max, tally.lost) == (1, 0)
        tallies.append(tally)

    in_office(story, place)
    return tallies[0]
