"""Errors as OpenAI's API tells them: `{"error": {"message", "type", "code", "param"}}`."""

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from jackline.core.errors import (
    BusyError,
    CallerError,
    InputError,
    JacklineError,
    NotFoundError,
    OperatorError,
    ThrottledError,
    UnauthenticatedError,
    UnknownOutcomeError,
)
from jackline.interfaces import problems
from jackline.interfaces.http.asking import Handler, Known

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
_NAME_MAX = 100
_SCHEMA = {"application/json": {"schema": {"$ref": "#/components/schemas/Refused"}}}
STATUSES: dict[int | str, dict[str, Any]] = {
    status: {"description": what, "content": _SCHEMA}
    for status, what in {**problems.STATUSES, 502: "The turn failed", 504: "It goes on"}.items()
}


class Fault(msgspec.Struct, frozen=True):
    """What went wrong. `code` is stable; `param` says which part of the request is meant."""

    message: str
    type: str
    code: str
    param: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """An error, as OpenAI's API tells it."""

    error: Fault


class ParameterError(InputError):
    """A part of the request is not as it has to be, or cannot be had here."""

    def __init__(self, param: str, text: str) -> None:
        super().__init__(text)
        self.param = param


class UnknownModelError(NotFoundError):
    """No agent has the name that the request gives as its model."""

    code = "model_not_found"


class TurnError(CallerError):
    """The turn stands, or has ended, in a way that a chat completion has no form for.

    Asked again without the same `Idempotency-Key` it would be another turn, with effects anew;
    `again`: with it there may be an answer soon.
    """

    def __init__(self, text: str, code: str, status: int = 502, *, again: bool = False) -> None:
        super().__init__(text)
        self.told = code
        self.status = status
        self.again = again


class Compatible(Known):
    """An endpoint that knows who asks, and whose errors have OpenAI's form."""

    def get_route_handler(self) -> Handler:
        """Return what answers a request."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            """Answer, and tell what is refused as OpenAI does."""
            try:
                return await handler(request)
            except JacklineError as error:
                return refused(error, keyed=bool(request.headers.get("idempotency-key")))
            except RequestValidationError as error:
                return _malformed(error.errors())
            except HTTPException as error:
                fault = Fault(str(error.detail), _type(error.status_code), "http")
                return _answer(error.status_code, fault, dict(error.headers or {}))

        return answered


def fault(error: JacklineError) -> Fault:
    """Return what is told of an error."""
    code = error.told if isinstance(error, TurnError) else error.code
    param = error.param if isinstance(error, ParameterError) else None
    text = problems.detail_of(error)
    return Fault(text, _type(_status(error)), "refused" if code == "error" else code, param)


@contextmanager
def accepted() -> Generator[None]:
    """Tell what fails once something was said as of a turn that goes on."""
    try:
        yield
    except OperatorError as error:
        status = problems.status_of(error)
        raise TurnError(problems.detail_of(error), error.code, status, again=True) from error


def refused(error: JacklineError, *, keyed: bool) -> Response:
    """Return the answer that tells of an error. `keyed`: the same request has the same key.

    OpenAI's clients ask again by themselves unless they are told not to: they may where the same
    request can succeed, and is not a second one.
    """
    headers: dict[str, str] = {}
    if isinstance(error, ThrottledError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    elif not _may_repeat(error, keyed=keyed):
        headers["x-should-retry"] = "false"
    elif not isinstance(error, BusyError):
        headers["Retry-After"] = "1"
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(_status(error), fault(error), headers)


def _may_repeat(error: JacklineError, *, keyed: bool) -> bool:
    match error:
        case TurnError():
            return keyed and error.again
        case UnknownOutcomeError():
            return keyed
        case _:
            return isinstance(error, BusyError | OperatorError)


def _status(error: JacklineError) -> int:
    if isinstance(error, TurnError):
        return error.status
    return 400 if isinstance(error, InputError) else problems.status_of(error)


def _type(status: int) -> str:
    return _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004 - it is HTTP's


def _malformed(errors: Sequence[Mapping[str, Any]]) -> Response:
    """Return the answer to a request that is not what the schema says: its first mistake."""
    first = errors[0]
    where = [each for each in first["loc"] if each != "body"]
    param = ".".join(map(str, where))[:_NAME_MAX] or None
    message = f"{param or 'The request'}: {first['msg']}."
    return _answer(400, Fault(message, "invalid_request_error", "input", param), {})


def _answer(status: int, told: Fault, headers: Mapping[str, str]) -> Response:
    # What somebody sent may be no valid Unicode, and then has to be told of in other words.
    words = {"message": told.message, "param": told.param}
    clean = {
        name: said and said.encode("utf-8", "replace").decode() for name, said in words.items()
    }
    body = msgspec.json.encode(Refused(msgspec.structs.replace(told, **clean)))
    return Response(body, status, headers, "application/json")
