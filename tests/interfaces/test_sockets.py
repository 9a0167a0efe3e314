"""A WebSocket tells what a stream tells, and takes the verbs that HTTP has, for the same people."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope
from tests.interfaces.house import WAIT_S, Tokens, client, house, journal, shown
from tests.interfaces.served import ENDS_S, serving
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from jackline import Runtime, Settings, User
from jackline.core.errors import UnauthenticatedError
from jackline.core.events import SessionId
from jackline.interfaces.http.replies import ABORT
from jackline.interfaces.identity import Caller
from jackline.interfaces.service import Bounds

ANN = shown("ann", "heron", "user")
BOUNDS = Bounds()
EVE = shown("eve", "heron", "approver")


class Talk:
    """A client that keeps what it was told."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []

    async def say(self, **verb: Any) -> None:
        await self.connection.send(json.dumps(verb))

    async def until(self, **told: Any) -> dict[str, Any]:
        """Return the first message that has these fields."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = json.loads(await self.connection.recv())
                self.heard.append(message)
                if all(message.get(name) == value for name, value in told.items()):
                    return message

    async def ended(self) -> tuple[int, str]:
        """Return the code and reason of the connection's end."""
        async with asyncio.timeout(WAIT_S):
            try:
                while True:
                    self.heard.append(json.loads(await self.connection.recv()))
            except ConnectionClosed as closed:
                told = closed.rcvd
        assert told, "the server said why"
        return told.code, told.reason

    def events(self) -> list[int]:
        return [each["seq"] for each in self.heard if "seq" in each and "at" in each]


@asynccontextmanager
async def joined(
    bounds: Bounds = BOUNDS, **options: Any
) -> AsyncGenerator[tuple[Runtime, FastAPI, Callable[..., Any]]]:
    """Give a runtime, the application, and how one talks with a session of it."""
    async with house(**options) as (runtime, app), serving(app) as url, client(app) as ann:
        app.state.service = replace(app.state.service, bounds=bounds)
        asked = {"agent": "clerk", "session": "one"}
        assert (await ann.post("/v1/sessions", json=asked, headers=ANN)).status_code == 201

        @asynccontextmanager
        async def join(
            name: str = "one", after: str = "", who: Mapping[str, str] = ANN, **more: Any
        ) -> AsyncGenerator[Talk]:
            at = f"{url.replace('http', 'ws')}/v1/sessions/{name}/ws?after={after}"
            async with connect(at, additional_headers=who, **more) as connection:
                yield Talk(connection)

        yield runtime, app, join


def test_what_is_said_comes_back_as_events_and_is_acknowledged() -> None:
    async def story() -> None:
        async with joined() as (runtime, app, join), join() as talk:
            await talk.say(type="input", request_id="r1", input="Hello.")
            receipt = await talk.until(type="receipt")
            await talk.until(type="turn.completed")
            assert receipt["request_id"] == "r1"
            assert (receipt["session"], receipt["repeated"]) == ("one", False)
            await talk.say(type="input", request_id="r1", input="Hello.")
            again = await talk.until(type="receipt")
            assert (again["turn"], again["repeated"]) == (receipt["turn"], True)
            await talk.say(type="input", request_id="r1", input="Something else.")
            assert (await talk.until(type="error"))["code"] == "conflict"
            kept = await runtime.store.read(SessionId("heron", "one"))
            assert talk.events() == [record.seq for record in kept]
            async with client(app) as ann:
                page = (await ann.get("/v1/sessions/one/events", headers=ANN)).json()
            assert [each for each in talk.heard if "at" in each] == page["events"]

    asyncio.run(story())


