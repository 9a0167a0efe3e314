"""What went wrong at a provider, as the error that calls for the right reaction."""

import re
from collections.abc import Mapping
from typing import cast

import httpx2
from pydantic_ai import exceptions as theirs

from jackline.core import errors as ours

_TEXT_CHARS_MAX = 500
# Providers repeat keys in their messages: `Incorrect API key provided: sk-…`.
_KEYS = re.compile(r"\b(?:sk|pk|rk|key|gsk|xai|AIza)[-_]?[A-Za-z0-9*_-]{8,}")
_POLICY_CODES = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "invalid_prompt",
        "moderation_blocked",
        "responsibleaipolicyviolation",
    }
)
_POLICY_WORDS = ("content policy", "content management policy", "usage policies", "safety system")
_LENGTH_WORDS = ("context length", "context window", "prompt is too long", "too many tokens")
_TOO_LARGE, _CONFLICT, _TIMEOUT = 413, 409, 408

# What pydantic-ai, which asserts what it expects, or an SDK runs into where a reply is no reply.
GARBLED = (AssertionError, AttributeError, KeyError, IndexError, TypeError, ValueError)
CAUGHT = (theirs.AgentRunError, theirs.UserError, httpx2.HTTPError, httpx2.StreamError, OSError)


def explain(error: Exception, model: str) -> ours.ModelError:
    """Return the error of ours for one of pydantic-ai, of its HTTP client or of a parser.

    `sent` is False only where the provider has surely not begun: it was not reached, or it
    refused before the stream began.
    """
    match error:
        case theirs.ModelAPIError():
            return _refused(error, model)
        case theirs.ContentFilterError():
            return ours.ContentRefusedError(f"{model} refused: {_short(error)}")
        case theirs.UserError() | NotImplementedError():
            return ours.RequestRefusedError(
                f"{model} cannot take this: {_short(error)}", sent=False
            )
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return _unreached(error, model)
        case httpx2.TimeoutException():
            return ours.ModelTimeoutError(f"{model} fell silent.")
        case httpx2.HTTPError() | httpx2.StreamError() | OSError():
            return ours.ConnectionFailedError(f"The connection to {model} broke: {_short(error)}")
        case _:
            return ours.GarbledReplyError(f"{model} sent what is no reply: {_short(error)}")


def _refused(error: theirs.ModelAPIError, model: str) -> ours.ModelError:
    text = f"{model}: {_message(error)}"
    status = error.status_code if isinstance(error, theirs.ModelHTTPError) else None
    if isinstance(error, theirs.ModelRequestTimeout):
        return ours.ModelTimeoutError(_late(error, model))
    if isinstance(error, theirs.ModelConnectionError):
        return _broken(error, model)
    kind = _kind(error, status)
    if kind is None:
        return _by_status(error, status, text)
    return kind(text, sent=error.in_stream, retry_after_s=error.retry_after)


def _kind(error: theirs.ModelAPIError, status: int | None) -> type[ours.ModelError] | None:
    """Return the kind of a refusal that came before any work, unless it came in a stream."""
    if _is_policy(error):
        return ours.ContentRefusedError
    if status == _TOO_LARGE or _is_too_long(error):
        return ours.ContextTooLongError
    match error:
        case theirs.ModelRateLimitError():
            return ours.RateLimitedError
        case theirs.ModelQuotaExceededError() | theirs.ModelAuthenticationError():
            return ours.AccessError
        case theirs.ModelOverloadedError():
            return ours.OverloadedError
        case theirs.ModelRequestRejectedError():
            return ours.RequestRefusedError
        case _:
            return None


def _broken(error: theirs.ModelConnectionError, model: str) -> ours.ModelError:
    if error.phase in {"connect", "pool"}:
        return _unreached(error, model)
    if isinstance(error, theirs.ModelTimeoutError):
        return ours.ModelTimeoutError(f"{model} fell silent.")
    return ours.ConnectionFailedError(f"The connection to {model} broke: {_short(error)}")


def _by_status(error: theirs.ModelAPIError, status: int | None, text: str) -> ours.ModelError:
    """Return the error for a status that has no kind of its own. None is an error in a stream."""
    if status is None:
        return _in_stream(error, text)
    if status == _TIMEOUT:
        return ours.ModelTimeoutError(text)
    if status >= 500 or status == _CONFLICT:  # noqa: PLR2004 - RFC 9110, section 15.6
        return ours.OverloadedError(text, retry_after_s=error.retry_after)
    return ours.RequestRefusedError(text, sent=error.in_stream)


def _in_stream(error: theirs.ModelAPIError, text: str) -> ours.ModelError:
    if error.in_stream:
        return ours.OverloadedError(text, retry_after_s=error.retry_after)
    return ours.GarbledReplyError(text)


def _unreached(error: Exception, model: str) -> ours.ConnectionFailedError:
    return ours.ConnectionFailedError(f"{model} cannot be reached: {_short(error)}", sent=False)


def _late(error: theirs.ModelRequestTimeout, model: str) -> str:
    what = "begun to answer" if error.setting == "first_event_timeout" else "finished"
    return f"{model} had not {what} after {error.timeout:g} s."


def _is_policy(error: theirs.ModelAPIError) -> bool:
    inner = _fields(_fields(error.body).get("innererror"))
    codes = (error.provider_error_code, error.provider_error_type, inner.get("code"))
    words = _message(error).lower()
    rejected = isinstance(error, theirs.ModelRequestRejectedError)
    return (
        any(str(code).lower() in _POLICY_CODES for code in codes if code)
        or (rejected and any(phrase in words for phrase in _POLICY_WORDS))
        or "flagged_input" in _fields(_fields(error.body).get("metadata"))
    )


def _is_too_long(error: theirs.ModelAPIError) -> bool:
    if isinstance(error, theirs.ModelContextWindowExceededError):
        return True
    words = _message(error).lower()
    rejected = isinstance(error, theirs.ModelRequestRejectedError)
    access = isinstance(error, theirs.ModelAuthenticationError)
    return rejected and not access and any(phrase in words for phrase in _LENGTH_WORDS)


def _message(error: theirs.ModelAPIError) -> str:
    """Return the provider's own words, where it has any."""
    fields = _fields(error.body)
    said = fields.get("message") or _fields(fields.get("error")).get("message")
    if isinstance(said, str) and said:
        return _tidy(said)
    if isinstance(error, theirs.ModelHTTPError):
        return f"status {error.status_code}"
    return _short(error)


def _fields(body: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", body) if isinstance(body, Mapping) else {}


def _short(error: Exception) -> str:
    return _tidy(str(error) or type(error).__name__)


def _tidy(text: str) -> str:
    """Return a text that is short, and that no key stands in."""
    text = _KEYS.sub("[key]", " ".join(text.split()))
    return text if len(text) <= _TEXT_CHARS_MAX else f"{text[:_TEXT_CHARS_MAX]}…"
