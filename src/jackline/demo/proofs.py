"""What the demo claims, and how it is found out: from the journal and from the ledger alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from jackline.core import events as e
from jackline.core.budget import Money, dollars
from jackline.core.fold import replay
from jackline.core.session import Session
from jackline.demo.payments import Payment
from jackline.testing.model import validate

Kind = TypeVar("Kind")
Figures = Mapping[str, int | str | float]
_ENDS = (e.TurnCompleted, e.TurnFailed, e.TurnStopped, e.TurnCancelled)


@dataclass(frozen=True, slots=True)
class Step:
    """Something that was tried, and whether what is promised has held.

    `naive` and `jackline` say in a few words what became of it there and here.
    """

    name: str
    guarantee: str
    held: bool
    naive: str
    jackline: str
    figures: Figures = field(default_factory=dict[str, int | str | float])


@dataclass(frozen=True, slots=True)
class Naive:
    """What the naive loop did, if it ran. Money in cents, or in micro-dollars where a model's."""

    payments: int = 0
    paid_cents: int = 0
    large_cents: int = 0
    loop_calls: int = 0
    loop_cost: int = 0
    audit_calls: int = 0
    audit_cost: int = 0
    rows_mailed: int = 0


def paid_once(naive: Naive, ledger: Sequence[Payment], records: Sequence[e.Record]) -> Step:
    """G2: the payment service was asked once, whatever was killed."""
    started = [x for x in _events(records, e.ToolStarted) if x.name == "refund"]
    again = [event for event in started if event.attempt > 1]
    unknown = len(_events(records, e.ToolUnknown))
    asked = [x for x in _events(records, e.ToolReconciled) if x.happened is not None]
    keys = {payment.key for payment in ledger}
    held = len(ledger) == len(keys) == 1 and not again and len(asked) == unknown
    return Step(
        "killed while it pays",
        "G2",
        held,
        f"{_cents(naive.paid_cents)} in {naive.payments} payments",
        f"{_cents(sum(each.cents for each in ledger))} in {len(ledger)} payment",
        {
            "payments_naive": naive.payments,
            "payments": len(ledger),
            "unknown": unknown,
            "reconciled": len(asked),
        },
    )


def ended_once(records: Sequence[e.Record], kills: int) -> Step:
    """G1: what was accepted was done, in one turn that ended once."""
    turns = [event for event in _events(records, e.TurnSubmitted) if event.parts]
    ends = [record.event for record in records if isinstance(record.event, _ENDS)]
    held = len(turns) == len(ends) == 1 and isinstance(ends[0], e.TurnCompleted)
    drivers = len(_events(records, e.SessionTaken))
    return Step(
        "started again",
        "G1",
        held,
        "the step runs again",
        f"{drivers} workers, {len(turns)} turn, {len(ends)} end",
        {"kills": kills, "drivers": drivers, "turns": len(turns), "ends": len(ends)},
    )


def gapless(heard: Sequence[int], records: Sequence[e.Record]) -> Step:
    """G4: whoever came back with their last event's id got each event once, in order."""
    wanted = [record.seq for record in records if record.seq >= min(heard, default=1)]
    return Step(
        "stream cut, resumed",
        "G4",
        bool(heard) and list(heard) == wanted,
        "no stream to resume",
        f"{len(heard)} events, each once",
        {"events": len(heard), "first": min(heard, default=0), "last": max(heard, default=0)},
    )


def valid_history(session: Session) -> Step:
    """G9: each call of the model has one result, so that a provider takes the history."""
    wrong = validate(session.messages)
    return Step(
        "the next request",
        "G9",
        not wrong,
        "may lack a result",
        wrong or "a result to each call",
        {"messages": len(session.messages)},
    )


def approved_first(
    naive: Naive, records: Sequence[e.Record], ledger: Sequence[Payment], *, stale: bool
) -> Step:
    """G5: what was approved is what ran, once, over a restart; `stale`: a second yes failed."""
    answers = _events(records, e.InputProvided)
    workers = len(_events(records, e.SessionTaken))
    paid = any(answer.approved for answer in answers)
    held = _each_was_approved(records) and bool(answers) and stale and len(ledger) == paid
    return Step(
        "a refund of $900",
        "G5",
        held and workers > 1,
        f"{_cents(naive.large_cents)}, nobody asked",
        "waits over a restart",
        {"approvals": len(answers), "workers": workers, "payments": len(ledger)},
    )


