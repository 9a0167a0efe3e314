"""Asks a model once, and says what came of it as events."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing

from jackline.core import window
from jackline.core.agent import Agent, Scope
from jackline.core.breaker import Entry
from jackline.core.budget import Terms
from jackline.core.errors import GarbledReplyError, ModelError, ModelTimeoutError
from jackline.core.events import (
    BudgetBreached,
    Event,
    GuardJudged,
    HoldUnconfirmed,
    ModelFailed,
    ModelReplied,
    ModelReserved,
    Usage,
)
from jackline.core.guards import judge
from jackline.core.messages import ReplyPart, Text, ToolCall
from jackline.core.results import explained, shortened
from jackline.core.session import Session
from jackline.core.value import Value, replace
from jackline.ports import Clock, Model, Reply, Request, ToolSpec
from jackline.runtime.admission import Admission
from jackline.runtime.bounded import Ended, OverdueError, bounded
from jackline.runtime.guards import Gate

_TIMEOUT_S = 300.0
_COUNT_MAX = 1 << 40  # No reply has that many tokens: who says so cannot be believed.
_REFUSED = {"access", "content_refused", "context_too_long", "request_refused"}


class Asked(Value, frozen=True, gc=True):
    """One question to a model: of which session, and for which reservation."""

    session: Session
    reserved: ModelReserved
    say: Callable[[str], None]
    artifact: Callable[[str], Awaitable[tuple[bytes, str]]]


class Models:
    """An agent's models, ready to be asked."""

    def __init__(
        self, agent: Agent, models: Sequence[Model], admission: Admission, clock: Clock
    ) -> None:
        self.terms: Sequence[Terms] = tuple(model.terms for model in models)
        self._agent = agent
        self._admission = admission
        self._clock = clock
        self._models: Mapping[str, Model] = {model.terms.model: model for model in models}
        self._terms = {terms.model: terms for terms in self.terms}
        self._tools = tuple(
            ToolSpec(tool.name, tool.description, tool.parameters) for tool in agent.tools
        )
        self._schema = agent.typed.schema if agent.typed else None
        self._allowed = tuple(guard.name for guard in agent.guards if "output" in guard.gates)

    async def ask(self, asked: Asked) -> Sequence[Event]:
        """Return what came of it. A model's failure is an outcome and is never raised."""
        reserved, rates = asked.reserved, self._agent.rates
        names: dict[Scope, str] = {scope: _whose(scope, asked) for scope in rates}
        held = self._clock(), reserved.max_tokens + asked.session.messages.size_bytes // 3
        wait_s, entry = self._admit(reserved.model, names, held[1])
        if wait_s == math.inf:
            text = "The request is larger than a rate of this agent ever lets through at once."
            return [ModelFailed(reserved.key, "rate_too_low", text)]
        if wait_s:
            text = f"{reserved.model} may be asked again in {wait_s:.1f} s."
            code = "overloaded" if entry and entry.wait_s else "throttled"
            return [ModelFailed(reserved.key, code, text, retry_after_s=min(wait_s, _TIMEOUT_S))]
        ok = None
        try:
            reply, ok = _reply(await bounded(self._stream(asked), _TIMEOUT_S)), True
        except OverdueError:
            ok, late = False, ModelTimeoutError(f"No reply within {_TIMEOUT_S:g} s.")
            return [_failed(reserved, late)]
        except ModelError as error:
            ok = None if error.code in _REFUSED else False
            return [_failed(reserved, error)]
        finally:
            if entry:
                self._admission.leave(reserved.model, entry, ok=ok)
        usage = reply.usage if reply.usage and _is_credible(reply.usage) else None
        if rates and usage:
            self._admission.settle(rates, names, held, usage.input + usage.output)
        return self._replied(reserved, reply, usage, self._clock() - held[0])

    def _admit(
        self, model: str, names: Mapping[Scope, str], tokens: int
    ) -> tuple[float, Entry | None]:
        if names:
            wait_s = self._admission.wait_s(self._agent.rates, names, tokens)
            if wait_s:
                return wait_s, None
        entry = self._admission.enter(model)
        return entry.wait_s, entry

    async def _stream(self, asked: Asked) -> Reply:
        """Return the reply, and pass on what may be said of it before. Raises `ModelError`."""
        stream = self._models[asked.reserved.model].stream(self._request(asked))
        says = asked.reserved.purpose == "reply" and self._schema is None
        gate, begun = None, False
        try:
            async with aclosing(stream) as parts:
                async for part in parts:
                    begun = True
                    if isinstance(part, Reply):
                        if gate and (rest := gate.finish()):
                            asked.say(rest)
                        return part
                    if says:
                        gate = gate or Gate(self._agent.guards)
                        if ready := gate.feed(part):
                            asked.say(ready)
        except ModelError as error:
            # What fails once something has come was sent, whoever says otherwise.
            error.sent = error.sent or begun
            raise
        raise GarbledReplyError("The stream ended without a reply.")

    def _request(self, asked: Asked) -> Request:
        session, reserved = asked.session, asked.reserved
        if reserved.purpose == "compact":
            told = window.to_summarise(session, self._agent, self._terms[reserved.model])
            return Request(
                reserved.key, window.SUMMARISE, told, (), reserved.max_tokens, purpose="compact"
            )
        return Request(
            reserved.key,
            session.instructions,
            session.messages,
            self._tools,
            reserved.max_tokens,
            self._schema,
            timeout_s=_TIMEOUT_S,
            artifact=asked.artifact,
        )

    def _replied(
        self, reserved: ModelReserved, reply: Reply, usage: Usage | None, seconds: float
    ) -> Sequence[Event]:
        """Return what was replied. Without a usage it costs the whole hold."""
        parts, said = tuple([_clean(part) for part in reply.parts]), tuple[GuardJudged, ...]()
        if reserved.purpose == "reply" and self._allowed:
            parts, said = self._judged(parts, reserved.key)
        replied = ModelReplied(
            reserved.key,
            parts,
            _encodable(reply.model),
            usage or Usage(),
            cost := self._terms[reserved.model].price.cost(usage) if usage else reserved.hold,
            round(seconds, 3),
            () if said else self._allowed,
            reply.cut,
        )
        if cost > reserved.hold:
            breached = BudgetBreached(reserved.key, reserved.model, reserved.hold, cost)
            return [replied, *said, breached]
        return [replied, *said]

    def _judged(
        self, parts: tuple[ReplyPart, ...], key: str
    ) -> tuple[tuple[ReplyPart, ...], tuple[GuardJudged, ...]]:
        """Judge the words as one text: what is denied may stand across two parts."""
        text = "".join([part.text for part in parts if isinstance(part, Text)])
        if not text:
            return parts, ()
        passed, said = judge(self._agent.guards, "output", text, key)
        blocked = any(judged.decision in {"ask", "block"} for judged in said)
        if passed == text and not blocked:
            return parts, said
        rest = tuple(part for part in parts if not isinstance(part, Text))
        return (Text("[blocked]" if blocked else passed), *rest), said


