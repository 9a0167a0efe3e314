"""Errors as HTTP tells them: problem details (RFC 9457), with the code that docs/errors.md has."""

import logging
import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jackline.core.errors import (
    BusyError,
    ConflictError,
    FencedError,
    ForbiddenError,
    InputError,
    JacklineError,
    NotFoundError,
    OperatorError,
    OversizeError,
    ProviderError,
    StaleError,
    ThrottledError,
    UnauthenticatedError,
    UnknownOutcomeError,
)

_LOG = logging.getLogger("jackline.server")
MEDIA_TYPE = "application/problem+json"
_ERRORS_MAX, _TEXT_MAX = 20, 200
_STATUS: Mapping[type[JacklineError], tuple[int, str]] = {
    UnauthenticatedError: (401, "Nobody knows who asks"),
    ForbiddenError: (403, "No right to this"),
    NotFoundError: (404, "Not found"),
    ConflictError: (409, "The name or request id is taken already"),
    BusyError: (409, "Busy"),
    StaleError: (409, "The question is not open any more, or was another"),
    OversizeError: (413, "Too large"),
    InputError: (422, "Not what can be taken"),
    ThrottledError: (429, "Too many requests"),
    FencedError: (503, "Another worker drives"),
    ProviderError: (503, "The provider of identities does not answer"),
    UnknownOutcomeError: (503, "Nobody knows whether it was kept"),
    OperatorError: (503, "The store cannot be used now"),
    JacklineError: (400, "This cannot be done"),
}
STATUSES = {400: "This cannot be done", **dict(_STATUS.values())}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong. `code` is stable; `errors` say where input is wrong."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    errors: tuple[Mapping[str, str], ...] = ()


def status_of(error: JacklineError) -> int:
    """Return the status that an error has over HTTP."""
    return _told(error)[0]


def detail_of(error: JacklineError) -> str:
    """Return what a caller is told of an error.

    What is an operator's to mend stands in the log alone: it may name files, hosts and users.
    """
    if not isinstance(error, OperatorError):
        return str(error)
    _LOG.error("A request could not be served (%s): %s", error.code, error)
    return f"{_told(error)[1]}: the server's log says why."


def problem(error: JacklineError, *, keyed: bool = False) -> Response:
    """Return the answer that tells of an error, and when to ask again.

    Where nobody knows whether it took place that is said only to who asks with a key (`keyed`):
    their request is the same one then.
    """
    status, title = _told(error)
    headers: dict[str, str] = {}
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, ThrottledError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if isinstance(error, OperatorError) and (keyed or not isinstance(error, UnknownOutcomeError)):
        headers["Retry-After"] = "1"
    code = error.code if error.code != "error" else "refused"
    return answer(Problem(f"urn:jackline:{code}", title, status, code, detail_of(error)), headers)


def answer(told: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as an answer."""
    return Response(msgspec.json.encode(told), told.status, headers, MEDIA_TYPE)


def malformed(errors: tuple[Mapping[str, str], ...]) -> Response:
    """Return the answer to a request that is not what the schema says."""
    told = "The request is not as the schema says: see errors."
    return answer(Problem("urn:jackline:input", "Malformed", 422, "input", told, errors))


def found_wrong(errors: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], ...]:
    """Return where input is wrong, as pydantic found it: the first places, shortened."""
    return tuple(
        {"where": _short(".".join(map(str, each["loc"]))), "what": _short(str(each["msg"]))}
        for each in islice(errors, _ERRORS_MAX)
    )


def _short(text: str) -> str:
    return text[:_TEXT_MAX].encode("utf-8", "backslashreplace").decode()


async def told(request: Request, error: Exception) -> Response:
    """Handle an error of jackline."""
    assert isinstance(error, JacklineError)
    return problem(error, keyed=bool(request.headers.get("idempotency-key")))


def _told(error: JacklineError) -> tuple[int, str]:
    return next(_STATUS[each] for each in type(error).__mro__ if each in _STATUS)
