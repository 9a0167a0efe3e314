"""Every store keeps every promise."""

import asyncio
import inspect
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.pooler import pooled

from jackline.adapters.memory import MemoryStore
from jackline.adapters.postgres.store import open_postgres
from jackline.adapters.sqlite.lanes import Inline, Threads
from jackline.adapters.sqlite.store import open_sqlite
from jackline.ports import KeepsKeys, Store
from jackline.testing import conformance
from jackline.testing.conformance import (
    KEYS,
    PROMISES,
    KeysPromise,
    ManualClock,
    Promise,
    erasure,
    leases,
    name,
    transactions,
)

Make = Callable[[pytest.FixtureRequest, ManualClock], Store]


def threads(request: pytest.FixtureRequest, clock: ManualClock) -> Store:
    return open_sqlite(journal(request), clock=clock, offload=Threads)


def inline(request: pytest.FixtureRequest, clock: ManualClock) -> Store:
    return open_sqlite(journal(request), clock=clock, offload=Inline)


def journal(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue("tmp_path")
    return folder / "journal.db"


def on_postgres(request: pytest.FixtureRequest, clock: ManualClock) -> Store:
    return open_postgres(request.getfixturevalue("postgres_url"), clock=clock)


class WorkerAndServer:
    """Two stores on one database: one for who drives, and one for everybody else."""

    driving = frozenset(("claim", "renew", "drive", "transact", "save", "park"))

    def __init__(self, worker: Store, server: Store) -> None:
        self.worker = worker
        self.server = server

    def __getattr__(self, name: str) -> Any:
        """Pass the call on."""
        return getattr(self.worker if name in self.driving else self.server, name)

    def close(self) -> None:
        self.worker.close()
        self.server.close()


def on_postgres_twice(request: pytest.FixtureRequest, clock: ManualClock) -> Any:  # it passes on
    return WorkerAndServer(on_postgres(request, clock), on_postgres(request, clock))


MAKES: dict[str, Make] = {
    "memory": lambda _, clock: MemoryStore(clock),
    "sqlite-threads": threads,
    "sqlite-inline": inline,
    "postgres": on_postgres,
    "postgres-twice": on_postgres_twice,
}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=MAKES)
def store(request: pytest.FixtureRequest, clock: ManualClock) -> Generator[Store]:
    with closing(MAKES[request.param](request, clock)) as made:
        yield made


# What holds a connection for longer than a statement, or leaves a mark in it.
PICKED = {*transactions.PROMISES, *leases.PROMISES, *erasure.PROMISES}
POOLED = [
    each if each in PICKED else pytest.param(each, marks=pytest.mark.verify) for each in PROMISES
]


@pytest.mark.parametrize("promise", POOLED, ids=name)
def test_a_store_behind_a_pooler_keeps_its_word(
    promise: Promise, postgres_url: str, clock: ManualClock
) -> None:
    async def story(store: Any) -> None:  # it passes on
        await promise(store, clock)

    with pooled(postgres_url) as pooler:
        worker, server = (open_postgres(pooler.url, clock=clock) for _ in range(2))
        with closing(WorkerAndServer(worker, server)) as both:
            asyncio.run(story(both))
        assert pooler.transactions, "it stood between"


@pytest.mark.parametrize("promise", PROMISES, ids=name)
def test_a_store_keeps_its_word(promise: Promise, store: Store, clock: ManualClock) -> None:
    async def story() -> None:
        await promise(store, clock)

    asyncio.run(story())


@pytest.mark.parametrize("promise", KEYS, ids=name)
def test_a_store_keeps_its_word_on_keys(
    promise: KeysPromise, store: Store, clock: ManualClock
) -> None:
    assert isinstance(store, KeepsKeys)
    keys = store.keys

    async def story() -> None:
        await promise(keys, clock)

    asyncio.run(story())


def test_no_promise_is_left_out() -> None:
    modules = [each for _, each in inspect.getmembers(conformance, inspect.ismodule)]
    written = [promise for module in modules for promise in promises(module)]
    assert len(written) > 60
    assert set(written) == set(PROMISES)


def promises(module: ModuleType) -> list[object]:
    functions = inspect.getmembers(module, inspect.iscoroutinefunction)
    return [
        function
        for _, function in functions
        if function.__module__ == module.__name__
        and [each.annotation for each in inspect.signature(function).parameters.values()]
        == [Store, ManualClock]
    ]