def test_who_returns_with_the_last_id_is_told_the_rest_once() -> None:
    async def story() -> None:
        async with joined() as (_, _, join):
            async with join() as talk:
                await talk.say(type="input", input="Hello.")
                await talk.until(type="turn.submitted")
                first = talk.events()
            async with join(after=str(first[-1])) as talk:
                await talk.until(type="turn.completed")
                assert [*first, *talk.events()] == list(range(1, talk.events()[-1] + 1))
            async with join(after="999") as talk:
                assert (await talk.until(type="stream.truncated"))["after"] == 999
                await talk.until(type="turn.completed")
                assert talk.events()[0] == 1

    asyncio.run(story())


def test_a_question_is_answered_by_who_may_and_names_its_digest() -> None:
    async def story() -> None:
        async with joined() as (_, _, join), join() as ann, join(who=EVE) as eve:
            await ann.say(type="input", input="Please pay.")
            asked = await eve.until(type="input.requested")
            answer = {"type": "answer", "question": asked["seq"], "approved": True}
            await ann.say(**answer, digest=asked["digest"], request_id="own")
            refused = await ann.until(type="error")
            assert (refused["code"], refused["request_id"]) == ("forbidden", "own")
            await eve.say(**answer, digest="another")
            assert (await eve.until(type="error"))["code"] == "stale"
            await eve.say(**answer)
            assert (await eve.until(type="error"))["code"] == "input"
            await eve.say(**answer, digest=asked["digest"], arguments={"cents": math.inf})
            assert (await eve.until(type="error"))["code"] == "input"
            await eve.say(**answer, digest=asked["digest"], arguments={"cents": 5})
            await eve.until(type="receipt")
            await ann.until(type="turn.completed")
            returned = [each for each in ann.heard if each["type"] == "tool.returned"]
            assert "Paid 5." in json.dumps(returned)

    asyncio.run(story())


def test_who_may_only_see_says_nothing() -> None:
    async def story() -> None:
        viewer = shown("vic", "heron", "viewer")
        async with joined() as (runtime, _, join), join(who=viewer) as talk:
            before = await journal(runtime.store, "heron")
            verbs: list[dict[str, Any]] = [
                {"type": "input", "input": "Hello."},
                {"type": "steer", "input": "Hello."},
                {"type": "answer", "question": 1, "approved": True, "digest": "d"},
                {"type": "cancel"},
                {"type": "resume"},
            ]
            for verb in verbs:
                await talk.say(**verb)
                assert (await talk.until(type="error"))["code"] in {"forbidden", "not_found"}
            assert await journal(runtime.store, "heron") == before

    asyncio.run(story())


def test_who_is_nobody_or_of_elsewhere_gets_no_connection() -> None:
    async def story() -> None:
        async with joined() as (_, _, join):
            cases: list[tuple[int, dict[str, Any]]] = [
                (401, {"who": {}}),
                (401, {"who": {"Authorization": "Bearer nobody"}}),
                (404, {"who": shown("bob", "bittern", "admin")}),
                (404, {"who": shown("ben", "heron", "user")}),
                (403, {"who": shown("eve", "heron", "plumber")}),
                (404, {"name": "two"}),
                (404, {"name": "a%00b"}),
                (422, {"after": "x"}),
                (403, {"origin": Origin("https://evil.example")}),
                (403, {"origin": Origin("null")}),
            ]
            for status, given in cases:
                with pytest.raises(InvalidStatus) as refused:
                    async with join(**given):
                        pass
                response = refused.value.response
                assert response.status_code == status, given
                assert json.loads(response.body)["status"] == status

    asyncio.run(story())


def test_a_browser_shows_its_key_as_a_subprotocol_and_its_page_has_to_be_known() -> None:
    async def story() -> None:
        offered = [Subprotocol("jackline"), Subprotocol("bearer.ann~heron~user")]
        page = Origin("https://console.example")
        async with joined(settings=Settings(origins=(page,))) as (_, _, join):
            async with join(who={}, subprotocols=offered, origin=page) as talk:
                assert talk.connection.subprotocol == "jackline"
                await talk.until(type="session.opened")
                assert talk.connection.request
                host = talk.connection.request.headers["host"]
            for own in (f"http://{host}", "http://localhost:5173"):
                async with join(origin=Origin(own)) as talk:
                    await talk.until(type="session.opened")
            with pytest.raises(InvalidStatus):
                async with join(origin=Origin("https://console.example.evil.example")):
                    pass

    asyncio.run(story())


