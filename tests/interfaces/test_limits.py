"""Who asks too often, from a page of somebody else, or with a key in the URL, is refused."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
import websockets
from fastapi import FastAPI
from starlette.websockets import WebSocket
from tests.interfaces.served import bearer, clerk, served, serving
from websockets import Origin

from jackline import Runtime
from jackline.adapters.memory import MemoryStore
from jackline.core.errors import DefinitionError, ThrottledError
from jackline.core.rates import Quota, parse
from jackline.core.user import User
from jackline.interfaces.http.guarding import Guarded
from jackline.interfaces.identity import Caller, Development
from jackline.interfaces.keys import new_key
from jackline.interfaces.throttling import Throttle
from jackline.opening import Surroundings
from jackline.ports import ApiKey
from jackline.serving import identities
from jackline.settings import Settings
from jackline.testing.conformance import ManualClock

OURS = "https://app.example.com"
ME = Development(User("me"))


def who(user: str, tenant: str = "acme") -> Caller:
    return Caller(User(user, tenant), f"key of {user}")


def passed(throttle: Throttle, caller: Caller, count: int) -> int:
    """Return how many of so many requests pass."""
    found = 0
    for _ in range(count):
        try:
            throttle.take(caller)
        except ThrottledError:
            continue
        found += 1
    return found


def test_a_key_has_its_quota_at_once_and_then_its_rate() -> None:
    clock = ManualClock()
    clock.now = 1e6 + 0.1
    throttle = Throttle(parse("100/s"), None, clock)
    assert passed(throttle, who("ann"), 300) == 100
    for _ in range(20):
        clock.advance(0.1)
        assert passed(throttle, who("ann"), 300) == 10
    assert passed(throttle, who("bob"), 300) == 100, "each key has its own"
    clock.advance(1e6)
    assert passed(throttle, who("ann"), 300) == 100, "rest is not saved up"


def test_all_keys_of_a_tenant_count_together_and_for_no_other_tenant() -> None:
    throttle = Throttle(Quota(5, 1.0), Quota(8, 1.0), ManualClock())
    assert passed(throttle, who("ann"), 10) == 5
    assert passed(throttle, who("bob"), 10) == 3
    assert passed(throttle, who("ann", "other"), 10) == 5


def test_who_is_refused_has_taken_nothing_and_hears_when_to_come_back() -> None:
    clock = ManualClock()
    throttle = Throttle(Quota(10, 1.0), Quota(2, 60.0), clock)
    assert passed(throttle, who("ann"), 50) == 2
    with pytest.raises(ThrottledError, match="of tenant 'acme': 2 in 60 s") as raised:
        throttle.take(who("ann"))
    assert raised.value.retry_after_s == pytest.approx(30.0)
    clock.advance(30)
    assert passed(throttle, who("ann"), 50) == 1


def test_what_is_remembered_of_callers_does_not_grow_with_their_number() -> None:
    clock = ManualClock()
    throttle = Throttle(Quota(1, 60.0), None, clock)
    for number in range(60_000):
        throttle.take(who(f"u{number}"))
    assert len(throttle) <= 20_000
    assert passed(throttle, who("u59999"), 1) == 0, "who asked last is still known"
    clock.advance(60)
    assert passed(throttle, who("u59999"), 2) == 1


def test_who_asks_too_often_gets_429_and_when_to_come_back_and_others_go_on() -> None:
    async def story() -> None:
        store = MemoryStore(ManualClock())
        settings = Settings(key_rate="3/min", tenant_rate="5/min")
        keys = [new_key(await store.key()) for _ in range(3)]
        for key, tenant in zip(keys, ("acme", "acme", "other"), strict=True):
            kept = ApiKey(key.prefix, "job", tenant, "ann", ("user",))
            await store.keys.add(kept, key.digest, None)
        ann, bob, eve = (bearer(key.shown) for key in keys)
        async with Runtime([clerk()], store=store) as runtime:
            known = await identities(settings, store)
            async with served(runtime, known) as web:

                async def asked(headers: dict[str, str]) -> httpx2.Response:
                    return await web.get("/v1/sessions", headers=headers)

                statuses = [(await asked(ann)).status_code for _ in range(4)]
                assert statuses == [200, 200, 200, 429]
                statuses = [(await asked(bob)).status_code for _ in range(3)]
                assert statuses == [200, 200, 429], "the tenant's other key has had the rest"
                refused = await asked(bob)
                assert 1 <= int(refused.headers["retry-after"]) <= 20
                assert refused.json()["code"] == "throttled"
                assert "tenant 'acme'" in refused.json()["detail"]
                assert (await asked(eve)).status_code == 200

    asyncio.run(story())


def test_until_a_key_was_made_nobody_is_known_and_settings_can_do_without_rates() -> None:
    async def story() -> None:
        store = MemoryStore(ManualClock())
        settings = Settings(key_rate="", tenant_rate="")
        assert await identities(settings, store) == []
        key = new_key(await store.key())
        await store.keys.add(ApiKey(key.prefix, "", "acme", "ann"), key.digest, None)
        await store.keys.revoke("acme", key.prefix)
        assert len(await identities(settings, store)) == 1, "or all would be let in by revoking"
        oidc = Settings(oidc_issuer="https://issuer.example", oidc_audience="x")
        assert len(await identities(oidc, MemoryStore(ManualClock()))) == 2

    asyncio.run(story())


def test_what_a_tenant_has_waiting_is_answered_with_429_beyond_its_limit() -> None:
    async def story() -> None:
        around = Surroundings(tenant_queue=2)
        web_agent = {"agent": "clerk", "input": "Hi"}
        async with (
            Runtime([clerk()], store="memory://", drive=False, surroundings=around) as runtime,
            served(runtime, [ME]) as web,
        ):
            answers = [
                await web.post(f"/v1/sessions/s{number}/turns", json=web_agent)
                for number in range(3)
            ]
            assert [each.status_code for each in answers] == [202, 202, 429]
            assert answers[2].headers["retry-after"] == "1"
            assert "2 sessions of tenant 'default' wait" in answers[2].json()["detail"]
            again = await web.post("/v1/sessions/s1/turns", json={"input": "And?"})
            assert again.status_code == 202, "it waits already"

    asyncio.run(story())


Ask = Callable[[httpx2.AsyncClient], Awaitable[None]]


def tell(ask: Ask, *origins: str) -> None:
    async def story() -> None:
        async with (
            Runtime([clerk()], store="memory://") as runtime,
            served(runtime, [ME], settings=Settings(origins=origins)) as web,
        ):
            await ask(web)

    asyncio.run(story())


@pytest.mark.parametrize(
    "query",
    ["token=x", "api_key=x", "access_token=x", "a=1&API_KEY=x", "token", "%74oken=x", "a=1&token="],
)
def test_a_key_in_a_url_is_refused_and_not_logged(
    query: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(web: httpx2.AsyncClient) -> None:
        # As it is where somebody mounts the API in an application that uvicorn serves.
        monkeypatch.setattr(logging.getLogger("uvicorn.access"), "propagate", True)
        answer = await web.get(f"/v1/sessions?{query}&secret-word=1")
        assert answer.status_code == 422
        assert "send it as Authorization: Bearer" in answer.json()["detail"]
        assert (await web.get("/v1/sessions?limit=5")).status_code == 200

    with caplog.at_level(logging.INFO, "uvicorn.access"):
        tell(ask)
    assert "/v1/sessions" in caplog.text
    assert "secret-word" not in caplog.text


def test_answers_tell_browsers_that_they_are_data_and_not_to_be_kept() -> None:
    async def ask(web: httpx2.AsyncClient) -> None:
        for path in ("/v1/sessions", "/v1/sessions/none", "/nothing", "/v1/sessions?token=x"):
            said = (await web.get(path)).headers
            assert said["x-content-type-options"] == "nosniff", path
            assert said["cache-control"] == "no-store"
            assert said["referrer-policy"] == "no-referrer"
            assert "default-src 'none'; frame-ancestors 'none'" in said["content-security-policy"]
            assert "access-control-allow-origin" not in said

    tell(ask)


FOREIGN = [
    "https://evil.example",
    "null",
    "",
    "https://app.example.com.evil.example",
    "https://app.example.com:8443",
    "http://app.example.com",
    "HTTPS://APP.EXAMPLE.COM",
    "file://",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_origin_may_not_even_ask(origin: str) -> None:
    async def ask(web: httpx2.AsyncClient) -> None:
        body = {"agent": "clerk", "session": "s1"}
        answer = await web.post("/v1/sessions", json=body, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        assert (await web.get("/v1/sessions")).json()["sessions"] == []
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert (await web.options("/v1/sessions", headers=headers)).status_code == 403

    tell(ask, OURS)


def test_a_page_of_an_origin_that_is_named_or_of_the_server_itself_may() -> None:
    async def ask(web: httpx2.AsyncClient) -> None:
        headers = {
            "Origin": OURS,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key,last-event-id",
        }
        asked = await web.options("/v1/sessions", headers=headers)
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == OURS
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert "access-control-allow-credentials" not in asked.headers
        body = {"agent": "clerk", "session": "s1"}
        answer = await web.post("/v1/sessions", json=body, headers={"Origin": OURS})
        assert answer.status_code == 201
        assert answer.headers["access-control-allow-origin"] == OURS
        own = str(web.base_url).rstrip("/")
        assert (await web.get("/v1/sessions", headers={"Origin": own})).status_code == 200

    tell(ask, OURS)


def test_a_page_that_may_ask_may_ask_all_of_the_api_and_reads_what_its_answers_say() -> None:
    async def ask(web: httpx2.AsyncClient) -> None:
        api = (await web.get("/v1/openapi.json")).json()["paths"]
        for path, verbs in api.items():
            for verb in verbs:
                headers = {
                    "Origin": OURS,
                    "Access-Control-Request-Method": verb.upper(),
                    "Access-Control-Request-Headers": "x-jackline-session,x-stainless-os",
                }
                asked = await web.options(path, headers=headers)
                assert asked.status_code == 200, (path, verb)
                assert verb.upper() in asked.headers["access-control-allow-methods"]
                assert "x-stainless-os" in asked.headers["access-control-allow-headers"]
                assert "access-control-allow-credentials" not in asked.headers
        answer = await web.get("/v1/models", headers={"Origin": OURS})
        assert answer.headers["access-control-expose-headers"] == "*"
        assert "access-control-allow-credentials" not in answer.headers

    tell(ask, OURS)


def spoken() -> Any:  # an ASGI application
    """Return an application with a WebSocket, guarded as the server is."""
    app = FastAPI()

    @app.websocket("/ws")
    async def speak(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    return Guarded(app, [OURS])


def test_a_websocket_is_opened_to_pages_that_are_named_and_to_who_is_no_page() -> None:
    async def story() -> None:
        async with serving(spoken()) as url:
            place = url.replace("http", "ws") + "/ws"
            for origin in (None, Origin(OURS), Origin(url)):
                async with websockets.connect(place, origin=origin) as socket:
                    assert await socket.recv() == "hello"
            evil = Origin("https://evil.example")
            for origin, query in ((evil, ""), (Origin("null"), ""), (None, "?token=x")):
                with pytest.raises(websockets.InvalidStatus) as raised:
                    await websockets.connect(place + query, origin=origin)
                answer = raised.value.response
                assert answer.status_code == (422 if query else 403)
                assert answer.body
                assert b'"code":' in answer.body

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"origins": ["*"]}, r"'\*' is no origin"),
        ({"origins": ["https://app.example.com/"]}, "is no origin of a page"),
        ({"origins": "app.example.com"}, "is no origin of a page"),
        ({"origins": ["null"]}, "is no origin of a page"),
        ({"key_rate": "many"}, "'many' is no rate"),
        ({"tenant_rate": "0/s"}, "no rate"),
    ],
)
def test_settings_that_nobody_could_mean_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(DefinitionError, match=told):
        Settings.model_validate(settings)


def test_origins_are_names_with_commas_in_the_environment() -> None:
    assert Settings.model_validate({"origins": f"{OURS}, http://localhost:5173"}).origins == (
        OURS,
        "http://localhost:5173",
    )
