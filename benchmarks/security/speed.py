"""What a check of one call costs, with 10 KB of context read, a tenth of it the user's."""

import time
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
_OTHERS = "It was agreed that the pier is painted in May, and eve@else.example objects. "
_OPEN = frozenset({"to", "subject", "body"})
_CALLS = 200
_REPEATS = 5
_CALL: dict[str, Any] = {
    "to": ["bob@harbour.example"],
    "subject": "Minutes",
    "body": "The pier is painted.",
}


def microseconds() -> dict[str, float]:
    """Return the least mean of some repetitions, in microseconds of CPU a call.

    Each call is the first that is judged on what was read, so none of its values was looked up.
    """
    pinned = Plan((Planned("send", {"to": _CALL["to"]}, _OPEN),))
    found = Plan((Planned("send", {}, _OPEN),))
    return {
        "pinned": _least(_CALL, pinned),
        "found": _least(_CALL, found),
        "asked": _least(_CALL | {"to": ["eve@else.example"]}, found),
    }


def _least(call: dict[str, Any], plan: Plan) -> float:
    return round(min(_mean(call, plan) for _ in range(_REPEATS)) * 1e6, 1)


def _mean(call: dict[str, Any], plan: Plan) -> float:
    questions = [Question(_read(), plan) for _ in range(_CALLS)]
    began = time.process_time()
    for question in questions:
        judge(_MAIL, call, question)
    return (time.process_time() - began) / _CALLS


def _read() -> Provenance:
    known = Provenance("dana@harbour.example")
    known.read([Source(1, "the user", _ASKED * 13, "user", turn=1, said=True)])
    known.read([Source(seq, "search", _OTHERS * 13, turn=1) for seq in range(2, 11)])
    known.restrict(None)
    known.find("nothing", "user")  # What was typed is indexed once, and not for each call.
    return known
