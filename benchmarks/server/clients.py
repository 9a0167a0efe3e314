"""Clients that cost little, so that what is measured is the server."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_ROOT = Path(__file__).parent.parent.parent
TOKENS = 4_000
THINKS_S = 0.05


class Speech(NamedTuple):
    """How a server is asked for a turn, and what its answers have in them.

    `stream` and `wait` take the session's number and the agent, and return a request, of which
    the answer streams or comes at the turn's end. `delta` is in each piece of text that streams,
    `completed` in what ends a turn well.
    """

    stream: Callable[[int, str], bytes]
    wait: Callable[[int, str], bytes]
    delta: bytes
    completed: bytes


@dataclass(frozen=True, slots=True)
class Host:
    """A server process, and where it listens."""

    process: Process
    port: int

    async def used(self) -> dict[str, float]:
        """Return the CPU seconds that it has used, and its memory in KiB."""
        assert self.process.stdin, "it is a pipe"
        assert self.process.stdout, "it is a pipe"
        self.process.stdin.write(b"\n")
        return json.loads(await self.process.stdout.readline())


@asynccontextmanager
async def hosted(store: str, stack: str) -> AsyncGenerator[Host]:
    """Give a server that runs while the body does."""
    command = (sys.executable, "-m", "benchmarks.server.host", store, stack)
    process = await asyncio.create_subprocess_exec(*command, cwd=_ROOT, stdin=PIPE, stdout=PIPE)
    assert process.stdin, "it is a pipe"
    assert process.stdout, "it is a pipe"
    try:
        async with asyncio.timeout(60):
            port = int(await process.stdout.readline())
        yield Host(process, port)
    finally:
        process.stdin.close()
        await ended(process, 20)


async def ended(process: Process, within_s: float) -> None:
    """Wait until a process that was told to end has done so, or make it."""
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


class Heard(asyncio.Protocol):
    """One connection: counts what comes, and remembers when the first text did."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self.bytes = 0
        self.deltas = 0
        self.first_at = 0.0
        self.completed = False
        self.ended = asyncio.get_running_loop().create_future()
        self._tail = b""
        self.transport: Any = None
        self.last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what writes."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Count what came. The last chunk of an answer is empty."""
        self.bytes += len(data)
        delta = self._speech.delta
        found = (self._tail + data).count(delta)
        if found and not self.deltas:
            self.first_at = asyncio.get_running_loop().time()
        self.deltas += found
        self._tail = data[-len(delta) + 1 :]
        self.completed = self.completed or self._speech.completed in data
        self.last = data
        if data.endswith(b"0\r\n\r\n") and not self.ended.done():
            self.ended.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """End."""
        if not self.ended.done():
            self.ended.set_result(error)


async def connected(port: int, speech: Speech | None = None) -> Heard:
    """Return a connection."""
    loop = asyncio.get_running_loop()
    _, heard = await loop.create_connection(lambda: Heard(speech or OURS), "127.0.0.1", port)
    return heard


def request(path: str, body: dict[str, Any] | None, accept: str = "text/event-stream") -> bytes:
    """Return a request as it goes over a socket."""
    said = b"" if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n"
    )
    return head.encode() + said


def _stream(session: int, agent: str) -> bytes:
    return request(f"/v1/sessions/s{session}/turns", {"agent": agent, "input": "Say it."})


def _wait(session: int, agent: str) -> bytes:
    path = f"/v1/sessions/s{session}/turns?wait=30"
    return request(path, {"agent": agent, "input": "Say it."}, "*/*")


OURS = Speech(_stream, _wait, b'"text.delta"', b"completed")
