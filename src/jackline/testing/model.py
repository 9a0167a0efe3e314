"""A model that says what it was told to say, and whether a provider would take a history."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from itertools import takewhile
from typing import TypedDict, Unpack

import msgspec

from jackline.core.budget import Price, Terms
from jackline.core.errors import ModelError
from jackline.core.events import Usage
from jackline.core.flow import Plan, Planned
from jackline.core.messages import (
    Message,
    Messages,
    Reasoning,
    ReplyPart,
    Text,
    ToolCall,
    ToolResult,
)
from jackline.ports import Reply, Request

Said = str | ModelError | Reply | Sequence[ReplyPart | ModelError]
Answer = Said | Callable[[Request], Said | Awaitable[Said]]
Script = Sequence[Answer]
Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Takes:
    """Scripts for what is said more than once: one for each time, the last for all after it."""

    scripts: Sequence[Script]


class Aside(TypedDict, total=False):
    """Answers to what is no request for a reply."""

    plan: Answer
    judge: Answer
    extract: Answer


FREE = Terms("scripted", Price(0, 0))
NOTHING_PLANNED = '{"calls":[]}'
NOTHING_FOUND = '{"attack":false,"kind":"none"}'
NOTHING_SAID = '{"value":null}'


@dataclass(frozen=True, slots=True)
class Pace:
    """How an answer comes: `delta` characters at a time, or whole.

    `sleep` waits `delay_s` before the first of it, and `delta_delay_s` before each delta.
    """

    delta: int | None = None
    delay_s: float = 0.0
    delta_delay_s: float = 0.0
    sleep: Sleep = asyncio.sleep


AT_ONCE = Pace()


@dataclass(frozen=True, slots=True)
class _Line:
    """An answer, taken apart once so that giving it costs little."""

    parts: tuple[ReplyPart, ...] = ()
    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    output: int = 0
    error: ModelError | None = None
    reply: Reply | None = None
    ask: Callable[[Request], Said | Awaitable[Said]] | None = None

    @property
    def only_fails(self) -> bool:
        return self.error is not None and self.ask is None

    def was(self, said: Message) -> bool:
        """Whether `said` may be this answer."""
        if self.parts == said.parts:
            return True
        return bool(self.ask) or (self.text, self.calls) == _gist(said.parts)


class ScriptedModel:
    """Answers the n-th request of a turn with the n-th answer, whoever asks, however often.

    An answer is a text, a list of parts (tool calls, texts, reasoning), a whole `Reply`, a
    `ModelError` to raise, a list that ends in one (its text is streamed before it is raised), or
    a function of the request that returns one of these, or that can be awaited for one. The
    last answer is repeated for ever. A function in place of a script answers every request.

    Nothing is remembered: n is read off the request's key, so that any process gives the
    same answers. Where attempts were lost (a crash counts, and says nothing) it is read off
    what the model said last. A mapping from what the user says to scripts makes conversations:
    the latest message that it knows decides, and "" stands for all that it does not. What is
    said more than once has a script for each time: `Takes`.

    `usage` None counts bytes as tokens. What is no request for a reply takes no answer from the
    script: a summary is a text that says so, and a plan (docs/security.md) is `plan`, which is
    like an answer and by default plans nothing. `planned` writes one. A verdict (`Judge`) is
    `judge`, which by default finds nothing, and what a quarantined model gets out of a text is
    `extract`, by default nothing.
    """

    def __init__(
        self,
        script: Script | Mapping[str, Script | Takes] | Callable[[Request], Said | Awaitable[Said]],
        *,
        terms: Terms = FREE,
        usage: Usage | None = None,
        pace: Pace = AT_ONCE,
        **aside: Unpack[Aside],
    ) -> None:
        self._script: tuple[_Line, ...] = ()
        self._scripts: Mapping[str, Sequence[tuple[_Line, ...]]] = {}
        if callable(script):
            self._script = _lines([script])
        elif isinstance(script, Sequence):
            self._script = _lines(script)
        else:
            self._scripts = {said: _takes(each) for said, each in script.items()}
        assert self._script or self._scripts, "a script has at least one answer"
        self._terms = terms
        self._usage = usage
        self._pace = pace
        self._aside = {
            "plan": _lines([aside.get("plan", NOTHING_PLANNED)])[0],
            "judge": _lines([aside.get("judge", NOTHING_FOUND)])[0],
            "extract": _lines([aside.get("extract", NOTHING_SAID)])[0],
        }

    @property
    def terms(self) -> Terms:
        """Its terms: free, unless it was given others."""
        return self._terms

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """See `Model.stream`."""
        line = self._line(request)
        if line.ask is not None:
            said = line.ask(request)
            line = _line(await said if isawaitable(said) else said)
        text, pace = line.text, self._pace
        if pace.delay_s:
            await pace.sleep(pace.delay_s)
        size = pace.delta or len(text) or 1
        for start in range(0, len(text), size):
            if pace.delta_delay_s:
                await pace.sleep(pace.delta_delay_s)
            yield text[start : start + size]
        if line.error is not None:
            raise _fresh(line.error)
        yield line.reply or Reply(line.parts, self._count(request, line), self._terms.model)

    def _count(self, request: Request, line: _Line) -> Usage:
        if self._usage is not None:
            return self._usage
        known = request.messages
        messages = known if isinstance(known, Messages) else Messages.of(known)
        size = messages.size_bytes
        return Usage(size + len(request.instructions), min(line.output, request.max_tokens))

    def _line(self, request: Request) -> _Line:
        if request.purpose != "reply":
            return self._aside.get(request.purpose, _SUMMARY)
        script = self._script
        if self._scripts:
            texts = (said.text for said in reversed(request.messages) if said.role == "user")
            known = next((text for text in texts if text in self._scripts), "")
            takes = self._scripts.get(known, ())
            if not takes:
                raise AssertionError(f"no script for what was said, and none for '': {request.key}")
            script = takes[_time(known, request.messages, len(takes)) - 1]
        return script[_position(script, request)]


def planned(*calls: Planned) -> str:
    """Return what a model answers that plans these calls, each as often as it is named."""
    return msgspec.json.encode(Plan(calls)).decode()


def validate(messages: Sequence[Message]) -> str:
    """Return why a provider would refuse this history, or nothing.

    Each tool call of an assistant message has exactly one result in the tool messages that
    follow it, and there are no other results.
    """
    for at, message in enumerate(messages):
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        if message.role == "assistant":
            following = takewhile(lambda after: after.role == "tool", messages[at + 1 :])
            results = [part for after in following for part in after.parts]
            if why := _mismatch(calls, results):
                return f"message {at}: {why}"
        elif calls or (message.role == "tool" and (at == 0 or messages[at - 1].role == "user")):
            return f"message {at}: a {message.role} message that no provider expects here"
    return ""


def _mismatch(calls: Sequence[ToolCall], results: Sequence[object]) -> str:
    if not calls and not results:
        return ""
    answers = [part for part in results if isinstance(part, ToolResult)]
    if len(answers) != len(results):
        return "something in a tool message is no result"
    keys = [answer.key for answer in answers]
    if twice := [key for key in keys if keys.count(key) > 1]:
        return f"the call {twice[0]} has more than one result"
    asked, answered = [sorted(part.name for part in parts) for parts in (calls, answers)]
    if asked != answered:
        if missing := Counter(asked) - Counter(answered):
            return f"calls without a result: {', '.join(missing.elements())}"
        surplus = Counter(answered) - Counter(asked)
        return f"results without a call: {', '.join(surplus.elements())}"
    ids = [answer.provider_id for answer in answers if answer.provider_id]
    if strange := ids and Counter(ids) - Counter(call.provider_id for call in calls):
        return f"results with ids that no call has: {', '.join(sorted(strange))}"
    return ""


def _time(said: str, messages: Sequence[Message], at_most: int) -> int:
    """Return how often this was said, as far as that makes a difference."""
    if at_most == 1:
        return 1
    times = sum(message.role == "user" and message.text == said for message in messages)
    return min(max(1, times), at_most)


def _position(script: Sequence[_Line], request: Request) -> int:
    """Return which answer is due: usually the key's number, less where attempts were lost."""
    asked = int(request.key.rpartition("/")[2])
    last = len(script) - 1
    if asked == 0:
        return 0
    at = _after_last_said(script, request.messages, min(asked, last + 1))
    # An error that was raised is not raised again: it is among the requests that came before.
    while at < min(asked, last) and script[at].only_fails:
        at += 1
    return min(at, last)


