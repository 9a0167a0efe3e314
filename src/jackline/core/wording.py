"""Who words what a model is told of a call that was not made, or made in vain.

Nothing is heard of jackline's own words. Whatever is not known to be these may be anybody's.
"""

from jackline.core import events as e

# Of these the text is jackline's own, whatever the tool was given or did.
_FAILURES = frozenset(
    ["timeout", "lost", "breaker_open", "rate_limited", "busy", "result", "handle", "extraction"]
)
# Why somebody rejected a call is heard from their answer. Other refusals say so themselves.
_REFUSALS = frozenset(
    [
        "expired",
        "extraction",
        "flow",
        "forbidden",
        "policy",
        "rejected",
        "tool_calls",
        "turn_ended",
        "unknown_tool",
        "void",
    ]
)


def is_own(event: e.ToolRefused | e.ToolFailed | e.ToolUnknown) -> bool:
    """Whether all that is said is jackline's own."""
    if isinstance(event, e.ToolRefused):
        return event.is_own or event.code in _REFUSALS
    return event.code in _FAILURES
