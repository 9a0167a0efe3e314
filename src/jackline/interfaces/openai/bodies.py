"""What clients of OpenAI's API send, and what becomes of each of its parameters.

What nobody here would enforce is refused by name, unless to ignore it harms nobody: the table is
in docs/server.md.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from jackline.interfaces.openai.refusals import ParameterError

_OWN_TOOLS = "an agent has tools of its own, which are run here"
_OWN_TYPE = "an agent says itself of which type its answers are"
_OWN_LIMITS = "an agent's own limits hold, and requests do not change them"
_KEPT = (
    "what is said is kept in the session's journal, or it would not outlive a crash: "
    "DELETE /v1/sessions/{session} erases it"
)
_WHY: Mapping[str, str] = {
    "tools": _OWN_TOOLS,
    "tool_choice": _OWN_TOOLS,
    "functions": _OWN_TOOLS,
    "function_call": _OWN_TOOLS,
    "n": "a turn has one answer",
    "store": _KEPT,
    "background": "leave a stream, and the turn goes on: GET /v1/responses/{id} shows it",
    "conversation": "the header X-Jackline-Session names the session",
    "response_format": _OWN_TYPE,
    "text": _OWN_TYPE,
    "max_tokens": _OWN_LIMITS,
    "max_completion_tokens": _OWN_LIMITS,
    "max_output_tokens": _OWN_LIMITS,
    "max_tool_calls": _OWN_LIMITS,
}
# They tune a model, label a request or ask for more of a reply: nothing that anybody relies on.
_IGNORED = frozenset(
    {
        "frequency_penalty",
        "include",
        "metadata",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "reasoning_effort",
        "safety_identifier",
        "seed",
        "service_tier",
        "temperature",
        "top_p",
        "truncation",
        "user",
        "verbosity",
    }
)
# What is asked for so is what there is.
_AS_IT_IS: Mapping[str, Sequence[object]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "tools": ([],),
    "tool_choice": ("auto",),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
    "text": ({"format": {"type": "text"}}, {}),
    "background": (False,),
}
_NAME_MAX = 60


class _Open(BaseModel):
    """What may have more fields than anybody here reads."""

    model_config = ConfigDict(extra="allow", strict=True)


class Picture(_Open):
    """Where a picture is: only within the request itself, as a `data:` URL."""

    url: str


class Document(_Open):
    """A file: only within the request itself, as a `data:` URL."""

    file_data: str | None = None
    filename: str | None = None


class Content(_Open):
    """One part of a message. Which fields it has is up to its type."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | Picture | None = None
    file: Document | None = None
    file_data: str | None = None
    filename: str | None = None


class ChatMessage(_Open):
    """One message of a conversation."""

    role: str
    content: str | list[Content] | None = None


class InputItem(_Open):
    """A message, an answer to an approval request, or what an earlier response has put out."""

    type: str = "message"
    role: str | None = None
    content: str | list[Content] | None = None
    approval_request_id: str | None = None
    approve: bool | None = None
    reason: str | None = None
    output: str | None = None


class StreamOptions(_Open):
    """What a stream tells beside the answer."""

    include_usage: bool = False


class _Asked(_Open):
    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def check(self, also: frozenset[str] = frozenset()) -> None:
        """Raise `ParameterError` for what is asked for and would not be done.

        `also` is what this endpoint may ignore, too.
        """
        extra: dict[str, Any] = self.model_extra or {}
        for name, value in extra.items():
            if value is None or name in _IGNORED | also or value in _AS_IT_IS.get(name, ()):
                continue
            short = name[:_NAME_MAX]
            why = _WHY.get(name, "nothing here would be different for it")
            raise ParameterError(short, f"{short!r} is not taken: {why}.")


class ChatAsked(_Asked):
    """A request for a chat completion. The model is the name of an agent."""

    messages: Annotated[list[ChatMessage], Field(min_length=1)]


class ResponseAsked(_Asked):
    """A request for a response. The model is the name of an agent."""

    input: str | Annotated[list[InputItem], Field(min_length=1)]
    instructions: str | None = None
    previous_response_id: str | None = None
