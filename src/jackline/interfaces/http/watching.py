"""Each request, once it is answered: counted, and written down where that is wanted."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jackline.interfaces.service import Service


class Watched:
    """Counts requests by their routes, not by what stands in their place: that has no bounds."""

    def __init__(self, app: ASGIApp, service: Service, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._service = service
        # What the scope calls its route knows nothing of the prefix under which it is included.
        self._routes = {each.endpoint: each.path or "" for each in iter_route_contexts(routes)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at how its answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock, status, took_s = self._service.clock, 500, 0.0
        began = clock()

        async def sent(message: Message) -> None:
            nonlocal status, took_s
            if message["type"] == "http.response.start":
                status, took_s = message["status"], clock() - began
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            route = self._routes.get(scope.get("endpoint"), "other")
            if metrics := self._service.watch.metrics:
                metrics.requested(route, scope["method"], status, took_s or clock() - began)
            if write := self._service.watch.access:
                write(_line(scope, route, status, clock() - began))


def _line(scope: Scope, route: str, status: int, seconds: float) -> Mapping[str, object]:
    """Return what is written down: no path and no query, which may say what is nobody's business.

    It is written once all is sent: a stream is there for as long as somebody has followed it.
    """
    client: Any = scope.get("client")
    return {
        "method": scope["method"],
        "route": route,
        "status": status,
        "seconds": round(seconds, 4),
        "client": client[0] if client else "",
    }
