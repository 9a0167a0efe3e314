"""`jackline worker` as a real process: told to end, replaced by another version, and flooded."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cli.terminal import environment
from tests.kill.desk import ANSWER, desk, is_there
from tests.kill.processes import passed

from jackline import Result, Runtime, Submission, User
from jackline.adapters.urls import SQLITE
from jackline.cli.options import Exit
from jackline.core import events as e

ROOT = Path(__file__).parents[2]
USER = User("u")
S = e.SessionId(USER.tenant, "s")
LONG_S = 60.0


@dataclass
class House:
    """A store, processes that work there, and one that submits in either version."""

    store: str
    folder: Path
    versions: dict[str, Runtime]
    processes: list[Process] = field(default_factory=list[Process])

    @property
    def runtime(self) -> Runtime:
        """The first version's."""
        return self.versions["1"]

    async def start(self, *arguments: str, version: str = "1") -> Process:
        """Start a command."""
        path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "jackline",
            *arguments,
            "--app",
            "tests.kill.desk:here",
            "--store",
            self.store,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.folder,
            env=environment(DESK_VERSION=version, PYTHONPATH=path),
        )
        self.processes.append(process)
        return process

    async def hire(self, *options: str, version: str = "1", lease_s: float = LONG_S) -> Process:
        """Start a worker, and wait until it is ready."""
        worker = await self.start("worker", "--lease", f"{lease_s}", *options, version=version)
        await says(worker, f"serves desk {version} in ")
        return worker

    async def asks(self, text: str, session: str = "s", *, version: str = "1") -> int:
        """Ask for something, and return the turn."""
        sessions = self.versions[version].sessions
        name = await sessions.open("desk", USER, session)
        receipt = await sessions.submit(name, USER, Submission(text))
        assert receipt.turn is not None
        return receipt.turn

    async def result(self, turn: int) -> Result:
        """Return how the turn ended, or that it waits."""
        return await self.runtime.result(S, turn, USER)

    async def events(self, *kinds: type[e.Event]) -> list[e.Event]:
        """Return the session's events of these kinds."""
        records = await self.runtime.store.read(S)
        return [each.event for each in records if isinstance(each.event, kinds)]

    async def begun(self) -> None:
        """Wait until the tool runs."""
        while not is_there(self.folder / "world"):
            await passed(0.02)

    def go(self) -> None:
        """Let the tool end."""
        (self.folder / "go").touch()

    def done(self) -> list[str]:
        """Return what the tool did to the world."""
        return (self.folder / "world").read_text().split()


async def says(process: Process, text: str) -> None:
    """Wait until it is on stderr."""
    assert process.stderr is not None
    said = ""
    while line := (await process.stderr.readline()).decode():
        said += line
        if text in line:
            return
    raise AssertionError(f"the process ended and did not say {text!r}: {said}")


@asynccontextmanager
async def house(store: str, folder: Path) -> AsyncGenerator[House]:
    async with AsyncExitStack() as stack:
        versions = {
            version: await stack.enter_async_context(
                Runtime([desk(version)], store=store, drive=False)
            )
            for version in ("1", "2")
        }
        there = House(store, folder, versions)
        try:
            yield there
        finally:
            for process in there.processes:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


def within(story: Callable[[House], Coroutine[Any, Any, None]], store: str, folder: Path) -> None:
    async def run() -> None:
        async with asyncio.timeout(50), house(store, folder) as there:
            await story(there)

    asyncio.run(run())


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"{SQLITE}{tmp_path / 'journal.db'}"


def test_a_worker_that_is_told_to_end_lets_its_call_end_and_another_goes_on(
    store: str, tmp_path: Path
) -> None:
    async def story(there: House) -> None:
        first = await there.hire()
        turn = await there.asks("wait")
        await there.begun()
        await there.hire()
        first.terminate()
        await says(first, "SIGTERM: 1 session to finish or hand over")
        there.go()
        await says(first, "All was finished or handed over.")
        assert await first.wait() == 0
        result = await there.result(turn)  # The lease is long: it was handed over.
        assert (result.outcome, result.text) == ("completed", ANSWER)
        assert len(await there.events(e.SessionTaken)) == 2
        assert len(await there.events(e.ToolReturned)) == 1
        assert there.done() == ["wait"]

    within(story, store, tmp_path)


@pytest.mark.parametrize(("grace", "again"), [("0.2", 0), ("60", 1)])
def test_what_still_runs_in_the_end_is_cut_off_and_never_made_again(
    grace: str, again: int, store: str, tmp_path: Path
) -> None:
    async def story(there: House) -> None:
        first = await there.hire("--grace", grace)
        turn = await there.asks("wait")
        await there.begun()
        first.send_signal(signal.SIGINT)
        await says(first, "SIGINT: 1 session")
        for _ in range(again):
            first.terminate()
        await says(first, "Something still ran")
        assert await first.wait() == 1
        await there.hire()
        assert (await there.result(turn)).outcome == "completed"
        assert len(await there.events(e.ToolUnknown)) == 1
        assert there.done() == ["wait"]

    within(story, store, tmp_path)


@pytest.mark.verify
def test_a_worker_ends_though_somebody_s_code_never_returns(store: str, tmp_path: Path) -> None:
    async def story(there: House) -> None:
        worker = await there.hire("--grace", "0.2")
        await there.asks("hang")
        await there.begun()
        worker.terminate()
        await says(worker, "Something still ran")
        assert await worker.wait() == 1

    within(story, store, tmp_path)