def _after_last_said(script: Sequence[_Line], messages: Sequence[Message], at_most: int) -> int:
    for said in reversed(messages):
        if said.role == "assistant":
            break
    else:
        return 0
    for at in range(at_most, 0, -1):
        line = script[at - 1]
        if not line.only_fails and line.was(said):
            return at
    # What was said has been changed since, by a guard for one; or it ended an earlier turn.
    return at_most if messages[-1].role == "tool" else 0


def _takes(script: Script | Takes) -> Sequence[tuple[_Line, ...]]:
    scripts = script.scripts if isinstance(script, Takes) else [script]
    return [lines for each in scripts if (lines := _lines(each))]


def _lines(script: Script) -> tuple[_Line, ...]:
    return tuple(_Line(ask=answer) if callable(answer) else _line(answer) for answer in script)


def _line(said: Said) -> _Line:
    error = None
    if isinstance(said, str):
        parts: tuple[ReplyPart, ...] = (Text(said),)
    elif isinstance(said, ModelError):
        return _Line(error=said)
    elif isinstance(said, Reply):
        parts = said.parts
    else:
        errors = [part for part in said if isinstance(part, ModelError)]
        parts = tuple(part for part in said if not isinstance(part, ModelError))
        error = errors[0] if errors else None
    text, calls = _gist(parts)
    thought = sum(len(part.text.encode()) for part in parts if isinstance(part, Reasoning))
    called = sum(len(word.encode()) for call in calls for word in call)
    return _Line(
        parts,
        text,
        calls,
        output=len(text.encode()) + thought + called,
        error=error,
        reply=said if isinstance(said, Reply) else None,
    )


def _gist(parts: Sequence[object]) -> tuple[str, tuple[tuple[str, str], ...]]:
    text = "".join(part.text for part in parts if isinstance(part, Text))
    calls = tuple((part.name, part.arguments) for part in parts if isinstance(part, ToolCall))
    return text, calls


def _fresh(error: ModelError) -> ModelError:
    """Return the error anew: one that is raised twice gathers tracebacks."""
    return type(error)(error.text, sent=error.sent, retry_after_s=error.retry_after_s)


_SUMMARY = _line("What was said so far, in short.")
