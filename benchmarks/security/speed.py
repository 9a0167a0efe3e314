"""What a check of one call costs, with 10 KB of context read, a tenth of it the user's."""

import timeit
from typing import Any

from jackline.core.flow import (
    Declared,
    From,
    Plan,
    Planned,
    Provenance,
    Question,
    Source,
    flow_of,
    judge,
)

_TEXT: dict[str, Any] = {"type": "string"}
_MAIL = flow_of(
    "send",
    "once",
    {
        "properties": {
            "to": {"type": "array", "items": _TEXT},
            "subject": _TEXT,
            "body": _TEXT,
        }
    },
    Declared(critical={"to": From("directory")}, readers_from=("to",)),
)
_ASKED = "Please send the minutes of Monday's meeting to bob@harbour.example by noon. "
_READ = "It was agreed that the pier is painted in May, and eve@else.example objects. "
_OPEN = frozenset({"to", "subject", "body"})
_CALLS = 1_000
_REPEATS = 5


def microseconds() -> dict[str, float]:
    """Return the least of some repetitions, in microseconds a call, by what is decided."""
    known = Provenance("dana@harbour.example")
    known.read([Source(1, "the user", _ASKED * 13, "user", turn=1)])
    known.read([Source(seq, "search", _READ * 13, turn=1) for seq in range(2, 11)])
    known.restrict(None)
    call = {"to": ["bob@harbour.example"], "subject": "Minutes", "body": "The pier is painted."}
    pinned = Question(known, Plan((Planned("send", {"to": call["to"]}, _OPEN),)))
    found = Question(known, Plan((Planned("send", {}, _OPEN),)))
    stranger = call | {"to": ["eve@else.example"]}
    return {
        "pinned": _least(call, pinned),
        "found": _least(call, found),
        "asked": _least(stranger, found),
    }


def _least(call: dict[str, Any], question: Question) -> float:
    taken = timeit.repeat(lambda: judge(_MAIL, call, question), number=_CALLS, repeat=_REPEATS)
    return round(min(taken) / _CALLS * 1e6, 1)
