"""What jackline logs: without the secrets and the data of others that an error may quote."""

import logging
from collections.abc import Callable
from functools import cache
from traceback import format_exception
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jackline.core.redaction import Redactor

_UNFIT = "A record that cannot be formatted: %s."


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


_REDACTING = Redacting()


def redact_logs(name: str = "jackline") -> None:
    """See to it that what goes to a logger is redacted. Once is enough."""
    logging.getLogger(name).addFilter(_REDACTING)
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
            _REDACTING.filter(record)
        return record


def _redacted(text: str) -> str:
    """Return the text itself where there is nothing to redact."""
    return _redactor().redact(text)


@cache
def _redactor() -> "Redactor":
    from jackline.core.redaction import DEFAULT, Redactor  # noqa: PLC0415 - heavy, and for logs alone

    return Redactor(DEFAULT)
