"""What processes that share a database hear of each other, and what they are spared."""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.kill.clerk import ANSWER, World, clerk

from jackline import Runtime, Submission, User
from jackline.adapters.postgres.bus import PostgresBus
from jackline.adapters.postgres.news import line_of
from jackline.core import events as e
from jackline.core.errors import NotFoundError
from jackline.core.events import Record, SessionId
from jackline.opening import open_bus
from jackline.ports import Bus, Delta, Grown, Listener

ROOT = Path(__file__).parents[3]
USER = User("u")
S = SessionId("tenant", "s")
END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
LOSE = """
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER lose BEFORE INSERT ON jackline.delta FOR EACH ROW EXECUTE FUNCTION lose()
"""
Story = Callable[[Bus, Bus], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def never_polled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgresBus, "look_s", 60.0)


def told(url: str, story: Story) -> None:
    """Tell a story of two processes, one that drives and one that listens."""

    async def run() -> None:
        async with asyncio.timeout(30), open_bus(url) as here, open_bus(url) as there:
            await story(here, there)

    asyncio.run(run())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


async def wanted(bus: Bus, session: SessionId = S) -> None:
    """Return when the bus knows that somebody elsewhere follows the session."""
    await until(lambda: bus.hears(session, resting=False))


def at(seq: int, session: SessionId = S) -> Grown:
    return Grown(session, [Record(seq, 0.0, e.TurnResumed("asked"))])


def piece(text: str, offset: int, seq: int = 4, session: SessionId = S) -> Delta:
    return Delta(session, seq, 1, offset, text)


async def heard(listener: Listener, head: int) -> list[Grown | Delta]:
    """Return what is heard until the journal has grown to there."""
    found = list[Grown | Delta]()
    while not any(isinstance(item, Grown) and item.head == head for item in found):
        found += await listener.take(5)
    return found


async def said(listener: Listener, text: str) -> None:
    """Return when this text has come, each piece once and in order."""
    found = ""
    while found != text:
        for item in await listener.take(5):
            if isinstance(item, Delta):
                assert item.offset == len(found)
                found += item.text
        assert text.startswith(found)


def test_growth_and_text_come_in_order(postgres_url: str) -> None:
    async def story(here: Bus, there: Bus) -> None:
        with there.listen(S) as listener:
            await wanted(here)
            here.grown(at(4))
            for offset, letter in enumerate("Hello"):
                here.say(piece(letter, offset))
            here.grown(at(6))
            found = await heard(listener, 6)
        heads = [item.head for item in found if isinstance(item, Grown) and item.head]
        assert heads == sorted(heads)
        assert isinstance(found[-1], Grown), "the text stands before its reply"
        texts = [item for item in found if isinstance(item, Delta)]
        assert "".join(each.text for each in texts) == "Hello"
        first = found.index(texts[0])
        before = [item for item in found[:first] if isinstance(item, Grown)]
        assert before[-1].head == 4, "the question stands before its text"

    told(postgres_url, story)


def test_who_comes_in_mid_message_gets_the_text_so_far_and_nobody_gets_it_twice(
    postgres_url: str,
) -> None:
    async def story(here: Bus, there: Bus) -> None:
        here.say(piece("So ", 0))
        here.say(piece("far", 3))
        async with open_bus(postgres_url) as elsewhere:
            with there.listen(S) as first:
                await said(first, "So far")
                with elsewhere.listen(S) as second, there.listen(S) as third:
                    await said(third, "So far")
                    await said(second, "So far")
                    here.say(piece(", so good", 6))
                    for listener in (first, second, third):
                        (item,) = await listener.take(5)
                        assert item == piece(", so good", 6)

    told(postgres_url, story)


def test_text_that_overtakes_its_question_is_not_heard_twice(postgres_url: str) -> None:
    async def story(here: Bus, there: Bus) -> None:
        with there.listen(S) as listener:
            await wanted(here)
            here.grown(at(4))
            here.say(piece("So ", 0))
            await said(listener, "So ")
            here.say(piece("far", 3))
            found = list[Delta]()
            while not found:
                found = [item for item in await listener.take(5) if isinstance(item, Delta)]
            assert found == [piece("far", 3)]

    told(postgres_url, story)


def test_a_gap_is_closed_by_the_text_so_far(postgres_url: str) -> None:
    async def story(here: Bus, there: Bus) -> None:
        with there.listen(S) as listener:
            await wanted(here)
            with psycopg.connect(postgres_url, autocommit=True) as database:
                database.execute(LOSE)
                here.say(piece("So ", 0))
                await until(lambda: batches(database) == 1)
                database.execute("DROP TRIGGER lose ON jackline.delta")
            here.say(piece("far", 3))
            await said(listener, "So far")

    told(postgres_url, story)


def batches(database: psycopg.Connection) -> int:
    row = database.execute("SELECT last_value FROM jackline.delta_batch WHERE is_called").fetchone()
    return row[0] if row else 0


