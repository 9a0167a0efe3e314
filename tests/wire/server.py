"""A provider on loopback: answers as it is told, and remembers what it was asked."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

End = Literal["whole", "cut", "hang", "reset"]


@dataclass(frozen=True)
class Answer:
    """What is sent: a status, headers and chunks. `end` says what happens after the last."""

    chunks: Sequence[bytes] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    end: End = "whole"


@dataclass
class Asked:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Wire:
    """The server: its port, its answers in turn (the last one repeats) and what it was asked."""

    answers: Sequence[Answer]
    port: int = 0
    asked: list[Asked] = field(default_factory=list[Asked])
    called: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await _read(reader))
            self.called.set()
            answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
            await self._answer(answer, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        finally:
            writer.close()

    async def _answer(
        self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        headers = {
            "content-type": "text/event-stream" if answer.status == 200 else "application/json",
            "transfer-encoding": "chunked",
            "connection": "close",
            **answer.headers,
        }
        if answer.end == "reset" and not answer.chunks:
            writer.transport.abort()
            return
        if answer.chunks or answer.end != "hang":
            lines = [f"HTTP/1.1 {answer.status} Status", *(f"{k}: {v}" for k, v in headers.items())]
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        for chunk in answer.chunks:
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
        if answer.end == "hang":
            await reader.read()
            self.left.set()
        elif answer.end == "whole":
            writer.write(b"0\r\n\r\n")
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(head[0].split(" ")[1], headers, json.loads(body) if body else None)


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncGenerator[Wire]:
    """Serve these answers on a free port of loopback."""
    wire = Wire(answers)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()


def failing(status: int, error: Mapping[str, Any], **headers: str) -> Answer:
    """Return an answer that is an error of this body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer([json.dumps(error).encode()], status, named)


def events(*bodies: Mapping[str, Any], named: bool = False) -> list[bytes]:
    """Return server-sent events, each a chunk of its own."""
    return [
        (f"event: {body['type']}\n" if named else "").encode()
        + f"data: {json.dumps(body)}\n\n".encode()
        for body in bodies
    ]
