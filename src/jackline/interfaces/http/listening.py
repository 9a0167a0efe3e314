"""What listens: a socket, and connections that can hold nothing up.

uvicorn speaks HTTP. What it leaves to whoever stands before it is seen to here: a head that does
not end, or is too large, and who reads nothing of what they asked for.
"""

import asyncio
import errno
import logging
import math
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from jackline.core.errors import CallerError
from jackline.interfaces.http.replies import ABORT

HEAD_BYTES = 64 << 10
HEAD_S = 10.0
STALLED_S = 45.0
_KEEP_ALIVE_S = 15
_UNSENT_BYTES = 64 << 10
_BACKLOG = 2_048
_REST_S = 0.5  # Less than asyncio takes until it looks again.


class _Door(socket.socket):
    """A socket that listens, and rests a moment where the process can open nothing more.

    asyncio would try, and log, as often as its backlog is long, and soon do nothing else.
    """

    _rests_until = 0.0

    def accept(self) -> tuple[socket.socket, Any]:
        """Take a connection."""
        now = asyncio.get_running_loop().time()
        if now < self._rests_until:
            raise BlockingIOError
        try:
            return super().accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._rests_until = now + _REST_S
            raise


def bound(host: str, port: int) -> socket.socket:
    """Return a socket at an address, which does not listen yet. Raises `CallerError`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = _Door(family, kind, protocol)
    except OSError as error:
        raise CallerError(f"{host!r} is no address to listen on: {error.strerror}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Connections inherit it: the kernel lets go of who acknowledges nothing for so long.
            most_ms = int(STALLED_S * 1_000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, most_ms)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            # So, too, what the kernel takes over beforehand: by that one sees whether the client
            # takes anything. Of a large buffer a third is gone before it takes over any more.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CallerError(f"Nobody can listen on {host}:{port}: {error.strerror}.") from None
    listener.setblocking(False)  # noqa: FBT003 - the socket's own shape
    return listener


def _untimed(transport: asyncio.Transport) -> None:
    """Leave it to the process how long a client may take.

    To the kernel whoever takes a little at a time takes nothing: for it time goes on until there is
    room for a whole segment of its own, of up to 64 KiB.
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 0)


class Connection(HttpToolsProtocol):
    """A connection whose heads are small and come soon, and whose answers are read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fed = self._sized = 0
        self._in_body = False
        self._head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for a head. What the kernel does not take over is waited for, too."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._head_came()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too large already."""
        if self.transport.is_closing():
            return
        if self._head and not self._in_body:
            self._fed += len(data)
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            return  # It is a WebSocket now.
        if not (self._head or self.timeout_keep_alive_task or self._answers()):
            # What came begins nothing yet, or belongs to a body that was answered before it came.
            self._await_head()
        if self._head and self._fed > HEAD_BYTES and not self.transport.is_closing():
            self._sized = self._fed
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Wait for the rest of the head."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"now": self.transport.abort}}
        if self._head is None:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        """Count what there is of the head."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count what there is of the head."""
        self._count(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin with the request."""
        self._head_came()
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Wait for the next head, no longer for the rest of a body."""
        self._head_came()
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer that it is no request, or has too large a head, and close."""
        if self._sized <= HEAD_BYTES:
            super().send_400_response(msg)
            return
        self._head_came()
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
            b"content-length: 0\r\nconnection: close\r\n\r\n"
        )
        self.transport.close()

    def pause_writing(self) -> None:
        """Let go of who takes nothing for too long: what was written for them is kept till then."""
        super().pause_writing()
        _untimed(self.transport)
        self._await_taking()

    def resume_writing(self) -> None:
        """Write on."""
        if self._stall:
            self._stall.cancel()
            self._stall = None
        super().resume_writing()

    def _count(self, size: int) -> None:
        self._sized += size
        if self._sized > HEAD_BYTES:
            raise ValueError("the head is too large")

    def _answers(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete

    def _await_taking(self) -> None:
        untaken = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(STALLED_S, self._stalled, untaken)

    def _stalled(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._await_taking()  # It is slow, but takes what there is.
        else:
            self.transport.abort()

    def _await_head(self) -> None:
        self._fed = self._sized = 0
        self._head = self.loop.call_later(HEAD_S, self._late)

    def _head_came(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None

    def _late(self) -> None:
        self.transport.close()


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket that can be cut off."""

    def handle_connect(self, event: Request) -> None:
        """Say how, before the application begins."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"] = {
                **(self.scope.get("extensions") or {}),
                ABORT: {"now": self.transport.abort},
            }


class Listener(uvicorn.Server):
    """A server that others tell to end. It waits `grace_s` for requests that are under way."""

    def __init__(self, app: ASGIApp, grace_s: float) -> None:
        # What is wrong with a request is the client's to know: of each there is no line.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        config = uvicorn.Config(
            app,
            http=Connection,
            ws=Socket,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(grace_s),
        )
        super().__init__(config)
        self._listens = asyncio.Event()

    def capture_signals(self) -> AbstractContextManager[None]:  # pyright: ignore[reportIncompatibleMethodOverride] - it is a context manager there, too
        """Leave signals to whoever has started it."""
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._listens.set()

    async def listens(self) -> None:
        """Return once it does."""
        await self._listens.wait()

    def end(self) -> None:
        """Take no new connection, and return once those that are there have been answered."""
        self.should_exit = True
        for each in self.servers:
            each.close()  # Now: whoever is sent away must not come back to this one.

    def cut(self) -> None:
        """Wait for nobody any more."""
        self.should_exit = self.force_exit = True