def test_what_nobody_followed_is_looked_for_by_who_follows_it_later(postgres_url: str) -> None:
    async def story(here: Bus, there: Bus) -> None:
        assert not here.hears(S, resting=True)
        with there.listen(S, rest_only=True) as listener:
            assert Grown(S, told=True) in await listener.take(5)

    told(postgres_url, story)


def test_a_driver_elsewhere_hears_what_its_session_is_told(postgres_url: str) -> None:
    async def story(_: Bus, there: Bus) -> None:
        sessions = list[SessionId]()
        async with open_bus(postgres_url, sessions.append) as driving:
            with driving.listen(S):
                await wanted(there)
            there.grown(Grown(S, told=True))
            await until(lambda: sessions == [S])

    told(postgres_url, story)


def test_another_tenants_listener_hears_nothing(postgres_url: str) -> None:
    mine, theirs = SessionId("a", "b/s"), SessionId("a/b", "s")
    assert line_of(mine) == line_of(theirs), "not even where their lines are the same"

    async def story(here: Bus, there: Bus) -> None:
        with there.listen(mine) as listener, there.listen(S), here.listen(theirs) as driving:
            await wanted(here, mine)
            async with open_bus(postgres_url) as third:
                with third.listen(theirs):
                    await wanted(here, theirs)
                    here.grown(at(4, theirs))
                    here.say(piece("secret", 0, 4, theirs))
                    here.say(piece("mine", 0, 4, mine))
                    here.grown(at(6, theirs))
                    here.grown(at(6, mine))
                    found = await heard(listener, 6)
            assert {item.session for item in found} == {mine}
            assert {item.session for item in await driving.take(0)} == {theirs}

    told(postgres_url, story)


def test_any_printable_name_and_any_text_is_carried(postgres_url: str) -> None:
    odd = SessionId("\N{SNOWMAN} \"q\" \\ %s 'x'", "{1,2} [NULL] $$ \N{GRINNING FACE}")
    text = "a\0b \ud800 \N{GRINNING FACE}"
    long = [SessionId("\N{GRINNING FACE}" * 200, f"{n}".zfill(200)) for n in range(100)]

    async def story(here: Bus, there: Bus) -> None:
        async with AsyncExitStack() as stack:
            listeners = [stack.enter_context(there.listen(each)) for each in [odd, *long]]
            for each in [odd, *long]:
                await wanted(here, each)
            for each in [odd, *long]:
                here.say(piece(text, 0, 4, each))
                here.grown(at(6, each))
            for session, listener in zip([odd, *long], listeners, strict=True):
                assert piece(text, 0, 4, session) in await heard(listener, 6)

    told(postgres_url, story)