def test_a_worker_with_nothing_to_do_ends_at_once_and_is_off_the_list(
    store: str, tmp_path: Path
) -> None:
    async def story(there: House) -> None:
        worker = await there.hire("--grace", "60")
        while SQLITE not in store and not await there.runtime.store.workers():
            await passed(0.02)  # It says so in a moment.
        worker.terminate()
        await says(worker, "SIGTERM: nothing runs.")
        assert await worker.wait() == 0
        assert await there.runtime.store.workers() == []

    within(story, store, tmp_path)


def test_a_worker_tells_programs_how_it_is(tmp_path: Path) -> None:
    async def story(there: House) -> None:
        worker = await there.start("worker", "--json")
        assert worker.stdout is not None
        ready = json.loads(await worker.stdout.readline())
        assert (ready["state"], ready["serves"], ready["slots"]) == ("ready", {"desk": "1"}, 100)
        worker.terminate()
        told = [json.loads(line) for line in (await worker.communicate())[0].splitlines()]
        assert told == [
            {"state": "draining", "signal": "SIGTERM", "driven": 0},
            {"state": "ended", "drained": True},
        ]

    within(story, f"{SQLITE}{tmp_path / 'journal.db'}", tmp_path)


def test_a_rolling_deploy_with_a_changed_agent_loses_nothing(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: House) -> None:
        old = await there.hire(lease_s=1)
        turn = await there.asks("wait")
        await there.begun()
        new = await there.hire(version="2", lease_s=1)
        after = await there.asks("hello", version="2")
        old.terminate()
        await says(old, "SIGTERM")
        there.go()
        assert await old.wait() == 0
        for number in (turn, after):
            waits = await there.result(number)
            assert (waits.outcome, waits.code) == ("paused", "version")
        (row,) = await there.runtime.store.waiting()
        assert (row.agent, row.version, row.count, row.served) == ("desk", "1", 1, False)
        await there.hire(lease_s=1)
        for number in (turn, after):
            while (result := await there.result(number)).outcome == "paused":
                await passed(0.05)  # Who serves it has only just come.
            assert (result.outcome, result.text) == ("completed", ANSWER)
        assert len(await there.events(e.ToolReturned)) == 1
        assert there.done() == ["wait"]
        taken = await there.events(e.SessionTaken)
        workers = [each.worker for each in taken if isinstance(each, e.SessionTaken)]
        assert f":{new.pid}:" in workers[-1], "the second turn is the new version's"

    within(story, postgres_url, tmp_path)


async def set_aside(there: House) -> int:
    """Return a turn of the first version, where only the second is served."""
    await there.hire(version="2", lease_s=1)
    waits = await there.runtime.run("desk", "hello", session="s", user=USER)
    assert (waits.outcome, waits.code) == ("paused", "version")
    assert "desk 1" in waits.text
    return waits.turn


@pytest.mark.parametrize("queued", [pytest.param(0, marks=pytest.mark.verify), 1])
def test_a_person_goes_on_with_the_version_that_is_there(
    queued: int, postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: House) -> None:
        turn = await set_aside(there)
        for _ in range(queued):
            await there.asks("hello")  # It wakes the version that nobody serves.
        resume = await there.start("resume", "s", "--user", "u", version="2")
        assert await resume.wait() == (Exit.WAITING if queued else Exit.OK)
        assert (await there.result(turn)).outcome == "completed"
        resumed = await there.events(e.TurnResumed)
        assert e.TurnResumed("asked", "2", "u") in resumed

    within(story, postgres_url, tmp_path)


@pytest.mark.parametrize("queued", [pytest.param(0, marks=pytest.mark.verify), 1])
def test_a_turn_that_was_set_aside_can_be_cancelled(
    queued: int, postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: House) -> None:
        turn = await set_aside(there)
        for _ in range(queued):
            await there.asks("hello", version="2")
        await there.runtime.sessions.cancel(S, USER, turn=turn)
        assert (await there.result(turn)).outcome == "cancelled"
        ends = await there.events(e.TurnCancelled)
        assert len(ends) == 1

    within(story, postgres_url, tmp_path)


def test_one_session_of_a_tenant_does_not_wait_behind_another_tenant_s_flood(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: House) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(500):
                saying = there.runtime.sessions.begin(
                    "desk", User("f", "flood"), Submission("hello"), f"s{number}"
                )
                group.create_task(saying)
        await there.hire("--concurrency", "2")
        result = await there.runtime.run("desk", "hello", session="s", user=USER)
        assert result.outcome == "completed"
        before = overtaken(postgres_url)
        assert before < 50

    within(story, postgres_url, tmp_path)


def overtaken(url: str) -> int:
    """Return how many turns of the flood ended between the other's beginning and its end."""
    with psycopg.connect(url) as database:
        ((count,),) = database.execute(
            """
            SELECT count(*) FROM jackline.session AS flood, (
                SELECT min(e.at) AS begun, max(e.at) AS ended
                FROM jackline.event AS e JOIN jackline.session AS s ON s.no = e.session
                WHERE s.tenant = 'default'
            ) AS one
            WHERE flood.tenant = 'flood' AND flood.turn IS NULL
                AND flood.updated_at BETWEEN one.begun AND one.ended
            """
        ).fetchall()
    return count
