"""The server as it is run, on a loopback port in the test's own event loop, and clients of it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from jackline import Agent, Runtime
from jackline.adapters.metrics import Metrics
from jackline.core.user import User
from jackline.interfaces.http.app import api
from jackline.interfaces.http.listening import Listener, bound
from jackline.interfaces.identity import Development, Identity
from jackline.interfaces.service import Bounds, Service, Watch
from jackline.opening import Surroundings
from jackline.ports import Observer
from jackline.serving import asgi
from jackline.testing import ScriptedModel

ME = User("me")
ENDS_S = 10.0
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Here:
    """What is served, and where."""

    url: str
    runtime: Runtime
    service: Service
    client: httpx2.AsyncClient

    @property
    def port(self) -> int:
        """Return where it listens."""
        return int(self.url.rpartition(":")[2])


def clerk() -> Agent:
    """Return an agent that says hello."""
    return Agent("clerk", ScriptedModel(["Hello."]))


@asynccontextmanager
async def serving(app: Any, ping_s: float = 20.0) -> AsyncGenerator[str]:  # any ASGI application
    """Serve an application, and give its address."""
    with bound("127.0.0.1", 0) as listener:
        server = Listener(app, _GRACE_S)
        server.config.ws_ping_interval = server.config.ws_ping_timeout = ping_s
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve([listener]))
            async with asyncio.timeout(ENDS_S):
                await server.listens()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.end()


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


@asynccontextmanager
async def running(
    agents: Sequence[Agent],
    store: str = "memory://",
    *,
    identities: Sequence[Identity] = (Development(ME),),
    observers: Sequence[Observer] = (),
    metrics: Metrics | None = None,
    bounds: Bounds | None = None,
) -> AsyncGenerator[Here]:
    """Serve these agents, to everybody on this machine."""
    metrics = metrics or Metrics()
    around = Surroundings(observers=[metrics, *observers])
    async with Runtime(agents, store=store, surroundings=around) as runtime:
        app = asgi(runtime, identities, watch=Watch(metrics))
        if bounds:
            app = api(replace(app.state.service, bounds=bounds))
        async with serving(app) as url, httpx2.AsyncClient(timeout=20) as client:
            try:
                yield Here(url, runtime, app.state.service, client)
            finally:
                app.state.service.readers.send_away()


def bearer(shown: str) -> dict[str, str]:
    """Return the headers of who shows this."""
    return {"Authorization": f"Bearer {shown}"}
