"""What a runtime asks of its store for a user, and what it tells a user whose session is gone."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jackline.adapters.memory import MemoryStore
from jackline.adapters.sqlite.store import open_sqlite, wall_clock
from jackline.app import LOCAL_USER, Runtime
from jackline.core.agent import Agent
from jackline.core.errors import CallerError, NotFoundError
from jackline.core.events import SessionId
from jackline.core.inputs import Upload
from jackline.core.user import User
from jackline.ports import Store
from jackline.testing import ScriptedModel

BOB = User("bob")


class Counted:
    """A store that knows how often it was asked for what."""

    def __init__(self, store: Store) -> None:
        self.asked = Counter[str]()
        self._store = store

    def __getattr__(self, name: str) -> Any:
        self.asked[name] += 1
        return getattr(self._store, name)


@pytest.fixture(params=["memory", "sqlite"])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Counted:
    on_disk = request.param == "sqlite"
    return Counted(open_sqlite(tmp_path / "j.db") if on_disk else MemoryStore(wall_clock()))


def agent(*script: Any, name: str = "clerk") -> Agent:
    return Agent(name, ScriptedModel(script or ["Hello."] * 9))


def within(store: Any, work: Callable[[Runtime], Awaitable[Any]], *agents: Agent) -> Any:
    """Run `work` with a runtime on this store."""

    async def run() -> Any:
        async with Runtime(agents or [agent()], store=store) as runtime:
            async with asyncio.timeout(20):
                return await work(runtime)

    return asyncio.run(run())


def asked_by_users(counted: Counted) -> dict[str, int]:
    """Return what was asked for users: a worker asks otherwise, and time alone asks for rows."""
    names = ("open", "tell", "read", "put")
    return {name: counted.asked[name] for name in names if counted.asked[name]}


def test_a_run_costs_its_user_one_transaction_and_one_read(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        for _ in range(2):
            counted.asked.clear()
            assert (await runtime.run("clerk", "Hi", session="s")).text == "Hello."
            assert asked_by_users(counted) == {"tell": 1, "read": 1}

    within(counted, work)


def test_an_upload_is_kept_in_its_new_session(counted: Counted) -> None:
    async def work(runtime: Runtime) -> None:
        upload = Upload(b"\x89PNG\r\n", "image/png")
        assert (await runtime.run("clerk", ["Look", upload], session="s")).outcome == "completed"
        assert asked_by_users(counted) == {"open": 1, "put": 1, "tell": 1, "read": 1}

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
                await runtime.sessions.row(SessionId("default", name), BOB)
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
