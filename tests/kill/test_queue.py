"""What the queue may do wrong, to workers that are processes: nothing is lost, nothing is twice."""

import asyncio
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, LiteralString

import psycopg
import pytest
from tests import postgres
from tests.kill.cluster import Cluster, cluster
from tests.kill.processes import passed
from tests.simulation import checks

from jackline import Result
from jackline.core import events as e
from jackline.core.errors import OperatorError

AGAIN = """
    SELECT jackline.wake_1(tenant, name, agent, version, due_at, due_at) FROM jackline.session
"""
OVER = "SELECT count(*) FROM jackline.session WHERE lease_until <= jackline.time_1(NULL)"
REAPED = """
    UPDATE jackline.procrastinate_jobs
    SET status = 'todo', attempts = attempts + 1, worker_id = NULL
"""
JOBS = "SELECT status::text, attempts, worker_id FROM jackline.procrastinate_jobs"
DUE = """
    WITH soon AS (SELECT jackline.time_1(NULL) + 2 AS at), timers AS (
        UPDATE jackline.session SET due_at = soon.at FROM soon WHERE due_at IS NOT NULL
    )
    UPDATE jackline.procrastinate_jobs SET scheduled_at = to_timestamp(soon.at) FROM soon
"""
LATE = "SELECT count(*) FROM jackline.session WHERE due_at IS NOT NULL"
MEMORY_KB = 300_000


def sql(there: Cluster, statement: LiteralString) -> list[tuple[Any, ...]]:
    """Run a statement beside everybody, and return its rows."""
    with psycopg.connect(there.url) as server:
        cursor = server.execute(statement)
        return cursor.fetchall() if cursor.description else []