def test_malformed_verbs_are_refused_and_many_of_them_end_the_connection() -> None:
    async def story() -> None:
        async with joined() as (_, _, join), join() as talk:
            for said in ("", "[]", "{", '{"type":"shout"}', '{"type":"input","input":7}', b"\xff"):
                await talk.connection.send(said)
                assert (await talk.until(type="error"))["code"] == "input"
            await talk.say(type="input", input="Hello.")
            await talk.until(type="receipt")
            for _ in range(10):
                await talk.connection.send("[" * 10_000)
            assert await talk.ended() == (1008, "malformed")

    asyncio.run(story())


def test_a_message_that_is_too_large_ends_the_connection() -> None:
    async def story() -> None:
        async with joined(Bounds(body_bytes=10_000)) as (_, _, join), join() as talk:
            await talk.say(type="input", input="a" * 20_000)
            assert await talk.ended() == (1009, "oversize")

    asyncio.run(story())


def test_who_takes_nothing_is_sent_away_and_told_why_once_it_reads() -> None:
    async def story() -> None:
        large = {"compression": None, "max_size": 1 << 24}
        async with joined(Bounds(send_s=5.0)) as (_, app, join):
            left = app.state.service.readers.left
            async with join(max_queue=1, **large) as slow, join(**large) as other:
                for number in range(12):
                    await other.say(type="input", input=f"{number}" + "a" * 900_000)
                    await other.until(type="turn.completed")
                async with asyncio.timeout(WAIT_S):
                    while not left["slow_reader"]:
                        await (await other.connection.ping())
                assert await slow.ended() == (1013, "slow_reader")
                assert other.events() == list(range(1, other.events()[-1] + 1))

    asyncio.run(story())


def test_those_who_are_there_as_the_server_ends_are_told_to_return() -> None:
    async def story() -> None:
        async with joined() as (_, app, join), join() as talk:
            await talk.until(type="session.opened")
            app.state.service.readers.send_away()
            assert await talk.ended() == (1012, "drain")
            async with join() as late:
                assert await late.ended() == (1012, "drain")

    asyncio.run(story())


def test_who_takes_nothing_is_cut_off_soon_as_the_server_ends() -> None:
    async def story() -> None:
        async with joined() as (_, app, _):
            cut = asyncio.Event()
            comes = iter([{"type": "websocket.connect"}])

            async def receive() -> Message:
                if first := next(comes, None):
                    return first
                await cut.wait()
                return {"type": "websocket.disconnect", "code": 1006}

            async def send(message: Message) -> None:
                if message["type"] != "websocket.accept":
                    await cut.wait()

            scope: Scope = {
                "type": "websocket",
                "path": "/v1/sessions/one/ws",
                "headers": [(b"authorization", ANN["Authorization"].encode())],
                "query_string": b"",
                "extensions": {ABORT: {"now": cut.set}},
            }
            app.state.service.readers.send_away()
            async with asyncio.timeout(ENDS_S):
                await app(scope, receive, send)
            assert cut.is_set()

    asyncio.run(story())


def test_a_session_that_is_erased_ends_its_connections() -> None:
    async def story() -> None:
        async with joined() as (runtime, _, join), join() as talk:
            await talk.until(type="session.opened")
            await runtime.store.erase("heron", session="one")
            assert await talk.ended() == (4404, "not_found")
            assert talk.heard[-1]["type"] == "stream.ended"

    asyncio.run(story())


