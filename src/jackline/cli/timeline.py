"""A session as people read it: who did what, when, and what it cost."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from jackline.cli.show import clean, compact, moment, short, span
from jackline.core import events as e
from jackline.core.budget import dollars
from jackline.core.events import Record
from jackline.core.flow import FlowVerdict, Plan
from jackline.core.messages import File, Image, InputPart, Pasted, Text
from jackline.core.value import Value, replace

Tone = Literal["plain", "quiet", "good", "bad", "asks", "head"]
_TEXT = 200
_ENDS = {"TurnCompleted": "completed", "TurnFailed": "failed", "TurnStopped": "stopped"}


class Line(Value, frozen=True):
    """One line of a timeline: who, and what. An event may have several, or none."""

    who: str
    what: str
    tone: Tone = "plain"
    cost: int = 0
    seconds: float = 0.0
    time: str = ""
    seq: int = 0


class Timeline:
    """Turns events into lines, one after the other: what came before gives names to keys.

    With `why` each call says why it may run, where anything untrusted had been read.
    """

    def __init__(self, *, whole: bool = False, why: bool = True) -> None:
        self._whole = whole
        self._why = why
        self._began_at: float | None = None
        self._day = ""
        self._names: dict[str, str] = {}

    @staticmethod
    def told() -> frozenset[type]:
        """Return the events that have lines."""
        return frozenset(_TELL)

    def lines(self, record: Record) -> Iterator[Line]:
        """Yield what is to be read of an event. Times count from the start of its turn."""
        day, _, hour = moment(record.at).partition(" ")
        if day != self._day:
            self._day = day
            yield Line("", day, "quiet")
        if self._began_at is None or isinstance(record.event, e.TurnSubmitted):
            self._began_at = record.at
            time = hour
        else:
            time = f"+{span(record.at - self._began_at)}"
        for line in self._told(record.event):
            yield replace(line, time=time, seq=record.seq, what=self._fitted(line.what))
            time = ""

    def _fitted(self, text: str) -> str:
        return clean(text) if self._whole else short(text, _TEXT)

    def _told(self, event: e.Event) -> Iterable[Line]:
        tell = _TELL.get(type(event))
        return tell(self, event) if tell else ()

    def name(self, key: str) -> str:
        """Return the tool of a call."""
        return self._names.get(key, key)

    def replied(self, event: e.ModelReplied) -> Iterable[Line]:
        """Tell what a model said, and what it asked for."""
        said, cost, seconds = event.text.strip(), event.cost, event.seconds
        tokens = f"{event.usage.input:,} in, {event.usage.output:,} out"
        if is_verdict(event):
            yield Line(event.model, f"judges {compact(said)}", "quiet", cost, seconds)
        elif is_plan(event):
            yield Line(event.model, f"plans {_planned(said)}", "quiet", cost, seconds)
        elif said or not event.calls:
            yield Line(event.model, said or "(no words)", "plain", cost, seconds)
            cost = seconds = 0
        for number, call in enumerate(event.calls):
            self._names[f"{event.key}/tool/{number}"] = call.name
            call_text = f"→ {call.name} {compact(call.arguments)}"
            yield Line(event.model, call_text, "quiet", cost, seconds)
            cost = seconds = 0
        if self._whole:
            yield Line("", tokens, "quiet")

    def started(self, event: e.ToolStarted) -> Iterable[Line]:
        """Tell of a call that is made again, or as a person changed it."""
        self._names.setdefault(event.key, event.name)
        if event.attempt > 1:
            yield Line(event.name, f"called again (attempt {event.attempt})", "quiet")
        if event.arguments is not None:
            yield Line(event.name, f"called with {compact(event.arguments)}", "quiet")
        if event.flow and self._why:
            yield Line(event.name, f"may run ({event.flow.tier}){_origins(event.flow)}", "quiet")

    def returned(self, event: e.ToolReturned) -> Iterable[Line]:
        """Tell what a call returned."""
        text = said(event.parts)
        yield Line(self.name(event.key), f"← {text}", "quiet", 0, event.seconds)

    def refused(self, event: e.ToolRefused) -> Iterable[Line]:
        """Tell of a call that was not made."""
        yield Line(self.name(event.key), f"not called ({event.code}): {event.text}", "bad")
        if event.flow and self._why and event.code != "flow":
            yield Line("", f"{event.flow.tier}{_origins(event.flow)}", "quiet")

    def failed(self, event: e.ToolFailed) -> Iterable[Line]:
        """Tell of a call that failed."""
        tries = f" after {event.attempts} attempts" if event.attempts > 1 else ""
        what = f"failed{tries} ({event.code}): {event.text}"
        yield Line(self.name(event.key), what, "bad", 0, event.seconds)

    def unknown(self, event: e.ToolUnknown) -> Iterable[Line]:
        """Tell of a call of which nobody knows."""
        yield Line(self.name(event.key), f"nobody knows whether it happened: {event.text}", "bad")

    def reconciled(self, event: e.ToolReconciled) -> Iterable[Line]:
        """Tell what the outside said."""
        known = {True: "it happened", False: "it did not happen", None: "still unknown"}
        tone: Tone = "bad" if event.happened is None else "good"
        yield Line(self.name(event.key), f"{known[event.happened]}: {event.text}", tone)


def said(parts: Iterable[object]) -> str:
    """Return parts of a message as text, each but typed text with what it is."""
    return " ".join(filter(None, map(_part, parts)))


def _part(part: object) -> str:
    match part:
        case Text(text=text):
            return text
        case Pasted(text=text):
            return f"[pasted: {text}]"
        case Image(media_type=media_type, artifact=artifact):
            return f"[{media_type} {artifact[:8]}]"
        case File(name=name, media_type=media_type, size_bytes=size):
            return f"[{name or media_type}, {size:,} bytes]"
        case _:
            return ""


def _opened(_: Timeline, event: e.SessionOpened) -> Iterable[Line]:
    before = f", after {len(event.history)} messages from elsewhere" if event.history else ""
    yield Line("session", f"opened by {event.user} with {event.agent}{before}", "quiet")


def _forked(_: Timeline, event: e.SessionForked) -> Iterable[Line]:
    yield Line("session", f"forked from {event.source} after event {event.after}", "quiet")


def _taken(_: Timeline, event: e.SessionTaken) -> Iterable[Line]:
    yield Line("worker", f"{event.worker} drives (epoch {event.epoch})", "quiet")


def _submitted(_: Timeline, event: e.TurnSubmitted | e.TurnSteered) -> Iterable[Line]:
    user = event.principal.user
    if isinstance(event, e.TurnSteered):
        yield Line(user, _input(event.parts), "plain")
    elif event.by:
        yield Line(event.by, f"(go on for {user})", "head")
    else:
        yield Line(user, _input(event.parts) or "(go on)", "head")


def _input(parts: Iterable[InputPart]) -> str:
    return said(parts)


def _paused(_: Timeline, event: e.TurnPaused) -> Iterable[Line]:
    why = {
        "person": "waits for a person",
        "child": "waits for another agent",
        "timer": "waits",
        "version": "waits: the agent has changed",
        "dead_letter": "set aside: its drivers died",
    }[event.reason]
    text = f": {event.text}" if event.text else ""
    yield Line("turn", f"{why}{text}", "asks" if event.reason == "person" else "bad")


def _resumed(_: Timeline, event: e.TurnResumed) -> Iterable[Line]:
    yield Line("turn", f"goes on ({event.reason}{_by(event.by)})", "quiet")


def _cancel_requested(_: Timeline, event: e.TurnCancelRequested) -> Iterable[Line]:
    yield Line("turn", f"is to be cancelled{_by(event.by)}{_because(event.reason)}", "quiet")


def _limits_raised(_: Timeline, event: e.LimitsRaised) -> Iterable[Line]:
    yield Line(event.by or "somebody", f"raised {limits_told(event.limits)}", "quiet")


def limits_told(limits: Mapping[str, int]) -> str:
    """Return limits of a session as people read them."""
    return ", ".join(
        f"{name} to {'any' if not value else dollars(value) if 'usd' in name else value}"
        for name, value in sorted(limits.items())
    )


def _judged(_: Timeline, event: e.GuardJudged) -> Iterable[Line]:
    yield Line(event.guard, f"{event.decision} at {event.gate}{_because(event.reason)}", "bad")


def _model_failed(_: Timeline, event: e.ModelFailed) -> Iterable[Line]:
    yield Line("model", f"failed ({event.code}){_because(event.text)}", "bad", event.cost)


def _unconfirmed(_: Timeline, event: e.HoldUnconfirmed) -> Iterable[Line]:
    yield Line("model", f"{_unanswered(event)} ({event.code})", "bad", event.cost)


def _unanswered(event: e.HoldUnconfirmed) -> str:
    if not event.cost:
        return event.text or "the answer was cut off"
    text = event.text or "no answer came, and nobody knows what it cost"
    return f"{text.rstrip('.')}: all that was held is charged"


def _breached(_: Timeline, event: e.BudgetBreached) -> Iterable[Line]:
    over = f"billed {dollars(event.cost)}, held were {dollars(event.hold)}"
    yield Line(event.model, f"{over}: it is not asked again", "bad")


def _compacted(_: Timeline, event: e.ContextCompacted) -> Iterable[Line]:
    yield Line("context", f"messages {event.first} to {event.last} are summed up", "quiet")


def _requested(_: Timeline, event: e.InputRequested) -> Iterable[Line]:
    asked = f"{event.name} {compact(event.arguments)}" if event.name else event.text
    yield Line("approval", f"? {asked}", "asks")
    if event.flow:
        why = event.flow.reason or "it may run"
        yield Line("", f"{why} ({event.flow.tier}){_origins(event.flow)}", "quiet")


def is_plan(event: e.ModelReplied) -> bool:
    """Whether this is a plan: it is nobody's answer."""
    return "/plan/" in event.key


