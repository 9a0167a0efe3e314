"""What clients can do to a server that is there for others, too."""

import asyncio
import gc
import os
import resource
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Scope
from tests.interfaces.served import ENDS_S, ME, Here, running
from tests.kill.processes import passed

from jackline import Agent, Submission
from jackline.core.errors import UnauthenticatedError
from jackline.core.events import SessionId
from jackline.interfaces.http import listening, replies
from jackline.interfaces.http.replies import ABORT, EventStream
from jackline.interfaces.identity import Caller
from jackline.interfaces.service import Bounds, Service
from jackline.ports import Request
from jackline.testing import ScriptedModel

S = SessionId(ME.tenant, "s")
MIB = 1 << 20
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
FOLLOW = (
    b"GET /v1/sessions/s/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
)
WAIT = b"GET /v1/sessions/s/turns/2?wait=300 HTTP/1.1\r\nHost: localhost\r\n\r\n"
COMPLETE = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\n"
    b"Content-Type: application/json\r\nContent-Length: 64\r\n\r\n"
    b'{"model": "slow", "messages": [{"role":"user","content":"Hi."}]}'
)
UNENDED = [b"", b"\r\n", b"GET /healthz HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"]
POST = "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}\r\n\r\n"


def within(
    story: Callable[[Here], Coroutine[Any, Any, None]], bounds: Bounds | None = None
) -> None:
    async def run() -> None:
        agents = [Agent("a", ScriptedModel(["Hi."])), Agent("slow", ScriptedModel([hangs]))]
        async with asyncio.timeout(50), running(agents, bounds=bounds) as here:
            await story(here)

    asyncio.run(run())


