"""What the API answers with: JSON as the journal writes it, and streams."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from jackline.core.errors import (
    AccessChangedError,
    JacklineError,
    NotFoundError,
    StoreError,
    UnauthenticatedError,
)
from jackline.interfaces import wire
from jackline.interfaces.identity import Caller
from jackline.interfaces.readers import DroppedError, check_unchanged, left
from jackline.interfaces.service import Service

_LOG = logging.getLogger("jackline.server")
ABORT = "jackline.abort"  # An extension of ASGI: closes the connection, whatever is under way.
_FAREWELL_S = 1.0
_PIECE_BYTES = 64 << 10
_encode = msgspec.json.Encoder().encode


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a value as JSON."""
    return Response(_encode(value), status, headers, "application/json")


def _come_back() -> bytes:
    return b"retry: 1000\n\n"


class EventStream(Response):
    """Server-sent events, for as long as somebody reads them.

    Who takes nothing for too long, or has to go as the server ends, is sent away, and comes back
    with the id of what it had last; `farewell` tells them where the server ends. So does who reads
    while the store cannot be read. Whose key or token holds no longer, or says something else of
    its `caller`, is sent away, too, within `ping_s`. What has begun of a large event ends there:
    clients drop what has no end (HTML, 9.2.6).
    """

    def __init__(
        self,
        frames: AsyncGenerator[Sequence[bytes]],
        service: Service,
        caller: Caller,
        farewell: Callable[[], bytes] = _come_back,
    ) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(None, 200, headers, "text/event-stream")
        del self.headers["content-length"]
        self._frames = frames
        self._service = service
        self._caller = caller
        self._farewell = farewell
        self._is_whole = True  # What was sent ends where a frame ends.
        self._known_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is, until it ends or the reader has left."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        readers, code, ended = self._service.readers, "ended", False
        group = asyncio.TaskGroup()
        try:
            async with group:
                readers.come(group)
                watch = group.create_task(left(receive))
                last = await self._pump(send, Headers(scope=scope).get("authorization", ""))
                watch.cancel()
                await self._send(send, last if self._is_whole else b"", more=False)
                ended = True
        except* DroppedError as dropped:
            code = next(each.code for each in dropped.exceptions if isinstance(each, DroppedError))
        except* TimeoutError:
            code = "slow_reader"
        finally:
            readers.go(group, code)
        last = self._farewell() if code == "drain" and self._is_whole else b""
        if code == "slow_reader" or not (ended or await _dismissed(send, last)):
            # There is no way to tell it: what it has not taken is in the way.
            _LOG.info("A reader takes nothing, and is cut off.")
            await _cut(scope, receive)

    async def _pump(self, send: Send, authorization: str) -> bytes:
        """Send what there is, and return what is to be said last."""
        loop, ping_s = asyncio.get_running_loop(), self._service.bounds.ping_s
        sent_at = self._known_at = loop.time()
        async with aclosing(self._frames) as batches:
            try:
                async for batch in batches:
                    await self._check(authorization)
                    body, now = b"".join(batch), loop.time()
                    if not body and now < sent_at + ping_s:
                        continue
                    sent_at = now
                    await self._tell(send, body or wire.PING, authorization)
            except (NotFoundError, UnauthenticatedError) as error:
                return _gone(error)
            except AccessChangedError as error:
                return _come_back() + _gone(error)
            except StoreError as error:
                return _come_back() + _ended_with(error.code, self._service.readers.unserved(error))
        return b""

    async def _check(self, authorization: str) -> None:
        """Check now and then that who reads still is who they were."""
        now = asyncio.get_running_loop().time()
        if now >= self._known_at + self._service.bounds.ping_s:
            self._known_at = now
            await check_unchanged(self._service.identities, authorization, self._caller)

    async def _tell(self, send: Send, body: bytes, authorization: str) -> None:
        """Send it in pieces, each in its time: who takes it slowly is not who takes nothing."""
        for end in range(_PIECE_BYTES, len(body) + _PIECE_BYTES, _PIECE_BYTES):
            await self._check(authorization)
            await self._send(send, body[end - _PIECE_BYTES : end])
            self._is_whole = end >= len(body)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._service.bounds.send_s):
            await send(_piece(body, more=more))


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _dismissed(send: Send, last: bytes) -> bool:
    """Say the last to who has to go, and return whether that was taken soon enough."""
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await send(_piece(last, more=False))
    except TimeoutError:
        return False
    return True


async def _cut(scope: Scope, receive: Receive) -> None:
    """Let go of a reader and of what was written for it, where what listens can do that."""
    if abort := scope.get("extensions", {}).get(ABORT):
        abort["now"]()
        with suppress(DroppedError):
            await left(receive)


def _gone(error: JacklineError) -> bytes:
    """Return the last of a stream that this ends."""
    return _ended_with(error.code, str(error))


def _ended_with(code: str, detail: str) -> bytes:
    return wire.frame(wire.said_json("stream.ended", {"code": code, "detail": detail}))
