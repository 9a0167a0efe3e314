"""The ASGI application: what is under /v1."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from jackline.core.errors import JacklineError
from jackline.interfaces import problems
from jackline.interfaces.http import agents, artifacts, events, questions, schema, sessions, turns
from jackline.interfaces.http.bounding import Bounded
from jackline.interfaces.http.guarding import Guarded
from jackline.interfaces.service import Service

_ROUTERS: Sequence[APIRouter] = (
    sessions.router,
    turns.router,
    events.router,
    questions.router,
    artifacts.router,
    agents.router,
)
_ABOUT = "Sessions with agents that outlive crashes: say something, follow it, answer, end it."


class _Api(FastAPI):
    """FastAPI, whose document has the wire's own types, too."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, which is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = schema.document(self)
        return self.openapi_schema


def api(service: Service) -> FastAPI:
    """Return the application that serves this."""
    app = _Api(title="jackline", version="1", description=_ABOUT, openapi_url="/v1/openapi.json")
    app.state.service = service
    for router in _ROUTERS:
        app.include_router(router, prefix="/v1", responses=schema.problems())
    app.add_exception_handler(JacklineError, problems.told)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Bounded, bounds=service.bounds)
    app.add_middleware(Guarded, origins=service.origins)
    return app


async def _malformed(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler's shape
    assert isinstance(error, RequestValidationError)
    return problems.malformed(
        tuple(
            {"where": ".".join(map(str, each["loc"])), "what": str(each["msg"])}
            for each in error.errors()
        )
    )


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler's shape
    assert isinstance(error, HTTPException)
    told = problems.Problem(
        "about:blank", str(error.detail), error.status_code, "http", str(error.detail)
    )
    return problems.answer(told, error.headers)


async def _broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler's shape
    """Tell nothing of a bug: whoever serves logs it, and raises it once more."""
    return problems.answer(problems.Problem("about:blank", "A bug", 500, "internal"))
