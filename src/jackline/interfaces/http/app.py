"""The ASGI application: what is under /v1."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from jackline.core.errors import JacklineError
from jackline.interfaces import problems
from jackline.interfaces.http import (
    agents,
    artifacts,
    events,
    health,
    questions,
    schema,
    sessions,
    sockets,
    spending,
    turns,
)
from jackline.interfaces.http.bounding import Bounded
from jackline.interfaces.http.guarding import SAFELY, Guarded
from jackline.interfaces.http.watching import Watched
from jackline.interfaces.openai import chat, models, responses
from jackline.interfaces.openai.refusals import STATUSES as OPENAI
from jackline.interfaces.readiness import Readiness
from jackline.interfaces.service import Service

_ROUTERS: Sequence[APIRouter] = (
    sessions.router,
    turns.router,
    events.router,
    questions.router,
    artifacts.router,
    agents.router,
    sockets.router,
    spending.router,
)
_NO_JSON, _NOT_ALLOWED = 400, 405
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
    app = _Api(
        title="jackline",
        version="1",
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.state.readiness = Readiness(service)
    for router in _ROUTERS:
        app.include_router(router, prefix="/v1", responses=schema.problems())
    for router in (chat.router, responses.router, models.router):
        app.include_router(router, prefix="/v1", responses=OPENAI)
    app.include_router(health.router)
    app.add_exception_handler(JacklineError, problems.told)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Bounded, bounds=service.bounds)
    app.add_middleware(Guarded, origins=service.origins, local=service.develops)
    app.add_middleware(Watched, service=service, routes=app.routes)
    return app


async def _malformed(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler's shape
    assert isinstance(error, RequestValidationError)
    return problems.malformed(problems.found_wrong(error.errors()))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == _NO_JSON:
        return problems.malformed(({"where": "body", "what": str(error.detail)},))
    told = problems.Problem(
        "about:blank", str(error.detail), error.status_code, "http", str(error.detail)
    )
    headers = error.headers
    if error.status_code == _NOT_ALLOWED:
        headers = {"Allow": ", ".join(sorted(_verbs(request)))}
    return problems.answer(told, headers)


def _verbs(request: Request) -> set[str]:
    """Return what can be asked at a path: a route knows of its own verb alone."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    there = [
        each for each in iter_route_contexts(request.app.routes) if each.path_regex.match(path)
    ]
    return {verb for route in there for verb in route.methods or ()}


async def _broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - a handler's shape
    """Tell nothing of a bug: whoever serves logs it, and raises it once more.

    Clients of OpenAI's are not to repeat what may have been accepted before it. What is broken is
    answered for outside of all else, also of what guards answers.
    """
    told = problems.Problem("about:blank", "A bug", 500, "internal")
    return problems.answer(told, {**SAFELY, "x-should-retry": "false"})
