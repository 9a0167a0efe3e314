"""A real server on a loopback port, in the test's own event loop, and a real client of it."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import uvicorn

from jackline import Agent, Runtime
from jackline.interfaces.identity import Identity
from jackline.serving import asgi
from jackline.testing import ScriptedModel

ENDS_S = 10.0


def clerk() -> Agent:
    """Return an agent that says hello."""
    return Agent("clerk", ScriptedModel(["Hello."]))


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[str]:  # any ASGI application
    """Serve an application, and give its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()  # Who connects from now on is served as soon as somebody is there.
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            async with asyncio.timeout(ENDS_S):
                await running


@asynccontextmanager
async def served(
    runtime: Runtime, identities: Sequence[Identity], **options: Any
) -> AsyncGenerator[httpx2.AsyncClient]:
    """Serve a runtime that is open, and give a client of it."""
    async with (
        serving(asgi(runtime, identities, **options)) as url,
        httpx2.AsyncClient(base_url=url, timeout=ENDS_S) as client,
    ):
        yield client


def bearer(shown: str) -> dict[str, str]:
    """Return the headers of who shows this."""
    return {"Authorization": f"Bearer {shown}"}
