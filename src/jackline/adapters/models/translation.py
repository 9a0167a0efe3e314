"""Messages of ours as pydantic-ai's, and its responses as ours."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

import msgspec
from pydantic import ValidationError
from pydantic_ai import messages as theirs
from pydantic_ai.usage import RequestUsage

from jackline.core.errors import NotFoundError, RequestRefusedError
from jackline.core.events import Usage
from jackline.core.messages import (
    File,
    Image,
    Message,
    Pasted,
    Provider,
    Reasoning,
    ReplyPart,
    Text,
    ToolCall,
    ToolResult,
)
from jackline.ports import Reply, Request

OUTPUT_TOOL = "final_answer"

Fetch = Callable[[str], Awaitable[tuple[bytes, str]]]
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SAID_FIELDS = frozenset({"content", "args"})
# These providers say in a field of its own that a call failed. For others pydantic-ai would wrap
# the text in JSON, and what was reserved by its bytes would no longer bound it.
_MARKS_FAILURES = frozenset({"anthropic", "bedrock"})


async def to_theirs(request: Request, system: str) -> list[theirs.ModelMessage]:
    """Return the request's messages as `system` takes them, instructions on the last.

    What another provider gave for itself is left out. Raises `RequestRefusedError` where a
    result has no call, or an artifact cannot be had.
    """
    translation = _Translation(system, request.artifact)
    for at, message in enumerate(request.messages):
        await translation.add(at, message)
    last = translation.messages[-1] if translation.messages else None
    if not isinstance(last, theirs.ModelRequest):
        last = theirs.ModelRequest(parts=[])
        translation.messages.append(last)
    last.instructions = request.instructions or None
    return translation.messages


@dataclass(slots=True)
class _Translation:
    """A history in the making: which ids are taken, and which calls wait for a result."""

    system: str
    fetch: Fetch | None
    messages: list[theirs.ModelMessage] = field(default_factory=list[theirs.ModelMessage])
    ids: set[str] = field(default_factory=set[str])
    open: list[tuple[int, ToolCall, str]] = field(default_factory=list[tuple[int, ToolCall, str]])

    async def add(self, at: int, message: Message) -> None:
        if message.role == "assistant":
            self._assistant(at, message)
            return
        if message.role == "tool":
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            self._append([await self._result(result) for result in results])
        else:
            content = [await self._content(part) for part in message.parts]
            self._append([theirs.UserPromptPart(_plain(content))])

    def _append(self, parts: Sequence[theirs.ModelRequestPart]) -> None:
        """Join requests that follow each other: a provider takes turns of each side."""
        last = self.messages[-1] if self.messages else None
        if isinstance(last, theirs.ModelRequest):
            last.parts = [*last.parts, *parts]
        else:
            self.messages.append(theirs.ModelRequest(parts=parts))

    def _assistant(self, at: int, message: Message) -> None:
        self.open = []
        parts: list[theirs.ModelResponsePart] = []
        origin: Mapping[str, Any] = {}
        for part in message.parts:
            kept = _kept(part, self.system)
            origin = kept.get("response", origin)
            match part:
                case Text(text=text):
                    parts.append(_restored(kept, "text", content=text))
                case Reasoning(text=text) if kept:
                    parts.append(_restored(kept, "thinking", content=text))
                case ToolCall():
                    call_id = self._unique_id(at, len(self.open), part.provider_id)
                    self.open.append((len(self.open), part, call_id))
                    fields = {"tool_name": part.name, "tool_call_id": call_id}
                    parts.append(_restored(kept, "tool-call", args=part.arguments, **fields))
                case _:
                    continue
        if parts:
            self.messages.append(theirs.ModelResponse(parts=parts, **origin))

    def _unique_id(self, at: int, index: int, wanted: str) -> str:
        """Return the provider's id for a call, or another where it is taken or unfit for others."""
        if not _CALL_ID.fullmatch(wanted):
            wanted = re.sub(r"[^A-Za-z0-9_-]", "_", wanted)[:48] or f"call_{at}_{index}"
        unique = wanted if wanted not in self.ids else f"{wanted[:48]}_{at}_{index}"
        self.ids.add(unique)
        return unique

    async def _result(self, result: ToolResult) -> theirs.ToolReturnPart:
        index = result.key.rpartition("/tool/")[2]
        named = [entry for entry in self.open if entry[1].name == result.name]
        exact = [entry for entry in named if str(entry[0]) == index]
        same = [entry for entry in named if entry[1].provider_id == result.provider_id]
        found = (exact or same or named or [None])[0]
        if found is None:
            text = f"The result {result.key!r} of {result.name!r} answers no call."
            raise RequestRefusedError(text, sent=False)
        self.open.remove(found)
        failed = result.failed and self.system in _MARKS_FAILURES
        # Some providers refuse an empty result.
        content = _plain([await self._content(part) for part in result.parts]) or "(nothing)"
        return theirs.ToolReturnPart(
            result.name, content, found[2], outcome="failed" if failed else "success"
        )

    async def _content(self, part: object) -> str | theirs.BinaryContent:
        match part:
            case Text(text=text) | Pasted(text=text):
                return text
            case Image() | File():
                if self.fetch is None:
                    raise RequestRefusedError("This request has no artifacts.", sent=False)
                try:
                    data, media_type = await self.fetch(part.artifact)
                except NotFoundError as error:
                    text = f"The artifact {part.artifact} is gone, and with it what it showed."
                    raise RequestRefusedError(text, sent=False) from error
                return theirs.BinaryContent(data, media_type=part.media_type or media_type)
            case _:
                text = f"A {type(part).__name__} stands where only words and files may."
                raise RequestRefusedError(text, sent=False)


