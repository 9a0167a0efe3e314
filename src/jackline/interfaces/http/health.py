"""What those ask who watch over the server: whether it lives, whether it is ready, what it counts.

They stand outside /v1, and say nothing of what anybody has said.
"""

from fastapi import APIRouter, Request, Response

from jackline.core.errors import NotFoundError
from jackline.interfaces.http.asking import Served
from jackline.interfaces.http.replies import json
from jackline.interfaces.identity import known_caller
from jackline.interfaces.readiness import Readiness

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def show_health() -> Response:
    """Say that the process answers."""
    return json({"status": "alive"})


@router.get("/readyz")
async def show_readiness(request: Request) -> Response:
    """Say whether the server is fit to be asked, and with 503 what is not."""
    readiness: Readiness = request.app.state.readiness
    checks = await readiness.checks()
    ready = all(each == "ok" for each in checks.values())
    return json({"ready": ready, "checks": checks}, 200 if ready else 503)


@router.get("/metrics")
async def show_metrics(request: Request, service: Served) -> Response:
    """Show what was counted, to operators, or to all where it is open."""
    metrics = service.watch.metrics
    if metrics is None:
        raise NotFoundError("Nothing is counted here.")
    if not service.watch.open:
        said = request.headers.get("authorization", "")
        (await known_caller(service.identities, said)).check("operate")
    return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
