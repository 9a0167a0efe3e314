"""What can go wrong, by who must act.

JacklineError
├── CallerError        the caller asked for something that cannot be
│   ├── DefinitionError    an agent, tool or setting says something that nothing can enforce
│   ├── InputError         input that is malformed, or too large
│   ├── NotFoundError      no such session, question, agent or artifact, for this user
│   ├── ConflictError      the request id was used for something else, or a name is taken
│   ├── BusyError          a turn is open, and the caller wanted none
│   ├── StaleError         the question was answered, expired, or asked about another call
│   ├── UnauthenticatedError    nobody knows who asks
│   ├── ForbiddenError     who asks has no right to it
│   ├── AccessChangedError    what they may do is not what it was: come back
│   ├── OversizeError      the request is larger than is taken
│   └── ThrottledError     too many requests: come back later
├── ToolError          a tool refuses, and tells the model why
├── ModelError         a model did not reply; a kind for each reaction
└── OperatorError      somebody who runs jackline must act
    ├── StoreError         the database is full, corrupt, read-only or of a newer version
    ├── ProviderError      the provider of identities does not answer
    ├── FencedError        another worker drives: stop, and touch nothing
    └── UnknownOutcomeError    a commit was sent, and nobody knows whether it took place
"""

from typing import ClassVar


class JacklineError(Exception):
    """Any error of jackline. `code` is stable, and docs/errors.md explains it."""

    code: ClassVar[str] = "error"


class CallerError(JacklineError):
    """The caller asked for something that cannot be."""


class DefinitionError(CallerError):
    """An agent, a tool or a setting says something that nothing can enforce."""

    code = "definition"


class InputError(CallerError):
    """Input that is malformed or too large. Nothing was kept of it."""

    code = "input"


class NotFoundError(CallerError):
    """There is no such thing, or it is not this user's."""

    code = "not_found"


class ConflictError(CallerError):
    """The request id was used for another request, or the name is taken."""

    code = "conflict"


class BusyError(CallerError):
    """A turn is open, and the caller wanted to wait for none."""

    code = "busy"


class StaleError(CallerError):
    """The question was answered or has expired, or it was asked about something else."""

    code = "stale"


class UnauthenticatedError(CallerError):
    """Nobody knows who asks: there is no key or token, or it holds no longer."""

    code = "unauthenticated"


class ForbiddenError(CallerError):
    """Who asks is known, and has no right to it."""

    code = "forbidden"


class AccessChangedError(CallerError):
    """Who asks may see or do other things than when they came: they come anew."""

    code = "access_changed"


class OversizeError(CallerError):
    """The request is larger than is taken."""

    code = "oversize"


class ThrottledError(CallerError):
    """Too many requests of one key or one tenant. Another may succeed after `retry_after_s`."""

    code = "throttled"

    def __init__(self, text: str, retry_after_s: float) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class ToolError(JacklineError):
    """Raised by a tool to refuse. The model reads `text`."""

    code = "tool"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class ModelError(JacklineError):
    """The model did not reply.

    `sent` False: the provider has surely not worked on it, and nothing is owed. `retryable`:
    the same request may succeed later; `fail_over`: another model may answer it now.
    """

    code = "model"
    retryable: ClassVar[bool] = False

    def __init__(self, text: str, *, sent: bool = True, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.sent = sent
        self.retry_after_s = retry_after_s


class RateLimitedError(ModelError):
    """The provider wants fewer requests, and may have said when to come back."""

    code = "rate_limited"
    retryable = True


class OverloadedError(ModelError):
    """The provider has too much to do, or broke."""

    code = "overloaded"
    retryable = True


class ModelTimeoutError(ModelError):
    """The first event or the whole reply did not come in time."""

    code = "model_timeout"
    retryable = True


class ConnectionFailedError(ModelError):
    """The provider could not be reached, or the connection broke."""

    code = "connection"
    retryable = True


class GarbledReplyError(ModelError):
    """The provider sent something that is no reply."""

    code = "garbled"
    retryable = True


class ContextTooLongError(ModelError):
    """The request does not fit into the model's window."""

    code = "context_too_long"


class ContentRefusedError(ModelError):
    """The provider's content policy refuses the request."""

    code = "content_refused"


class AccessError(ModelError):
    """The key is wrong, lacks a right, or its quota is used up."""

    code = "access"


class RequestRefusedError(ModelError):
    """The provider says that the request is malformed: a bug, or an option that it lacks."""

    code = "request_refused"


class OperatorError(JacklineError):
    """Somebody who runs jackline must act."""


class StoreError(OperatorError):
    """The database is full, corrupt, read-only, busy for too long or of a newer version."""

    code = "store"


class ProviderError(OperatorError):
    """The provider of identities does not answer, or not with keys: nobody can say who asks."""

    code = "provider"


class FencedError(OperatorError):
    """Another worker drives the session. Stop, and touch nothing."""

    code = "fenced"


class UnknownOutcomeError(OperatorError):
    """The commit was sent and nobody knows whether it took place. Read to find out."""

    code = "unknown_outcome"