def is_verdict(event: e.ModelReplied) -> bool:
    """Whether this is what a judge says."""
    return "/judge/" in event.key


def is_aside(event: e.ModelReplied) -> bool:
    """Whether this is no part of the conversation."""
    return is_plan(event) or is_verdict(event)


def _planned(text: str) -> str:
    """Return a plan as people read it."""
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError:
        return f"nothing that can be read: {text}"
    calls = [
        f"{each.tool} {compact(msgspec.json.encode(each.known).decode())}"
        + "".join(f", {name} open" for name in sorted(each.unknown))
        for each in plan.calls
    ]
    return "; ".join(calls) or "nothing"


def _origins(verdict: FlowVerdict) -> str:
    """Return where the values of a call came from, as people read it."""
    told = [f"{name} ← {origin}" for name, origin in verdict.shown.items()]
    return f": {', '.join(told)}" if told else ""


def _provided(_: Timeline, event: e.InputProvided) -> Iterable[Line]:
    answer = "approved" if event.approved else "declined"
    changed = f", with {compact(event.arguments)}" if event.arguments is not None else ""
    text = f"{answer} question {event.question}{changed}{_because(event.reason)}"
    yield Line(event.by, text, "good" if event.approved else "bad")


def _child_opened(_: Timeline, event: e.ChildOpened) -> Iterable[Line]:
    yield Line(event.agent, f"works in session {event.session}", "quiet")


