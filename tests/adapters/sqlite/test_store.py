"""What only the store in a file does: groups, threads, event loops, and bytes that are gone."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import aclosing, closing
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from jackline.adapters.sqlite.lanes import Commit, Inline
from jackline.adapters.sqlite.store import SqliteStore, open_sqlite, wall_clock
from jackline.core.errors import ConflictError, StoreError, UnknownOutcomeError
from jackline.core.events import (
    Erased,
    ModelReplied,
    SessionId,
    SessionOpened,
    ToolReturned,
    TurnSubmitted,
    Usage,
)
from jackline.core.fold import replay
from jackline.core.messages import Message, Text
from jackline.core.session import Session
from jackline.core.user import User
from jackline.opening import open_bus
from jackline.ports import Batch, Committed, Store
from jackline.runtime.sessions import Sessions
from jackline.testing.conformance import ManualClock
from jackline.testing.conformance.world import (
    ANN,
    LEASE_S,
    S1,
    S2,
    driven,
    events,
    head,
    opened,
    released,
    reserved,
    submitted,
)

T = TypeVar("T")
RETURNED = ToolReturned("k", (Text("Yes."),))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_what_was_committed_is_there_when_the_file_is_opened_again(path: Path) -> None:
    with closing(open_sqlite(path)) as store:
        run(driven(store))
        before = run(store.read(S1))
    with closing(open_sqlite(path)) as store:
        assert run(store.read(S1)) == before


def test_sessions_that_commit_at_once_share_commits(path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        sessions = [SessionId("acme", f"s{n}") for n in range(100)]
        for session in sessions:
            await opened(store, session)
        before = store.groups
        async with asyncio.TaskGroup() as group:
            for session in sessions:
                group.create_task(store.tell(session, [submitted("r1")]))
        assert store.groups - before < 20
        assert len(await store.due(["support"])) == 100

    with closing(open_sqlite(path)) as store:
        run(story(store))


def test_of_a_group_only_what_fails_is_undone(path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        sessions = [SessionId("acme", f"s{n}") for n in range(20)]
        for session in sessions:
            await opened(store, session)
            await store.tell(session, [submitted("r1")])
        before = store.groups
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(told(store, session, "r1", "Other." if n % 2 else "Hello."))
                for n, session in enumerate(sessions)
            ]
            new = [group.create_task(told(store, each, "r2", "New.")) for each in sessions]
        assert store.groups - before == 1, "it was one group"
        assert [task.result() for task in tasks] == [True, False] * 10
        assert all(task.result() for task in new)
        assert [await head(store, session) for session in sessions] == [3] * 20

    async def latency() -> None:
        await asyncio.sleep(0)

    with closing(open_sqlite(path, offload=lambda commit: Inline(commit, latency))) as store:
        run(story(store))


def test_what_fails_half_way_in_a_group_leaves_nothing(path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        await driven(store)
        await driven(store, S2)
        before = store.groups
        no_integer = Batch(1, 3, (RETURNED,), 2, moves={"a": (1, 0), "b": (2**70, 0)})
        async with asyncio.TaskGroup() as group:
            failing = [group.create_task(overflows(store, no_integer))]
            fitting = group.create_task(store.drive(S2, Batch(1, 3, (RETURNED,), 2), LEASE_S))
            failing += [group.create_task(overflows(store, no_integer))]
        assert store.groups - before == 2, "it was one group, and then what is left of it"
        assert all(task.result() for task in failing)
        assert isinstance(fitting.result(), Committed)
        assert (await head(store), await head(store, S2)) == (3, 4)
        assert await store.accounts("acme") == []
        assert [row.head for row in await store.sessions("acme")] == [4, 3]

    async def latency() -> None:
        await asyncio.sleep(0)

    with closing(open_sqlite(path, offload=lambda commit: Inline(commit, latency))) as store:
        run(story(store))


async def overflows(store: Store, batch: Batch) -> bool:
    with pytest.raises(OverflowError):
        await store.drive(S1, batch, LEASE_S)
    return True


async def told(store: Store, session: SessionId, name: str, text: str) -> bool:
    try:
        await store.tell(session, [submitted(name, text)])
    except ConflictError:
        return False
    return True


def test_reads_do_not_queue_behind_writes(path: Path) -> None:
    async def story(store: Store) -> None:
        await driven(store)
        go, reached = threading.Event(), threading.Event()

        def wait(_: object) -> ToolReturned:
            reached.set()
            go.wait(20)
            return RETURNED

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(store.transact(S1, 1, 2, wait))
            await asyncio.to_thread(reached.wait, 20)
            assert await head(store) == 3
            assert (await store.load(S1)).records
            assert not writing.done()
            go.set()
        assert writing.result().seq == 4

    with closing(open_sqlite(path, clock=ManualClock())) as store:
        run(story(store))


def test_a_write_that_is_cancelled_before_its_group_is_dropped(path: Path) -> None:
    async def story(store: Store) -> None:
        await driven(store)
        go, reached = threading.Event(), threading.Event()

        def wait(_: object) -> ToolReturned:
            reached.set()
            go.wait(20)
            return RETURNED

        running = asyncio.ensure_future(store.transact(S1, 1, 2, wait))
        await asyncio.to_thread(reached.wait, 20)
        waiting = asyncio.ensure_future(store.tell(S1, [submitted("r2")]))
        await asyncio.sleep(0)
        waiting.cancel()
        assert await outcome(waiting) == "cancelled"
        running.cancel()
        await asyncio.sleep(0)
        assert not running.done(), "it has begun, so it is waited for"
        running.cancel()
        go.set()
        assert await outcome(running) == "cancelled"
        assert (await events(store))[3:] == [RETURNED], "what began has ended, and nothing else"
        assert (await store.tell(S1, [submitted("r3")])).seq == 5

    with closing(open_sqlite(path, clock=ManualClock())) as store:
        run(story(store))


async def outcome(task: asyncio.Future[Any]) -> str:
    await asyncio.wait([task])
    return "cancelled" if task.cancelled() else "done"


def test_several_event_loops_share_a_store(path: Path) -> None:
    def work(store: Store, name: str) -> None:
        async def story() -> None:
            session = SessionId("acme", name)
            await driven(store, session)
            for n in range(10):
                batch = Batch(1, 3 + n, (RETURNED,), 2)
                assert isinstance(await store.drive(session, batch, LEASE_S), Committed)

        asyncio.run(story())

    with closing(open_sqlite(path)) as store:
        threads = [threading.Thread(target=work, args=(store, f"s{n}")) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [row.head for row in run(store.sessions("acme"))] == [13] * 4


def test_a_loop_that_is_gone_harms_nobody(path: Path) -> None:
    async def leave(store: Store) -> None:
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)
        await store.tell(S1, [submitted("r2")])

    with closing(open_sqlite(path)) as store:
        run(driven(store))
        loop = asyncio.new_event_loop()
        task = loop.create_task(leave(store))
        loop.run_forever()
        task.cancel()
        loop.close()
        assert run(store.tell(S1, [submitted("r3")])).seq in (4, 5)
    del task


def test_a_simulation_runs_without_threads_and_repeats_itself(path: Path, tmp_path: Path) -> None:
    threads = threading.active_count()
    first = history(path)
    assert history(tmp_path / "again.db") == first
    assert first[-1][1] < 5 * 8, "some have shared a group"
    assert threading.active_count() == threads


def history(file: Path) -> list[tuple[str, int]]:
    """Return which session drove after how many groups, in a simulation of one seed."""
    random, log = Random(7), list[tuple[str, int]]()

    async def latency() -> None:
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)

    async def one(store: SqliteStore, name: str) -> None:
        session = SessionId("acme", name)
        await driven(store, session)
        for n in range(5):
            await store.drive(session, Batch(1, 3 + n, (RETURNED,), 2), LEASE_S)
            log.append((name, store.groups))

    async def story() -> None:
        def offload(commit: Commit) -> Inline:
            return Inline(commit, latency)

        with closing(open_sqlite(file, clock=ManualClock(), offload=offload)) as store:
            async with asyncio.TaskGroup() as group:
                for n in range(5):
                    group.create_task(one(store, f"s{n}"))

    asyncio.run(story())
    return log


def test_a_lost_acknowledgement_of_a_simulation_is_unknown(path: Path) -> None:
    lost: list[int] = []

    async def latency() -> None:
        lost.append(1)
        if len(lost) == 8:
            raise UnknownOutcomeError("It was sent, and nobody heard.")

    async def story(store: Store) -> None:
        await driven(store)
        with pytest.raises(UnknownOutcomeError):
            await store.drive(S1, Batch(1, 3, (RETURNED,), 2), LEASE_S)
        assert await head(store) == 4

    with closing(open_sqlite(path, offload=lambda commit: Inline(commit, latency))) as store:
        run(story(store))


def test_what_a_simulation_lost_on_the_way_is_never_written(path: Path) -> None:
    lost: list[int] = []

    async def latency() -> None:
        lost.append(1)
        if len(lost) == 7:
            raise UnknownOutcomeError("It was not even sent.")

    async def story(store: Store) -> None:
        await driven(store)
        with pytest.raises(UnknownOutcomeError):
            await store.drive(S1, Batch(1, 3, (RETURNED,), 2), LEASE_S)
        await store.tell(S1, [submitted("r2")])
        assert await head(store) == 4

    with closing(open_sqlite(path, offload=lambda commit: Inline(commit, latency))) as store:
        run(story(store))


@pytest.mark.parametrize("seed", range(3))
def test_what_was_erased_is_in_no_file(path: Path, seed: int) -> None:
    random = Random(seed)

    def secret() -> str:
        return "SECRET" * random.choice((1, 20, 200, 2_000))

    async def say(store: Store, session: SessionId, user: str, said: str) -> None:
        history = (Message("user", (Text(said),)),)
        await store.open(session, SessionOpened("support", user, history))
        epoch = 0
        for turn in range(3):
            await store.tell(session, [TurnSubmitted(f"{said[:60]}{turn}", (Text(said),), ANN)])
            claimed = await store.claim(session, "w1", LEASE_S)
            assert claimed is not None
            epoch, seen = claimed.epoch, await head(store, session)
            batch = released(
                reserved("k"),
                ModelReplied("k", (Text(said),), "m", Usage()),
                after=seen,
                epoch=epoch,
            )
            await store.drive(session, batch, LEASE_S)
            await store.put(session, said.encode() * 3, "text/plain")
        records = await store.read(session, 0, 1)
        start = replay(Session(session), records)
        await store.save(Session(session, 1, 0.0, epoch, messages=start.messages))

    async def story(store: Store) -> None:
        for n in range(10):
            await say(store, SessionId("acme", f"s{n}"), "ann", secret())
            await say(store, SessionId("acme", f"p{n}"), "bob", "PUBLIC" * 50)
        assert b"SECRET" in content(path)
        assert await store.erase("acme", "ann") == 10
        assert b"SECRET" not in content(path)
        assert b"PUBLIC" in content(path)

    with closing(open_sqlite(path)) as store:
        run(story(store))
        assert b"SECRET" not in content(path)
    assert b"SECRET" not in content(path)


def content(path: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob("journal.db*")))


def test_an_erasure_that_a_reader_holds_up_says_so_and_can_be_repeated(path: Path) -> None:
    async def story(store: Store) -> None:
        await driven(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM event").fetchone()
            with pytest.raises(StoreError, match="erase again"):
                await store.erase("acme")
        assert await store.erase("acme") == 1

    open_sqlite(path).close()
    with closing(SqliteStore(path, clock=wall_clock(), locked_s=0.05)) as store:
        run(story(store))


def test_what_was_retained_is_deleted_in_pieces(path: Path) -> None:
    async def story(store: Store, clock: ManualClock) -> None:
        for n in range(250):
            await opened(store, SessionId("acme", f"old{n}"))
        clock.advance(100)
        await driven(store, S2)
        assert await store.retain(50) == 250
        assert [row.id for row in await store.sessions("acme")] == [S2]

    clock = ManualClock()
    with closing(open_sqlite(path, clock=clock)) as store:
        run(story(store, clock))


def test_only_a_process_that_drives_moves_the_log_into_the_file(path: Path) -> None:
    async def tell(store: Store) -> None:
        for n in range(60):
            await store.tell(S1, [submitted(f"{n}", "x" * 100_000)])

    open_sqlite(path).close()
    with closing(open_sqlite(path)) as store:
        run(opened(store))
        run(tell(store))
        assert path.stat().st_size < 1_000_000
        run(driven(store, S2))
        run(store.drive(S2, Batch(1, 3, (RETURNED,), 2), LEASE_S))
        assert path.stat().st_size > 6_000_000


def test_the_wall_clock_says_the_time() -> None:
    clock = wall_clock()
    first = clock()
    assert abs(first - Path.cwd().stat().st_atime) < 3e9
    assert clock() >= first > 1.7e9


class Between(Inline):
    """Lanes by which something happens right after the first reading."""

    then: Coroutine[Any, Any, object] | None = None

    async def read(self, work: Callable[[], T]) -> T:
        result = await super().read(work)
        then, self.then = self.then, None
        if then is not None:
            await then
        return result


def test_a_fork_that_is_made_while_its_source_is_erased_is_erased_too(path: Path) -> None:
    made: list[Between] = []

    def lanes(commit: Commit) -> Between:
        made.append(Between(commit))
        return made[0]

    async def story(store: Store) -> None:
        await driven(store)
        made[0].then = store.fork(S1, 2, S2)
        assert await store.erase("acme", session="s1") == 2
        assert (await events(store, S2))[1] == Erased("turn.submitted")

    with closing(open_sqlite(path, offload=lanes)) as store:
        run(story(store))


def test_what_is_asked_together_is_written_in_the_order_it_was_asked(path: Path) -> None:
    async def story(store: Store) -> None:
        await driven(store)
        async with asyncio.TaskGroup() as group:
            group.create_task(store.tell(S1, [submitted("r2")]))
            group.create_task(store.transact(S1, 1, 2, lambda _: RETURNED))
            ending = group.create_task(store.drive(S1, released(after=5), LEASE_S))
        assert (await events(store))[4:] == [RETURNED]
        assert isinstance(ending.result(), Committed)

    async def latency() -> None:
        await asyncio.sleep(0)

    with closing(open_sqlite(path, offload=lambda commit: Inline(commit, latency))) as store:
        run(story(store))


def test_a_store_knows_what_others_wrote_from_what_it_wrote_itself(path: Path) -> None:
    async def story(here: SqliteStore) -> None:
        await here.others_wrote()
        await here.open(S1, SessionOpened("agent", "u1"))
        assert not await here.others_wrote()
        with closing(open_sqlite(path)) as there:
            await there.allow("t", "tenant", 7)
        assert await here.others_wrote()
        assert not await here.others_wrote()

    with closing(open_sqlite(path)) as store:
        run(story(store))


def test_who_listens_hears_what_another_process_wrote_though_nobody_tells(path: Path) -> None:
    async def story(here: SqliteStore) -> None:
        await here.open(S1, SessionOpened("agent", "u1"))
        async with open_bus(f"sqlite:///{path}", opened=here) as bus:
            assert bus.look_s > 10
            sessions = Sessions(here, bus, {}, lambda: "", lambda _, __: None)
            async with aclosing(sessions.subscribe(S1, User("u1", S1.tenant))) as items:
                assert (await anext(items)).seq == 1
                heard = asyncio.ensure_future(anext(items))
                with closing(open_sqlite(path)) as there:
                    await there.tell(S1, [submitted("r")])
                async with asyncio.timeout(5):
                    assert (await heard).seq == 2

    with closing(open_sqlite(path)) as store:
        run(story(store))
