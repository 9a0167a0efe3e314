"""One account that everybody pays from: `python -m benchmarks.hot_account`, figures as JSON.

Each process drives a session of its own through the store: a hold before the model is asked, the
bill afterwards, each a durable commit. First the account has room for all, then for three holds at
once: the rest is refused and tried again. What a commit left in the account beyond its limit is
noted by the database itself, in the transaction that did it.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

import psycopg

from benchmarks.peers.measure import Figure
from benchmarks.postgres import database
from jackline.adapters.postgres.store import PostgresStore, open_postgres
from jackline.core.events import (
    Event,
    ModelReplied,
    ModelReserved,
    Principal,
    SessionId,
    SessionOpened,
    TurnSubmitted,
    Usage,
)
from jackline.core.messages import Text
from jackline.ports import Batch, Refused, Store

PROCESSES = 8
SECONDS = 5.0
_TENANT, _ACCOUNT = "tenant", "tenant/day"
_HOLD, _COST = 1000, 10
_ROOMY, _TIGHT = 10**12, 3 * _HOLD
_LEASE_S, _START_S = 600.0, 60.0
_WATCH = """
    CREATE TABLE breach (money bigint NOT NULL);
    CREATE FUNCTION note_breach() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO breach VALUES (new.held + new.spent - new.allowed);
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER breached AFTER INSERT OR UPDATE ON jackline.account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (new.held + new.spent > new.allowed) EXECUTE FUNCTION note_breach();
"""


class Paid(NamedTuple):
    """What one process has done: pairs of hold and bill, refusals, and its seconds."""

    pairs: int
    refused: int
    wall_s: float


class Payer:
    """Drives one session for as long as it is asked to."""

    def __init__(self, store: Store, number: int, epoch: int, head: int) -> None:
        self._store = store
        self._session = _session(number)
        self._epoch, self._head = epoch, head
        self.pairs = self.refused = 0

    async def pay(self) -> None:
        """Hold and settle, or be refused."""
        key = f"turn/1/model/{self.pairs}"
        reserved = ModelReserved(key, "scripted", _HOLD, 1000, "0" * 32, (_ACCOUNT,))
        if not await self._appended(reserved, _HOLD, 0, reserves=True):
            self.refused += 1
            return
        reply = ModelReplied(key, (Text("It is done."),), "scripted", Usage(100, 20), _COST)
        assert await self._appended(reply, -_HOLD, _COST, reserves=False), "facts are not refused"
        self.pairs += 1

    async def _appended(self, event: Event, held: int, spent: int, *, reserves: bool) -> bool:
        batch = Batch(
            self._epoch,
            self._head,
            [event],
            2,
            held,
            spent,
            {_ACCOUNT: (held, spent)},
            reserves=reserves,
        )
        if isinstance(await self._store.drive(self._session, batch, _LEASE_S), Refused):
            return False
        self._head += 1
        return True


def _session(number: int) -> SessionId:
    return SessionId(_TENANT, f"session-{number}")


async def _claimed(store: PostgresStore, number: int) -> Payer:
    """Open a session, say something in it, and claim it."""
    session = _session(number)
    said = TurnSubmitted("", (Text("hi"),), Principal("local"))
    await store.tell(session, [said], opened=SessionOpened("bench", "local"))
    claimed = await store.claim(session, f"worker-{number}", _LEASE_S)
    assert claimed, "it is due, and nobody else wants it"
    return Payer(store, number, claimed.epoch, head=3)


async def _pay(url: str, number: int, start: Barrier) -> Paid:
    """Pay for `SECONDS`, from when everybody is ready."""
    with closing(PostgresStore(url, connections=1)) as store:
        payer = await _claimed(store, number)
        await asyncio.to_thread(start.wait, _START_S)
        began_s = time.perf_counter()
        while time.perf_counter() < began_s + SECONDS:
            await payer.pay()
        return Paid(payer.pairs, payer.refused, time.perf_counter() - began_s)


def _process(url: str, number: int, start: Barrier, results: "Queue[Paid]") -> None:
    results.put(asyncio.run(_pay(url, number, start)))


def _paid(url: str, first: int) -> list[Paid]:
    """Have all processes pay, and return what each did."""
    context = get_context("spawn")
    start, results = context.Barrier(PROCESSES), context.Queue()
    processes = [
        context.Process(target=_process, args=(url, first + n, start, results))
        for n in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    paid = [results.get(timeout=_START_S + 2 * SECONDS) for _ in processes]
    for process in processes:
        process.join(_START_S)
    return paid


def hot_account(url: str) -> Mapping[str, Figure]:
    """Measure with room for all, then without."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_WATCH)
        roomy = _with_limit(url, _ROOMY, 0)
        (spent,) = _account(connection)
        assert spent == sum(each.pairs for each in roomy) * _COST, "each bill is there, and once"
        tight = _with_limit(url, spent + _TIGHT, PROCESSES)
        (breaches,) = connection.execute("SELECT count(*) FROM breach").fetchone() or (-1,)
    per_s = round(sum(each.pairs / each.wall_s for each in roomy))
    refused, pairs = sum(each.refused for each in tight), sum(each.pairs for each in tight)
    note = f"pairs of hold and bill: {2 * per_s:,} durable commits a second"
    seen = f"{pairs + sum(each.pairs for each in roomy):,} pairs, {refused:,} holds refused"
    return {
        "hot_account": Figure(per_s, per_s, "a second", 1, note),
        "hot_account_overshoot": Figure(breaches, breaches, "commits", 1, seen),
    }


def _with_limit(url: str, limit: int, first: int) -> list[Paid]:
    async def allow() -> None:
        with closing(open_postgres(url)) as store:
            await store.allow(_TENANT, _ACCOUNT, limit)

    asyncio.run(allow())
    return _paid(url, first)


def _account(connection: psycopg.Connection) -> tuple[int]:
    found = connection.execute("SELECT spent FROM jackline.account WHERE held = 0").fetchone()
    assert found, "nothing is held when all is paid"
    return found


def _main() -> None:
    """Measure in a database of its own."""
    with database() as url:
        figures = hot_account(url)
    print(json.dumps({name: asdict(each) for name, each in figures.items()}))


if __name__ == "__main__":
    _main()
