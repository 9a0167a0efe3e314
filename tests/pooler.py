"""A transaction-mode pooler, as small as one can be: `with pooled(url) as pooler`.

Each transaction gets whichever connection to the server is free, the one that was used longest ago
first. So whatever a client leaves behind in a connection, another one finds there.
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager, suppress

from tests.proxy import dial, listening, reset, through

_LENGTH = struct.Struct("!I")
_ENCRYPT = (80877103, 80877104)  # SSLRequest and GSSENCRequest: neither is to be had.
_SERVERS = 2
_READY, _STATUS, _IDLE = b"Z", 5, b"I"
_ASKS = (b"Q", b"S", b"F")  # What the server answers with ReadyForQuery, each of them.
_ENDS = b"X"


Message = asyncio.Future[bytes]


class _Server:
    """A connection to the server, logged in. `greeting` is what a client has to hear of that."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.writer = writer
        self.greeting = b""
        self._reader = reader
        self.answer = self.next_answer()

    def next_answer(self) -> Message:
        """Begin to read what it says next."""
        self.answer = _reading(self._reader)
        return self.answer

    async def log_in(self, startup: bytes) -> None:
        """Be somebody, in a database."""
        self.writer.write(startup)
        kind = b""
        while kind != _READY:
            message = await self.answer
            assert not message.startswith(b"E"), message
            self.greeting += message
            kind = message[:1]
            self.next_answer()


class Pooler:
    """Serves any number of clients on two connections for all who log in alike.

    `transactions` counts those that were given a connection, `clients` who came.
    """

    def __init__(self, server: str) -> None:
        self.url = ""
        self.transactions = 0
        self.clients = 0
        self._server = server
        self._made: list[_Server] = []
        self._free: dict[bytes, deque[_Server]] = {}
        self._room: dict[bytes, asyncio.Semaphore] = {}

    def start(self, port: int) -> None:
        """Say where it listens."""
        self.url = through(self._server, port)

    def close(self) -> None:
        """Let the connections to the server go."""
        for server in self._made:
            server.writer.transport.abort()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one client, until it goes."""
        self.clients += 1
        try:
            with suppress(OSError, EOFError):
                await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        startup = await _startup(reader, writer)
        room = self._room.setdefault(startup, asyncio.Semaphore(_SERVERS))
        free = self._free.setdefault(startup, deque())
        async with room:
            server = await self._taken(startup)
            free.append(server)
        writer.write(server.greeting)
        client = _Client(reader, writer)
        while not (await asyncio.shield(client.question)).startswith(_ENDS):
            async with room:
                self.transactions += 1
                server = await self._taken(startup)
                await client.transact(server)
                free.append(server)

    async def _taken(self, startup: bytes) -> _Server:
        free = self._free[startup]
        while free:
            server = free.popleft()
            if not server.answer.done():  # Where it says something unasked it has ended.
                return server
        server = _Server(*await dial(self._server))
        self._made.append(server)
        await server.log_in(startup)
        return server


class _Client:
    """A connection from a client. What it says next is read at all times, and never twice."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.question = self._next_question()

    def _next_question(self) -> Message:
        return _reading(self._reader)

    async def transact(self, server: _Server) -> None:
        """Forward what both say, until the server is ready, and in no transaction."""
        asked, status = 0, b""
        try:
            while asked or status != _IDLE:
                both = [self.question, server.answer]
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                if self.question.done():
                    message = self.question.result()
                    self.question = self._next_question()
                    asked += message[:1] in _ASKS
                    server.writer.write(message)
                if server.answer.done():
                    message = server.answer.result()
                    server.next_answer()
                    self._writer.write(message)
                    if message[:1] == _READY:
                        asked, status = asked - 1, message[_STATUS:]
        except BaseException:
            reset(server.writer)  # The server rolls back, and nobody gets it again.
            raise


async def _startup(reader: StreamReader, writer: StreamWriter) -> bytes:
    """Return as whom a client comes, and where to: the first message, which has no type."""
    while True:
        length = await reader.readexactly(_LENGTH.size)
        rest = await reader.readexactly(_LENGTH.unpack(length)[0] - _LENGTH.size)
        if _LENGTH.unpack(rest[: _LENGTH.size])[0] not in _ENCRYPT:
            return length + rest
        writer.write(b"N")


def _reading(reader: StreamReader) -> Message:
    """Begin to read a message. That there is none any more need not be asked for."""
    message = asyncio.ensure_future(_message(reader))
    message.add_done_callback(lambda read: read.cancelled() or read.exception())
    return message


async def _message(reader: StreamReader) -> bytes:
    head = await reader.readexactly(1 + _LENGTH.size)
    return head + await reader.readexactly(_LENGTH.unpack(head[1:])[0] - _LENGTH.size)


@contextmanager
def pooled(url: str) -> Generator[Pooler]:
    """Put a pooler before the server of this URL. Its own `url` is what clients are given."""
    pooler = Pooler(url)
    with listening(pooler.serve) as (port, loop):
        pooler.start(port)
        try:
            yield pooler
        finally:
            loop.call_soon_threadsafe(pooler.close)