class Revocable(Tokens):
    """Knows everybody, until their keys are revoked, or roles are taken away."""

    def __init__(self) -> None:
        self.revoked = False
        self.taken = frozenset[str]()

    async def caller(self, credentials: str) -> Caller | None:
        if self.revoked:
            raise UnauthenticatedError("This key was revoked.")
        found = await super().caller(credentials)
        assert found, "all are known here"
        user = found.user
        return Caller(User(user.id, user.tenant, user.roles - self.taken), found.key)


def test_a_key_that_is_revoked_meanwhile_does_nothing_more() -> None:
    async def story() -> None:
        keys = Revocable()
        async with joined() as (runtime, app, join):
            app.state.service = replace(app.state.service, identities=[keys])
            async with join() as talk:
                await talk.until(type="session.opened")
                keys.revoked = True
                before = await journal(runtime.store, "heron")
                await talk.say(type="input", input="Hello.")
                assert await talk.ended() == (1008, "unauthenticated")
                assert await journal(runtime.store, "heron") == before

    asyncio.run(story())


def test_a_connection_that_is_open_ends_when_its_key_is_revoked_or_says_something_else() -> None:
    async def story() -> None:
        keys = Revocable()
        async with joined(Bounds(ping_s=0.05)) as (_, app, join):
            app.state.service = replace(app.state.service, identities=[keys])
            async with join(who=shown("ann", "heron", "user", "fraud")) as talk:
                await talk.until(type="session.opened")
                keys.taken = frozenset({"fraud"})
                assert await talk.ended() == (4403, "access_changed")
                assert talk.heard[-1]["type"] == "stream.ended"
            async with join() as talk:
                await talk.until(type="session.opened")
                keys.revoked = True
                assert await talk.ended() == (1008, "unauthenticated")

    asyncio.run(story())


def test_a_turn_is_cancelled_resumed_and_steered() -> None:
    async def story() -> None:
        async with joined() as (_, _, join), join() as talk:
            await talk.say(type="resume", request_id="early")
            assert (await talk.until(type="error"))["request_id"] == "early"
            await talk.say(type="input", input="Please pay.")
            await talk.until(type="turn.paused")
            await talk.say(type="steer", request_id="s", input="And quickly.")
            assert (await talk.until(type="receipt", request_id="s"))["turn"] is not None
            await talk.say(type="cancel", request_id="c", reason="Enough.")
            await talk.until(type="receipt", request_id="c")
            await talk.until(type="turn.cancelled")

    asyncio.run(story())


def test_a_client_that_is_gone_without_a_word_is_found_out() -> None:
    async def story() -> None:
        async with house() as (_, app), serving(app, ping_s=0.1) as url, client(app) as ann:
            asked = {"agent": "clerk", "session": "one"}
            assert (await ann.post("/v1/sessions", json=asked, headers=ANN)).status_code == 201
            host, _, port = url.removeprefix("http://").partition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            lines = [
                "GET /v1/sessions/one/ws HTTP/1.1",
                f"Host: {host}:{port}",
                f"Authorization: {ANN['Authorization']}",
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13",
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            readers = app.state.service.readers
            async with asyncio.timeout(WAIT_S):
                await reader.readuntil(b"session.opened")
                assert len(readers) == 1
                await reader.read()  # It answers no ping; the server ends it.
            for _ in range(100):  # Until the task of the connection has run.
                await asyncio.sleep(0)
            assert len(readers) == 0
            writer.close()

    asyncio.run(story())


def test_the_document_has_a_schema_of_every_message() -> None:
    async def story() -> None:
        async with house() as (_, app):
            schemas = app.openapi()["components"]["schemas"]
            assert {"InputSaid", "SteerSaid", "AnswerSaid", "CancelSaid", "ResumeSaid"} <= set(
                schemas
            )
            told = {each["$ref"].rpartition("/")[2] for each in schemas["Message"]["anyOf"]}
            assert told == {
                "Acknowledged",
                "Ended",
                "Event",
                "Failed",
                "Reset",
                "TextSaid",
                "Truncated",
            }

    asyncio.run(story())
