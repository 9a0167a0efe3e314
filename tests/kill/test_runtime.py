"""Workers that are really killed, stopped and told to go, and others that go on for them."""

import asyncio
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import UnionType
from typing import Any, NamedTuple

import psycopg
import pytest
from tests import postgres
from tests.kill.clerk import ANSWER, World, clerk
from tests.kill.processes import end, passed

from jackline import Message, Result, Runtime, Submission, Text, User
from jackline.adapters.urls import SQLITE, is_postgres
from jackline.core import events as e
from jackline.core.errors import StoreError
from jackline.core.fold import replay
from jackline.core.session import Session
from jackline.opening import Surroundings
from jackline.testing.model import validate

ROOT = Path(__file__).parents[2]
USER = User("u")
LEASE_S = 0.6
LONG_LEASE_S = 60.0


class Place(NamedTuple):
    """Where sessions are kept, and a folder for the rest of the world."""

    store: str
    folder: Path
    engine: str = ""

    def notes(self) -> int:
        """Return how many notes the transactional tool has written."""
        sql = "SELECT count(*) FROM note"
        if is_postgres(self.store):
            with psycopg.connect(self.store) as server:
                rows = server.execute(sql).fetchall()
        else:
            with closing(sqlite3.connect(self.store.removeprefix(SQLITE))) as file:
                rows = file.execute(sql).fetchall()
        return rows[0][0]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "postgres":
        return Place(request.getfixturevalue("postgres_url"), tmp_path)
    return Place(f"{SQLITE}{tmp_path / 'journal.db'}", tmp_path)


@dataclass
class Office:
    """A database, somebody who asks, and processes that work."""

    place: Place
    runtime: Runtime
    workers: list[Process] = field(default_factory=list[Process])

    async def hire(self, *gates: str, lease_s: float = LEASE_S) -> Process:
        """Start a process that stops at these gates."""
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.kill.clerk",
            self.place.store,
            str(self.place.folder),
            str(lease_s),
            *gates,
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join(sys.path), "CLERK_ENGINE": self.place.engine},
        )
        self.workers.append(worker)
        await said(worker, "ready")
        return worker

    async def asks(self, text: str, session: str = "s", history: Sequence[Message] = ()) -> int:
        """Ask for something, and return the turn."""
        sessions = self.runtime.sessions
        name = await sessions.open("clerk", USER, session, history)
        receipt = await sessions.submit(name, USER, Submission(text))
        assert receipt.turn is not None
        return receipt.turn

    async def result(self, turn: int, session: str = "s") -> Result:
        """Return how the turn ended, or that it waits."""
        return await self.runtime.result(named(session), turn, USER)

    async def records(self, session: str = "s") -> list[e.Record]:
        """Return the journal."""
        return await self.runtime.store.read(named(session))

    def world(self) -> list[str]:
        """Return what was done to the world."""
        file = self.place.folder / "world"
        return file.read_text().splitlines() if file.exists() else []

    async def sound(self, session: str = "s") -> list[e.Event]:
        """Check what has to hold of any session at rest, and return its events."""
        records = await self.records(session)
        state = replay(Session(named(session)), records)
        ends = [each.event.turn for each in records if isinstance(each.event, e.TurnEnded)]
        asked = [each.seq for each in records if isinstance(each.event, e.TurnSubmitted)]
        assert (ends, state.turn, state.money.held) == (asked, None, 0)
        assert validate(state.messages) == ""
        rows = await self.runtime.sessions.listed(USER)
        row = next(row for row in rows if row.id == named(session))
        assert (row.spent, row.held, row.head) == (state.money.spent, 0, state.head)
        return [each.event for each in records]


def named(session: str) -> e.SessionId:
    return e.SessionId(USER.tenant, session)


async def said(worker: Process, *words: str) -> str:
    """Wait until the worker says one of these words, and return it."""
    assert worker.stdout is not None
    while line := await worker.stdout.readline():
        if (word := line.decode().strip()) in words:
            return word
    raise AssertionError(f"the worker ended and said none of {words!r}")


async def killed(worker: Process) -> None:
    worker.send_signal(signal.SIGKILL)
    assert await worker.wait() == -signal.SIGKILL


def let_through(worker: Process) -> None:
    assert worker.stdin is not None
    worker.stdin.write(b"go on\n")


@asynccontextmanager
async def office(place: Place) -> AsyncGenerator[Office]:
    agents = [clerk(World(place.folder, []))]
    around = Surroundings(lease_s=LEASE_S, engine=place.engine)
    async with Runtime(agents, store=place.store, drive=False, surroundings=around) as runtime:
        there = Office(place, runtime)
        try:
            yield there
        finally:
            await end(there.workers)


def in_office(story: Callable[[Office], Coroutine[Any, Any, None]], place: Place) -> None:
    async def run() -> None:
        async with asyncio.timeout(50), office(place) as there:
            await story(there)

    asyncio.run(run())


