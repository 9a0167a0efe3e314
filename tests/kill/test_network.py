"""What a network does to those who share a database: a real one, behind a proxy that fails."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import aclosing, asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.kill.clerk import ANSWER, World, clerk
from tests.kill.processes import passed
from tests.kill.test_runtime import USER, Office, Place, kinds, named
from tests.proxy import Proxy, When, proxied
from tests.simulation import checks

from jackline import Runtime, Submission
from jackline.adapters.postgres.store import PostgresStore
from jackline.core import events as e
from jackline.core.errors import StoreError, UnknownOutcomeError
from jackline.opening import Surroundings
from jackline.ports import Store

LEASE_S = 1.0
WHENS = ["before", "after"]


@pytest.fixture
def proxy(postgres_url: str) -> Generator[Proxy]:
    with proxied(postgres_url) as made:
        yield made


@asynccontextmanager
async def desk(
    store: str | Store, folder: Path, *, drive: bool = True, lease_s: float = LEASE_S
) -> AsyncGenerator[Office]:
    """A runtime on this store, with the clerk."""
    world, around = World(folder, []), Surroundings(lease_s=lease_s)
    runtime = Runtime([clerk(world)], store=store, deps=world, drive=drive, surroundings=around)
    async with runtime:
        yield Office(Place(store if isinstance(store, str) else "", folder), runtime)


def told(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(50):
            await story()

    asyncio.run(run())


async def answered(there: Office, turn: int, session: str) -> None:
    """Wait until the turn has ended, however often the store does not answer."""
    while True:
        try:
            result = await there.result(turn, session)
        except StoreError:
            await passed(0.05)
            continue
        assert (result.outcome, result.text) == ("completed", ANSWER)
        return


async def sound(there: Office, session: str, *acknowledged: str) -> list[e.Event]:
    """Check all that has to hold of a session at rest, and return its events."""
    events = await there.sound(session)
    records = await there.records(session)
    checks.once_each(records, set(acknowledged))
    checks.results_are_final(records)
    checks.answers_are_kept(records)
    checks.time_goes_on(records)
    return events


@pytest.mark.parametrize("when", WHENS)
def test_a_commit_whose_answer_is_lost_is_looked_for_and_not_repeated(
    when: When, proxy: Proxy, tmp_path: Path
) -> None:
    async def story() -> None:
        async with desk(proxy.url, tmp_path) as there:
            for nth in count(1):
                session, before = f"s{nth}", proxy.cuts
                proxy.cut_at(b"jackline.drive_", when, nth)
                turn = await there.asks("all", session)
                await answered(there, turn, session)
                if proxy.cuts == before:
                    break
                events = await sound(there, session)
                # The driver itself goes on: nothing is lost, so nothing is unknown.
                assert kinds(events, e.SessionTaken, e.ToolUnknown) == ["SessionTaken"]
                assert len(kinds(events, e.ToolReturned)) == 4
            assert proxy.cuts >= 5, "each commit of a turn was cut"
            assert there.world().count("pay") == proxy.cuts + 1

    told(story)


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("waits", [False, True])
def test_what_is_said_again_with_its_request_id_is_said_once(
    when: When, proxy: Proxy, postgres_url: str, tmp_path: Path, *, waits: bool
) -> None:
    """Where no turn is open it is one statement, else a transaction."""

    async def story() -> None:
        async with desk(proxy.url, tmp_path, drive=False) as there:
            session = await there.runtime.sessions.open("clerk", USER, "s")
            if waits:
                await there.runtime.sessions.submit(session, USER, Submission("all", "r0"))
            said = Submission("all", "r1")
            proxy.cut_at(b"COMMIT" if waits else b"submit_1", when)
            with pytest.raises(UnknownOutcomeError):
                await there.runtime.sessions.submit(session, USER, said)
            kept = [each.event for each in await there.records("s")]
            assert len(kinds(kept, e.TurnSubmitted)) == waits + (when == "after")
            receipt = await there.runtime.sessions.submit(session, USER, said)
            assert receipt.repeated == (when == "after")
            assert receipt.turn is not None
            async with desk(postgres_url, tmp_path) as driving:
                await answered(driving, receipt.turn, "s")
                await sound(driving, "s", "r1")

    told(story)


def test_connections_that_are_cut_all_the_time_lose_nothing(
    proxy: Proxy, postgres_url: str, tmp_path: Path
) -> None:
    async def cut() -> None:
        while True:
            await passed(0.2)
            await asyncio.to_thread(proxy.cut)

    async def story() -> None:
        async with desk(proxy.url, tmp_path), desk(postgres_url, tmp_path, drive=False) as asking:
            cutting = asyncio.ensure_future(cut())
            turns = {f"s{n}": await asking.asks("all", f"s{n}") for n in range(12)}
            await passed(2 * LEASE_S)
            cutting.cancel()
            for session, turn in turns.items():
                while (await asking.result(turn, session)).outcome == "paused":
                    await asking.runtime.sessions.go_on(named(session), USER)
                await answered(asking, turn, session)
                await sound(asking, session)
            assert proxy.links > 12, "they were cut, and made again"
            assert asking.world().count("pay") <= 12

    told(story)


def test_a_database_that_is_far_away_is_slow_and_nothing_else(proxy: Proxy, tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(proxy.url, tmp_path) as there:
            proxy.delay_s = 0.025  # There and back it takes 50 ms.
            turns = {f"s{n}": await there.asks("all", f"s{n}") for n in range(4)}
            for session, turn in turns.items():
                await answered(there, turn, session)
                events = await sound(there, session)
                assert kinds(events, e.SessionTaken, e.ToolUnknown) == ["SessionTaken"]
            assert there.world().count("pay") == 4

    told(story)


@pytest.mark.verify
def test_a_server_that_no_longer_answers_is_given_up_and_another_worker_goes_on(
    proxy: Proxy, postgres_url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        url = f"{proxy.url}&connect_timeout=2"
        store = PostgresStore(url, connections=2, wait_s=0.5, answer_s=0.5)
        async with (
            desk(store, tmp_path) as deaf,
            desk(postgres_url, tmp_path, drive=False) as asking,
        ):
            first = await asking.asks("all", "s1")
            async with aclosing(asking.runtime.follow(named("s1"), first, USER)) as events:
                async for event in events:
                    if isinstance(event, e.Record) and isinstance(event.event, e.ModelReserved):
                        break
            await asyncio.to_thread(proxy.turn_deaf)
            with pytest.raises(StoreError):
                await deaf.records("s1")
            async with desk(postgres_url, tmp_path) as other:
                await answered(other, first, "s1")
                await sound(other, "s1")
            await asyncio.to_thread(proxy.hear_again)
            second = await asking.asks("all", "s2")
            await answered(asking, second, "s2")
            await sound(asking, "s2")
            assert asking.world().count("pay") == 2

    told(story)


def test_who_waits_behind_connections_that_hang_is_told_in_time(
    proxy: Proxy, tmp_path: Path
) -> None:
    async def story() -> None:
        url = f"{proxy.url}&connect_timeout=2"
        with closing(PostgresStore(url, connections=2, wait_s=0.5, answer_s=0.5)) as store:
            async with desk(store, tmp_path, drive=False) as there:
                await there.asks("look")
                await asyncio.to_thread(proxy.turn_deaf)
                loop = asyncio.get_running_loop()
                began = loop.time()
                reads = [asyncio.ensure_future(there.records()) for _ in range(12)]
                await asyncio.wait(reads)
                assert all(isinstance(read.exception(), StoreError) for read in reads)
                # One answer is waited for, then one connection; the others have waited by then.
                assert loop.time() - began < 10
                await asyncio.to_thread(proxy.hear_again)

    told(story)


def test_more_sessions_than_connections_go_on_side_by_side(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story() -> None:
        with closing(PostgresStore(postgres_url, connections=1)) as store:
            async with desk(store, tmp_path) as there:
                turns = {f"s{n}": await there.asks("all", f"s{n}") for n in range(24)}
                for session, turn in turns.items():
                    await answered(there, turn, session)
                    events = await sound(there, session)
                    assert kinds(events, e.SessionTaken) == ["SessionTaken"]
                assert there.world().count("pay") == 24

    told(story)
