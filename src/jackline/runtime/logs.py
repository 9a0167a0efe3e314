"""What jackline logs: without the secrets and the data of others that an error may quote.

As JSON each record says of which turn it tells, and nothing of what was said in it.
"""

import json
import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Protocol

from jackline.core.events import SessionId
from jackline.core.session import Turn
from jackline.core.traces import trace_of

if TYPE_CHECKING:
    from jackline.core.redaction import Redactor

FIELDS = "fields"  # What a record tells beside its message: extra={FIELDS: {…}}.
_UNFIT = "A record that cannot be formatted: %s."


class Driven(Protocol):
    """What is driven: which session, and which turn of it."""

    @property
    def id(self) -> SessionId:
        """Which session."""
        ...

    @property
    def turn(self) -> Turn | None:
        """Which turn."""
        ...


# What is driven where a record is made, be it by a tool.
DRIVEN: ContextVar[Driven | None] = ContextVar("driven", default=None)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON, where it is made: what is driven is known there."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_place(DRIVEN.get()),
        }
        more: object = getattr(record, FIELDS, None)
        if isinstance(more, Mapping):
            told |= more
        if record.exc_info and record.exc_info[0]:
            told["error"] = self.formatException(record.exc_info)
        elif record.exc_text:
            told["error"] = record.exc_text
        return json.dumps(told, ensure_ascii=False, default=str)


def _place(driven: Driven | None) -> Mapping[str, object]:
    if driven is None:
        return {}
    session, turn = driven.id, driven.turn
    place = {"tenant": session.tenant, "session": session.name}
    if turn is None:
        return place
    return {**place, "turn": turn.id, "trace": trace_of(session, turn.id, turn.submitted).hex}


class Redacting(logging.Filter):
    """Redacts each record, its traceback included, as the default policy says.

    An exception whose traceback had to be redacted is told by that text alone: a handler would
    find in the exception itself what was taken out.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, redacted."""
        try:
            said = record.getMessage()
        except Exception as error:  # noqa: BLE001 - what logging would print of it has the arguments
            said = _UNFIT % type(error).__name__
            record.msg, record.args = said, ()
        if (clean := _redacted(said)) is not said:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0]:
            told = "".join(format_exception(*record.exc_info)).rstrip("\n")
            if (clean := _redacted(told)) is not told:
                record.exc_info, record.exc_text = None, clean
        if record.stack_info:
            record.stack_info = _redacted(record.stack_info)
        return True


REDACTING = Redacting()


def redact_logs() -> None:
    """See to it that what jackline logs is redacted, and what its server does. Once is enough."""
    logging.getLogger("jackline").addFilter(REDACTING)
    logging.getLogger("uvicorn.error").addFilter(REDACTING)
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Making):
        logging.setLogRecordFactory(_Making(make))


class _Making:
    """Makes records, redacted where a logger below jackline's asks for them.

    What a logger filters is what it is given itself: what those below it say goes past its filters
    to its handlers.
    """

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **named: Any) -> logging.LogRecord:
        record = self._make(*args, **named)
        if str(record.name).startswith("jackline."):
            REDACTING.filter(record)
        return record


def _redacted(text: str) -> str:
    """Return the text itself where there is nothing to redact."""
    return _redactor().redact(text)


@cache
def _redactor() -> "Redactor":
    from jackline.core.redaction import DEFAULT, Redactor  # noqa: PLC0415 - heavy, and for logs alone

    return Redactor(DEFAULT)