def _reply(end: Ended) -> Reply:
    """Return the reply, or raise what was raised: if that was an exit, it is one of the model's."""
    if end.error is None:
        return end.value
    if isinstance(end.error, Exception):
        raise end.error
    raise RuntimeError(explained(end.error)) from end.error


def _is_credible(usage: Usage) -> bool:
    counts = usage.input, usage.output, usage.cache_read, usage.cache_write
    return min(counts) >= 0 and max(counts) < _COUNT_MAX


def _whose(scope: Scope, asked: Asked) -> str:
    """Return whose rate of this scope the question counts for."""
    session = asked.session
    match scope:
        case "model":
            return asked.reserved.model
        case "session":
            return str(session.id)
        case "user":
            return f"{session.id.tenant}/{session.opened.user if session.opened else ''}"
        case "tenant":
            return session.id.tenant


def _clean(part: ReplyPart) -> ReplyPart:
    """Replace lone surrogates, which no journal can hold: a model's text may be cut anywhere."""
    if isinstance(part, ToolCall):
        said = part.name, part.arguments, part.provider_id
        if "".join(said).isascii():
            return part
        name, arguments, provider_id = map(_encodable, said)
        return replace(part, name=name, arguments=arguments, provider_id=provider_id)
    clean = _encodable(part.text)
    return part if clean is part.text else replace(part, text=clean)


def _encodable(text: str) -> str:
    if text.isascii():
        return text
    clean = text.encode("utf-8", "replace").decode()
    return text if clean == text else clean


def _failed(reserved: ModelReserved, error: ModelError) -> ModelFailed | HoldUnconfirmed:
    """Charge the whole hold where the provider may have worked: nobody knows what it costs."""
    after_s, text = error.retry_after_s, shortened(error.text)
    if error.sent and reserved.hold:
        return HoldUnconfirmed(reserved.key, reserved.hold, error.code, text, after_s)
    return ModelFailed(reserved.key, error.code, text, retry_after_s=after_s)
