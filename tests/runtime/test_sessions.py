"""What a runtime asks of its store for a user, and what it tells a user whose session is gone."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from jackline.adapters.bus import LocalBus
from jackline.adapters.memory import MemoryStore
from jackline.adapters.sqlite.store import open_sqlite, wall_clock
from jackline.app import LOCAL_USER, Runtime
from jackline.core import events as e
from jackline.core.agent import Agent
from jackline.core.errors import BusyError, CallerError, NotFoundError
from jackline.core.inputs import Upload
from jackline.core.messages import Text
from jackline.core.user import User
from jackline.ports import Batch, Loaded, Reply, Request, SessionRow, Store
from jackline.runtime.submission import Submission
from jackline.testing import ScriptedModel
from jackline.testing.model import FREE

BOB = User("bob")
S = e.SessionId("default", "s")


class Counted:
    """A store that knows how often it was asked for what, and how much was read at once."""

    def __init__(self, store: Store, path: Path | None) -> None:
        self.asked = Counter[str]()
        self.most_read = 0
        self.looked = asyncio.Event()
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []
        self._store = store
        self._path = path

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._store, name)

    async def read(
        self, session: e.SessionId, after: int = 0, limit: int | None = None
    ) -> list[e.Record]:
        self.asked["read"] += 1
        records = await self._store.read(session, after, limit)
        self.most_read = max(self.most_read, len(records))
        return records

    async def load(self, session: e.SessionId) -> Loaded:
        """Return the session, and what happens `meanwhile` happens before anybody goes on."""
        loaded = await self._store.load(session)
        if self.meanwhile:
            await self.meanwhile.pop()()
        return loaded

    async def row(self, session: e.SessionId) -> SessionRow:
        self.looked.set()
        return await self._store.row(session)

    async def erase_elsewhere(self) -> None:
        """Erase all, from another process where the store can be shared."""
        if self._path is None:
            await self._store.erase("default")
            return
        with closing(open_sqlite(self._path)) as there:
            await there.erase("default")


class Silent:
    """A model that says nothing for as long as it is asked."""

    terms = FREE

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.heard = asyncio.Event()

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:
        assert request.messages
        self.asked.set()
        await self.heard.wait()
        yield Reply((Text("Too late."),), e.Usage(), "silent")


@pytest.fixture(params=["memory", "sqlite"])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Counted:
    path = tmp_path / "j.db" if request.param == "sqlite" else None
    return Counted(open_sqlite(path) if path else MemoryStore(wall_clock()), path)


def agent(*script: Any, name: str = "clerk") -> Agent:
    return Agent(name, ScriptedModel(script or ["Hello."] * 9))


def within(
    store: Any, work: Callable[[Runtime], Awaitable[Any]], *agents: Agent, drive: bool = True
) -> Any:
    """Run `work` with a runtime on this store."""

    async def run() -> Any:
        async with Runtime(agents or [agent()], store=store, drive=drive) as runtime:
            async with asyncio.timeout(20):
                return await work(runtime)

    return asyncio.run(run())


def asked_by_users(counted: Counted) -> dict[str, int]:
    """Return what was asked for users: a worker asks otherwise, and time alone asks for rows."""
    names = ("open", "tell", "read", "put")
    return {name: counted.asked[name] for name in names if counted.asked[name]}


def test_a_run_costs_its_user_one_transaction_and_no_read(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        for _ in range(2):
            counted.asked.clear()
            assert (await runtime.run("clerk", "Hi", session="s")).text == "Hello."
            assert asked_by_users(counted) == {"tell": 1}

    within(counted, work)


def test_an_upload_is_kept_in_its_new_session(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        upload = Upload(b"\x89PNG\r\n", "image/png")
        assert (await runtime.run("clerk", ["Look", upload], session="s")).outcome == "completed"
        assert asked_by_users(counted) == {"open": 1, "put": 1, "tell": 1}

    within(counted, work)


def test_nobody_runs_anything_in_another_s_session(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        result = await runtime.run("clerk", "Hi", session="s")
        before = await runtime.store.read(result.session)
        upload = Upload(b"\x89PNG\r\n", "image/png")
        for said in ("Hi", ["Look", upload]):
            with pytest.raises(NotFoundError) as error:
                await runtime.run("clerk", said, session="s", user=BOB)
            assert str(error.value) == "There is no session 's' of 'bob'."
            with pytest.raises(CallerError, match="is one with 'clerk'"):
                await runtime.run("other", said, session="s")
        with pytest.raises(NotFoundError, match="There is no agent 'third'"):
            await runtime.run("third", "Hi")
        assert await runtime.store.read(result.session) == before
        assert await runtime.sessions.listed(BOB) == []

    within(counted, work, agent(), agent(name="other"))


def test_another_s_session_is_missed_in_the_same_words_as_one_that_is_not_there(
    counted: Counted,
) -> None:
    async def work(runtime: Runtime) -> None:
        await runtime.run("clerk", "Hi", session="s")
        for name in ("s", "t"):
            with pytest.raises(NotFoundError) as error:
                await runtime.sessions.row(e.SessionId("default", name), BOB)
            assert str(error.value) == f"There is no session {name!r} of 'bob'."

    within(counted, work)


def test_a_run_that_is_tried_again_returns_the_first_one_s_result(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        first, again = [
            await runtime.run("clerk", "Hi", session="s", request_id="r") for _ in range(2)
        ]
        assert first == again
        assert len(await runtime.sessions.listed(LOCAL_USER)) == 1

    within(counted, work, agent("Hello."))


Wait = Callable[[Runtime, int], AsyncIterator[object]]


async def ran(runtime: Runtime, _: int) -> AsyncIterator[object]:
    yield await runtime.run("clerk", "Hi", session="t")


async def run_again(runtime: Runtime, _: int) -> AsyncIterator[object]:
    yield await runtime.run("clerk", "Hi", session="s", request_id="r")


async def resulted(runtime: Runtime, turn: int) -> AsyncIterator[object]:
    yield await runtime.result(S, turn)


async def streamed(runtime: Runtime, _: int) -> AsyncIterator[object]:
    async with aclosing(runtime.stream("clerk", "Hi", session="s")) as items:
        async for item in items:
            yield item


async def followed(runtime: Runtime, turn: int) -> AsyncIterator[object]:
    async with aclosing(runtime.follow(S, turn)) as items:
        async for item in items:
            yield item


async def subscribed(runtime: Runtime, _: int) -> AsyncIterator[object]:
    async with aclosing(runtime.sessions.subscribe(S, LOCAL_USER)) as items:
        async for item in items:
            yield item


async def until_missed(waiting: AsyncIterator[object]) -> str:
    """Listen until the session is not found, and return in which words."""
    try:
        async for _ in waiting:
            continue
    except NotFoundError as error:
        return str(error)
    raise AssertionError("it ended otherwise")


@asynccontextmanager
async def silence(store: Any) -> AsyncGenerator[tuple[Runtime, Silent, int]]:
    """Give a runtime whose model was asked in a turn, and does not answer."""
    model = Silent()
    async with Runtime([Agent("clerk", model)], store=store) as runtime, asyncio.timeout(20):
        session = await runtime.sessions.open("clerk", LOCAL_USER, "s")
        receipt = await runtime.sessions.submit(session, LOCAL_USER, Submission("Hi", "r"))
        await model.asked.wait()
        try:
            yield runtime, model, receipt.turn or 0
        finally:
            model.heard.set()


@pytest.mark.parametrize(
    "wait", [ran, run_again, resulted, streamed, followed, subscribed], ids=lambda w: w.__name__
)
def test_whoever_waits_for_what_is_erased_meanwhile_hears_of_it(
    counted: Counted, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalBus, "look_s", 0.05)
    monkeypatch.setattr("jackline.opening._LOOK_S", 0.05)

    async def story() -> None:
        async with silence(counted) as (runtime, _, turn):
            waiting = asyncio.ensure_future(until_missed(wait(runtime, turn)))
            for _ in range(2):
                counted.looked.clear()
                await counted.looked.wait()
            await counted.erase_elsewhere()
            assert (await waiting).endswith("was erased.")

    asyncio.run(story())


@pytest.mark.parametrize("wait", [resulted, followed], ids=lambda w: w.__name__)
def test_a_turn_that_was_erased_before_is_not_waited_for(counted: Counted, wait: Wait) -> None:
    async def story() -> None:
        async with silence(counted) as (runtime, _, turn):
            await counted.erase_elsewhere()
            said = await until_missed(wait(runtime, turn))
            assert said == f"Turn {turn} of session 's' was erased."

    asyncio.run(story())


def test_an_erased_session_goes_on_for_those_who_come_back(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        await runtime.run("clerk", "Hi", session="s")
        await counted.erase_elsewhere()
        assert (await runtime.run("clerk", "Hi", session="s")).text == "Hello."
        async with aclosing(runtime.sessions.subscribe(S, LOCAL_USER)) as items:
            async for item in items:
                if isinstance(item, e.Record) and isinstance(item.event, e.TurnCompleted):
                    return
            raise AssertionError("the turn after the erasure was not heard of")

    within(counted, work)


def test_a_long_journal_is_read_page_by_page_and_heard_whole(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        await runtime.sessions.open("clerk", LOCAL_USER, "s")
        receipt = await runtime.sessions.submit(S, LOCAL_USER, Submission("Hi"))
        raised = [e.LimitsRaised({"usd": n}, "local") for n in range(1, 1_200)]
        await runtime.store.tell(S, raised)
        claimed = await runtime.store.claim(S, "w", 10.0)
        assert claimed is not None
        done = e.TurnCompleted(2, "Done.")
        await runtime.store.drive(S, Batch(claimed.epoch, 1_202, (done,), None, release=True), 10.0)
        counted.most_read = 0
        assert (await runtime.result(S, receipt.turn or 0)).text == "Done."
        heard = list[int]()
        async with aclosing(runtime.follow(S, receipt.turn or 0)) as items:
            async for item in items:
                assert isinstance(item, e.Record)
                heard.append(item.seq)
        assert heard == list(range(2, 1_204))
        fork = await runtime.sessions.fork(S, LOCAL_USER)
        assert (await runtime.sessions.row(fork, LOCAL_USER)).head == 1_204
        assert 0 < counted.most_read <= 500

    within(counted, work, drive=False)


async def ended(store: Any, end: Callable[[int], e.Event]) -> int:
    """Have a turn opened and ended, and return how much has happened then."""
    told = e.TurnSubmitted(f"after {await head(store)}", (Text("Hi"),), LOCAL_USER.principal)
    receipt = await store.tell(S, [told])
    claimed = await store.claim(S, "w", 10.0)
    batch = Batch(claimed.epoch, receipt.seq + 1, (end(receipt.seq),), None, release=True)
    await store.drive(S, batch, 10.0)
    return receipt.seq + 2


async def head(store: Any) -> int:
    return (await store.row(S)).head


def failed(turn: int) -> e.TurnFailed:
    return e.TurnFailed(turn, "tool", "It broke.")


def completed(turn: int) -> e.TurnCompleted:
    return e.TurnCompleted(turn, "Done.")


def test_nothing_goes_on_after_a_turn_that_was_opened_and_completed_meanwhile(
    counted: Counted,
) -> None:
    async def work(runtime: Runtime) -> None:
        await runtime.sessions.open("clerk", LOCAL_USER, "s")
        await ended(counted, failed)
        counted.meanwhile = [lambda: ended(counted, completed)]
        with pytest.raises(CallerError, match="nothing to go on with"):
            await runtime.sessions.go_on(S, LOCAL_USER)
        assert await head(counted) == 7, "nobody meant to go on after that one"

    within(counted, work, drive=False)


def test_a_session_that_grows_meanwhile_goes_on_all_the_same(counted: Counted) -> None:
    async def grow() -> None:
        await counted.tell(S, [e.LimitsRaised({"usd": 1}, "local")])

    async def work(runtime: Runtime) -> None:
        await runtime.sessions.open("clerk", LOCAL_USER, "s")
        await ended(counted, failed)
        counted.meanwhile = [grow] * 2
        receipt = await runtime.sessions.go_on(S, LOCAL_USER, "r")
        assert (receipt.turn, receipt.repeated) == (7, False)
        assert (await runtime.sessions.row(S, LOCAL_USER)).turn == 7

    within(counted, work, drive=False)


def test_whoever_finds_a_session_changed_each_time_hears_that_it_is_busy(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        await runtime.sessions.open("clerk", LOCAL_USER, "s")
        await ended(counted, failed)
        counted.meanwhile = [lambda: ended(counted, failed)] * 100
        with pytest.raises(BusyError):
            await runtime.sessions.go_on(S, LOCAL_USER)
        assert counted.meanwhile

    within(counted, work, drive=False)


def test_to_go_on_is_acknowledged_again_although_the_turn_was_completed(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        await runtime.sessions.open("clerk", LOCAL_USER, "s")
        await ended(counted, failed)
        first = await runtime.sessions.go_on(S, LOCAL_USER, "r")
        claimed = await counted.claim(S, "w", 10.0)
        batch = Batch(claimed.epoch, first.seq + 1, (completed(5),), None, release=True)
        await counted.drive(S, batch, 10.0)
        again = await runtime.sessions.go_on(S, LOCAL_USER, "r")
        assert (again.seq, again.turn, again.repeated) == (first.seq, first.turn, True)
        with pytest.raises(CallerError, match="nothing to go on with"):
            await runtime.sessions.go_on(S, LOCAL_USER, "another")

    within(counted, work, drive=False)
