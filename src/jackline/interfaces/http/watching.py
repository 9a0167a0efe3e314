"""Each request, once it is answered: counted, and written down where that is wanted."""

import logging
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jackline.interfaces.service import Service

ACCESS = logging.getLogger("jackline.access")


class Watched:
    """Counts requests by their routes, not by what stands in their place: that has no bounds."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

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
            route = getattr(scope.get("route"), "path", "other")
            if metrics := self._service.metrics:
                metrics.requested(route, scope["method"], status, took_s or clock() - began)
            if ACCESS.isEnabledFor(logging.INFO):
                _write(scope, route, status, clock() - began)


def _write(scope: Scope, route: str, status: int, seconds: float) -> None:
    """Write a line. It has no path and no query: they may say what is nobody's business."""
    client: Any = scope.get("client")
    fields = {
        "method": scope["method"],
        "route": route,
        "status": status,
        "seconds": round(seconds, 4),
        "client": client[0] if client else "",
    }
    ACCESS.info("%s %s %d", scope["method"], route, status, extra={"fields": fields})