def test_a_lost_connection_is_made_again_and_everybody_looks(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(here: Bus, there: Bus) -> None:
        with there.listen(S) as listener, there.listen(S, rest_only=True) as rester:
            await wanted(here)
            here.say(piece("So ", 0))
            await said(listener, "So ")
            with psycopg.connect(postgres_url, autocommit=True) as database:
                assert database.execute(END).rowcount == 2
            for each in (listener, rester):
                while Grown(S) not in await each.take(10):
                    continue
            here.say(piece("far", 3))
            while piece("far", 3) not in await listener.take(10):
                continue
            here.grown(at(6))
            await heard(listener, 6)

    with caplog.at_level(logging.WARNING, "jackline"):
        told(postgres_url, story)
    lost = [each for each in caplog.messages if "are late" in each]
    assert len(lost) == 2, "each of the two says so once"


def test_who_does_not_take_what_comes_holds_nobody_up_and_is_bounded(postgres_url: str) -> None:
    async def story(here: Bus, there: Bus) -> None:
        with there.listen(S) as slow, there.listen(S, rest_only=True) as rester:
            await wanted(here)
            for seq in range(1, 4001, 2):
                here.say(piece("x", 0, seq))
                here.grown(at(seq + 1))
            here.grown(at(4002), resting=True)
            await heard(rester, 4002)
            found = await slow.take(0)
            assert len(found) <= 1000
            assert isinstance(found[-1], Grown), "the last is there, and what is missing is read"
            assert found[-1].head == 4002

    told(postgres_url, story)


def test_what_cannot_be_said_is_kept_within_bounds() -> None:
    async def run() -> None:
        async with open_bus("postgresql://nobody@127.0.0.1:1/nowhere") as bus:
            for n in range(30_000):
                bus.grown(Grown(SessionId("t", str(n)), told=True))
            assert len(vars(bus)["_growths"]) <= 10_000

    asyncio.run(run())


def test_old_text_does_not_stay_and_an_erased_sessions_goes_at_once(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as database:
        for batch, age in ((1, 60), (2, 0)):
            database.execute(
                "INSERT INTO jackline.delta SELECT %s, 1, 0, 't', 's', 4, 1, 0, 'x',"
                " clock_timestamp() - %s * interval '1 second'",
                (batch, age),
            )

        def left() -> list[Any]:
            return database.execute("SELECT batch FROM jackline.delta").fetchall()

        async def story(*_: Bus) -> None:
            await until(lambda: left() == [(2,)])
            async with Runtime([clerk(World(Path(), []))], store=postgres_url) as runtime:
                await runtime.sessions.open("clerk", User("u", "t"), "s")
                await runtime.store.erase("t")
            assert left() == []

        told(postgres_url, story)


def test_what_nobody_follows_writes_nothing(postgres_url: str) -> None:
    async def story(here: Bus, there: Bus) -> None:
        other = SessionId("tenant", "other")
        with there.listen(other) as listener:
            await wanted(here, other)
            here.say(piece("unheard", 0))
            here.grown(at(6))
            here.grown(at(6, other))
            await heard(listener, 6)
        with psycopg.connect(postgres_url) as database:
            assert batches(database) == 0

    told(postgres_url, story)


@asynccontextmanager
async def worker(url: str, folder: Path, *gates: str) -> AsyncGenerator[Process]:
    """Start a process that drives, whose leases are renewed long after any test is over."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.kill.clerk", url, str(folder), "180", *gates),
        stdin=PIPE,
        stdout=PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


def in_touch(
    url: str,
    folder: Path,
    story: Callable[[Runtime, Process], Coroutine[Any, Any, None]],
    *gates: str,
) -> None:
    """Tell a story of a process that drives, and this one, that does not."""

    async def run() -> None:
        agents = [clerk(World(folder, []))]
        async with (
            asyncio.timeout(40),
            worker(url, folder, *gates) as process,
            Runtime(agents, store=url, drive=False) as runtime,
        ):
            await story(runtime, process)

    asyncio.run(run())


def reply(items: Sequence[Record | Delta]) -> str:
    """Return the text that came, after its question and before its answer."""
    texts = [n for n, item in enumerate(items) if isinstance(item, Delta)]
    asked = [n for n, item in enumerate(items) if is_record(item, e.ModelReserved)]
    answered = [n for n, item in enumerate(items) if is_record(item, e.ModelReplied)]
    assert asked[-1] < texts[0] <= texts[-1] < answered[-1]
    return "".join(item.text for item in items if isinstance(item, Delta))


def is_record(item: Record | Delta, kind: type) -> bool:
    return isinstance(item, Record) and isinstance(item.event, kind)


def test_a_follower_in_another_process_gets_each_event_and_all_text(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(runtime: Runtime, _: Process) -> None:
        async with aclosing(runtime.stream("clerk", "look", session="s", user=USER)) as events:
            items = [item async for item in events]
        records = [item for item in items if isinstance(item, Record)]
        assert [each.seq for each in records] == list(range(2, 2 + len(records)))
        assert reply(items) == ANSWER
        result = await runtime.result(SessionId(USER.tenant, "s"), 2, USER)
        assert result.text == ANSWER

    in_touch(postgres_url, tmp_path, story)


def test_a_result_is_heard_of_from_another_process(postgres_url: str, tmp_path: Path) -> None:
    async def story(runtime: Runtime, _: Process) -> None:
        assert (await runtime.run("clerk", "look", session="s", user=USER)).text == ANSWER

    in_touch(postgres_url, tmp_path, story)


def test_who_comes_in_late_from_another_process_hears_what_was_said_and_a_cancel_is_heard_there(
    postgres_url: str, tmp_path: Path
) -> None:
    async def story(runtime: Runtime, process: Process) -> None:
        session = await runtime.sessions.open("clerk", USER, "s")
        receipt = await runtime.sessions.submit(session, USER, Submission("look"))
        assert process.stdout is not None
        while await process.stdout.readline() != b"delta\n":
            continue
        async with aclosing(runtime.follow(session, receipt.seq, USER)) as events:
            items = list[Record | Delta]()
            async for item in events:
                if isinstance(item, Delta):
                    assert item.offset == 0
                    await runtime.sessions.cancel(session, USER)
                items.append(item)
        assert is_record(items[-1], e.TurnCancelled)

    in_touch(postgres_url, tmp_path, story, "delta")


def test_an_erasure_is_heard_of_in_another_process(postgres_url: str, tmp_path: Path) -> None:
    async def story(runtime: Runtime, _: Process) -> None:
        result = await runtime.run("clerk", "look", session="s", user=USER)
        agents = [clerk(World(tmp_path, []))]
        async with (
            Runtime(agents, store=postgres_url, drive=False) as other,
            aclosing(runtime.sessions.subscribe(result.session, USER)) as events,
        ):
            with pytest.raises(NotFoundError):
                async for item in events:
                    if is_record(item, e.TurnCompleted):
                        await other.store.erase(USER.tenant)

    in_touch(postgres_url, tmp_path, story)


def test_who_hears_others_looks_seldom_and_who_does_not_looks_often(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # It is looked at here.

    async def heard() -> None:
        async with asyncio.timeout(30), open_bus(postgres_url) as bus:
            await until(lambda: bus.look_s > 1)

    async def deaf(url: str) -> None:
        async with asyncio.timeout(30), open_bus(url) as bus:
            assert bus.look_s < 1

    asyncio.run(heard())
    asyncio.run(deaf("postgresql://127.0.0.1:1/nobody-is-there"))
