"""Asks a model once, and says what came of it as events."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from jackline.core import extracting, judging, planning, window
from jackline.core.admission import PASSED, Key, Ticket, Toll, Went
from jackline.core.agent import Agent, Scope
from jackline.core.breaker import Breaker
from jackline.core.budget import Terms
from jackline.core.detection.judge import ANSWER_CHARACTERS_MAX, SCHEMA, Question
from jackline.core.errors import (
    GarbledReplyError,
    ModelError,
    ModelTimeoutError,
    RateLimitedError,
)
from jackline.core.events import (
    BudgetBreached,
    Event,
    GuardJudged,
    HoldUnconfirmed,
    ModelFailed,
    ModelReplied,
    ModelReserved,
    Purpose,
    Usage,
)
from jackline.core.flow import Source
from jackline.core.guards import judge
from jackline.core.messages import Message, ReplyPart, Text, ToolCall
from jackline.core.outputs import Output
from jackline.core.rates import Quotas
from jackline.core.results import explained, shortened
from jackline.core.session import Session
from jackline.core.value import Value, replace
from jackline.ports import Clock, Model, Rates, Reply, Request, ToolSpec
from jackline.runtime.bounded import Ended, OverdueError, bounded
from jackline.runtime.judges import Judges
from jackline.runtime.secrecy import Passage

_TIMEOUT_S = 300.0
_WAIT_MAX_S = 3_600.0
_BREAKER = Breaker(failures=10)
_COUNT_MAX = 1 << 40  # No reply has that many tokens: who says so cannot be believed.
_ROOM: Mapping[Purpose, int] = {
    "judge": ANSWER_CHARACTERS_MAX,
    "extract": extracting.ANSWER_CHARACTERS_MAX,
}
_SECONDS: Mapping[Purpose, float] = {"plan": planning.PLAN_S, "extract": extracting.EXTRACT_S}
_REFUSED = {"access", "content_refused", "context_too_long", "request_refused"}


class Asked(Value, frozen=True, gc=True):
    """One question to a model: of which session, for which reservation, past which guards.

    A plan is made of what was `typed`, a verdict or a value of what is `posed`, to be answered by
    `schema`: not of the session's messages.
    """

    session: Session
    reserved: ModelReserved
    passage: Passage
    say: Callable[[str], None]
    artifact: Callable[[str], Awaitable[tuple[bytes, str]]]
    typed: Sequence[Source] = ()
    posed: Question | None = None
    schema: Mapping[str, Any] | None = None


class Models:
    """An agent's models, ready to be asked, and its judge."""

    def __init__(
        self,
        agent: Agent,
        models: Sequence[Model],
        rates: Rates,
        clock: Clock,
        judge: Judges | None = None,
    ) -> None:
        self.terms: Sequence[Terms] = tuple(model.terms for model in models)
        self._agent = agent
        self._rates = rates
        self._clock = clock
        self.judge = judge
        self._models: Mapping[str, Model] = {model.terms.model: model for model in models}
        self._terms = {terms.model: terms for terms in self.terms}
        self._tolls = {name: Toll(f"model/{name}", _BREAKER) for name in self._models}
        self._extracts = {name: Toll(f"extract/{name}", _BREAKER) for name in self._models}
        self._quotas: Mapping[Scope, Quotas] = {
            scope: rate.quotas for scope, rate in agent.rates.items()
        }
        self._tools = tuple(
            ToolSpec(tool.name, tool.description, tool.parameters) for tool in agent.tools
        )
        self._schema = agent.typed.schema if agent.typed else None
        self._allowed = tuple(guard.name for guard in agent.standing if "output" in guard.gates)

    async def ask(self, asked: Asked) -> Sequence[Event]:
        """Return what came of it. A model's failure is an outcome and is never raised."""
        reserved, name, toll = asked.reserved, self._agent.name, self._toll(asked.reserved)
        if self._quotas:
            counts = {_whose(scope, name, asked): each for scope, each in self._quotas.items()}
            size = len(asked.posed.text) if asked.posed else asked.session.messages.size_bytes
            tokens = reserved.max_tokens + size // 3
            toll = Toll(toll.name, toll.breaker, counts, tokens)
        ticket, rates = PASSED, self._rates
        if toll.rates or toll.name in rates.troubled:
            ticket = await rates.enter(toll)
            if ticket.wait_s:
                return [_held_up(reserved, ticket)]
        begun = self._clock()
        timeout_s = self._timeout_s(reserved)
        try:
            reply = _reply(await bounded(self._stream(asked), timeout_s))
        except (OverdueError, ModelError) as error:
            overdue = ModelTimeoutError(f"No reply within {timeout_s:g} s.")
            failed = error if isinstance(error, ModelError) else overdue
            await rates.leave(toll, ticket, _went(failed))
            return [_failed(asked, failed)]
        except BaseException:
            await rates.leave(toll, ticket, Went(ok=None))
            raise
        usage = reply.usage if reply.usage and _is_credible(reply.usage) else None
        if toll.rates or toll.name in rates.troubled:
            used = usage.input + usage.output if usage else None
            await rates.leave(toll, ticket, Went(True, used))  # noqa: FBT003 - it is asked often
        return self._replied(asked, reply, usage, self._clock() - begun)

    async def _stream(self, asked: Asked) -> Reply:
        """Return the reply, and pass on what may be said of it before. Raises `ModelError`."""
        stream = self._model(asked.reserved).stream(self._request(asked))
        room = _ROOM.get(asked.reserved.purpose, math.inf)
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
                    if (room := room - len(part)) < 0:
                        raise GarbledReplyError("What it says is longer than any answer.")
                    if says:
                        gate = gate or asked.passage.gate()
                        if ready := gate.feed(part):
                            asked.say(ready)
        except ModelError as error:
            # What fails once something has come was sent, whoever says otherwise.
            error.sent = error.sent or begun
            raise
        raise GarbledReplyError("The stream ended without a reply.")

    def _model(self, reserved: ModelReserved) -> Model:
        if reserved.purpose == "judge" and self.judge:
            return self.judge.model
        return self._models[reserved.model]

    def _timeout_s(self, reserved: ModelReserved) -> float:
        if reserved.purpose == "judge" and self.judge:
            return self.judge.timeout_s
        return _SECONDS.get(reserved.purpose, _TIMEOUT_S)

    def _toll(self, reserved: ModelReserved) -> Toll:
        """Return what the question has to pass. What others wrote closes no model to the agent."""
        if reserved.purpose == "judge" and self.judge:
            return self.judge.toll
        if reserved.purpose == "extract":
            return self._extracts[reserved.model]
        return self._tolls[reserved.model]

    def _request(self, asked: Asked) -> Request:
        session, reserved = asked.session, asked.reserved
        if reserved.purpose == "compact":
            told = window.to_summarise(session, self._agent, self._terms[reserved.model])
            return Request(
                reserved.key, window.SUMMARISE, told, (), reserved.max_tokens, purpose="compact"
            )
        if posed := asked.posed:
            return Request(
                reserved.key,
                posed.instructions,
                (Message("user", (Text(posed.text),)),),
                (),
                reserved.max_tokens,
                asked.schema or SCHEMA,
                purpose=reserved.purpose,
                first_event_s=self._timeout_s(reserved),
                timeout_s=self._timeout_s(reserved),
            )
        if reserved.purpose == "plan":
            return Request(
                reserved.key,
                planning.PLAN,
                planning.asked(self._agent, session.instructions, asked.typed),
                (),
                reserved.max_tokens,
                planning.schema(self._agent),
                purpose="plan",
                first_event_s=planning.PLAN_S,
                timeout_s=planning.PLAN_S,
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
        self, asked: Asked, reply: Reply, usage: Usage | None, seconds: float
    ) -> Sequence[Event]:
        """Return what was replied. Without a usage it costs the whole hold."""
        reserved = asked.reserved
        secrets, is_reply = asked.passage.secrets, reserved.purpose == "reply"
        parts = [_clean(part) for part in reply.parts]
        parts = secrets.reply(parts, plain=is_reply and self._schema is None)
        if (room := _ROOM.get(reserved.purpose)) is not None:
            parts = judging.answer(parts, room)
        said = tuple[GuardJudged, ...]()
        typed = None if any(isinstance(part, ToolCall) for part in parts) else self._agent.typed
        if is_reply and typed:
            parts = _kept(asked, parts, typed)
        if is_reply and self._allowed:
            parts, said = _judged(asked, parts, typed)
        replied = ModelReplied(
            reserved.key,
            parts,
            _encodable(reply.model),
            usage or Usage(),
            cost := self._model(reserved).terms.price.cost(usage) if usage else reserved.hold,
            round(seconds, 3),
            () if said or reserved.purpose != "reply" else self._allowed,
            reply.cut,
        )
        if cost > reserved.hold:
            breached = BudgetBreached(reserved.key, reserved.model, reserved.hold, cost)
            return [replied, *said, breached]
        return [replied, *said]


