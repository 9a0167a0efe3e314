"""What goes wrong with a file is said in one sentence, and loses nothing."""

import asyncio
import errno
import fcntl
import os
import resource
import sqlite3
from collections.abc import Coroutine, Generator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from jackline.adapters.migrations import migrations
from jackline.adapters.rules import SteadyClock
from jackline.adapters.sqlite import schema
from jackline.adapters.sqlite.lanes import Gather, Inline, Job, Threads
from jackline.adapters.sqlite.store import SqliteStore, open_sqlite, wall_clock
from jackline.core.errors import StoreError, UnknownOutcomeError
from jackline.core.events import ToolReturned
from jackline.core.fold import replay
from jackline.core.messages import Text
from jackline.core.session import Session
from jackline.ports import Batch, Committed, Store
from jackline.testing.conformance import ManualClock
from jackline.testing.conformance.world import (
    LEASE_S,
    S1,
    S2,
    driven,
    events,
    head,
    opened,
    submitted,
)

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def large(key: str) -> ToolReturned:
    return ToolReturned(key, (Text("x" * 100_000),))


def one_sentence(error: StoreError, *words: str) -> bool:
    text = str(error)
    return text.count(". ") <= 1 and "\n" not in text and all(word in text for word in words)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_a_full_disk_fails_the_append_that_does_not_fit_and_no_other(path: Path) -> None:
    open_sqlite(path).close()

    async def story(store: Store) -> None:
        await driven(store)
        await driven(store, S2)
        too_large = Batch(1, 3, [large(f"k{n}") for n in range(10)], 2)
        fits = Batch(1, 3, (ToolReturned("k", ()),), 2)
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(failure(store.drive(S1, too_large, LEASE_S)))
            fitting = group.create_task(store.drive(S2, fits, LEASE_S))
        assert one_sentence(failing.result(), "full", "make room")
        assert isinstance(fitting.result(), Committed)
        assert (await head(store), await head(store, S2)) == (3, 4)
        assert isinstance(await store.drive(S1, fits, LEASE_S), Committed)

    with closing(SqliteStore(path, clock=wall_clock(), limit_bytes=400_000)) as store:
        run(story(store))


def test_a_full_disk_that_undoes_a_group_takes_no_later_append_apart(path: Path) -> None:
    open_sqlite(path).close()

    async def story(store: Store) -> None:
        await driven(store)
        await driven(store, S2)
        no_integer = Batch(1, 3, (ToolReturned("k", ()),), 2, moves={"a": (2**70, 0)})
        fits = Batch(1, 3, (ToolReturned("k", ()),), 2)
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(failure(store.put(S1, bytes(10**6), "image/png")))
            halfway = group.create_task(overflows(store.drive(S1, no_integer, LEASE_S)))
            fitting = group.create_task(store.drive(S2, fits, LEASE_S))
        assert one_sentence(failing.result(), "full", "make room")
        assert halfway.result()
        assert isinstance(fitting.result(), Committed)
        assert (await head(store), await head(store, S2)) == (3, 4)

    with closing(SqliteStore(path, clock=wall_clock(), limit_bytes=400_000)) as store:
        run(story(store))


async def overflows(work: Coroutine[Any, Any, object]) -> bool:
    with pytest.raises(OverflowError):
        await work
    return True


async def failure(work: Coroutine[Any, Any, object]) -> StoreError:
    with pytest.raises(StoreError) as raised:
        await work
    return raised.value


@contextmanager
def files_no_larger_than(limit_bytes: int) -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_commit_that_fails_leaves_its_whole_group_unknown(path: Path) -> None:
    async def story(store: Store) -> None:
        await driven(store)
        await driven(store, S2)
        log_bytes = path.with_name("journal.db-wal").stat().st_size
        with files_no_larger_than(log_bytes + 10_000):
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(unknown(store, session, Batch(1, 3, (large("k"),), 2)))
                    for session in (S1, S2)
                ]
        assert all(task.result() for task in tasks)
        for session in (S1, S2):
            seen = await head(store, session)
            batch = Batch(1, seen, (ToolReturned("k2", ()),), 2)
            assert isinstance(await store.drive(session, batch, LEASE_S), Committed)
            assert await head(store, session) == seen + 1

    with closing(open_sqlite(path)) as store:
        run(story(store))


async def unknown(store: Store, session: Any, batch: Batch) -> bool:
    with pytest.raises(UnknownOutcomeError):
        await store.drive(session, batch, LEASE_S)
    return True