@asynccontextmanager
async def connected(
    here: Here,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def answered(here: Here) -> bool:
    return (await here.client.get(f"{here.url}/healthz")).status_code == 200


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def poured(writer: asyncio.StreamWriter, data: bytes, most: int) -> int:
    """Send it again and again, until that is refused. Return how much was sent."""
    sent = 0
    try:
        while sent < most:
            writer.write(data)
            await writer.drain()
            sent += len(data)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize("where", ["/v1/sessions", "/v1/sessions/s/artifacts"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_of_a_gigabyte_is_refused_early_and_not_kept(where: str, announced: bool) -> None:  # noqa: FBT001 - a parameter
    async def story(here: Here) -> None:
        await here.runtime.sessions.open("a", ME, "s")
        size = "Content-Length: 1073741824" if announced else "Transfer-Encoding: chunked"
        head = POST.format(where, size)
        chunk = b" " * MIB
        data = chunk if announced else b"%x\r\n%b\r\n" % (MIB, chunk)
        before = peak_bytes()
        async with connected(here) as (reader, writer):
            writer.write(head.encode())
            async with asyncio.TaskGroup() as group:
                pours = group.create_task(poured(writer, data, 1024 * MIB))
                told = await reader.readuntil(b"\r\n")
                pours.cancel()
            assert told.split()[1] == b"413"
        assert peak_bytes() < before + 64 * MIB
        assert await answered(here)

    within(story)


def test_a_body_that_is_told_to_be_too_large_is_refused_in_words() -> None:
    async def story(here: Here) -> None:
        body = b'{"agent": "a", "session": "' + b"x" * 3 * MIB + b'"}'
        answer = await here.client.post(f"{here.url}/v1/sessions", content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "oversize")
        async with connected(here) as (reader, writer):
            writer.write(
                b"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n"
            )
            told = await reader.read()  # Of the body nothing was sent.
            assert told.startswith(b"HTTP/1.1 413 ")
            assert told.endswith(b"}")

    within(story)


@pytest.mark.parametrize(
    "line", [b"x" * 65_536, b"".join(b"X-%d: y\r\n" % number for number in range(10_000))]
)
def test_a_head_without_end_is_cut_off(line: bytes) -> None:
    async def story(here: Here) -> None:
        async with connected(here) as (reader, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
            before = peak_bytes()
            sent = await poured(writer, line, 100 * MIB)
            assert sent < 32 * MIB
            assert peak_bytes() < before + 64 * MIB
            with suppress(OSError):
                assert (await reader.read(64)).split()[1] in {b"400", b"431"}
        assert await answered(here)

    within(story)


def test_a_head_that_is_small_enough_passes_in_one_piece_or_in_many() -> None:
    async def story(here: Here) -> None:
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 60_000 + b"\r\n\r\n"
        async with connected(here) as (reader, writer):
            for size in (len(head), 1_000):
                for start in range(0, len(head), size):
                    writer.write(head[start : start + size])
                    await writer.drain()
                assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")
            head = head.replace(b"X-Long: ", b"X-Long: " + b"x" * 10_000)
            writer.write(head)
            assert (await reader.read()).startswith(b"HTTP/1.1 431 ")

    within(story)


@pytest.mark.parametrize(
    "said", [b"", b"\r\n", b"GET /healthz HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"]
)
@pytest.mark.parametrize("first", [False, True])
def test_whoever_does_not_end_a_head_is_not_waited_for(
    said: bytes,
    first: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "HEAD_S", 0.2)
    monkeypatch.setattr(listening, "_KEEP_ALIVE_S", 0.2)

    async def story(here: Here) -> None:
        async with connected(here) as (reader, writer):
            if first:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await reader.readuntil(b"}")
            writer.write(said)
            assert await reader.read() == b""

    within(story)


@pytest.mark.parametrize("size", [1_000, 20_000, 300_000])
def test_a_body_that_comes_after_its_answer_is_no_head(size: int) -> None:
    async def story(here: Here) -> None:
        body = b"x" * 300_000
        async with connected(here) as (reader, writer):
            writer.write(POST.format("/v1/nowhere", f"Content-Length: {len(body)}").encode())
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 404 ")
            for start in range(0, len(body), size):
                writer.write(body[start : start + size])
                await writer.drain()
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")

    within(story)


def test_a_body_that_does_not_end_after_its_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "HEAD_S", 0.2)

    async def story(here: Here) -> None:
        async with connected(here) as (reader, writer):
            writer.write(POST.format("/v1/nowhere", "Content-Length: 1000000").encode())
            await reader.readuntil(b"}")
            sent = 0
            with suppress(OSError):
                while not reader.at_eof():
                    writer.write(b"x")
                    await writer.drain()
                    await passed(0.02)
                    sent += 1
            assert sent < 100

    within(story)


def test_whoever_reads_nothing_is_let_go_and_holds_no_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only as much as fits into the buffers is ever taken out of the journal for them."""
    monkeypatch.setattr(listening, "STALLED_S", 0.5)

    async def story(here: Here) -> None:
        await here.runtime.sessions.open("a", ME, "s")
        data = os.urandom(8 * MIB)
        handle = await here.runtime.store.put(S, data, "image/png")
        gc.collect()
        where = f"/v1/sessions/s/artifacts/{handle}"
        raw = socket.create_connection(("127.0.0.1", here.port))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with raw:
            raw.setblocking(False)  # noqa: FBT003 - the socket's own shape
            ask = f"GET {where} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            await asyncio.get_running_loop().sock_sendall(raw, ask)
            await passed(1.5)
            got = 0
            with suppress(ConnectionResetError):
                while piece := await asyncio.get_running_loop().sock_recv(raw, MIB):
                    got += len(piece)
            assert got < len(data)
        assert await answered(here)

    within(story)


def test_whoever_reads_slowly_is_not_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "STALLED_S", 1.0)

    async def story(here: Here) -> None:
        await here.runtime.sessions.open("a", ME, "s")
        data = os.urandom(12 * MIB)
        handle = await here.runtime.store.put(S, data, "image/png")
        loop = asyncio.get_running_loop()
        async with connected(here) as (reader, writer):
            ask = f"GET /v1/sessions/s/artifacts/{handle} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            writer.write(ask.encode())
            await reader.readuntil(b"\r\n\r\n")
            until, got = loop.time() + 3.5, b""
            while loop.time() < until:
                got += await reader.read(32_768)
                await passed(0.05)
            assert len(got) < len(data) // 2
            assert got + await reader.readexactly(len(data) - len(got)) == data

    within(story)


def test_whoever_has_little_room_and_reads_slowly_is_not_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listening, "STALLED_S", 1.0)  # As the kernel is told.

    async def story(here: Here) -> None:
        monkeypatch.setattr(listening, "STALLED_S", 30.0)
        await here.runtime.sessions.open("a", ME, "s")
        data = os.urandom(MIB // 2)
        handle = await here.runtime.store.put(S, data, "image/png")
        ask = f"GET /v1/sessions/s/artifacts/{handle} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        loop, got = asyncio.get_running_loop(), b""
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
            raw.setblocking(False)  # noqa: FBT003 - the socket's own shape
            await loop.sock_connect(raw, ("127.0.0.1", here.port))
            await loop.sock_sendall(raw, ask.encode())
            until = loop.time() + 3
            while not got.endswith(data) and (piece := await loop.sock_recv(raw, 1_024)):
                got += piece
                if loop.time() < until:
                    await passed(0.05)
        assert got.endswith(data)

    within(story)


async def hangs(request: Request) -> str:  # noqa: ARG001 - a script's shape
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def flood(here: Here, count: int) -> None:
    """Connect, mostly to follow a session or to wait for a turn's end, and go away at once."""
    asks = b"", FOLLOW, WAIT, COMPLETE
    loop = asyncio.get_running_loop()
    for number in range(count):
        with socket.socket() as raw:
            raw.setblocking(False)  # noqa: FBT003 - the socket's own shape
            await loop.sock_connect(raw, ("127.0.0.1", here.port))
            await loop.sock_sendall(raw, asks[number % 4])


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.verify)])
def test_those_who_come_and_go_leave_nothing_behind(count: int) -> None:
    async def story(here: Here) -> None:
        await here.runtime.sessions.begin("slow", ME, Submission("Hi."), "s")
        await flood(here, 100)
        await settled(here)
        fds, tasks, memory = open_files(), len(asyncio.all_tasks()), peak_bytes()
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(flood(here, count // 10))
        await settled(here)
        assert open_files() <= fds + 2
        assert len(asyncio.all_tasks()) <= tasks + 2
        assert peak_bytes() < memory + 48 * MIB
        assert here.service.readers.left.keys() == {"left"}, "who waits is there no longer, too"
        assert await answered(here)

    within(story)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def settled(here: Here) -> None:
    """Wait until nobody reads any more."""
    await answered(here)
    while len(here.service.readers):
        await passed(0.02)
    await passed(0.1)


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def story(here: Here) -> None:
        async with connected(here) as (reader, writer):
            writer.write(POST.format("/v1/sessions", "Content-Length: 100").encode() + b"{")
            assert (await reader.readuntil(b"\r\n")).split()[1] == b"422"

    within(story, Bounds(send_s=0.3))


def test_whoever_follows_and_reads_nothing_is_sent_away(caplog: pytest.LogCaptureFixture) -> None:
    async def story(here: Here) -> None:
        await here.runtime.sessions.open("a", ME, "s")
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with raw:
            raw.setblocking(False)  # noqa: FBT003 - the socket's own shape
            loop = asyncio.get_running_loop()
            await loop.sock_connect(raw, ("127.0.0.1", here.port))
            await loop.sock_sendall(raw, FOLLOW)
            while not here.service.readers.left["slow_reader"]:
                await here.runtime.run("a", "x" * 500_000, session="s", user=ME)
        assert await answered(here)

    with caplog.at_level("WARNING"):
        within(story, Bounds(send_s=0.3))
    assert not caplog.records, "what clients do is no error of ours"


class Taker:
    """A client of a stream. It takes what comes last, or after so many pieces, once it is let."""

    def __init__(self, most: int = 1_000) -> None:
        self.sent: list[bytes] = []
        self._most = most
        self.asked, self.takes, self.cut = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def follows(self, service: Service, *batches: Sequence[bytes]) -> None:
        async def frames() -> AsyncGenerator[Sequence[bytes]]:
            for batch in batches:
                yield batch

        scope: Scope = {"type": "http", "headers": [], "extensions": {ABORT: {"now": self.cut.set}}}
        async with asyncio.timeout(ENDS_S):
            stream = EventStream(frames(), service, Caller(ME, ""))
            await stream(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self.cut.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            if not message["more_body"] or len(self.sent) == self._most:
                self.asked.set()
                await self.takes.wait()
            self.sent.append(message["body"])


def test_whoever_takes_the_end_of_a_stream_late_gets_it_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replies, "_FAREWELL_S", 0.05)

    async def story(here: Here) -> None:
        taker = Taker()
        async with asyncio.TaskGroup() as group:
            group.create_task(taker.follows(here.service, (b"data: {}\n\n",)))
            await taker.asked.wait()
            await passed(0.2)
            taker.takes.set()
        assert taker.sent == [b"data: {}\n\n", b""]
        assert not taker.cut.is_set()
        assert here.service.readers.left == {"ended": 1}

    within(story)


def test_what_is_large_is_sent_in_pieces_of_which_each_has_its_time() -> None:
    async def story(here: Here) -> None:
        taker, event = Taker(), b"data: " + os.urandom(MIB).hex().encode() + b"\n\n"
        taker.takes.set()
        await taker.follows(here.service, (event,), (event, b"data: {}\n\n"))
        assert b"".join(taker.sent) == event + event + b"data: {}\n\n"
        assert max(map(len, taker.sent)) == 64 << 10

    within(story)


def test_whoever_has_to_go_in_the_midst_of_an_event_is_told_nothing_within_it() -> None:
    async def story(here: Here) -> None:
        taker, event = Taker(most=3), b"data: " + b"x" * MIB + b"\n\n"
        async with asyncio.TaskGroup() as group:
            group.create_task(taker.follows(here.service, (event,)))
            await taker.asked.wait()
            here.service.readers.send_away()
            await passed(0.1)
            taker.takes.set()
        assert b"".join(taker.sent) == event[: 3 * (64 << 10)]
        assert here.service.readers.left == {"drain": 1}

    within(story)


class Expiring:
    """Knows everybody, some times."""

    def __init__(self, times: int) -> None:
        self._times = times

    async def caller(self, credentials: str) -> Caller:  # noqa: ARG002 - an identity's shape
        self._times -= 1
        if self._times < 0:
            raise UnauthenticatedError("This key was revoked.")
        return Caller(ME, "")


def test_whose_key_holds_no_longer_is_sent_away_in_the_midst_of_what_is_large() -> None:
    async def story(here: Here) -> None:
        taker, event = Taker(), b"data: " + b"x" * MIB + b"\n\n"
        taker.takes.set()
        service = replace(here.service, identities=[Expiring(3)], bounds=Bounds(ping_s=0))
        await taker.follows(service, (event,))
        assert b"".join(taker.sent) == event[: 2 * (64 << 10)], "no more, and nothing within it"

    within(story)


def test_whoever_has_not_taken_the_end_of_a_stream_as_the_server_ends_is_cut_off() -> None:
    async def story(here: Here) -> None:
        taker = Taker()
        async with asyncio.TaskGroup() as group:
            group.create_task(taker.follows(here.service, (b"data: {}\n\n",)))
            await taker.asked.wait()
            here.service.readers.send_away()
        assert taker.sent == [b"data: {}\n\n"]
        assert taker.cut.is_set()
        assert here.service.readers.left == {"drain": 1}

    within(story)


def test_whoever_reads_nothing_does_not_hold_up_the_server_as_it_ends() -> None:
    async def story(here: Here) -> None:
        here.service.readers.send_away()
        taker = Taker()
        await taker.follows(here.service)
        assert taker.cut.is_set()
        assert here.service.readers.left["drain"] == 1

    within(story)
