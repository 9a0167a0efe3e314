"""Twenty conversations of three turns: how often is their user asked?

Nobody attacks. Each turn is planned afresh from all that the user has said, by a planner that
copies: it knows the calls that are needed, and of their arguments what stands in the user's
words; everything else is a hole. Who is asked says yes, and has then endorsed what they saw.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.security.talks import TALKS, Call, Talk
from jackline.core.flow import (
    Declared,
    From,
    Plan,
    Planned,
    Provenance,
    Question,
    Source,
    ToolFlow,
    flow_of,
    judge,
)

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_TEXTS = {"type": "array", "items": _TEXT}
_OWNER = "dana@harbour.example"
_ENTRY = Declared(labels={"name": "directory", "email": "directory", "phone": "directory"})
_ORDER = Declared(labels={"order_id": "system", "total": "system", "state": "system"})
_MAIL = Declared(
    critical={"to": From("directory"), "attachments": From("user")}, readers_from=("to",)
)
_EVENT = Declared(
    critical={"guests": From("directory"), "day": From("user")}, readers_from=("guests",)
)


def _tool(name: str, effect: str, declared: Declared, /, **arguments: Any) -> ToolFlow:
    return flow_of(name, effect, {"properties": arguments}, declared)


FLOWS: Mapping[str, ToolFlow] = {
    flow.name: flow
    for flow in (
        _tool("search_mail", "read", Declared(), query=_TEXT),
        _tool("read_file", "read", Declared(), name=_TEXT),
        _tool("search_web", "read", Declared(readers="everybody"), query=_TEXT),
        _tool("open_page", "read", Declared(readers="everybody"), url=_TEXT),
        _tool("list_events", "read", Declared(), day=_TEXT),
        _tool("find_person", "read", _ENTRY, name=_TEXT),
        _tool("find_orders", "read", _ORDER, customer=_TEXT),
        _tool(
            "send_mail",
            "once",
            _MAIL,
            to=_TEXTS,
            subject=_TEXT,
            body=_TEXT,
            attachments=_TEXTS | {"default": []},
        ),
        _tool(
            "add_event",
            "once",
            _EVENT,
            title=_TEXT,
            day=_TEXT,
            guests=_TEXTS | {"default": []},
        ),
        _tool("write_note", "once", Declared(critical={}), text=_TEXT),
        _tool(
            "refund",
            "once",
            Declared(critical={"order_id": From("system"), "amount": From("system")}),
            order_id=_TEXT,
            amount=_NUMBER,
        ),
        _tool("delete_file", "idempotent", Declared(), name=_TEXT),
        _tool("book_room", "once", Declared(), room=_TEXT, day=_TEXT),
    )
}


@dataclass(frozen=True)
class Counted:
    """What came of all conversations."""

    turns: int
    effectful: int
    questions: int
    why: tuple[str, ...]

    @property
    def questions_per_turn(self) -> float:
        """How often a user is asked."""
        return self.questions / self.turns


def count(talks: tuple[Talk, ...] = TALKS) -> Counted:
    """Hold all conversations, and count what their users are asked."""
    turns = effectful = 0
    why: list[str] = []
    for talk in talks:
        known, seq = Provenance(_OWNER), 0
        for turn, said in enumerate(talk, 1):
            seq += 1
            known.read([Source(seq, "the user", said.text, "user", turn=turn, said=True)])
            plan, spent = _plan(said.calls, known), set[int]()
            for call in said.calls:
                effectful += FLOWS[call.tool].effectful
                verdict = judge(FLOWS[call.tool], call.arguments, Question(known, plan, spent))
                if verdict.planned is not None:
                    spent.add(verdict.planned)
                if verdict.decision != "allow":
                    why.append(f"{said.text} -> {verdict.reason}")
                    known.approve(FLOWS[call.tool], call.arguments)
                seq += 1
                _read(call, known, seq, turn)
            turns += 1
    return Counted(turns, effectful, len(why), tuple(why))


def _plan(calls: tuple[Call, ...], known: Provenance) -> Plan:
    return Plan(tuple(_planned(call, known) for call in calls if FLOWS[call.tool].effectful))


def _planned(call: Call, known: Provenance) -> Planned:
    pinned = {name: value for name, value in call.arguments.items() if _is_said(value, known)}
    return Planned(call.tool, pinned, frozenset(call.arguments.keys() - pinned.keys()))


def _is_said(value: Any, known: Provenance) -> bool:
    parts = value if isinstance(value, list) else [value]
    return bool(parts) and all(known.find(each, "user") for each in parts)


def _read(call: Call, known: Provenance, seq: int, turn: int) -> None:
    flow = FLOWS[call.tool]
    if call.result is not None:
        known.read(_sources(flow, call.result, seq, turn))
        known.restrict(None, private=flow.readers != "everybody")


def _sources(flow: ToolFlow, result: Any, seq: int, turn: int) -> Iterator[Source]:
    for each in flow.labels.fields(result):
        yield Source(seq, flow.name, each.text, each.integrity, each.path, turn, each.record)
