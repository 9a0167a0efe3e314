"""How a command that serves logs: off the way of all else, and as JSON where that is wanted."""

import logging
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from logging.handlers import QueueHandler, QueueListener
from queue import Full, Queue
from typing import Annotated

import typer

from jackline.runtime.logs import FIELDS, REDACTING, JsonLines

_QUEUED_MAX = 10_000
Access = Callable[[Mapping[str, object]], None]


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


Format = Annotated[
    LogFormat, typer.Option("--log-format", help="How the log on stderr is written.")
]


class _Handler(QueueHandler):
    """Hands lines on to a thread that writes them. Where it is far behind they are dropped."""

    def __init__(self, lines: "Queue[logging.LogRecord]") -> None:
        super().__init__(lines)
        self.addFilter(REDACTING)

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand on a record, unless too many wait: a log holds nothing up."""
        try:
            self.queue.put_nowait(record)
        except Full:
            return


@contextmanager
def logging_as(form: LogFormat, *, access: bool = False) -> Generator[Access | None]:
    """Log in this form, and give what writes down each request, if that is wanted."""
    lines: Queue[logging.LogRecord] = Queue(_QUEUED_MAX)
    listener = QueueListener(lines, logging.StreamHandler(sys.stderr))
    handler, root = _Handler(lines), logging.root
    handler.setFormatter(JsonLines() if form == LogFormat.JSON else logging.Formatter())
    root.addHandler(handler)
    listener.start()
    try:
        yield _writer(lines) if access else None
    finally:
        root.removeHandler(handler)
        listener.stop()


def _writer(lines: "Queue[logging.LogRecord]") -> Access:
    handler = _Handler(lines)
    handler.setFormatter(JsonLines())

    def write(told: Mapping[str, object]) -> None:
        """Write a line, which is JSON in any case."""
        kept = {"name": "jackline.access", "levelname": "INFO", "msg": "request", FIELDS: told}
        handler.handle(logging.makeLogRecord(kept))

    return write