def kinds(events: Sequence[e.Event], *wanted: type | UnionType) -> list[str]:
    return [type(event).__name__ for event in events if isinstance(event, wanted)]


@pytest.mark.parametrize(
    ("tool", "calls", "outcome"),
    [
        ("look", 2, "ToolReturned"),
        ("reserve", 2, "ToolReturned"),
        ("pay", 1, "ToolUnknown"),
        ("note", 0, "ToolReturned"),
    ],
)
def test_a_call_whose_worker_dies_is_made_again_only_where_that_is_safe(
    tool: str, calls: int, outcome: str, place: Place
) -> None:
    async def story(there: Office) -> None:
        first = await there.hire(tool)
        turn = await there.asks(tool)
        await said(first, tool)
        await killed(first)
        await there.hire()
        result = await there.result(turn)
        assert (result.outcome, result.text) == ("completed", ANSWER)
        events = await there.sound()
        assert kinds(events, e.ToolReturned, e.ToolUnknown, e.ToolFailed) == [outcome]
        assert len(there.world()) == calls
        assert len(set(there.world())) <= 1, "each attempt has the same effect key"

    in_office(story, place)
    if tool == "note":
        assert place.notes() == 1


def test_an_approval_is_waited_for_over_the_death_of_the_worker(place: Place) -> None:
    async def story(there: Office) -> None:
        first = await there.hire()
        turn = await there.asks("pay much")
        waiting = await there.result(turn)
        assert waiting.outcome == "paused"
        await killed(first)
        [question] = waiting.questions
        await there.runtime.sessions.answer(named("s"), question, USER, approved=True)
        await there.hire()
        async for event in there.runtime.follow(named("s"), turn, USER):
            assert event
        events = await there.sound()
        assert kinds(events, e.TurnEnded, e.ToolReturned) == ["ToolReturned", "TurnCompleted"]
        assert there.world() == ["pay"]

    in_office(story, place)


def test_a_summary_that_is_lost_is_made_again(place: Place) -> None:
    long = [Message(role, (Text("so it was said " * 40),)) for role in ("user", "assistant")]

    async def story(there: Office) -> None:
        first = await there.hire("compact")
        turn = await there.asks("look", history=long * 8)
        await said(first, "compact")
        await killed(first)
        await there.hire()
        assert (await there.result(turn)).outcome == "completed"
        events = await there.sound()
        assert kinds(events, e.ContextCompacted, e.HoldUnconfirmed) == [
            "HoldUnconfirmed",
            "ContextCompacted",
        ]

    in_office(story, place)


def test_a_reply_that_is_cut_off_is_paid_for_and_asked_for_again(place: Place) -> None:
    async def story(there: Office) -> None:
        first = await there.hire("delta")
        turn = await there.asks("hello")
        await said(first, "delta")
        await killed(first)
        await there.hire()
        assert (await there.result(turn)).text == ANSWER
        events = await there.sound()
        holds = [event.hold for event in events if isinstance(event, e.ModelReserved)]
        lost = [event.cost for event in events if isinstance(event, e.HoldUnconfirmed)]
        assert lost == holds[:1]
        assert lost[0] > 0

    in_office(story, place)


def test_a_worker_that_is_told_to_end_finishes_its_call_and_hands_over(place: Place) -> None:
    async def story(there: Office) -> None:
        first = await there.hire("pay", lease_s=LONG_LEASE_S)
        turn = await there.asks("pay")
        await said(first, "pay")
        first.terminate()
        let_through(first)
        assert await first.wait() == 0
        await there.hire(lease_s=LONG_LEASE_S)  # It takes over at once, or this takes a minute.
        assert (await there.result(turn)).outcome == "completed"
        events = await there.sound()
        assert kinds(events, e.ToolReturned, e.ToolUnknown) == ["ToolReturned"]
        assert there.world() == ["pay"]

    in_office(story, place)


def test_processes_share_a_store_and_push_no_live_driver_out(place: Place) -> None:
    async def story(there: Office) -> None:
        first = await there.hire("pay")
        turn = await there.asks("pay", "slow")
        await said(first, "pay")
        await there.hire()
        # What the first does takes longer than its lease, while the second could take over.
        for number in range(4):
            other = await there.asks("all", f"s{number}")
            assert (await there.result(other, f"s{number}")).outcome == "completed"
        await passed(2 * LEASE_S)
        let_through(first)
        assert (await there.result(turn, "slow")).outcome == "completed"
        events = await there.sound("slow")
        assert kinds(events, e.SessionTaken, e.ToolUnknown) == ["SessionTaken"]
        for number in range(4):
            await there.sound(f"s{number}")
        assert there.world().count("pay") == 5

    in_office(story, place)


