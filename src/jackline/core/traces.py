"""Which trace a turn belongs to: the caller's, or one of its own that every worker knows.

Ids are derived from what a turn and its steps are called, so that whoever takes over goes on with
the same trace, and what is told twice is told of the same span. `traceparent` is read as in
https://www.w3.org/TR/trace-context/.
"""

import re
from hashlib import sha256

from jackline.core.events import SessionId, TurnSteered, TurnSubmitted
from jackline.core.value import Value

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_TRACE_BYTES, _SPAN_BYTES, _SAMPLED = 16, 8, 1


class Trace(Value, frozen=True):
    """A trace, and the span above the turn's own, if somebody has named one."""

    id: int
    parent: int = 0
    sampled: bool = True

    @property
    def hex(self) -> str:
        """Its id as others write it."""
        return f"{self.id:032x}"


def trace_of(session: SessionId, turn: int, said: TurnSubmitted | TurnSteered) -> Trace:
    """Return the trace of a turn."""
    given = said.traceparent if isinstance(said, TurnSubmitted) else ""
    if found := _TRACEPARENT.fullmatch(given):
        trace, parent, flags = (int(each, 16) for each in found.groups()[:3])
        if trace and parent:
            return Trace(trace, parent, bool(flags & _SAMPLED))
    return Trace(_derived(session, f"turn/{turn}", _TRACE_BYTES))


def span_of(session: SessionId, step: str) -> int:
    """Return the id of the span of a turn, or of a step of it."""
    return _derived(session, step, _SPAN_BYTES)


def _derived(session: SessionId, name: str, size: int) -> int:
    told = "\0".join((session.tenant, session.name, name, str(size)))
    return int.from_bytes(sha256(told.encode()).digest()[:size], "big") or 1
