"""A server as it is run: uvicorn, on a port of the loopback."""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI
from tests.interfaces.house import house

_WAIT_S = 20.0


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server.startup`."""
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def listening(app: FastAPI, ping_s: float = 20.0) -> AsyncGenerator[str]:
    """Serve an application, and give its address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        config = uvicorn.Config(app, log_config=None, lifespan="off")
        config.ws_ping_interval = config.ws_ping_timeout = ping_s
        server = _Server(config)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(server.serve([taken]))
            async with asyncio.timeout(_WAIT_S):
                await server.listens.wait()
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                server.should_exit = server.force_exit = True
                await task


@contextmanager
def serving() -> Generator[str]:
    """Serve the house from a thread of its own, and give its address."""
    found: Future[str] = Future()
    ended: Future[None] = Future()

    async def serve() -> None:
        async with house() as (_, app), listening(app) as url:
            found.set_result(url)
            await asyncio.wrap_future(ended)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if found.done():
                raise
            found.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield found.result(_WAIT_S)
    finally:
        ended.set_result(None)
        thread.join(_WAIT_S)
