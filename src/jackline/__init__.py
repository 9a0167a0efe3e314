"""jackline: the production runtime for AI agents.

What is public stands in `__all__`. Names are imported where they are first used, so that
`import jackline` costs little.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jackline.app import Runtime
    from jackline.core.agent import Agent, Budget, Limits, Window
    from jackline.core.breaker import Breaker
    from jackline.core.budget import Price, Terms
    from jackline.core.errors import (
        CallerError,
        DefinitionError,
        JacklineError,
        ModelError,
        ToolError,
    )
    from jackline.core.events import Principal, Record, SessionId, Usage
    from jackline.core.guards import DenyList, Guard, MaximumSize, Verdict
    from jackline.core.inputs import Upload
    from jackline.core.messages import File, Image, Message, Pasted, Text, ToolCall, ToolResult
    from jackline.core.rates import Rate
    from jackline.core.tools import Context, Tool, tool
    from jackline.core.user import User
    from jackline.ports import Delta
    from jackline.runtime.sessions import Result, Submission

_PLACES = {
    "jackline.app": ("Runtime",),
    "jackline.core.agent": ("Agent", "Budget", "Limits", "Window"),
    "jackline.core.breaker": ("Breaker",),
    "jackline.core.budget": ("Price", "Terms"),
    "jackline.core.errors": (
        "CallerError",
        "DefinitionError",
        "JacklineError",
        "ModelError",
        "ToolError",
    ),
    "jackline.core.events": ("Principal", "Record", "SessionId", "Usage"),
    "jackline.core.guards": ("DenyList", "Guard", "MaximumSize", "Verdict"),
    "jackline.core.inputs": ("Upload",),
    "jackline.core.messages": (
        "File",
        "Image",
        "Message",
        "Pasted",
        "Text",
        "ToolCall",
        "ToolResult",
    ),
    "jackline.core.rates": ("Rate",),
    "jackline.core.tools": ("Context", "Tool", "tool"),
    "jackline.core.user": ("User",),
    "jackline.ports": ("Delta",),
    "jackline.runtime.sessions": ("Result", "Submission"),
}
_FROM = {name: place for place, names in _PLACES.items() for name in names}

__all__ = [  # noqa: PLE0604, PLE0605 - the names above, which `__getattr__` finds
    *_FROM,
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    if name not in _FROM:
        raise AttributeError(f"module 'jackline' has no attribute {name!r}")
    return getattr(import_module(_FROM[name]), name)