def test_a_file_that_may_not_be_written_says_so(path: Path) -> None:
    open_sqlite(path).close()
    path.parent.chmod(0o755)
    path.chmod(0o444)
    for other in path.parent.glob("journal.db-*"):
        other.chmod(0o666)
    with unprivileged(path), pytest.raises(StoreError) as raised:
        open_sqlite(path)
    assert one_sentence(raised.value, str(path), "write")


def test_a_folder_that_may_not_be_written_says_so(path: Path) -> None:
    path.parent.chmod(0o555)
    with unprivileged(path), pytest.raises(StoreError) as raised:
        open_sqlite(path)
    assert one_sentence(raised.value, "journal.db", "folder")
    path.parent.chmod(0o755)


@contextmanager
def unprivileged(path: Path) -> Generator[None]:
    """Be a user who owns nothing; root would be let in everywhere."""
    was, modes = os.geteuid(), [(each, each.stat().st_mode) for each in list(path.parents)[1:]]
    if was == 0:
        for folder, mode in modes:
            folder.chmod(mode | 0o555)
        os.seteuid(65_534)
    try:
        yield
    finally:
        if was == 0:
            os.seteuid(0)
            for folder, mode in modes:
                folder.chmod(mode)


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        open_sqlite(tmp_path / "no" / "journal.db")
    assert one_sentence(raised.value, "journal.db", "folder")


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_sqlite(tmp_path)


def test_memory_is_named_otherwise() -> None:
    with pytest.raises(StoreError, match="MemoryStore"):
        open_sqlite(":memory:")
    with pytest.raises(StoreError, match="MemoryStore"):
        SqliteStore(":memory:", clock=wall_clock())
    assert not list(Path.cwd().glob(":memory:*"))


def test_what_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("Dear diary, " * 1_000)
    with pytest.raises(StoreError) as raised:
        open_sqlite(path)
    assert one_sentence(raised.value, str(path), "not a SQLite database")
    assert path.read_text() == "Dear diary, " * 1_000


def test_a_damaged_file_says_so(path: Path) -> None:
    with closing(open_sqlite(path)) as store:
        run(fill(store))
    content = bytearray(path.read_bytes())
    content[4_096:] = b"\xff" * (len(content) - 4_096)
    path.write_bytes(content)
    with pytest.raises(StoreError) as raised, closing(open_sqlite(path)) as store:
        run(store.read(S1))
    assert one_sentence(raised.value, str(path), "damaged", "backup")


async def fill(store: Store) -> None:
    await driven(store)
    await store.drive(S1, Batch(1, 3, [large(f"k{n}") for n in range(5)], 2), LEASE_S)


def test_a_truncated_file_says_so(path: Path) -> None:
    with closing(open_sqlite(path)) as store:
        run(fill(store))
    os.truncate(path, 3 * 4_096)
    with pytest.raises(StoreError), closing(open_sqlite(path)) as store:
        run(store.read(S1))