def _kept(asked: Asked, parts: tuple[ReplyPart, ...], typed: Output) -> tuple[ReplyPart, ...]:
    """Return a typed answer without the secrets that its value has, however it is written."""
    from jackline.core import answers  # noqa: PLC0415 - heavy, and few agents have a type

    text = _words(parts)
    kept = answers.kept(typed, text, asked.passage.secrets.json)
    return parts if kept == text else _with_words(parts, kept)


def _words(parts: Sequence[ReplyPart]) -> str:
    return "".join([part.text for part in parts if isinstance(part, Text)])


def _with_words(parts: Sequence[ReplyPart], words: str) -> tuple[ReplyPart, ...]:
    return (Text(words), *(part for part in parts if not isinstance(part, Text)))


def _judged(
    asked: Asked, parts: tuple[ReplyPart, ...], typed: Output | None
) -> tuple[tuple[ReplyPart, ...], tuple[GuardJudged, ...]]:
    """Judge the words as one text: what is denied may stand across two parts."""
    text = _words(parts)
    if not text:
        return parts, ()
    guards, key = asked.passage.guards, asked.reserved.key
    if typed:
        from jackline.core import answers  # noqa: PLC0415 - heavy, and few agents have a type

        passed, said = answers.judged(guards, typed, text, key)
    else:
        passed, said = judge(guards, "output", text, key)
    said = tuple([asked.passage.secrets.of(each) for each in said])
    blocked = any(judged.decision in {"ask", "block"} for judged in said)
    if passed == text and not blocked:
        return parts, said
    return _with_words(parts, "[blocked]" if blocked else passed), said


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


