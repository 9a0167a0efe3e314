"""What OpenAI's clients may repeat by themselves: what is not a second turn then."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai
import pytest
from tests.interfaces.openai.desk import WAIT_S, Desk, served
from tests.kill.processes import passed

from jackline import Agent
from jackline.adapters.memory import MemoryStore
from jackline.core.errors import OperatorError, StoreError, UnknownOutcomeError
from jackline.core.events import SessionId
from jackline.ports import Clock, Receipt, Request, SessionRow, Store
from jackline.testing import ScriptedModel

HI: Any = [{"role": "user", "content": "Hi"}]
BUSY = "The database is locked."
KEY = {"Idempotency-Key": "k1"}
CHAT, RESPONSES, TURNS = "/v1/chat/completions", "/v1/responses", "/v1/sessions/s/turns"
BODIES: dict[str, Any] = {
    CHAT: {"model": "slow", "messages": HI},
    RESPONSES: {"model": "slow", "input": "Hi"},
    TURNS: {"agent": "slow", "input": "Hi"},
}


@dataclass
class Slow:
    """An agent that hangs until it may go on, behind a server, and how often it was asked."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def reply(self, request: Request) -> str:  # noqa: ARG002 - a script's shape
        """Say something once it may."""
        self.asked += 1
        self.begun.set()
        await self.goes_on.wait()
        return "Done."

    @asynccontextmanager
    async def served(self, store: str | Store = "memory://") -> AsyncGenerator[Desk]:
        """Serve it."""
        agent = Agent("slow", ScriptedModel([self.reply]))
        async with asyncio.timeout(WAIT_S), served(agent, store=store) as desk:
            try:
                yield desk
            finally:
                self.goes_on.set()


async def answer(desk: Desk, path: str, headers: dict[str, str]) -> httpx2.Response:
    """Return what a request is answered, with all that the answer says."""
    headers = {"Authorization": "Bearer ann@acme:user", **headers}
    async with httpx2.AsyncClient(base_url=desk.url, timeout=WAIT_S) as client:
        return await client.post(path, json=BODIES[path.partition("?")[0]], headers=headers)


def test_a_server_that_ends_says_so_at_once_and_no_client_asks_for_a_second_turn() -> None:
    async def run() -> None:
        slow = Slow()
        async with slow.served() as desk, desk.client(max_retries=2) as client:
            async with asyncio.TaskGroup() as group:
                chat = group.create_task(_raised(client.chat.completions.create, BODIES[CHAT]))
                told = group.create_task(client.responses.create(model="slow", input="Hi"))
                while slow.asked < 2:
                    await passed(0.01)
                desk.readers.send_away()
            assert isinstance(chat.result(), openai.InternalServerError)
            assert (chat.result().status_code, chat.result().code) == (503, "drain")
            assert chat.result().response.headers["x-should-retry"] == "false"
            assert told.result().status == "in_progress"
            assert slow.asked == 2
            assert desk.readers.left["drain"] == 2
            keyed = await answer(desk, CHAT, KEY)
            assert (keyed.status_code, keyed.headers["Retry-After"]) == (503, "1")
            assert "x-should-retry" not in keyed.headers

    asyncio.run(run())


async def _raised(asking: Any, body: Any) -> Any:  # an error of any kind
    with pytest.raises(openai.APIError) as raised:
        await asking(**body)
    return raised.value


def clock() -> Clock:
    """Return what a store in memory goes by here."""
    return asyncio.get_running_loop().time


class Lossy(MemoryStore):
    """Fails once something was said: whoever wants to know what came of it hears nothing."""

    is_said = False
    error: Exception = StoreError("The database is away.")

    async def tell(self, *args: Any, **options: Any) -> Receipt:
        """See `Journal.tell`."""
        receipt = await super().tell(*args, **options)
        self.is_said = True
        return receipt

    async def row(self, session: SessionId) -> SessionRow:
        """See `Store.row`."""
        if self.is_said:
            raise self.error
        return await super().row(session)


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_once_something_was_accepted_only_who_has_a_key_is_to_ask_again(path: str) -> None:
    async def run() -> None:
        async with Slow().served(Lossy(clock())) as desk:
            bare = await answer(desk, path, {})
            assert (bare.status_code, bare.json()["error"]["code"]) == (503, "store")
            assert bare.headers["x-should-retry"] == "false"
            assert "Retry-After" not in bare.headers
        async with Slow().served(Lossy(clock())) as desk:
            keyed = await answer(desk, path, KEY)
            assert (keyed.status_code, keyed.headers["Retry-After"]) == (503, "1")
            assert "x-should-retry" not in keyed.headers

    asyncio.run(run())


def test_nobody_is_to_ask_again_because_of_a_bug() -> None:
    async def run() -> None:
        store = Lossy(clock())
        store.error = RuntimeError("A bug.")
        async with Slow().served(store) as desk:
            told = await answer(desk, CHAT, {})
            assert (told.status_code, told.headers["x-should-retry"]) == (500, "false")

    asyncio.run(run())


@pytest.mark.parametrize("headers", [{}, {"Accept": "text/event-stream"}])
def test_what_was_accepted_is_acknowledged_though_nobody_can_say_what_came_of_it(
    headers: dict[str, str],
) -> None:
    async def run() -> None:
        async with Slow().served(Lossy(clock())) as desk:
            told = await answer(desk, f"{TURNS}?wait=20", headers)
            assert (told.status_code, told.json()["turn"]) == (202, 2)

    asyncio.run(run())


class Refusing(MemoryStore):
    """Accepts nothing."""

    def __init__(self, error: OperatorError) -> None:
        super().__init__(clock())
        self._error = error

    async def tell(self, *_: Any, **__: Any) -> Receipt:
        """See `Journal.tell`."""
        raise self._error


@pytest.mark.parametrize("path", [CHAT, RESPONSES, TURNS])
def test_what_was_not_accepted_may_be_asked_again_and_what_nobody_knows_with_a_key(
    path: str,
) -> None:
    async def run() -> None:
        for error, headers, again in (
            (StoreError(BUSY), {}, True),
            (StoreError(BUSY), KEY, True),
            (UnknownOutcomeError(BUSY), {}, False),
            (UnknownOutcomeError(BUSY), KEY, True),
        ):
            async with Slow().served(Refusing(error)) as desk:
                told = await answer(desk, path, headers)
                assert told.status_code == 503
                assert (told.headers.get("Retry-After") == "1") == again
                if path != TURNS:
                    assert ("x-should-retry" in told.headers) != again

    asyncio.run(run())
