"""The demonstration model, as a `Model`: SmolLM2-135M, which runs here and costs nothing."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec

from jackline.adapters.local.prompt import Prompt, prompt_for
from jackline.adapters.local.server import SHARED, WINDOW_TOKENS, LocalServer
from jackline.core.budget import Price, Terms
from jackline.core.errors import (
    ConnectionFailedError,
    ContextTooLongError,
    GarbledReplyError,
    ModelTimeoutError,
    RequestRefusedError,
)
from jackline.core.events import Usage
from jackline.core.messages import ReplyPart, Text, ToolCall
from jackline.ports import Reply, Request

NAME = "local:SmolLM2-135M-demonstration"
_OUTPUT_TOKENS = 256
_OK = 200
_TERMS = Terms(NAME, Price(0, 0), window_tokens=WINDOW_TOKENS, output_tokens_max=_OUTPUT_TOKENS)


class LocalModel:
    """A demonstration model: it shows how jackline works, not how well a model can answer.

    It talks, calls tools that the user names by their words, and tells their results. The server
    starts with the first request. Raises `DefinitionError` where its packages are missing.
    """

    def __init__(self, server: LocalServer = SHARED) -> None:
        server.check()
        self._server = server

    @property
    def terms(self) -> Terms:
        """Free, with a window of 4,096 tokens."""
        return _TERMS

    async def close(self) -> None:
        """Let go of the server: it ends with the last model and request that use it."""
        self._server.close(self)

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """See `Model.stream`."""
        asked = object()
        url = self._server.open(self, asked)
        try:
            async with aclosing(_answered(url, request)) as items:
                async for item in items:
                    yield item
        finally:
            self._server.finish(asked)


async def _answered(url: str, request: Request) -> AsyncGenerator[str | Reply, None]:
    prompt = prompt_for(request)
    answer = Answer(wrapped=prompt.schema is not None and request.output is None)
    usage, cut = None, False
    async with aclosing(_chunks(url, _body(prompt, request), request)) as chunks:
        async for chunk in chunks:
            usage, cut = _usage(chunk) or usage, cut or _is_cut(chunk)
            if delta := answer.add(_content(chunk)):
                yield delta
    yield Reply((answer.part(request.key),), usage, NAME, cut)


def _body(prompt: Prompt, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "messages": prompt.messages,
        "max_tokens": min(request.max_tokens, _OUTPUT_TOKENS),
        "temperature": 0,
        "repeat_penalty": 1.1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if prompt.schema is not None:
        named = {"name": "answer", "strict": True, "schema": prompt.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return body


_SAY = re.compile(r'\s*\{\s*"say"\s*:\s*"')
# Whole characters of a JSON string. The first half of one outside of the basic plane has to wait
# until it is plain what follows.
_CHARACTERS = re.compile(
    r"""(?: [^"\\] | \\[^u] | \\u(?![dD][89abAB])[0-9a-fA-F]{4}
          | \\u[dD][89abAB][0-9a-fA-F]{2} (?= [^\\] | \\[^u] | \\u[0-9a-fA-F]{4} ) )*""",
    re.DOTALL | re.VERBOSE,
)
_ARGUMENTS = re.compile(r'"arguments"\s*:\s*')


@dataclass(slots=True)
class Answer:
    """An answer as it comes: `{"say": "…"}`, a call, or, where it is not `wrapped`, plain words."""

    wrapped: bool
    content: str = ""
    _told: int = 0
    _begun: int = -1

    def add(self, piece: str) -> str:
        """Take the next piece, and return what it adds to the words that are said."""
        self.content += piece
        if not self.wrapped:
            return piece
        if self._begun < 0:
            opening = _SAY.match(self.content)
            if opening is None:
                return ""
            self._begun = opening.end()
        words = _unescaped(self.content[self._begun :])
        delta = words[self._told :]
        self._told = len(words)
        return delta

    def part(self, key: str) -> ReplyPart:
        """Return what was said or asked for. A call that was cut keeps the text that came."""
        if not self.wrapped:
            return Text(self.content)
        if self._begun >= 0:
            return Text(_unescaped(self.content[self._begun :]))
        name = re.search(r'"call"\s*:\s*"([^"]*)"', self.content)
        arguments = _ARGUMENTS.search(self.content)
        if name is None:
            raise GarbledReplyError(f"{NAME} was cut off before it said anything.")
        text = self.content[arguments.end() :] if arguments else ""
        text = text.rstrip().removesuffix("}") if _is_json(self.content) else text
        return ToolCall(name[1], text.strip(), f"call-{key.replace('/', '-')}")


def _unescaped(text: str) -> str:
    """Return the words of a JSON string up to its end, or as far as they have surely come."""
    whole = _CHARACTERS.match(text)
    words: str = json.loads(f'"{whole[0] if whole else ""}"', strict=False)
    # Half a character can be written in JSON, but neither stored nor sent.
    return words.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return False
    return True


async def _chunks(
    url: str, body: dict[str, Any], request: Request
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield what the server sends, each within the request's deadlines."""
    # Only those who run the model pay for the import.
    import httpx2  # noqa: PLC0415

    now = asyncio.get_running_loop().time()
    whole_at = now + request.timeout_s
    deadline_at = min(now + request.first_event_s, whole_at)
    try:
        async with httpx2.AsyncClient(timeout=None, trust_env=False) as client:
            asked = client.build_request("POST", f"{url}/v1/chat/completions", json=body)
            async with asyncio.timeout_at(deadline_at):
                response = await client.send(asked, stream=True)
            if response.status_code != _OK:
                _refuse(await response.aread())
            async with aclosing(response):
                lines = response.aiter_lines()
                while (line := await _next(lines, deadline_at)) is not None:
                    if line.startswith("data: {"):
                        deadline_at = whole_at
                        yield msgspec.json.decode(line[6:], type=dict[str, Any])
    except TimeoutError as error:
        raise ModelTimeoutError(f"{NAME} did not answer in time.") from error
    except httpx2.HTTPError as error:
        raise ConnectionFailedError(f"The connection to {NAME} broke: {error!r}.") from error
    except msgspec.MsgspecError as error:
        raise GarbledReplyError(f"{NAME} sent what is no reply: {error}.") from error


async def _next(lines: AsyncIterator[str], deadline_at: float) -> str | None:
    async with asyncio.timeout_at(deadline_at):
        return await anext(lines, None)


def _refuse(body: bytes) -> None:
    text = body.decode(errors="replace")
    if "exceed_context_size" in text or "context size" in text:
        raise ContextTooLongError(f"The request does not fit into {NAME}.", sent=False)
    raise RequestRefusedError(f"{NAME} cannot take this: {text[:300]}", sent=False)


def _choice(chunk: dict[str, Any]) -> dict[str, Any]:
    choices: list[dict[str, Any]] = chunk.get("choices") or [{}]
    return choices[0]


def _content(chunk: dict[str, Any]) -> str:
    return _choice(chunk).get("delta", {}).get("content") or ""


def _is_cut(chunk: dict[str, Any]) -> bool:
    return _choice(chunk).get("finish_reason") == "length"


def _usage(chunk: dict[str, Any]) -> Usage | None:
    usage: dict[str, Any] = chunk.get("usage") or {}
    if not usage:
        return None
    details: dict[str, int] = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens", 0)
    return Usage(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0), cached)
