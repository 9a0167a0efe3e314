"""What stays open is limited by key and by tenant, and by what a process may open."""

import asyncio
import logging
import os
import resource
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import httpx2
import pytest
from tests.interfaces.house import house, shown
from tests.interfaces.served import ENDS_S, ME, clerk, served, serving
from tests.kill.processes import passed
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from jackline import Runtime
from jackline.interfaces.identity import Development
from jackline.interfaces.service import Bounds

ANN, BOB = shown("ann", "heron", "user"), shown("bob", "heron", "user")
EVE = shown("eve", "bittern", "user")
STREAM = {"Accept": "text/event-stream"}


@asynccontextmanager
async def open_house() -> AsyncGenerator[tuple[str, httpx2.AsyncClient]]:
    """Serve a house where a key has two places and a tenant three, and open everybody's session."""
    async with (
        house(bounds=Bounds(key_streams=2, tenant_streams=3)) as (_, app),
        serving(app) as url,
        httpx2.AsyncClient(base_url=f"{url}/v1", timeout=ENDS_S) as web,
    ):
        for who in (ANN, BOB, EVE):
            asked = {"agent": "clerk", "session": named(who)}
            assert (await web.post("/sessions", json=asked, headers=who)).status_code == 201
        yield url, web


def named(who: Mapping[str, str]) -> str:
    return who["Authorization"].split()[1].split("~")[0]


async def follow(web: httpx2.AsyncClient, who: Mapping[str, str], held: AsyncExitStack) -> int:
    """Open a stream for as long as it is held, and return what was answered."""
    events = f"/sessions/{named(who)}/events"
    stream = web.stream("GET", events, headers={**who, **STREAM})
    return (await held.enter_async_context(stream)).status_code


async def joined(url: str) -> int:
    """Return what is answered to who wants a WebSocket."""
    try:
        where = f"{url.replace('http', 'ws')}/v1/sessions/ann/ws"
        async with connect(where, additional_headers=ANN):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def test_whoever_has_too_much_open_is_refused_whatever_it_would_be_and_others_are_not() -> None:
    async def story() -> None:
        async with open_house() as (url, web), AsyncExitStack() as others:
            turn, hello = "/sessions/ann/turns", {"agent": "clerk", "input": "Hello."}
            chat = {"model": "clerk", "messages": [{"role": "user", "content": "Hello."}]}
            async with AsyncExitStack() as held:
                assert [await follow(web, ANN, held) for _ in range(3)] == [200, 200, 429]
                waits = await web.post(f"{turn}?wait=5", json=hello, headers=ANN)
                assert (waits.status_code, waits.json()["code"]) == (429, "throttled")
                assert int(waits.headers["retry-after"]) >= 1
                compatible = await web.post("/chat/completions", json=chat, headers=ANN)
                assert compatible.json()["error"]["type"] == "rate_limit_error"
                assert await joined(url) == 429
                assert (await web.get("/sessions/ann", headers=ANN)).json()["head"] == 1
                assert (await web.post(turn, json=hello, headers=ANN)).status_code == 202
                assert [await follow(web, BOB, others) for _ in range(2)] == [200, 429]
                assert await follow(web, EVE, others) == 200
            async with asyncio.timeout(ENDS_S):
                while await joined(url) == 429:
                    await passed(0.02)
                waits = await web.post(f"{turn}?wait=5", json=hello, headers=ANN)
                assert (waits.status_code, await joined(url)) == (200, 101)
                chat["messages"] = [{"role": "user", "content": "And?"}]
                answer = await web.post("/chat/completions", json=chat, headers=ANN)
                assert answer.status_code == 200

    asyncio.run(story())


def test_the_developer_opens_as_much_as_they_want() -> None:
    async def story() -> None:
        bounds = Bounds(key_streams=1, tenant_streams=1)
        async with (
            Runtime([clerk()], store="memory://") as runtime,
            served(runtime, [Development(ME)], bounds=bounds) as web,
            AsyncExitStack() as held,
        ):
            await web.post("/v1/sessions", json={"agent": "clerk", "session": "s"})
            for _ in range(3):
                stream = web.stream("GET", "/v1/sessions/s/events", headers=STREAM)
                assert (await held.enter_async_context(stream)).status_code == 200

    asyncio.run(story())


def test_a_process_that_can_open_nothing_more_says_so_once_and_goes_on_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        async with house() as (_, app), serving(app) as url:
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            with ExitStack() as there:
                clients = [there.enter_context(socket.socket()) for _ in range(5)]
                os.close(most := os.dup(0))  # The lowest that is free.
                try:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
                    for each in clients:
                        each.settimeout(0)
                        each.connect_ex(("127.0.0.1", int(url.rpartition(":")[2])))
                    async with asyncio.timeout(ENDS_S):
                        while "out of system resource" not in caplog.text:
                            await passed(0.02)
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                async with httpx2.AsyncClient(timeout=ENDS_S) as web:
                    assert (await web.get(f"{url}/healthz")).status_code == 200

    with caplog.at_level(logging.ERROR, "asyncio"):
        asyncio.run(story())
    assert caplog.text.count("out of system resource") <= 2