def test_of_two_workers_the_one_that_lives_goes_on_for_the_one_that_was_killed(
    place: Place,
) -> None:
    async def story(there: Office) -> None:
        first = await there.hire("pay", lease_s=1.0)
        turn = await there.asks("pay")
        await said(first, "pay")
        second = await there.hire(lease_s=1.0)
        others = [await there.asks("all", f"s{number}") for number in range(4)]
        await killed(first)
        assert (await there.result(turn)).outcome == "completed"
        for number, other in enumerate(others):
            assert (await there.result(other, f"s{number}")).outcome == "completed"
            await there.sound(f"s{number}")
        events = await there.sound()
        assert kinds(events, e.SessionTaken, e.ToolUnknown) == [
            "SessionTaken",
            "SessionTaken",
            "ToolUnknown",
        ]
        assert there.world().count("pay") <= 5
        assert second.returncode is None

    in_office(story, place)


@pytest.mark.parametrize(
    ("gate", "asked", "outcomes"),
    [
        ("delta", "say and pay", ["ToolReturned"]),  # It would have gone on to pay,
        ("pay in turn", "pay twice", ["ToolUnknown", "ToolUnknown"]),  # or to pay again.
    ],
)
def test_a_worker_that_stood_still_too_long_writes_nothing_and_pays_nothing(
    gate: str, asked: str, outcomes: list[str], place: Place
) -> None:
    async def story(there: Office) -> None:
        zombie = await there.hire(gate)
        turn = await there.asks(asked)
        await said(zombie, gate)
        zombie.send_signal(signal.SIGSTOP)
        await there.hire()
        assert (await there.result(turn)).outcome == "completed"
        before = await there.records()
        zombie.send_signal(signal.SIGCONT)
        let_through(zombie)
        zombie.terminate()
        assert await zombie.wait() == 0
        assert await there.records() == before
        events = await there.sound()
        assert kinds(events, e.ToolReturned, e.ToolUnknown) == outcomes
        assert there.world() == ["pay"]

    in_office(story, place)


def test_what_a_worker_that_stood_still_too_long_has_on_its_way_is_not_committed(
    place: Place,
) -> None:
    async def story(there: Office) -> None:
        zombie = await there.hire("commit")
        turn = await there.asks("note")
        await said(zombie, "commit")
        zombie.send_signal(signal.SIGSTOP)
        other = await there.hire("delta")
        await said(other, "delta")  # It has noted, and its turn is open yet.
        let_through(zombie)
        zombie.send_signal(signal.SIGCONT)
        zombie.terminate()
        assert await zombie.wait() == 0
        let_through(other)
        assert (await there.result(turn)).outcome == "completed"
        assert kinds(await there.sound(), e.ToolReturned) == ["ToolReturned"]
        assert place.notes() == 1

    in_office(story, place)


async def patient(there: Office, turn: int) -> Result:
    """Return how the turn ended, asked again while the store does not answer."""
    while True:
        try:
            return await there.result(turn)
        except StoreError:
            await passed(0.1)


def test_a_turn_goes_on_when_the_database_was_restarted_under_it(tmp_path: Path) -> None:
    async def story(there: Office) -> None:
        worker = await there.hire("pay")
        turn = await there.asks("pay")
        await said(worker, "pay")
        await asyncio.to_thread(postgres.restart, folder)
        let_through(worker)
        assert (await patient(there, turn)).outcome == "completed"
        events = await there.sound()
        assert len(kinds(events, e.ToolReturned, e.ToolUnknown)) == 1
        assert there.world() == ["pay"]

    with TemporaryDirectory(prefix="jackline-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            in_office(story, Place(postgres.started(folder), tmp_path))
        finally:
            postgres.stop(folder)


async def stormed(there: Office, random: Random, deaths: int) -> None:
    """Kill workers at any moment, one after another, until as many have died."""
    for _ in range(deaths):
        worker = await there.hire()
        await passed(random.uniform(0.0, 0.25))
        await killed(worker)


def storm(seed: int, deaths: int, place: Place) -> None:
    random = Random(seed)

    async def story(there: Office) -> None:
        turns = {f"s{n}": await there.asks("all", f"s{n}") for n in range(6)}
        await stormed(there, random, deaths)
        await there.hire()
        for session, turn in turns.items():
            await answered(there, session, turn)
            events = await there.sound(session)
            assert len(kinds(events, e.TurnCompleted)) == 1
        assert there.world().count("pay") <= len(turns)

    in_office(story, place)


async def answered(there: Office, session: str, turn: int) -> None:
    """Wait for the turn, and send on what has killed its workers too often."""
    while (result := await there.result(turn, session)).outcome == "paused":
        await there.runtime.sessions.go_on(named(session), USER)
    assert result.outcome == "completed"


def test_sessions_outlive_deaths_between_any_two_commits(place: Place) -> None:
    storm(0, 3, place)


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(1, 7))
def test_sessions_outlive_deaths_of_many_seeds(seed: int, place: Place) -> None:
    storm(seed, 6, place)