def _plain(content: Sequence[str | theirs.BinaryContent]) -> Any:
    """Return one text as it is, and several parts as a list, without what says nothing."""
    said = [part for part in content if part]
    if not said:
        return ""
    return said[0] if len(said) == 1 and isinstance(said[0], str) else said


def _kept(part: object, system: str) -> Mapping[str, Any]:
    """Return what `system` gave with this part, unless the part has been changed since.

    A signature or an id stands for the words that it came with, and for no others.
    """
    provider = getattr(part, "provider", None)
    if not isinstance(provider, Provider) or provider.name != system:
        return {}
    try:
        kept = msgspec.json.decode(provider.data, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}
    said = part.arguments if isinstance(part, ToolCall) else getattr(part, "text", "")
    return kept if kept.get("of") == _digest(said) else {}


def _restored(kept: Mapping[str, Any], kind: str, **fields: Any) -> theirs.ModelResponsePart:
    """Return the part with what its provider gave with it."""
    if not kept:
        plain = theirs.ToolCallPart(**fields) if kind == "tool-call" else theirs.TextPart(**fields)
        return cast("theirs.ModelResponsePart", plain)
    body = {"part_kind": kind, **fields, **kept["part"]}
    if "tool_call_id" in fields:
        body["tool_call_id"] = fields["tool_call_id"]
    try:
        loaded = theirs.ModelMessagesTypeAdapter.validate_python(
            [{"kind": "response", "parts": [body]}]
        )
    except ValidationError as error:
        text = f"What {kept['part'].get('provider_name')} gave earlier cannot be read any more."
        raise RequestRefusedError(text, sent=False) from error
    part = loaded[0].parts[0]
    return cast("theirs.ModelResponsePart", part)


def to_ours(response: theirs.ModelResponse, system: str) -> Reply:
    """Return the reply that a finished response is, with what its provider wants back."""
    parts = tuple(_part(part, response, system) for part in response.parts)
    cut = response.finish_reason == "length"
    return Reply(parts, _usage(response.usage), f"{system}:{response.model_name}", cut)


def _part(part: theirs.ModelResponsePart, response: theirs.ModelResponse, system: str) -> ReplyPart:
    match part:
        case theirs.TextPart(content=text):
            return Text(text, _provider(part, text, response, system))
        case theirs.ThinkingPart(content=text):
            return Reasoning(text, _provider(part, text, response, system))
        case theirs.ToolCallPart(tool_name=name):
            said = part.args if isinstance(part.args, str) else part.args_as_json_str()
            if name == OUTPUT_TOOL:
                return Text(said)
            kept = _provider(part, said, response, system)
            return ToolCall(name, said, part.tool_call_id, kept)
        case _:
            return Reasoning("", _provider(part, "", response, system))


def _provider(
    part: theirs.ModelResponsePart, said: str, response: theirs.ModelResponse, system: str
) -> Provider | None:
    """Return what of the part is the provider's own, or None where nothing is."""
    if not any(
        getattr(part, name, None) for name in ("id", "signature", "provider_details", "citations")
    ) and isinstance(part, theirs.TextPart | theirs.ThinkingPart | theirs.ToolCallPart):
        return None
    body = theirs.ModelMessagesTypeAdapter.dump_python(
        [theirs.ModelResponse(parts=[part])], mode="json"
    )[0]["parts"][0]
    own = {name: value for name, value in body.items() if name not in _SAID_FIELDS}
    # Ids of what is stored at the provider are only good at the address that gave them.
    origin = {
        "provider_name": response.provider_name,
        "provider_url": response.provider_url,
        "canonical_system": response.canonical_system,
    }
    data = {"of": _digest(said), "part": own, "response": origin}
    return Provider(system, msgspec.json.encode(data).decode())


def _digest(said: str) -> str:
    return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _usage(usage: RequestUsage) -> Usage | None:
    """Return the tokens, or None where the provider did not say."""
    if usage.unmeasured_requests or not (usage.input_tokens or usage.output_tokens):
        return None
    return Usage(
        usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens
    )
