"""A TCP proxy that is late, deaf or cut where it is told to be: `with proxied(url) as proxy`."""

import asyncio
import socket
import struct
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, suppress
from typing import Any, Literal
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset, and nothing is flushed.
_PORT = 5432
When = Literal["before", "after"]
Serve = Callable[[StreamReader, StreamWriter], Coroutine[Any, Any, None]]


async def dial(url: str) -> tuple[StreamReader, StreamWriter]:
    """Connect to the server of this URL, on TCP or a Unix socket."""
    where = conninfo_to_dict(url)
    host, port = str(where.get("host") or "127.0.0.1"), int(where.get("port") or _PORT)
    if host.startswith("/"):
        return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
    return await asyncio.open_connection(host, port)


def through(url: str, port: int) -> str:
    """Return the URL of the same database behind this port of the machine."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0] or "postgres"
    where = f"{user}@127.0.0.1:{port}"
    return parts._replace(netloc=where, query="sslmode=disable").geturl()


@contextmanager
def listening(serve: Serve) -> Generator[tuple[int, asyncio.AbstractEventLoop]]:
    """Serve each connection, in a thread of its own. Give the port and the event loop."""
    started, ends = threading.Event(), asyncio.Event()
    found: list[tuple[int, asyncio.AbstractEventLoop]] = []

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=CHUNK)
        found.append((server.sockets[0].getsockname()[1], asyncio.get_running_loop()))
        started.set()
        await ends.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert started.wait(10), "a server on the loopback starts at once"
    try:
        yield found[0]
    finally:
        found[0][1].call_soon_threadsafe(ends.set)
        thread.join()


def reset(writer: StreamWriter) -> None:
    """Cut a connection as a machine that has lost it does."""
    sock: socket.socket = writer.get_extra_info("socket")
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


class Proxy:
    """Forwards what comes. From any thread it is told what to do with that.

    `delay_s` is how late each side hears of what the other one has sent. `links` counts the
    connections that were made, `cuts` those that `cut_at` has ended.
    """

    def __init__(self, server: str) -> None:
        self.delay_s = 0.0
        self.links = 0
        self.cuts = 0
        self.url = ""
        self._server = server
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hears = asyncio.Event()
        self._hears.set()
        self._open: set[StreamWriter] = set()
        self._marker = b""
        self._when: When = "before"
        self._left = 0

    def start(self, port: int, loop: asyncio.AbstractEventLoop) -> None:
        """Say where it listens."""
        self.url, self._loop = through(self._server, port), loop

    def cut(self) -> None:
        """Reset all connections that there are."""
        self._tell(lambda: [reset(writer) for writer in list(self._open)])

    def cut_at(self, marker: bytes, when: When, nth: int = 1) -> None:
        """Reset the connection that is the nth to ask for this, `before` the server hears of it.

        Or `after` the server has answered, and nobody hears of that.
        """
        self._when, self._left, self._marker = when, nth, marker

    def cut_nothing(self) -> None:
        """Forget what was to be cut."""
        self._marker = b""

    def turn_deaf(self) -> None:
        """Take what is sent and new connections, too, and never answer."""
        self._tell(self._hears.clear)

    def hear_again(self) -> None:
        """Pass on what has come meanwhile, and what will come."""
        self._tell(self._hears.set)

    def _tell(self, act: Callable[[], object]) -> None:
        done = threading.Event()
        assert self._loop is not None, "it was started"
        self._loop.call_soon_threadsafe(lambda: (act(), done.set()))
        assert done.wait(10), "a proxy's own thread waits for nothing"

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Forward one connection's bytes in both directions, until either side has enough."""
        self.links += 1
        self._open.add(writer)
        try:
            await self._hears.wait()
            answers, requests = await dial(self._server)
            link = _Link(self, writer, requests)
            try:
                with suppress(OSError, ExceptionGroup):
                    async with asyncio.TaskGroup() as group:
                        group.create_task(link.ask(reader))
                        group.create_task(link.answer(answers))
            finally:
                requests.transport.abort()
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    def cuts_at(self, chunk: bytes) -> str:
        """Return when the connection that asks so is to be cut, if it is. Each cut is made once."""
        if not self._marker or self._marker not in chunk:
            return ""
        self._left -= 1
        if self._left:
            return ""
        self._marker = b""
        self.cuts += 1
        return self._when

    async def passed(self) -> None:
        """Wait until it may be forwarded."""
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await self._hears.wait()


class _Link:
    """One connection: a client and a server."""

    def __init__(self, proxy: Proxy, client: StreamWriter, server: StreamWriter) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._doomed = False

    async def ask(self, reader: StreamReader) -> None:
        """Forward requests until the client has no more."""
        while chunk := await reader.read(CHUNK):
            await self._proxy.passed()
            when = self._proxy.cuts_at(chunk)
            if when == "before":
                reset(self._client)
                break
            self._doomed = when == "after"
            self._server.write(chunk)
        self._server.close()

    async def answer(self, reader: StreamReader) -> None:
        """Forward answers, but not one that nobody is to hear."""
        while chunk := await reader.read(CHUNK):
            if self._doomed:
                reset(self._client)
                break
            await self._proxy.passed()
            self._client.write(chunk)
        self._server.close()
        self._client.close()


@contextmanager
def proxied(url: str) -> Generator[Proxy]:
    """Put a proxy before the server of this URL. Its own `url` is what clients are given."""
    proxy = Proxy(url)
    with listening(proxy.serve) as where:
        proxy.start(*where)
        yield proxy
