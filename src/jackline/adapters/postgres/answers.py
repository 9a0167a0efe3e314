"""Connections that do not wait for ever for a server that has stopped answering.

TCP notices a machine that is gone. Nothing notices one that goes on to acknowledge what it gets,
and never answers: a server that is stopped, a pooler that hangs, a disk that does not return.
"""

import time
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen

T = TypeVar("T")


class Answering(Connection[tuple[Any, ...]]):
    """A connection that closes itself where an answer takes longer than `answer_s`.

    Whoever waited gets an `OperationalError`, and the server may yet do what it was asked.
    """

    answer_s: float

    def wait(self, gen: PQGen[T], interval: float = 0.1, *options: Any, **named: Any) -> T:
        """See `psycopg.Connection.wait`."""
        try:
            return super().wait(_within(gen, self.answer_s), interval, *options, **named)
        except TimeoutError as error:
            self.pgconn.finish()
            raise OperationalError(f"no answer in {self.answer_s:g} s") from error


def _within(gen: PQGen[T], seconds: float) -> PQGen[T]:
    """Pass on what the two sides say to each other. Raises `TimeoutError` once it is too late.

    Whenever the connection has had nothing to say for an interval, 0 comes.
    """
    try:
        wants = next(gen)
        until = time.monotonic() + seconds  # noqa: TID251 - a thread waits, and no simulated time
        while True:
            ready = yield wants
            if not ready and time.monotonic() > until:  # noqa: TID251 - as above
                raise TimeoutError
            wants = gen.send(ready)
    except StopIteration as end:
        return end.value
