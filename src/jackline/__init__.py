"""jackline: the production runtime for AI agents.

What is public stands in `__all__`. Names are imported where they are first used, so that
`import jackline` costs little.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jackline.adapters.classifier import Classifier
    from jackline.app import Runtime
    from jackline.core.agent import Agent, Budget, Limits, Window
    from jackline.core.app import App
    from jackline.core.breaker import Breaker
    from jackline.core.budget import Price, Terms
    from jackline.core.errors import (
        BusyError,
        CallerError,
        ConflictError,
        DefinitionError,
        InputError,
        JacklineError,
        ModelError,
        NotFoundError,
        StaleError,
        StoreError,
        ToolError,
    )
    from jackline.core.events import Principal, Record, SessionId, Usage
    from jackline.core.flow import From, endorse
    from jackline.core.guards import Audience, DenyList, Guard, MaximumSize, Unguarded, Verdict
    from jackline.core.inputs import Upload
    from jackline.core.judging import Judge
    from jackline.core.messages import File, Image, Message, Pasted, Text, ToolCall, ToolResult
    from jackline.core.rates import Rate
    from jackline.core.redaction import Canary, Links, Policy, Redactor, Rule
    from jackline.core.sanitise import Sanitiser
    from jackline.core.tools import Context, Tool, tool
    from jackline.core.user import User
    from jackline.opening import Surroundings
    from jackline.ports import Delta
    from jackline.runtime.results import Result
    from jackline.runtime.submission import Submission
    from jackline.serving import asgi, draining, identities
    from jackline.settings import Settings, read_settings

__all__ = [
    "Agent",
    "App",
    "Audience",
    "Breaker",
    "Budget",
    "BusyError",
    "CallerError",
    "Canary",
    "Classifier",
    "ConflictError",
    "Context",
    "DefinitionError",
    "Delta",
    "DenyList",
    "File",
    "From",
    "Guard",
    "Image",
    "InputError",
    "JacklineError",
    "Judge",
    "Limits",
    "Links",
    "MaximumSize",
    "Message",
    "ModelError",
    "NotFoundError",
    "Pasted",
    "Policy",
    "Price",
    "Principal",
    "Rate",
    "Record",
    "Redactor",
    "Result",
    "Rule",
    "Runtime",
    "Sanitiser",
    "SessionId",
    "Settings",
    "StaleError",
    "StoreError",
    "Submission",
    "Surroundings",
    "Terms",
    "Text",
    "Tool",
    "ToolCall",
    "ToolError",
    "ToolResult",
    "Unguarded",
    "Upload",
    "Usage",
    "User",
    "Verdict",
    "Window",
    "asgi",
    "draining",
    "endorse",
    "identities",
    "read_settings",
    "tool",
]

_PLACES = {
    "Agent": "jackline.core.agent",
    "App": "jackline.core.app",
    "Audience": "jackline.core.guards",
    "Breaker": "jackline.core.breaker",
    "Budget": "jackline.core.agent",
    "BusyError": "jackline.core.errors",
    "CallerError": "jackline.core.errors",
    "Canary": "jackline.core.redaction",
    "Classifier": "jackline.adapters.classifier",
    "ConflictError": "jackline.core.errors",
    "Context": "jackline.core.tools",
    "DefinitionError": "jackline.core.errors",
    "Delta": "jackline.ports",
    "DenyList": "jackline.core.guards",
    "File": "jackline.core.messages",
    "From": "jackline.core.flow",
    "Guard": "jackline.core.guards",
    "Image": "jackline.core.messages",
    "InputError": "jackline.core.errors",
    "JacklineError": "jackline.core.errors",
    "Judge": "jackline.core.judging",
    "Limits": "jackline.core.agent",
    "Links": "jackline.core.redaction",
    "MaximumSize": "jackline.core.guards",
    "Message": "jackline.core.messages",
    "ModelError": "jackline.core.errors",
    "NotFoundError": "jackline.core.errors",
    "Pasted": "jackline.core.messages",
    "Policy": "jackline.core.redaction",
    "Price": "jackline.core.budget",
    "Principal": "jackline.core.events",
    "Rate": "jackline.core.rates",
    "Record": "jackline.core.events",
    "Redactor": "jackline.core.redaction",
    "Result": "jackline.runtime.results",
    "Rule": "jackline.core.redaction",
    "Runtime": "jackline.app",
    "Sanitiser": "jackline.core.sanitise",
    "SessionId": "jackline.core.events",
    "Settings": "jackline.settings",
    "StaleError": "jackline.core.errors",
    "StoreError": "jackline.core.errors",
    "Submission": "jackline.runtime.submission",
    "Surroundings": "jackline.opening",
    "Terms": "jackline.core.budget",
    "Text": "jackline.core.messages",
    "Tool": "jackline.core.tools",
    "tool": "jackline.core.tools",
    "ToolCall": "jackline.core.messages",
    "ToolError": "jackline.core.errors",
    "ToolResult": "jackline.core.messages",
    "Unguarded": "jackline.core.guards",
    "Upload": "jackline.core.inputs",
    "Usage": "jackline.core.events",
    "User": "jackline.core.user",
    "Verdict": "jackline.core.guards",
    "Window": "jackline.core.agent",
    "asgi": "jackline.serving",
    "draining": "jackline.serving",
    "endorse": "jackline.core.flow",
    "identities": "jackline.serving",
    "read_settings": "jackline.settings",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'jackline' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
