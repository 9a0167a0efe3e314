"""What OpenAI's clients are answered with. Where jackline has more to say it is in `jackline`."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from jackline.core.events import Usage
from jackline.interfaces.openai.refusals import Refused


class Standing(msgspec.Struct, frozen=True):
    """What OpenAI's forms have no place for: which turn this is of, and why it ended as it did.

    `outcome`: how the turn ended; `paused`: it waits for a person; `open`: it goes on.
    """

    session: str
    turn: int
    outcome: Literal["completed", "failed", "stopped", "cancelled", "paused", "open"]
    code: str = ""
    detail: str = ""


class Model(msgspec.Struct, frozen=True):
    """An agent, as a model."""

    id: str
    created: int = 0
    object: Literal["model"] = "model"
    owned_by: str = "jackline"


class Models(msgspec.Struct, frozen=True):
    """The agents that are served, as models."""

    data: tuple[Model, ...]
    object: Literal["list"] = "list"


class ChatUsage(msgspec.Struct, frozen=True):
    """Tokens, of all that the models of a turn were asked."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Mapping[str, int]


class Completion(msgspec.Struct, frozen=True):
    """An answer to a chat completion."""

    id: str
    object: Literal["chat.completion", "chat.completion.chunk"]
    created: int
    model: str
    choices: tuple[Mapping[str, Any], ...]
    usage: ChatUsage | None = None
    jackline: Standing | None = None


class OutputText(msgspec.Struct, frozen=True, tag="output_text"):
    """Words."""

    text: str
    annotations: tuple[str, ...] = ()
    logprobs: tuple[str, ...] = ()


class OutputMessage(msgspec.Struct, frozen=True, tag="message"):
    """A text of the agent."""

    id: str
    content: tuple[OutputText, ...]
    status: Literal["in_progress", "completed", "incomplete"]
    role: Literal["assistant"] = "assistant"


class McpCall(msgspec.Struct, frozen=True, tag="mcp_call"):
    """A tool call that was made here, as OpenAI tells of those that it makes itself."""

    id: str
    server_label: str
    name: str
    arguments: str
    status: Literal["in_progress", "completed", "failed"]
    approval_request_id: str | None = None
    output: str | None = None
    error: Mapping[str, Any] | None = None


class McpApprovalRequest(msgspec.Struct, frozen=True, tag="mcp_approval_request"):
    """A tool call that a person has to allow.

    `origins` is ours: where each argument came from, and what stands behind a handle.
    """

    id: str
    server_label: str
    name: str
    arguments: str
    origins: Mapping[str, str]


OutputItem = OutputMessage | McpCall | McpApprovalRequest


class ResponseUsage(msgspec.Struct, frozen=True):
    """Tokens, of all that the models were asked."""

    input_tokens: int
    input_tokens_details: Mapping[str, int]
    output_tokens: int
    output_tokens_details: Mapping[str, int]
    total_tokens: int


class ModelResponse(msgspec.Struct, frozen=True):
    """What came of a request: items in their order, and how it stands."""

    id: str
    created_at: float
    model: str
    output: tuple[OutputItem, ...]
    status: Literal["completed", "failed", "in_progress", "cancelled", "incomplete"]
    error: Mapping[str, str] | None
    incomplete_details: Mapping[str, str] | None
    jackline: Standing
    usage: ResponseUsage | None = None
    previous_response_id: str | None = None
    completed_at: float | None = None
    object: Literal["response"] = "response"
    store: bool = True
    background: bool = False
    parallel_tool_calls: bool = True
    tool_choice: str = "auto"
    tools: tuple[str, ...] = ()
    instructions: str | None = None
    metadata: Mapping[str, str] = {}
    temperature: float | None = None
    top_p: float | None = None


SHAPES = (Models, Completion, ModelResponse, Refused)


def chat_usage(usage: Usage) -> ChatUsage:
    """Return what a turn used, as chat completions say it."""
    details = {"cached_tokens": usage.cache_read}
    return ChatUsage(usage.input, usage.output, usage.input + usage.output, details)


def response_usage(usage: Usage) -> ResponseUsage:
    """Return what a turn used, as responses say it."""
    details = {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write}
    total = usage.input + usage.output
    return ResponseUsage(usage.input, details, usage.output, {"reasoning_tokens": 0}, total)
