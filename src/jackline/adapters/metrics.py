"""What is measured, for Prometheus: derived from what is committed, in a registry of its own.

No label says whose a session is, and none comes from outside: names of agents, models, tools and
routes are those that are defined here. Tenants are told apart only where that was asked for.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from jackline.core import events as e
from jackline.core.session import Call, Session

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MICRO = 1_000_000
_ASKED_MAX = 10_000
_SHORT_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LONG_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_VERBS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_OUTCOMES: Mapping[type, str] = {
    e.TurnCompleted: "completed",
    e.TurnFailed: "failed",
    e.TurnStopped: "stopped",
    e.TurnCancelled: "cancelled",
    e.ToolReturned: "returned",
    e.ToolFailed: "failed",
    e.ToolUnknown: "unknown",
}


class State:
    """What is looked at when somebody asks: readers, and what is left alone for now."""

    def __init__(
        self,
        readers: Callable[[], tuple[int, Mapping[str, int]]],
        opened: Callable[[], Iterable[str]],
        driven: Callable[[], int],
    ) -> None:
        self._readers = readers
        self._opened = opened
        self._driven = driven

    def collect(self) -> Iterable[Metric]:
        """Return how it is now."""
        there, left = self._readers()
        yield _gauge("stream_readers", "Who follows a stream now.", there)
        gone = CounterMetricFamily(
            "jackline_stream_readers_left", "Who followed a stream.", labels=["reason"]
        )
        for reason, number in left.items():
            gone.add_metric([reason], number)
        yield gone
        yield _gauge("sessions_driven", "Sessions that are driven here now.", self._driven())
        breakers = GaugeMetricFamily(
            "jackline_breaker_open", "Models and tools that are left alone.", labels=["name"]
        )
        for name in self._opened():
            breakers.add_metric([name], 1)
        yield breakers


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"jackline_{name}", text, value=value)


class Metrics:
    """Counts what is committed, and how requests are answered. See `Observer`."""

    def __init__(self, *, tenants: bool = False) -> None:
        self._registry = registry = CollectorRegistry()
        whose = ["agent", "tenant"] if tenants else ["agent"]
        self._tenants = tenants
        self._turns = Counter(
            "jackline_turns", "Turns.", [*whose, "outcome", "code"], registry=registry
        )
        self._money = Counter(
            "jackline_cost_dollars", "Cost.", [*whose, "model"], registry=registry
        )
        self._tokens = Counter(
            "jackline_tokens", "Tokens.", [*whose, "model", "kind"], registry=registry
        )
        self._models = _histogram(registry, "model", "A model's reply.", _LONG_S, "agent", "model")
        self._failures = Counter(
            "jackline_model_failures",
            "Questions to models without a reply.",
            ["agent", "model", "code"],
            registry=registry,
        )
        self._tools = _histogram(
            registry, "tool", "A tool's call.", _LONG_S, "agent", "tool", "outcome"
        )
        self._refused = Counter(
            "jackline_tool_refusals", "Calls not made.", ["agent", "code"], registry=registry
        )
        self._waits = _histogram(
            registry, "queue_wait", "From an input to the first model.", _LONG_S, "agent"
        )
        self._commits = _histogram(registry, "commit", "A driver's commit.", _SHORT_S)
        self._requests = _histogram(
            registry, "request", "Until an answer begins.", _SHORT_S, "route", "method", "status"
        )
        self._asked: OrderedDict[tuple[e.SessionId, int], float] = OrderedDict()

    def show(self, state: State) -> None:
        """Let whoever asks see that, too."""
        self._registry.register(state)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry)

    def requested(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        verb = method if method in _VERBS else "other"
        self._requests.labels(route, verb, str(status)).observe(seconds)

    def saw(
        self, session: Session, records: Sequence[e.Record], took_s: float | None = None
    ) -> None:
        """See `Observer.saw`. Only what was committed here is counted, as others count theirs."""
        if took_s is None:
            for record in records:
                if isinstance(record.event, e.Submitted):
                    self._remember(session.id, record)
            return
        self._commits.observe(took_s)
        batch = _Batch(session)
        for record in records:
            self._count(batch, record)

    def _remember(self, session: e.SessionId, record: e.Record) -> None:
        self._asked[session, record.seq] = record.at
        if len(self._asked) > _ASKED_MAX:
            self._asked.popitem(last=False)

    def _count(self, batch: "_Batch", record: e.Record) -> None:
        match record.event:
            case e.ModelReserved() as event:
                batch.model = event.model
                self._begun(batch, record.at)
            case e.ModelReplied() | e.ModelFailed() | e.HoldUnconfirmed() as event:
                self._model(batch, event)
            case e.ToolReturned() | e.ToolFailed() | e.ToolUnknown() as event:
                seconds = 0.0 if isinstance(event, e.ToolUnknown) else event.seconds
                outcome, tool = _OUTCOMES[type(event)], batch.tool(event.key)
                self._tools.labels(batch.agent, tool, outcome).observe(seconds)
            case e.ToolRefused(code=code):
                self._refused.labels(batch.agent, code).inc()
            case e.TurnCompleted() | e.TurnFailed() | e.TurnStopped() | e.TurnCancelled() as event:
                code = event.code if isinstance(event, e.TurnFailed | e.TurnStopped) else ""
                self._turns.labels(*self._whose(batch), _OUTCOMES[type(event)], code).inc()
                self._asked.pop((batch.session, event.turn), None)
                batch.ended()
            case _:
                pass

    def _begun(self, batch: "_Batch", at: float) -> None:
        asked_at = self._asked.pop((batch.session, batch.turn), None)
        if asked_at is not None:
            self._waits.labels(batch.agent).observe(at - asked_at)

    def _model(self, batch: "_Batch", event: e.ModelClosed) -> None:
        whose, model = self._whose(batch), batch.model
        self._money.labels(*whose, model).inc(event.cost / _MICRO)
        if not isinstance(event, e.ModelReplied):
            self._failures.labels(batch.agent, model, event.code).inc()
            return
        self._models.labels(batch.agent, model).observe(event.seconds)
        for kind in event.usage.__struct_fields__:
            if number := getattr(event.usage, kind):
                self._tokens.labels(*whose, model, kind).inc(number)

    def _whose(self, batch: "_Batch") -> Sequence[str]:
        return (batch.agent, batch.session.tenant) if self._tenants else (batch.agent,)


class _Batch:
    """What the events of one commit belong to."""

    def __init__(self, session: Session) -> None:
        turn = session.turn
        self.session = session.id
        self.agent = session.opened.agent if session.opened else ""
        self.model = turn.asked.model if turn and turn.asked else ""
        self._calls: Mapping[str, Call] = turn.round.calls if turn and turn.round else {}
        self._turns = [position for position, _ in session.queue]
        self.turn = turn.id if turn else 0

    def tool(self, key: str) -> str:
        """Return the name of the tool that was called."""
        call = self._calls.get(key)
        return call.asked.name if call else ""

    def ended(self) -> None:
        """Go on to the turn that waited."""
        self.turn = self._turns.pop(0) if self._turns else 0


def _histogram(
    registry: CollectorRegistry, name: str, text: str, buckets: Sequence[float], *labels: str
) -> Histogram:
    return Histogram(f"jackline_{name}_seconds", text, labels, buckets=buckets, registry=registry)