def _whose(scope: Scope, agent: str, asked: Asked) -> Key:
    """Return whose rate of this scope the question counts for: a model's is for all tenants."""
    session = asked.session
    match scope:
        case "model":
            return "", f"rate/{agent}/model/{asked.reserved.model}"
        case "session":
            return session.id.tenant, f"rate/{agent}/session/{session.id.name}"
        case "user":
            user = session.opened.user if session.opened else ""
            return session.id.tenant, f"rate/{agent}/user/{user}"
        case "tenant":
            return session.id.tenant, f"rate/{agent}/tenant"


def _held_up(reserved: ModelReserved, ticket: Ticket) -> ModelFailed:
    """Return that the model was not asked, and when it may be."""
    if ticket.wait_s == math.inf:
        text = "The request is larger than a rate of this agent ever lets through at once."
        return ModelFailed(reserved.key, "rate_too_low", text)
    text = f"{reserved.model} may be asked again in {ticket.wait_s:.1f} s."
    if ticket.why == "unknown":
        text = f"Whether {reserved.model} may be asked is not known: the store does not answer."
    code = "overloaded" if ticket.why == "open" else "throttled"
    after_s = min(ticket.wait_s, _WAIT_MAX_S)
    return ModelFailed(reserved.key, code, text, retry_after_s=after_s)


def _went(error: ModelError) -> Went:
    """Return what an error says of the model: that it has had too many calls is no fault."""
    if isinstance(error, RateLimitedError):
        return Went(ok=None, too_many=True, retry_after_s=error.retry_after_s or 0.0)
    return Went(ok=None if error.code in _REFUSED else False)


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


def _failed(asked: Asked, error: ModelError) -> ModelFailed | HoldUnconfirmed:
    """Charge the whole hold where the provider may have worked: nobody knows what it costs."""
    reserved, after_s = asked.reserved, error.retry_after_s
    text = shortened(asked.passage.secrets.said(error.text))
    if error.sent and reserved.hold:
        return HoldUnconfirmed(reserved.key, reserved.hold, error.code, text, after_s)
    return ModelFailed(reserved.key, error.code, text, retry_after_s=after_s)
