"""Traces, derived from what is committed: a span a turn, and one for each step of it.

Times are the journal's. Whoever commits the end of something tells of it, once; where it began may
have been another's to commit, and is read. Spans have ids of their own making (see
`core.traces`), so they are made whole, once they are over, and given to a processor of
OpenTelemetry's SDK. Nothing that anybody said is in them, unless `content` is wanted; and then it
is redacted as logs are, as nobody knows who reads a collector.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from jackline.adapters import genai
from jackline.core import events as e
from jackline.core.messages import Part, Pasted, Text
from jackline.core.session import Session
from jackline.core.traces import Trace, span_of, trace_of
from jackline.core.value import Value

if TYPE_CHECKING:
    from jackline.core.secrecy import Writing

_SCOPE = InstrumentationScope("jackline")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_OPEN_MAX = 50_000
_FLUSH_S = 2.0
_MICRO, _NANO = 1_000_000, 1_000_000_000
Attributes = dict[str, str | int | float]


class _Begun(Value, frozen=True):
    """What has begun, and has not ended as far as is known here."""

    at: float
    event: e.Event


class _Span(Value, frozen=True):
    """A span to be."""

    name: str
    trace: Trace
    id: int
    parent: int
    times: tuple[float, float]
    kind: SpanKind = SpanKind.INTERNAL


class Telemetry:
    """Makes spans of events. See `Observer`."""

    def __init__(
        self, processor: SpanProcessor, resource: Resource | None = None, *, content: bool = False
    ) -> None:
        self._processor = processor
        self._resource = resource or Resource.create({"service.name": "jackline"})
        self._content = _content() if content else None
        self._begun: OrderedDict[tuple[e.SessionId, str], _Begun] = OrderedDict()

    def saw(
        self, session: Session, records: Sequence[e.Record], took_s: float | None = None
    ) -> None:
        """See `Observer.saw`."""
        for record in records:
            match record.event:
                case e.TurnSubmitted() | e.TurnSteered():
                    self._begin(session.id, f"turn/{record.seq}", record)
                case e.ModelReserved(key=key) | e.ToolStarted(key=key):
                    self._begin(session.id, key, record)
                case (
                    e.ModelReplied(key=key)
                    | e.ModelFailed(key=key)
                    | e.HoldUnconfirmed(key=key)
                    | e.ToolReturned(key=key)
                    | e.ToolFailed(key=key)
                    | e.ToolUnknown(key=key)
                ):
                    self._step(session, key, record, own=took_s is not None)
                case e.TurnCompleted() | e.TurnFailed() | e.TurnStopped() | e.TurnCancelled():
                    self._turn(session, record, record.event, own=took_s is not None)
                case _:
                    pass

    def close(self) -> None:
        """Send what is left, for a moment: a collector that is not there is not waited for."""
        last = threading.Thread(target=self._processor.shutdown, daemon=True)
        last.start()
        last.join(_FLUSH_S)

    def _begin(self, session: e.SessionId, key: str, record: e.Record) -> None:
        self._begun[session, key] = _Begun(record.at, record.event)
        if len(self._begun) > _OPEN_MAX:
            self._begun.popitem(last=False)

    def _step(self, session: Session, key: str, record: e.Record, *, own: bool) -> None:
        begun, turn = self._begun.pop((session.id, key), None), session.turn
        if begun is None or turn is None or not own:
            return
        trace, attributes = trace_of(session.id, turn.id, turn.submitted), Attributes()
        parent = span_of(session.id, f"turn/{turn.id}")
        if isinstance(begun.event, e.ModelReserved):
            name = f"{genai.CHAT} {begun.event.model}"
            attributes |= self._asked(begun.event) | self._answered(record.event)
            kind = SpanKind.CLIENT
        else:
            assert isinstance(begun.event, e.ToolStarted), "a call was started"
            name = f"{genai.EXECUTE_TOOL} {begun.event.name}"
            attributes |= self._called(session, begun.event) | self._came(record.event)
            key, kind = f"{key}#{begun.event.attempt}", SpanKind.INTERNAL
        times = begun.at, record.at
        self._end(_Span(name, trace, span_of(session.id, key), parent, times, kind), attributes)

    def _turn(self, session: Session, record: e.Record, event: e.TurnEnded, *, own: bool) -> None:
        name = f"turn/{event.turn}"
        begun, turn = self._begun.pop((session.id, name), None), session.turn
        said = begun.event if begun else turn.submitted if turn else None
        if not own or not isinstance(said, e.TurnSubmitted | e.TurnSteered):
            return
        agent = session.opened.agent if session.opened else ""
        outcome = type(event).__name__.removeprefix("Turn").lower()
        attributes: Attributes = {
            genai.OPERATION: genai.INVOKE_AGENT,
            genai.AGENT: agent,
            genai.AGENT_VERSION: said.version,
            genai.CONVERSATION: session.id.name,
            genai.TENANT: session.id.tenant,
            genai.TURN: event.turn,
            genai.OUTCOME: outcome,
            **_used(event.usage, event.cost),
        }
        if isinstance(event, e.TurnFailed | e.TurnStopped):
            attributes[genai.ERROR] = event.code
        if self._content:
            attributes[genai.INPUT_MESSAGES] = _message("user", said.parts, self._content)
            if isinstance(event, e.TurnCompleted):
                answer = _message("assistant", [Text(event.text)], self._content)
                attributes[genai.OUTPUT_MESSAGES] = answer
        trace = trace_of(session.id, event.turn, said)
        span, times = span_of(session.id, name), ((begun or record).at, record.at)
        called = f"{genai.INVOKE_AGENT} {agent}"
        self._end(_Span(called, trace, span, trace.parent, times), attributes)

    def _asked(self, event: e.ModelReserved) -> Attributes:
        provider, found, model = event.model.partition(":")
        asked: Attributes = {
            genai.OPERATION: genai.CHAT,
            genai.REQUEST_MODEL: model or provider,
            genai.REQUEST_MAX_TOKENS: event.max_tokens,
            genai.PURPOSE: event.purpose,
        }
        return asked | {genai.PROVIDER: provider} if found else asked

    def _answered(self, event: e.Event) -> Attributes:
        match event:
            case e.ModelReplied():
                told = {genai.RESPONSE_MODEL: event.model, **_used(event.usage, event.cost)}
                if self._content:
                    answer = _message("assistant", event.parts, self._content)
                    told[genai.OUTPUT_MESSAGES] = answer
                return told
            case e.ModelFailed() | e.HoldUnconfirmed():
                return {genai.ERROR: event.code, genai.COST: event.cost / _MICRO}
            case _:
                return {}

    def _called(self, session: Session, event: e.ToolStarted) -> Attributes:
        called: Attributes = {
            genai.OPERATION: genai.EXECUTE_TOOL,
            genai.TOOL: event.name,
            genai.TOOL_CALL: event.key,
            genai.ATTEMPT: event.attempt,
        }
        current = session.turn and session.turn.round
        call = current.calls.get(event.key) if current else None
        if self._content and call:
            arguments = call.arguments or call.asked.arguments
            called[genai.TOOL_ARGUMENTS] = self._content.json(arguments)
        return called

    def _came(self, event: e.Event) -> Attributes:
        match event:
            case e.ToolReturned() if self._content:
                return {genai.TOOL_RESULT: _message("tool", event.parts, self._content)}
            case e.ToolFailed() | e.ToolUnknown():
                return {genai.ERROR: event.code}
            case _:
                return {}

    def _end(self, span: _Span, attributes: Attributes) -> None:
        """Hand on a span, unless whoever asked for the turn wants none."""
        if not span.trace.sampled:
            return
        begun, ended = span.times
        code = StatusCode.ERROR if genai.ERROR in attributes else StatusCode.UNSET
        self._processor.on_end(
            ReadableSpan(
                span.name,
                _context(span.trace, span.id),
                _context(span.trace, span.parent) if span.parent else None,
                self._resource,
                attributes,
                kind=span.kind,
                instrumentation_scope=_SCOPE,
                status=Status(code),
                start_time=int(begun * _NANO),
                end_time=int(max(begun, ended) * _NANO),
            )
        )


def _context(trace: Trace, span: int) -> SpanContext:
    return SpanContext(trace.id, span, is_remote=False, trace_flags=_SAMPLED)


def _used(usage: e.Usage, cost: int) -> Attributes:
    return {
        genai.INPUT_TOKENS: usage.input,
        genai.OUTPUT_TOKENS: usage.output,
        genai.CACHE_READ_TOKENS: usage.cache_read,
        genai.CACHE_WRITE_TOKENS: usage.cache_write,
        genai.COST: cost / _MICRO,
    }


def _content() -> "Writing":
    """Return what takes out of content what no log has either."""
    from jackline.core.redaction import DEFAULT, Redactor  # noqa: PLC0415 - heavy, and for content alone
    from jackline.core.secrecy import Writing  # noqa: PLC0415 - as above

    redactor = Redactor(DEFAULT)
    return Writing(redactor.search, redactor.blank)


def _message(role: str, parts: Sequence[Part], content: "Writing") -> str:
    """Return what was said, as the conventions write it: the texts of it, redacted."""
    told = content.reply(parts, plain=False)
    texts = [part.text for part in told if isinstance(part, Text | Pasted)]
    said = [{"type": "text", "content": text} for text in texts]
    return json.dumps([{"role": role, "parts": said}], ensure_ascii=False)


def to_collector(*, content: bool) -> Telemetry:
    """Return telemetry that a collector gets over OTLP, as OpenTelemetry's own variables say."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - it takes 0.3 s to import
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    return Telemetry(BatchSpanProcessor(OTLPSpanExporter()), content=content)