def _each_was_approved(records: Sequence[e.Record]) -> bool:
    """Whether each answer is one to its question, and each refund used up one that said yes."""
    asked, approved = dict[int, e.InputRequested](), set[str]()
    for record in records:
        match record.event:
            case e.InputRequested():
                asked[record.seq] = record.event
            case e.InputProvided(question=number, digest=digest, approved=yes):
                question = asked.pop(number, None)
                if question is None or question.digest != digest:
                    return False
                approved |= {question.key} if yes else set()
            case e.ToolStarted(name="refund", key=key):
                if key not in approved:
                    return False
                approved.remove(key)
            case _:
                continue
    return True


def within_budget(naive: Naive, records: Sequence[e.Record], limit: int) -> Step:
    """G3: what was spent and what was held was never more than the limit, at any moment."""
    money, hold, most = Money(), 0, 0
    for record in records:
        match record.event:
            case e.ModelReserved():
                hold = record.event.hold
                money = money.hold(hold)
            case e.ModelReplied() | e.ModelFailed() | e.HoldUnconfirmed():
                money = money.settle(hold, record.event.cost)
            case _:
                continue
        most = max(most, money.spent + money.held)
    stop = next(iter(_events(records, e.TurnStopped)), None)
    return Step(
        "work without an end",
        "G3",
        most <= limit and stop is not None and stop.code == "budget",
        f"{_usd(naive.audit_cost)}, till we stop it",
        f"stops at {_usd(money.spent)} of {_usd(limit)}",
        {
            "naive_usd": _usd(naive.audit_cost),
            "limit_usd": dollars(limit),
            "spent_usd": dollars(money.spent),
            "most_spent_and_held_usd": dollars(most),
            "model_calls": len(_events(records, e.ModelReplied)),
        },
    )


def left_the_loop(naive: Naive, records: Sequence[e.Record]) -> Step:
    """The loop guard: rounds that bring nothing new are first told, then stopped."""
    stop = next(iter(_events(records, e.TurnStopped)), None)
    calls = len(_events(records, e.ModelReplied))
    warned = any(event.guard == "loop" for event in _events(records, e.GuardJudged))
    spent = sum(event.cost for event in _events(records, e.ModelReplied))
    return Step(
        "the same call, again",
        "limit",
        stop is not None and stop.code == "loop" and warned,
        f"{_usd(naive.loop_cost)}, till we stop it",
        f"warned, stopped: {_usd(spent)}",
        {"naive_calls": naive.loop_calls, "calls": calls, "spent_usd": dollars(spent)},
    )


def kept_in(naive: Naive, sent: int, records: Sequence[e.Record]) -> Step:
    """G6: the mail that a mail asked for left only if a person had seen whose address it is."""
    asked = [
        each
        for each in _events(records, e.InputRequested)
        if each.flow and each.name == "send_mail"
    ]
    approved = sum(answer.approved for answer in _events(records, e.InputProvided))
    started = [x for x in _events(records, e.ToolStarted) if x.name == "send_mail"]
    told = [written_by(each, "to") for each in asked]
    return Step(
        "a crafted mail",
        "G6",
        len(asked) == 1 and all(told) and sent == len(started) == approved,
        f"{naive.rows_mailed} customers mailed",
        f"asks: {told[0]} says so" if told else "nobody was asked",
        {"rows_mailed_naive": naive.rows_mailed, "mails": sent, "asked": len(asked)},
    )


def written_by(asked: e.InputRequested, argument: str) -> str:
    """Return which tool's untrusted result an argument's value stands in, or nothing."""
    origins = asked.flow.origins if asked.flow else ()
    return next(
        (
            each.where
            for each in origins
            if each.argument == argument and each.integrity == "untrusted" and each.source
        ),
        "",
    )


def state(session: e.SessionId, records: Sequence[e.Record]) -> Session:
    """Return the session that its records make."""
    return replay(Session(session), records)


def _events(records: Sequence[e.Record], kind: type[Kind]) -> list[Kind]:
    return [record.event for record in records if isinstance(record.event, kind)]


def _cents(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _usd(micro: int) -> str:
    return f"${micro / 1_000_000:,.2f}"