def _child_finished(_: Timeline, event: e.ChildFinished) -> Iterable[Line]:
    yield Line(event.session, f"{event.outcome}: {said(event.parts)}", "quiet", event.cost)


def _memory_read(_: Timeline, event: e.MemoryRead) -> Iterable[Line]:
    yield Line("memory", f"looked up {event.query}: {len(event.items)} found", "quiet")


def _memory_written(_: Timeline, event: e.MemoryWritten) -> Iterable[Line]:
    yield Line("memory", f"keeps {event.text or event.item}", "quiet")


def _progress(timeline: Timeline, event: e.ProgressReported) -> Iterable[Line]:
    done = f"{event.fraction:.0%} " if event.fraction is not None else ""
    yield Line(timeline.name(event.key), f"{done}{event.text}", "quiet")


def _completed(_: Timeline, event: e.TurnCompleted) -> Iterable[Line]:
    typed = f": {event.value}" if event.value is not None else ""
    if event.cut:
        yield Line("turn", f"completed, but cut at the model's max_tokens{typed}", "bad")
    else:
        yield Line("turn", f"completed{typed}", "good")


def _ended(_: Timeline, event: e.TurnFailed | e.TurnStopped) -> Iterable[Line]:
    verb = _ENDS[type(event).__name__]
    yield Line("turn", f"{verb} ({event.code}){_because(for_people(event.text))}", "bad")


def for_people(text: str) -> str:
    """Return why a turn ended, without what was said to the model alone."""
    wanted, again = "Your answer does not match the JSON schema that is wanted. ", " Answer again,"
    return text.partition(again)[0].replace(wanted, "Its answer did not fit: ")


def _cancelled(_: Timeline, event: e.TurnCancelled) -> Iterable[Line]:
    yield Line("turn", f"cancelled{_because(event.reason)}", "bad")


def _erased(_: Timeline, event: e.Erased) -> Iterable[Line]:
    yield Line("erased", event.kind, "quiet")


def _by(user: str) -> str:
    return f" by {user}" if user else ""


def _because(text: str) -> str:
    return f": {text}" if text else ""


_TELL: Mapping[type, Callable[[Timeline, Any], Iterable[Line]]] = {
    e.SessionOpened: _opened,
    e.SessionForked: _forked,
    e.SessionTaken: _taken,
    e.TurnSubmitted: _submitted,
    e.TurnSteered: _submitted,
    e.TurnPaused: _paused,
    e.TurnResumed: _resumed,
    e.TurnCancelRequested: _cancel_requested,
    e.LimitsRaised: _limits_raised,
    e.GuardJudged: _judged,
    e.ModelReplied: Timeline.replied,
    e.ModelFailed: _model_failed,
    e.HoldUnconfirmed: _unconfirmed,
    e.BudgetBreached: _breached,
    e.ContextCompacted: _compacted,
    e.ToolStarted: Timeline.started,
    e.ToolReturned: Timeline.returned,
    e.ToolRefused: Timeline.refused,
    e.ToolFailed: Timeline.failed,
    e.ToolUnknown: Timeline.unknown,
    e.ToolReconciled: Timeline.reconciled,
    e.InputRequested: _requested,
    e.InputProvided: _provided,
    e.ChildOpened: _child_opened,
    e.ChildFinished: _child_finished,
    e.MemoryRead: _memory_read,
    e.MemoryWritten: _memory_written,
    e.ProgressReported: _progress,
    e.TurnCompleted: _completed,
    e.TurnFailed: _ended,
    e.TurnStopped: _ended,
    e.TurnCancelled: _cancelled,
    e.Erased: _erased,
}
