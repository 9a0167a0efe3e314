"""Rates of one process and rates in a database keep the same promises."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from jackline.adapters.postgres.connections import Connections
from jackline.adapters.postgres.rate_rows import Ask, RateRows, Rows
from jackline.adapters.postgres.store import PostgresStore
from jackline.adapters.rates import LocalRates
from jackline.core.admission import PASSED, Ticket, Toll, Went
from jackline.core.breaker import Breaker
from jackline.core.errors import StoreError, UnknownOutcomeError
from jackline.core.rates import Quota, Quotas
from jackline.ports import Rates, SharesRates
from jackline.testing.conformance import RATES, ManualClock, RatesPromise, name, rates

BARE = Toll("model/m", Breaker(failures=1, cooldown_s=5.0))
ONCE = Toll("tool/t", None, {("", "rate/tool/t"): Quotas(Quota(1, 60.0))})


@contextmanager
def local(_: pytest.FixtureRequest, clock: ManualClock) -> Generator[tuple[Rates, Rates]]:
    made = LocalRates(clock)
    yield made, made


@contextmanager
def shared(request: pytest.FixtureRequest, clock: ManualClock) -> Generator[tuple[Rates, Rates]]:
    url = request.getfixturevalue("postgres_url")
    here, there = PostgresStore(url, clock=clock), PostgresStore(url, clock=clock)
    with closing(here), closing(there):
        yield here.rates, there.rates


MAKES: dict[str, Callable[..., Any]] = {"local": local, "postgres": shared}


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("promise", RATES, ids=name)
def test_rates_keep_their_word(
    promise: RatesPromise, make: str, request: pytest.FixtureRequest
) -> None:
    clock = ManualClock()

    async def story(here: Rates, there: Rates) -> None:
        await promise(here, there, clock)

    with MAKES[make](request, clock) as (here, there):
        asyncio.run(story(here, there))


def test_no_promise_is_left_out() -> None:
    written = {
        function
        for _, function in inspect.getmembers(rates, inspect.iscoroutinefunction)
        if [each.annotation for each in inspect.signature(function).parameters.values()]
        == [Rates, Rates, ManualClock]
    }
    assert written == set(RATES)


def told(url: str, work: Callable[[PostgresStore], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        with closing(PostgresStore(url)) as store:
            async with asyncio.timeout(30):
                await work(store)

    asyncio.run(run())


def test_a_store_on_postgres_shares_rates(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        assert isinstance(store, SharesRates)

    told(postgres_url, story)


def test_what_is_well_and_counts_for_nothing_costs_the_database_nothing(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        store.close()
        assert await store.rates.enter(BARE) is PASSED
        await store.rates.leave(BARE, PASSED, Went(ok=True))

    told(postgres_url, story)


def test_without_its_database_nobody_passes_and_nothing_is_raised_afterwards(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore) -> None:
        ticket = await store.rates.enter(ONCE)
        store.close()
        assert (await store.rates.enter(ONCE)).why == "unknown"
        with pytest.raises(StoreError):
            await store.rates.exchange()
        await store.rates.leave(ONCE, ticket, Went(ok=False))

    told(postgres_url, story)


def test_the_time_is_the_databases_whatever_the_clocks_of_workers_say(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        with psycopg.connect(postgres_url) as server:
            row = server.execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()
        ticket = await store.rates.enter(ONCE)
        assert row
        assert float(row[0]) <= ticket.at < float(row[0]) + 20

    told(postgres_url, story)


def test_a_worker_that_stood_still_goes_by_the_databases_time(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        assert not (await store.rates.enter(ONCE)).wait_s
        assert (await store.rates.enter(ONCE)).wait_s
        with psycopg.connect(postgres_url) as server:
            server.execute("UPDATE jackline.clock SET ahead = ahead + 61")
        assert not (await store.rates.enter(ONCE)).wait_s

    told(postgres_url, story)


@contextmanager
def far(url: str, clock: ManualClock) -> Generator[tuple[Connections, list[str]]]:
    """Give connections on which each answer comes 0.2 s late, and what is asked on them."""
    asked: list[str] = []

    class Far(Connections):
        def append(self, work: Callable[[psycopg.Connection], Any], until: float) -> Any:
            asked.append("statement")
            answer = super().append(work, until)
            clock.advance(0.2)
            return answer

        def transact(self, work: Callable[[psycopg.Connection], Any], until: float) -> Any:
            asked.append("transaction")
            return super().transact(work, until)

    connections = Far(url, 1, 10.0, 10.0)
    try:
        yield connections, asked
    finally:
        connections.close()


def test_an_answer_that_takes_long_changes_neither_the_time_nor_what_is_asked(
    postgres_url: str,
) -> None:
    key, clock, times = ("t", "r"), ManualClock(), list[float]()

    def take(rows: Rows) -> None:
        times.append(rows.at)
        rows.keep(key, b"", 1.0, 0.005)

    with far(postgres_url, clock) as (connections, asked):
        rows = RateRows(connections, clock)
        for now in (0.0, 10.0, 20.0):
            clock.now = now
            rows.answer([Ask([key], take)], connections.until())
    assert times == [0.0, 10.0, 20.0]
    assert asked == ["transaction", "statement", "statement"]


def test_what_was_there_before_a_lost_answer_is_believed_no_more(postgres_url: str) -> None:
    key, found = ("t", "r"), list[bytes]()

    def take(rows: Rows) -> None:
        found.append(rows.body(key))
        rows.keep(key, found[-1] + b"x", 60.0)

    class Lossy(Connections):
        def append(self, work: Callable[[psycopg.Connection], Any], until: float) -> Any:
            super().append(work, until)
            raise UnknownOutcomeError("The answer was lost.")

    with closing(Lossy(postgres_url, 1, 10.0, 10.0)) as connections:
        rows = RateRows(connections, ManualClock())
        rows.answer([Ask([key], take)], connections.until())
        with pytest.raises(UnknownOutcomeError):
            rows.answer([Ask([key], take)], connections.until())
        rows.answer([Ask([key], take)], connections.until())
    assert found == [b"", b"x", b"xx"]


def test_what_is_taken_has_the_time_at_which_it_is_taken(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        toll = Toll("m", None, {("t", "r"): Quotas(tokens=Quota(2, 1.0))}, 1)
        await store.rates.enter(toll)
        with psycopg.connect(postgres_url, autocommit=True) as server:
            server.execute("UPDATE jackline.clock SET ahead = ahead + 0.2")
            row = server.execute("SELECT jackline.time_1(NULL)").fetchone()
        assert row
        assert (await store.rates.enter(toll)).at > row[0] - 0.01

    told(postgres_url, story)


def test_who_watches_hears_what_others_found_and_sweeps_what_nobody_needs(
    postgres_url: str,
) -> None:
    async def story(store: PostgresStore) -> None:
        await store.rates.enter(Toll("m", None, {("", "rate/old"): Quotas(Quota(1, 0.001))}))
        with closing(PostgresStore(postgres_url)) as other:
            watching = asyncio.ensure_future(other.rates.watch())
            await store.rates.leave(BARE, await store.rates.enter(BARE), Went(ok=False))
            while not other.rates.troubled:  # noqa: ASYNC110 - another process may write it
                await asyncio.sleep(0.01)
            watching.cancel()
            await asyncio.wait([watching])
            assert (await other.rates.enter(BARE)).why == "open"
        assert names(postgres_url) == ["stands/model/m"]

    told(postgres_url, story)


def names(url: str) -> list[str]:
    with psycopg.connect(url) as server:
        return [name for (name,) in server.execute("SELECT name FROM jackline.bucket").fetchall()]


def test_what_is_at_rest_again_leaves_nothing_to_read(postgres_url: str) -> None:
    clock = ManualClock()

    async def story() -> None:
        with closing(PostgresStore(postgres_url, clock=clock)) as store:
            await store.rates.leave(BARE, Ticket(at=clock.now), Went(ok=False))
            clock.advance(5)
            await store.rates.leave(BARE, await store.rates.enter(BARE), Went(ok=True))
            with psycopg.connect(postgres_url) as server:
                rows = server.execute("SELECT name, body, forget_at FROM jackline.bucket")
                assert rows.fetchall() == [("stands/model/m", b"", clock.now)]

    asyncio.run(story())


FIVE = Toll("tool/f", None, {("", "rate/tool/f"): Quotas(Quota(5, 600.0))})
LOCK = "SELECT FROM jackline.bucket FOR UPDATE"


@contextmanager
def held(url: str) -> Generator[psycopg.Connection]:
    """Keep all rates locked, as a slow worker would."""
    with psycopg.connect(url) as other:
        other.execute(LOCK)
        yield other
        other.rollback()


async def entering(store: PostgresStore, count: int, group: asyncio.TaskGroup) -> list[Any]:
    """Have so many ask at once, of whom the first has begun."""
    tasks = [group.create_task(store.rates.enter(FIVE)) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_who_waits_for_one_rate_waits_with_one_connection(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await store.rates.enter(FIVE)
        async with asyncio.TaskGroup() as group:
            with held(postgres_url):
                tasks = await entering(store, 30, group)
                async with asyncio.timeout(5):
                    await store.sessions("acme")  # It would wait for the lock, too.
        waits = [task.result().wait_s > 0 for task in tasks]
        assert (waits.count(False), waits.count(True)) == (4, 26)

    told(postgres_url, story)


def test_who_no_longer_waits_takes_nothing(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await store.rates.enter(FIVE)
        async with asyncio.TaskGroup() as group:
            with held(postgres_url):
                first, *others = await entering(store, 30, group)
                for task in others:
                    task.cancel()
                await asyncio.wait(others)
        assert first.result().wait_s == 0
        left = [(await store.rates.enter(FIVE)).wait_s > 0 for _ in range(4)]
        assert left == [False, False, False, True]

    told(postgres_url, story)


def test_who_leads_and_is_cancelled_leaves_others_their_answers(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        await store.rates.enter(FIVE)
        async with asyncio.TaskGroup() as group:
            with held(postgres_url):
                first, *others = await entering(store, 3, group)
                first.cancel()
            await asyncio.wait([first, *others])
        assert [task.result().wait_s for task in others] == [0, 0]

    told(postgres_url, story)


def test_an_error_is_said_to_all_who_shared_it(postgres_url: str) -> None:
    async def story(store: PostgresStore) -> None:
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute("DROP TABLE jackline.bucket")
        async with asyncio.TaskGroup() as group:
            tasks = await entering(store, 3, group)
        assert [task.result().why for task in tasks] == ["unknown"] * 3

    told(postgres_url, story)
