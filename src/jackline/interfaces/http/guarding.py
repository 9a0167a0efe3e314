"""From where a request may come, what may stand in its URL, and what a browser makes of answers."""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jackline.core.errors import ForbiddenError, InputError, JacklineError
from jackline.interfaces.problems import problem

_SECRETS = frozenset({"token", "api_key", "apikey", "access_token", "id_token", "authorization"})
_ALL = ("*",)
# With these an answer is data to a browser, for nobody else, and not to keep.
SAFELY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class Guarded:
    """Lets pages of these origins ask, and the server's own; who is no page says no origin.

    What has a key in its URL is refused, since a URL stands in logs and histories; and the URL is
    blackened there. Answers say to browsers that they are data, for nobody else, and not to keep.
    With `local` only those pass who speak to this machine by its own name: where everybody is the
    developer, no page may speak for them by a name of its own that leads here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, origins: Collection[str], *, local: bool = False) -> None:
        self._origins = frozenset(origins)
        self._local = local
        self._app = app
        if origins:
            # Whoever may ask may ask all: a key is shown by the page, and no cookie ever is.
            self._app = CORSMiddleware(app, origins, _ALL, _ALL, expose_headers=_ALL, max_age=600)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def say(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in SAFELY.items():
                    headers.setdefault(name, value)
            await send(message)

        if refusal := self._refusal(scope):
            await _refuse(refusal, scope, receive, say)
        else:
            await self._app(scope, receive, say)

    def _refusal(self, scope: Scope) -> JacklineError | None:
        query: bytes = scope.get("query_string", b"")
        found = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        if any(name.strip().lower() in _SECRETS for name, _ in found):
            scope["query_string"] = b"..."  # Whoever logs the request reads it from here.
            return InputError(
                "A key in a URL stands in every log: send it as Authorization: Bearer, and revoke "
                "this one."
            )
        headers = Headers(scope=scope)
        origin, host = headers.get("origin"), headers.get("host", "")
        if self._local and not _is_local(f"//{host}"):
            return ForbiddenError(
                "In development mode this is served to localhost alone, by that name."
            )
        if origin is None or origin in self._origins or _is_own(origin, host):
            return None
        return ForbiddenError(f"Pages of {origin[:200]!r} may not ask here: see `origins`.")


def _is_own(origin: str, host: str) -> bool:
    """Whether a page is the server's own: it has the name by which the server is asked.

    A browser leaves out a port where it goes without saying, in both. On one's own machine all
    pages of its servers are.
    """
    scheme, _, name = origin.partition("://")
    if scheme not in ("http", "https") or not name:
        return False
    return name.lower() == host.lower() or (_is_local(origin) and _is_local(f"//{host}"))


def _is_local(url: str) -> bool:
    """Whether it names this machine: as localhost, or by an address that leads nowhere else."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _refuse(error: JacklineError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer that. A WebSocket is answered as HTTP, where the server can, or not opened."""
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
    await problem(error)(scope, receive, send)