def test_a_file_of_a_newer_jackline_is_left_alone(path: Path) -> None:
    open_sqlite(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("INSERT INTO migration VALUES (2, '0002_new', 'x', 0)")
    with pytest.raises(StoreError) as raised:
        open_sqlite(path)
    assert one_sentence(raised.value, "schema 2", "upgrade")


def test_a_script_that_was_changed_is_noticed(path: Path) -> None:
    open_sqlite(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE migration SET checksum = 'other'")
    with pytest.raises(StoreError, match="another 0001_journal"):
        open_sqlite(path)


def test_a_file_that_was_never_migrated_says_what_to_do(path: Path) -> None:
    with pytest.raises(StoreError, match="jackline migrate"):
        SqliteStore(path, clock=wall_clock())


def test_a_table_of_another_program_is_not_taken_over(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE session (cookie TEXT)")
    with pytest.raises(StoreError) as raised:
        open_sqlite(path)
    assert one_sentence(raised.value, "session", "another file")
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        assert [name for (name,) in tables] == ["session"]


def test_the_tables_of_another_program_may_be_beside_ours(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
    with closing(open_sqlite(path)) as store:
        run(driven(store))


def test_migrations_are_numbered_without_a_gap() -> None:
    versions = [migration.version for migration in migrations(schema)]
    assert versions == list(range(1, len(versions) + 1))


def test_a_store_that_is_closed_says_so(path: Path) -> None:
    store = open_sqlite(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        run(store.read(S1))
    with pytest.raises(StoreError, match="closed"):
        run(store.tell(S1, [submitted("r1")]))


def test_a_lock_that_is_kept_too_long_is_given_up_and_nothing_comes_later(path: Path) -> None:
    open_sqlite(path).close()

    async def story(store: Store) -> None:
        await opened(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            error = await failure(store.tell(S1, [submitted("r1")]))
            assert one_sentence(error, "locked by another process")
            assert await head(store) == 1, "reading goes on meanwhile"
            other.execute("ROLLBACK")
        assert await head(store) == 1
        assert (await store.tell(S1, [submitted("r1")])).seq == 2

    with closing(SqliteStore(path, clock=wall_clock(), locked_s=0.05)) as store:
        run(story(store))


def test_another_process_that_writes_all_the_time_is_given_up_on(path: Path) -> None:
    with closing(open_sqlite(path)) as holder:
        lock = os.open(path.with_name("journal.db-lock"), os.O_RDWR)
        import fcntl  # noqa: PLC0415 - as the adapter does

        fcntl.flock(lock, fcntl.LOCK_EX)
        with closing(SqliteStore(path, clock=wall_clock(), locked_s=0.05, offload=Inline)) as store:
            with pytest.raises(StoreError, match="locked by another process"):
                run(opened(store))
            os.close(lock)
            run(opened(store))
        assert run(head(holder)) == 1


def test_a_snapshot_that_cannot_be_read_is_done_without(path: Path) -> None:
    async def story(store: Store) -> None:
        await driven(store)
        session = replay(Session(S1), await store.read(S1))
        await store.save(session)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("UPDATE snapshot SET body = x'00ff', head = 2")
        loaded = await store.load(S1)
        assert loaded.session == Session(S1)
        assert replay(loaded.session, loaded.records) == session
        await store.save(session)
        assert (await store.load(S1)).session == session

    with closing(open_sqlite(path)) as store:
        run(story(store))


def test_a_body_that_cannot_be_read_says_so(path: Path) -> None:
    async def story(store: Store) -> None:
        await driven(store)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("UPDATE event SET body = x'7b7d' WHERE seq = 2")
        with pytest.raises(StoreError):
            await events(store)
        assert len(await store.read(S1, 2)) == 1

    with closing(open_sqlite(path)) as store:
        run(story(store))


def test_time_goes_on_from_the_last_event_when_a_process_starts_with_an_earlier_clock(
    path: Path,
) -> None:
    clock = ManualClock()
    with closing(open_sqlite(path, clock=clock, offload=Inline)) as store:
        run(driven(store))
    clock.advance(-500)

    async def story(store: Store) -> None:
        assert await store.claim(S1, "w2", LEASE_S) is None
        clock.advance(LEASE_S)
        claimed = await store.claim(S1, "w2", LEASE_S)
        assert claimed is not None
        assert (claimed.epoch, claimed.at) == (2, 1_000 + LEASE_S)

    with closing(open_sqlite(path, clock=clock, offload=Inline)) as store:
        run(story(store))


def test_a_steady_clock_never_goes_back_and_never_stands_still() -> None:
    source = ManualClock()
    clock = SteadyClock(source)
    assert clock() == 1_000
    source.advance(-900)
    assert (clock.peek(), clock()) == (1_000, 1_000)
    source.advance(5)
    assert (clock.peek(), clock(), clock(2_000), clock()) == (1_005, 1_005, 2_000, 2_000)
    source.advance(1)
    assert clock() == 2_001


def test_a_lock_that_the_system_refuses_fails_what_waits_and_nothing_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(store: Store) -> None:
        await opened(store)
        with monkeypatch.context() as patched:
            patched.setattr("fcntl.flock", refuse)
            assert one_sentence(await failure(opened(store, S2)), "locked", "No locks available")
        await opened(store, S2)

    def refuse(_: int, __: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with closing(open_sqlite(path)) as store:
        run(story(store))


def test_a_lock_that_is_not_let_go_undoes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def keep(handle: int, operation: int) -> None:
        if operation == fcntl.LOCK_UN and next(unlocks) == 1:  # The gate was the one before.
            raise OSError(errno.ENOLCK, "No locks available")
        lock(handle, operation)

    unlocks = count()

    async def story(store: Store) -> None:
        with monkeypatch.context() as patched:
            patched.setattr("fcntl.flock", keep)
            await opened(store)
        assert await head(store) == 1

    with closing(open_sqlite(path)) as store:
        run(story(store))


def test_a_bug_of_the_writer_hangs_nobody_and_ends_no_thread() -> None:
    bugs = [ZeroDivisionError("of ours")]

    def commit(gather: Gather) -> None:
        for job in gather():
            if bugs:
                raise bugs.pop()
            job.outcome = "written"

    async def story(lanes: Threads) -> None:
        first, second = Job(list), Job(list)
        await asyncio.wait_for(lanes.write(first), 20)
        assert isinstance(first.error, UnknownOutcomeError)
        await asyncio.wait_for(lanes.write(second), 20)
        assert (second.error, second.outcome) == (None, "written")

    with closing(Threads(commit)) as lanes:
        run(story(lanes))
