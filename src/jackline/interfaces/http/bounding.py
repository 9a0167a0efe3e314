"""How much a request may be: looked at before anything is read."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jackline.core.errors import InputError, JacklineError, OversizeError
from jackline.interfaces.problems import problem
from jackline.interfaces.service import Bounds

_LINGER_S = 2.0
_GONE: Message = {"type": "http.disconnect"}


class Bounded:
    """Refuses a body that is larger than is taken, or that does not come.

    What is announced as too large is refused before it is read. Of what comes in spite of that
    nothing is kept: it is read for a moment, so that whoever sends it can read why.
    """

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a body that is watched."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if "content-length" not in headers and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        bounds = self._bounds
        uploads = scope["method"] == "POST" and scope["path"].endswith("/artifacts")
        most = bounds.artifact_bytes if uploads else bounds.body_bytes
        body = _Body(most, bounds.send_s, receive, send)
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced[:20]) > most:
            await body.refuse(_oversize(most))
            return
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            if not body.refused:  # Then whoever wanted the body has only heard that it is gone.
                raise


class _Body:
    """The body of a request, as it comes."""

    def __init__(self, most: int, wait_s: float, receive: Receive, send: Send) -> None:
        self.refused = False
        self._most = most
        self._wait_s = wait_s
        self._receive = receive
        self._send = send
        self._size = 0
        self._whole = self._answered = False

    async def receive(self) -> Message:
        """Return what comes next, or that nobody is there: where it was too much, or too slow."""
        if self.refused:
            return _GONE
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._wait_s):
                message = await self._receive()
        except TimeoutError:
            text = f"Nothing came of the body for {self._wait_s:g} s."
            await self.refuse(InputError(text))
            return _GONE
        self._whole = not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        if self._size > self._most:
            await self.refuse(_oversize(self._most))
            return _GONE
        return message

    async def send(self, message: Message) -> None:
        """Send, unless it was answered already."""
        if not self.refused:
            self._answered = True
            await self._send(message)

    async def refuse(self, error: JacklineError) -> None:
        """Answer that, and close. Where it is answered already the answer ends."""
        self.refused = True
        if self._answered:
            return
        answer = problem(error)
        answer.headers["Connection"] = "close"
        headers, body = answer.raw_headers, answer.body
        await self._send(
            {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        )
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        try:
            async with asyncio.timeout(_LINGER_S):
                while (await self._receive()).get("more_body", False):
                    pass
        except TimeoutError:
            self._whole = False
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _oversize(most: int) -> OversizeError:
    return OversizeError(f"A request has at most {most:,} bytes here.")