def in_cluster(
    story: Callable[[Cluster], Awaitable[None]], url: str, folder: Path, limit_s: float = 50
) -> None:
    async def run() -> None:
        async with asyncio.timeout(limit_s), cluster(url, folder) as there:
            await story(there)

    asyncio.run(run())


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return when it holds."""
    while not await holds():
        await passed(0.05)


async def taken(there: Cluster, session: str = "s0") -> int:
    """Return how often somebody began to drive the session."""
    return checks.count(await there.records(session), e.SessionTaken)


async def sound(there: Cluster, turns: Any) -> None:
    """Check that every step was made, and no payment twice."""
    tally = await there.tally(turns)
    assert (tally.steps, tally.repeated, tally.lost) == (tally.expected, 0, 0)


class Still:
    """Workers that stand still in the body, and go on together."""

    def __init__(self, *workers: Process) -> None:
        self._workers = workers

    def __enter__(self) -> None:
        for worker in self._workers:
            worker.send_signal(signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.send_signal(signal.SIGCONT)


def test_two_workers_that_reap_at_once_bring_each_session_back_once(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        there.slots, there.step_s = 4, 0.5
        first = await there.hire()
        turns = await there.asks(4)

        async def all_pay() -> bool:
            return sum(each.startswith("pay") for each in there.world.done()) == len(turns)

        await until(all_pay)
        with Still(first):
            await there.hire()
            await there.hire()
            first.kill()
        await there.all_done(turns)
        await there.leave()
        assert [await taken(there, session) for session in turns] == [2] * len(turns)
        assert sql(there, JOBS) == []
        await sound(there, turns)

    in_cluster(story, postgres_url, tmp_path)


def test_a_job_that_is_delivered_twice_at_once_is_driven_once(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        with Still(await there.hire(), await there.hire()):
            turns = await there.asks(1)
            sql(there, AGAIN)
            assert len(sql(there, JOBS)) == 2
        await there.all_done(turns)
        await there.leave()
        assert await taken(there) == 1
        assert sql(there, JOBS) == []
        await sound(there, turns)

    in_cluster(story, postgres_url, tmp_path)


def test_a_session_whose_job_never_comes_is_found_all_the_same(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        with Still(await there.hire()):
            turns = await there.asks(1)
            sql(there, "DELETE FROM jackline.procrastinate_jobs")
        await there.all_done(turns)
        [asked, began] = [
            record.at
            for record in await there.records("s0")
            if isinstance(record.event, e.TurnSubmitted | e.SessionTaken)
        ]
        assert began - asked < 5, "it is overdue after a second, and looked for twice a second"
        await sound(there, turns)

    in_cluster(story, postgres_url, tmp_path)


def test_a_worker_that_stood_still_cannot_end_a_job_that_another_one_runs(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        there.step_s = 4.0
        first = await there.hire()
        await there.asks(1)

        async def pays() -> bool:
            return any(each.startswith("pay") for each in there.world.done())

        async def is_over() -> bool:
            return sql(there, OVER) == [(1,)]

        async def goes_on() -> bool:
            return await taken(there) == 2

        await until(pays)
        with Still(first):
            await until(is_over)
            sql(there, REAPED)  # Before a worker looks, so that there is but this job.
            await there.hire()
            await until(goes_on)
        first.terminate()
        assert await first.wait() == 0, "it has acknowledged whatever it ran"
        [(status, attempts, _)] = sql(there, JOBS)
        assert (status, attempts) == ("doing", 1)

    in_cluster(story, postgres_url, tmp_path)


def test_what_is_accepted_while_nobody_works_is_kept_and_driven_later(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(there: Cluster) -> None:
        turns = await there.asks(5)
        await there.hire()
        await there.all_done(turns)
        await sound(there, turns)

    in_cluster(story, postgres_url, tmp_path)


def test_a_timer_is_on_time_where_the_machine_s_clock_was_set_back(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as server:
        server.execute("UPDATE jackline.clock SET ahead = 3600")
        server.execute("""
            SELECT jackline.wake_1('t', 's', 'hand', '', now.at + 60, now.at)
            FROM (SELECT jackline.time_1(NULL) AS at) AS now
        """)
        [(seconds,)] = server.execute("""
            SELECT extract(epoch FROM scheduled_at - now())::double precision
            FROM jackline.procrastinate_jobs
        """).fetchall()
    assert seconds == pytest.approx(60, abs=5)


def timers(count: int, url: str, folder: Path) -> None:
    """Have so many timers end at one moment, and two workers that see to them."""

    async def story(there: Cluster) -> None:
        there.slots = 50
        turns = await there.asks(count, "Say something.")
        sql(there, DUE)
        workers = [await there.hire(), await there.hire()]

        async def all_driven() -> bool:
            return (await asyncio.to_thread(sql, there, LATE)) == [(0,)]

        await until(all_driven)
        peaks = [peak_kb(worker) for worker in workers]
        began, ended = list[float](), list[float]()
        for session in turns:
            records = await there.records(session)
            assert checks.count(records, e.SessionTaken) == 1
            assert checks.count(records, e.TurnCompleted) == 1
            began.append(next(x.at for x in records if isinstance(x.event, e.SessionTaken)))
            ended.append(records[-1].at)
        seconds = max(ended) - min(began)
        sys.stdout.write(f"{count} timers: {seconds:.1f} s, at most {max(peaks)} kB\n")
        assert max(peaks) < MEMORY_KB

    in_cluster(story, url, folder, limit_s=500)


def peak_kb(worker: Process) -> int:
    """Return how much memory the process has had at most."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_many_timers_that_end_at_one_moment_are_each_seen_to_once(
    postgres_url: str, tmp_path: Path
) -> None:
    timers(200, postgres_url, tmp_path)


@pytest.mark.verify
@pytest.mark.timeout(600)
def test_ten_thousand_timers_that_end_at_one_moment_are_each_seen_to_once(
    postgres_url: str, tmp_path: Path
) -> None:
    timers(10_000, postgres_url, tmp_path)


async def patient(there: Cluster, text: str) -> Result:
    """Ask, again and again while the database is away, and return what came of it."""
    while True:
        try:
            turns = await there.asks(1, prefix=text)
            return await there.result(*next(iter(turns.items())))
        except* OperatorError:
            await passed(0.1)


def goes_away(seconds: float, tmp_path: Path) -> None:
    """Take the database away from a worker, and see whether it works afterwards."""

    async def story(there: Cluster, folder: Path) -> None:
        worker = await there.hire()
        assert (await patient(there, "before")).outcome == "completed"
        postgres.stop(folder)
        await passed(seconds)
        await asyncio.to_thread(postgres.restart, folder)
        assert (await patient(there, "after")).outcome == "completed"
        assert worker.returncode is None
        await there.leave()
        assert worker.returncode == 0

    with TemporaryDirectory(prefix="jackline-postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            url = postgres.started(folder)
            postgres.bring_up_to_date(url)
            in_cluster(lambda there: story(there, folder), url, tmp_path)
        finally:
            postgres.stop(folder)


def test_a_worker_fetches_again_when_its_database_was_away_for_a_second(tmp_path: Path) -> None:
    goes_away(1.0, tmp_path)


@pytest.mark.verify
def test_a_worker_fetches_again_when_its_database_was_away_for_long(tmp_path: Path) -> None:
    goes_away(10.0, tmp_path)
