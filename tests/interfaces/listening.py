"""A server on a port of its own, in the test's own event loop."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx2

from jackline.adapters.metrics import Metrics
from jackline.app import Runtime
from jackline.core.agent import Agent
from jackline.core.user import User
from jackline.interfaces.http.app import api
from jackline.interfaces.http.listening import Listener, bound
from jackline.interfaces.identity import Development, Identity
from jackline.interfaces.service import Bounds, Service, Watch
from jackline.opening import Surroundings
from jackline.ports import Observer
from jackline.serving import asgi

ME = User("me")


@dataclass(frozen=True, slots=True)
class Here:
    """What is served, and where."""

    url: str
    port: int
    runtime: Runtime
    service: Service
    client: httpx2.AsyncClient


@asynccontextmanager
async def serving(
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
        with bound("127.0.0.1", 0) as listener:
            port = listener.getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            server = Listener(app, 1)
            async with asyncio.TaskGroup() as group, httpx2.AsyncClient(timeout=20) as client:
                group.create_task(server.serve([listener]))
                await server.listens()
                try:
                    yield Here(url, port, runtime, app.state.service, client)
                finally:
                    app.state.service.readers.send_away()
                    server.end()
