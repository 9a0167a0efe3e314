"""What endpoints are given: the service, and who asks, who has to have a right."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import nullcontext
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from jackline.core.access import Right
from jackline.core.events import SessionId
from jackline.interfaces.identity import Caller, known_caller
from jackline.interfaces.service import Service

_STREAM = "text/event-stream"
_bearer = HTTPBearer(auto_error=False, description="An API key, or a token of your provider.")


Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Known(APIRoute):
    """An endpoint that knows who asks before it reads anything of what they send."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request. It raises `UnauthenticatedError`."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            """Answer who is known."""
            service = await the_service(request)
            authorization = request.headers.get("authorization", "")
            request.state.caller = await known_caller(service.identities, authorization)
            return await handler(request)

        return answered


async def the_service(request: Request) -> Service:
    """Return what the endpoints need."""
    return request.app.state.service


async def the_caller(request: Request, _: Annotated[Any, Security(_bearer)]) -> Caller:
    """Return who asks, as its route knows."""
    return request.state.caller


class _Needs:
    """Lets callers pass who have a right."""

    def __init__(self, right: Right) -> None:
        self._right: Right = right

    async def __call__(self, caller: Annotated[Caller, Depends(the_caller)]) -> Caller:
        """Return who asks. Raises `ForbiddenError` where they may not."""
        caller.check(self._right)
        return caller


async def the_reader(caller: Annotated[Caller, Depends(the_caller)]) -> Caller:
    """Return who asks, who may look at what is theirs, or at what is everybody's."""
    if not caller.may("see"):
        caller.check("say")
    return caller


Served = Annotated[Service, Depends(the_service)]
Anybody = Annotated[Caller, Depends(the_caller)]
Reader = Annotated[Caller, Depends(the_reader)]
Speaker = Annotated[Caller, Depends(_Needs("say"))]
Approver = Annotated[Caller, Depends(_Needs("answer"))]
Operator = Annotated[Caller, Depends(_Needs("operate"))]
Admin = Annotated[Caller, Depends(_Needs("administer"))]
Name = Annotated[str, Path(min_length=1, max_length=200, description="A session's name.")]


def wants_stream(accept: str) -> bool:
    """Whether an `Accept` header asks for a stream."""
    return _STREAM in accept


async def a_place(service: Served, caller: Anybody) -> AsyncGenerator[None]:
    """Hold one of the caller's places until the request is answered whole."""
    with service.place(caller):
        yield


async def a_place_to_wait(
    request: Request, service: Served, caller: Anybody
) -> AsyncGenerator[None]:
    """Hold one where the request asks for a stream, or to wait."""
    waits = "wait" in request.query_params or wants_stream(request.headers.get("accept", ""))
    with service.place(caller) if waits else nullcontext():
        yield


def session_of(caller: Caller, name: str) -> SessionId:
    """Return the whole name of a session of the caller's tenant."""
    return SessionId(caller.user.tenant, name)
