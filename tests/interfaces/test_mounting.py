"""The API within an application of somebody's own."""

import asyncio
import signal

import fastapi
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from tests.interfaces.house import client, house, shown
from tests.interfaces.served import ME

import jackline
from jackline import Agent, Runtime, Settings
from jackline.interfaces.http.guarding import Guarded
from jackline.interfaces.identity import Development
from jackline.testing import ScriptedModel

OURS = "https://app.example.com"


def own(api: ASGIApp, kind: str) -> ASGIApp:
    if kind == "starlette":
        return Starlette(routes=[Mount("/agents", api)])
    app = fastapi.FastAPI()

    @app.get("/mine")
    async def mine() -> str:
        """Answer."""
        return "mine"

    app.mount("/agents", api)
    return app


@pytest.mark.parametrize("kind", ["fastapi", "starlette"])
def test_it_works_under_a_prefix(kind: str) -> None:
    async def story() -> None:
        async with Runtime([Agent("a", ScriptedModel(["Hi."]))], store="memory://") as runtime:
            app = own(jackline.asgi(runtime, [Development(ME)]), kind)
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                body = {"agent": "a", "input": "Hello."}
                turns = "/agents/v1/sessions/s/turns"
                answer = await client.post(f"{turns}?wait=10", json=body)
                assert (answer.status_code, answer.json()["text"]) == (200, "Hi.")
                streamed = await client.post(
                    turns, json=body, headers={"Accept": "text/event-stream"}
                )
                assert "turn.completed" in streamed.text
                large = await client.post(turns, content=b" " * 3_000_000)
                assert (large.status_code, large.json()["code"]) == (413, "oversize")
                for path in ("healthz", "readyz", "metrics", "v1/openapi.json"):
                    assert (await client.get(f"/agents/{path}")).status_code == 200
                assert (await client.get("/v1/sessions")).status_code == 404
                if kind == "fastapi":
                    assert (await client.get("/mine")).json() == "mine"

    asyncio.run(asyncio.wait_for(story(), 30))


def test_a_bug_is_told_as_a_problem_without_what_it_says() -> None:
    class Broken:
        async def caller(self, credentials: str) -> None:
            raise RuntimeError(credentials)

    async def story() -> None:
        async with Runtime([Agent("a", ScriptedModel(["Hi."]))], store="memory://") as runtime:
            api = jackline.asgi(runtime, [Broken()])
            transport = httpx2.ASGITransport(app=api, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
                headers = {"Authorization": "Bearer secret"}
                answer = await client.get("/v1/sessions", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "secret" not in answer.text

    asyncio.run(story())


@pytest.mark.parametrize(
    ("origin", "refused"),
    [(b"https://evil.example", True), (b"http://localhost:3000", False), (b"null", True)],
)
def test_in_development_no_page_of_others_opens_a_websocket(
    origin: bytes, *, refused: bool
) -> None:
    sent, passed = list[Message](), list[str]()

    async def api(scope: Scope, _: Receive, __: Send) -> None:
        passed.append(scope["type"])

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    headers = [(b"host", b"127.0.0.1:8000"), (b"origin", origin)]
    guarded = Guarded(api, [], local=True)
    asyncio.run(guarded({"type": "websocket", "headers": headers}, receive, send))
    assert bool(passed) is not refused
    assert [each["type"] for each in sent] == ["websocket.close"] * refused


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Origin": "http://localhost:5173"}, 200),
        ({"Origin": OURS}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "["}, 403),
        ({"Host": "evil.example", "Origin": OURS}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
    ],
)
def test_where_everybody_is_the_developer_it_is_for_this_machine_alone(
    headers: dict[str, str], status: int
) -> None:
    async def story() -> None:
        async with Runtime([Agent("a", ScriptedModel(["Hi."]))], store="memory://") as runtime:
            app = own(
                jackline.asgi(runtime, [Development(ME)], Settings(origins=(OURS,))), "fastapi"
            )
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
                answer = await web.get("/agents/v1/sessions", headers=headers)
                assert answer.status_code == status

    asyncio.run(story())


def test_what_the_settings_say_holds_where_it_is_mounted() -> None:
    async def story() -> None:
        settings = Settings(origins=(OURS,), metrics_open=True, key_streams=1, approve_own=True)
        async with house(settings=settings) as (_, app), client(app) as web:
            asked, ann = {"agent": "clerk", "input": "pay"}, shown("ann", "acme", "user")
            paged = await web.get("/v1/agents", headers={**ann, "Origin": OURS})
            counted = await web.get("/metrics")
            turn = await web.post("/v1/sessions/s/turns?wait=9", json=asked, headers=ann)
            assert [each.status_code for each in (paged, counted, turn)] == [200] * 3
            (question,) = (await web.get("/v1/questions", headers=ann)).json()["questions"]
            said = {"approved": True, "digest": question["digest"]}
            at = f"/v1/sessions/s/questions/{question['question']}"
            assert (await web.post(at, json=said, headers=ann)).status_code == 202
            (known,) = app.state.service.identities
            with app.state.service.place(await known.caller("ann~acme~user")):
                more = await web.get("/v1/sessions/s/turns/2?wait=9", headers=ann)
            assert more.status_code == 429

    asyncio.run(story())


def test_those_who_hear_signals_hear_them_as_before() -> None:
    heard, before = list[int](), signal.getsignal(signal.SIGTERM)

    async def story() -> None:
        async with Runtime([Agent("a", ScriptedModel(["Hi."]))], store="memory://") as runtime:
            api = jackline.asgi(runtime, [Development(ME)])
            async with jackline.draining(api):
                signal.raise_signal(signal.SIGTERM)
                signal.raise_signal(signal.SIGTERM)
                await asyncio.to_thread(lambda: asyncio.run(elsewhere(api)))
            assert api.state.service.readers.closing == "drain"
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM] * 3

    async def elsewhere(api: fastapi.FastAPI) -> None:
        """Do the same in a thread, where no signal is heard."""
        async with jackline.draining(api):
            assert heard

    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        asyncio.run(story())
    finally:
        signal.signal(signal.SIGTERM, before)
