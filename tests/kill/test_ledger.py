"""G3: what many processes hold and spend together never passes a cap, whoever dies."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from tests.kill.spender import spender

from jackline import Runtime, Submission, User
from jackline.cli.audit import audit
from jackline.core import events as e

ROOT = Path(__file__).parents[2]
TENANT = "acme"
LEASE_S = 1.0
WORKERS = 4
SESSIONS = 64
USERS = 4
_ACCOUNTS = """
    SELECT a.name, a.allowed, a.spent, a.held, s.spent, s.held FROM jackline.account AS a,
        (SELECT sum(spent)::bigint AS spent, sum(held)::bigint AS held FROM jackline.session) AS s
"""


@dataclass
class Watcher:
    """Reads the accounts over and over, from outside, and keeps what is wrong with them."""

    url: str
    looks: int = 0
    fullest: int = 0
    wrong: list[str] = field(default_factory=list[str])

    async def watch(self) -> None:
        async with await psycopg.AsyncConnection.connect(self.url, autocommit=True) as server:
            while True:
                rows = await (await server.execute(_ACCOUNTS)).fetchall()
                self.looks += bool(rows)
                for name, allowed, spent, held, *_ in rows:
                    self.fullest = max(self.fullest, spent + held)
                    if spent + held > allowed:
                        self.wrong.append(f"{name}: {spent} + {held} > {allowed}")
                self._compare(rows)
                await asyncio.sleep(0.005)

    def _compare(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Every session pays from the tenant's day, and from its user's: as of one moment."""
        for prefix in ("tenant/", "user/") if rows else ():
            mine = [row for row in rows if row[0].startswith(prefix)]
            paid = sum(row[2] for row in mine), sum(row[3] for row in mine)
            if paid != rows[0][4:]:
                self.wrong.append(f"{prefix}: {paid} is not what sessions say, {rows[0][4:]}")


async def hired(url: str) -> Process:
    """Start a worker, and return it when it drives."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.kill.spender",
        url,
        str(LEASE_S),
        stdout=PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"ready\n"
    return worker


async def fired(worker: Process) -> None:
    worker.kill()
    await worker.wait()


@dataclass
class Crowd:
    """Sessions that all want to spend, and who has asked for what."""

    runtime: Runtime
    turns: dict[e.SessionId, tuple[int, User]] = field(
        default_factory=dict[e.SessionId, tuple[int, User]]
    )

    async def ask(self, sessions: int) -> None:
        for n in range(sessions):
            user = User(f"u{n % USERS}", TENANT)
            name = await self.runtime.sessions.open("spender", user, f"s{n}")
            receipt = await self.runtime.sessions.submit(name, user, Submission("Look."))
            assert receipt.turn is not None
            self.turns[name] = receipt.turn, user

    async def results(self) -> Counter[str]:
        """Wait until all turns have ended, and count how."""
        found: Counter[str] = Counter()
        for session, (turn, user) in self.turns.items():
            result = await self.runtime.result(session, turn, user)
            found[f"{result.outcome} {result.code}".strip()] += 1
        return found

    async def spent(self) -> Counter[str]:
        """Return what the journals say was spent from each account."""
        found: Counter[str] = Counter()
        for session in self.turns:
            accounts: tuple[str, ...] = ()
            for record in await self.runtime.store.read(session):
                event = record.event
                if isinstance(event, e.ModelReserved):
                    accounts = event.accounts
                if isinstance(event, e.ModelReplied | e.ModelFailed | e.HoldUnconfirmed):
                    found.update(dict.fromkeys(accounts, event.cost))
        return found


async def spent_by_many(url: str, seed: int, deaths: int) -> tuple[Watcher, Counter[str]]:
    """Let four processes spend, of which one after another is killed at any moment."""
    random, watcher, workers = Random(seed), Watcher(url), list[Process]()
    async with Runtime([spender], store=url, drive=False) as runtime:
        crowd = Crowd(runtime)
        await crowd.ask(SESSIONS)
        watching = asyncio.ensure_future(watcher.watch())
        try:
            workers += [await hired(url) for _ in range(WORKERS)]
            for _ in range(deaths):
                await asyncio.sleep(random.uniform(0.0, 0.5))
                await fired(workers.pop(random.randrange(len(workers))))
                workers.append(await hired(url))
            results = await crowd.results()
        finally:
            watching.cancel()
            await asyncio.wait([watching])
            assert watching.cancelled(), "it watched until the end"
            for worker in workers:
                await fired(worker)
        assert watcher.wrong == []
        found = await audit(runtime.store, TENANT)
        assert (found.money, found.busy, found.asleep) == ((), 0, ())
        spent = await crowd.spent()
        for account in await runtime.store.accounts(TENANT):
            assert (account.held, account.spent) == (0, spent[account.name])
    return watcher, results


def within(work: Coroutine[Any, Any, Any], seconds: float) -> Any:  # what the work returns
    async def run() -> Any:
        async with asyncio.timeout(seconds):
            return await work

    return asyncio.run(run())


def storm(url: str, seed: int, deaths: int) -> None:
    watcher, results = within(spent_by_many(url, seed, deaths), 100)
    assert watcher.looks > 20
    assert set(results) <= {"completed", "stopped budget"}, results
    assert results["stopped budget"] > 0, "the cap was tight"


@pytest.mark.timeout(120)
def test_four_processes_of_which_one_dies_never_spend_more_than_there_is(
    postgres_url: str,
) -> None:
    storm(postgres_url, 0, 1)


@pytest.mark.verify
@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(1, 6))
def test_deaths_of_many_seeds_never_let_a_cap_be_passed(seed: int, postgres_url: str) -> None:
    storm(postgres_url, seed, 8)


@pytest.mark.verify
@pytest.mark.timeout(120)
def test_a_database_that_refuses_nothing_is_caught(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as server:
        sql = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'drive_2'"
        row = server.execute(sql).fetchone()
        assert row
        broken = row[0].replace("IF reserves AND", "IF false AND")
        assert broken != row[0]
        server.execute(broken)
    with pytest.raises(AssertionError, match=r"\+ \d+ > (30000|100000)"):
        storm(postgres_url, 0, 0)
