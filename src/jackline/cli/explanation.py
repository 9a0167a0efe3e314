"""Why a call was allowed, asked about or refused, as its journal tells it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jackline.cli.show import compact, exact, short
from jackline.core import events as e
from jackline.core.errors import InputError, NotFoundError
from jackline.core.events import Record
from jackline.core.flow import FlowVerdict
from jackline.core.messages import ToolCall
from jackline.core.value import Value

_SHOWN = 300
_LISTED_MAX = 10
_RULES = {
    "agent.tools": "the agent's list of tools",
    "tool.roles": "the tool's own roles",
    "tool.allow": "the tool's own predicate (allow=)",
    "tool.approve": "the tool's own approval (approve=)",
}


class Step(Value, frozen=True):
    """One event about a call: its position, what it says, and the rules by which it came so."""

    seq: int
    what: str
    text: str
    rules: tuple[str, ...] = ()
    flow: FlowVerdict | None = None
    lines: tuple[str, ...] = ()


class Explanation(Value, frozen=True):
    """What became of a call and why, event by event."""

    key: str
    tool: str
    arguments: str
    user: str
    roles: tuple[str, ...]
    verdict: str
    steps: tuple[Step, ...]

    @property
    def whom(self) -> str:
        """On whose behalf it was asked for."""
        return f"{self.user} with {', '.join(self.roles) or 'no roles'}"

    @property
    def as_json(self) -> Mapping[str, Any]:
        """The same for programs."""
        told = {name: getattr(self, name) for name in ("key", "tool", "arguments", "user")}
        steps = [
            {"seq": step.seq, "what": step.what, "text": step.text, "rules": step.rules}
            | {"flow": step.flow}
            for step in self.steps
        ]
        return {**told, "roles": self.roles, "verdict": self.verdict, "steps": steps}


def explained(records: Sequence[Record], wanted: str) -> Explanation:
    """Return what became of the one call that `wanted` names. Raises `CallerError` without one."""
    calls = dict(_calls(records))
    key = _chosen(calls, records, wanted)
    call = calls[key]
    principal = _principal(records, int(key.split("/")[1]))
    steps = tuple(_steps(records, key, call))
    return Explanation(
        key,
        call.name,
        call.arguments,
        principal.user,
        tuple(sorted(principal.roles)),
        _verdict(steps),
        steps,
    )


def _calls(records: Iterable[Record]) -> Iterator[tuple[str, ToolCall]]:
    for record in records:
        if isinstance(record.event, e.ModelReplied):
            for number, call in enumerate(record.event.calls):
                yield f"{record.event.key}/tool/{number}", call


def _chosen(calls: Mapping[str, ToolCall], records: Iterable[Record], wanted: str) -> str:
    """Return the key of the call that is meant: by key, tool, or position of an event about it."""
    if wanted in calls:
        return wanted
    if wanted.isdecimal():
        keys = [_key(each.event) for each in records if each.seq == int(wanted)]
        found = [key for key in keys if key in calls]
    else:
        found = [key for key, call in calls.items() if call.name == wanted]
    if len(found) == 1:
        return found[0]
    listed = [f"{key} ({call.name})" for key, call in calls.items() if not found or key in found]
    shown = ", ".join(listed[-_LISTED_MAX:]) or "none"
    if found:
        raise InputError(f"There are several calls of {wanted[:80]!r}: give a key. {shown}.")
    raise NotFoundError(f"There is no call {wanted[:80]!r} here. There are: {shown}.")


def _key(event: e.Event) -> str:
    return str(getattr(event, "subject", "") or getattr(event, "key", ""))


def _principal(records: Iterable[Record], turn: int) -> e.Principal:
    for record in records:
        if record.seq == turn and isinstance(record.event, e.TurnSubmitted | e.TurnSteered):
            return record.event.principal
    return e.Principal("somebody whose input was erased")


def _steps(records: Iterable[Record], key: str, call: ToolCall) -> Iterator[Step]:
    question = 0
    for record in records:
        event = record.event
        if isinstance(event, e.ModelReplied) and key.startswith(f"{event.key}/tool/"):
            text = f"{event.model} asked for {call.name} {compact(call.arguments)}"
            yield Step(record.seq, "called", text)
        elif isinstance(event, e.InputProvided) and event.question == question:
            yield _answered(record.seq, event)
        elif _key(event) == key:
            question = record.seq if isinstance(event, e.InputRequested) else question
            yield from _step(record.seq, event)


def _step(seq: int, event: e.Event) -> Iterator[Step]:
    match event:
        case e.GuardJudged():
            because = f": {event.reason}" if event.reason else ""
            yield Step(seq, "guard", f"the guard {event.guard} said {event.decision}{because}")
        case e.InputRequested():
            text = f"a person had to decide: {event.text}"
            origins = tuple([f"{name}: {where}" for name, where in event.origins.items()])
            lines = (*_by(event.rules), *_flow(event.flow), *origins)
            yield Step(seq, "asked", text, event.rules, event.flow, lines)
        case e.ToolRefused():
            lines = (*_by(event.rules), *_flow(event.flow))
            text = f"refused ({event.code}): {exact(event.text)}"
            yield Step(seq, "refused", text, event.rules, event.flow, lines)
        case e.ToolStarted():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            changed = f", with {compact(event.arguments)}" if event.arguments is not None else ""
            guards = (f"guards that let it: {', '.join(event.allowed)}",) if event.allowed else ()
            silent = () if event.rules else ("no rule of the tool or of operators spoke of it",)
            lines = (*silent, *_by(event.rules, "let by"), *guards, *_flow(event.flow))
            text = f"allowed, and begun{again}{changed}"
            yield Step(seq, "allowed", text, event.rules, event.flow, lines)
        case e.ToolReturned():
            yield Step(seq, "returned", "it returned")
        case e.ToolFailed() | e.ToolUnknown() | e.ToolReconciled():
            yield Step(seq, "ended", short(event.text, _SHOWN))
        case _:
            return


def _answered(seq: int, event: e.InputProvided) -> Step:
    verb = "approved" if event.approved else "declined"
    changed = f", with {compact(event.arguments)}" if event.arguments is not None else ""
    because = f": {event.reason}" if event.reason else ""
    return Step(seq, verb, f"{verb} by {event.by}{changed}{because}")


def _by(rules: Iterable[str], word: str = "by") -> Iterator[str]:
    """Yield the rules that had a say, in words."""
    for name in rules:
        kind, _, rest = name.partition("/")
        policy, _, rule = rest.partition("/")
        if kind == "policy":
            yield f"{word} the operator's rule {rule!r} (policy {policy})"
        elif kind == "cedar":
            yield f"{word} Cedar (policies {policy})" + (f": {rule}" if rule else "")
        else:
            yield f"{word} {_RULES.get(name, name)}"


def _flow(verdict: FlowVerdict | None) -> Iterator[str]:
    """Yield what flow said, and where each value came from."""
    if verdict is None:
        return
    because = f": {verdict.reason}" if verdict.reason else ""
    yield f"flow said {verdict.decision} ({verdict.tier}){because}"
    for each in verdict.origins:
        source = f", event {each.source}" if each.source else ""
        yield f"  {each.argument} {exact(each.value)!r}: {each.standing}, {each.text}{source}"


def _verdict(steps: Sequence[Step]) -> str:
    """Return how it was decided in the end, in words."""
    said = [step.what for step in steps]
    if "refused" in said:
        return "refused" if "asked" not in said else "asked about, and refused"
    if "allowed" in said:
        return "allowed" if "asked" not in said else "allowed, after a person approved it"
    return "it waits for a person" if "asked" in said else "not decided yet"
