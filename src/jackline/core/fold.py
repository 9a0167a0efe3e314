"""What each event changes. `apply` takes in what has happened, and may not refuse.

A session is the fold of its events: recovery is `replay`, and only that.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, cast

import msgspec

from jackline.core import events as e
from jackline.core.budget import Money
from jackline.core.messages import Content, Message, Messages, Text, ToolResult
from jackline.core.session import Call, Failure, Measured, Round, Session, Turn
from jackline.core.value import replace

_SEEN_MAX = 64
_NONE = frozenset[str]()


def fold(session: Session, events: Iterable[e.Event], at: float) -> Session:
    """Return the session as it stands after `events`, which happened at `at`."""
    turn, first = session.turn, True
    for event in events:
        if first and turn and not turn.pause and not isinstance(event, e.SessionTaken):
            driven_s = turn.driven_s + max(0.0, at - session.at)
            session = replace(session, turn=replace(turn, driven_s=driven_s))
        if first and at > session.at:
            session = replace(session, at=at)
        first, session = False, apply(session, event)
    return session


def replay(session: Session, records: Iterable[e.Record]) -> Session:
    """Return the session as it stands after `records`. Recovery is this, and only this."""
    for record in records:
        assert record.seq == session.head + 1, f"{record.seq} does not follow {session.head}"
        session = fold(session, (record.event,), record.at)
    return session


def apply(session: Session, event: e.Event) -> Session:
    """Return the session as it stands after `event`."""
    session = replace(session, head=session.head + 1)
    return _APPLY[type(event)](session, event)


def canonical(arguments: str) -> bytes:
    """Return arguments so that two of the same meaning are the same bytes."""
    try:
        return msgspec.json.encode(msgspec.json.decode(arguments), order="sorted")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return arguments.encode("utf-8", "backslashreplace")


def fingerprint(name: str, arguments: str) -> str:
    """Tells a call of this tool with these arguments from all other calls."""
    return blake2b(name.encode() + b"\0" + canonical(arguments), digest_size=16).hexdigest()


def _opened(session: Session, event: e.SessionOpened) -> Session:
    return replace(session, opened=event, messages=Messages.of(event.history))


def _forked(session: Session, _: e.SessionForked) -> Session:
    return replace(
        session, money=Money(), turn=None, queue=(), epoch=0, unknown=_NONE, barred={}, raised={}
    )


def _taken(session: Session, event: e.SessionTaken) -> Session:
    session, turn = replace(session, epoch=event.epoch), session.turn
    if turn is None:
        return session
    if turn.pause is None:
        turn = replace(turn, drivers=turn.drivers + 1)
    for call in turn.calls:
        if call.state == "running":
            turn = replace(turn, round=_round(turn).with_call(replace(call, state="lost")))
    return replace(session, turn=replace(turn, lost=turn.asked is not None))


def _round(turn: Turn) -> Round:
    assert turn.round is not None, f"turn {turn.id} has no round"
    return turn.round


def _turn(session: Session, event: object) -> Turn:
    assert session.turn is not None, f"{event} belongs to no turn"
    return session.turn


def _submitted(session: Session, event: e.TurnSubmitted) -> Session:
    return _next_turn(replace(session, queue=(*session.queue, (session.head, event))))


def _steered(session: Session, event: e.TurnSteered) -> Session:
    if session.turn is None:
        return _next_turn(replace(session, queue=(*session.queue, (session.head, event))))
    return _noted(session, Message("user", event.parts))


def _noted(session: Session, message: Message) -> Session:
    turn = _turn(session, message)
    return replace(session, turn=replace(turn, steers=(*turn.steers, message)))


def _next_turn(session: Session) -> Session:
    if session.turn is not None or not session.queue:
        return session
    (position, submitted), *queue = session.queue
    messages, task = session.messages, len(session.messages)
    if submitted.parts:
        messages = messages.extended((Message("user", submitted.parts),))
    elif messages and messages[-1].role == "assistant":
        messages = messages.extended((Message("user", (Text("Go on."),)),))
    barred = {**session.barred}
    turn = Turn(position, submitted, task, blocked=barred.pop(submitted.request_id, None))
    session = replace(session, turn=turn, queue=tuple(queue), messages=messages)
    return replace(session, barred=barred) if turn.blocked else session


def _paused(session: Session, event: e.TurnPaused) -> Session:
    return replace(session, turn=replace(_turn(session, event), pause=event))


def _resumed(session: Session, event: e.TurnResumed) -> Session:
    return replace(session, turn=replace(_turn(session, event), pause=None, drivers=0))


def _cancel_requested(session: Session, event: e.TurnCancelRequested) -> Session:
    turn = session.turn
    return replace(session, turn=replace(turn, cancelled=event.reason)) if turn else session


def _limits_raised(session: Session, event: e.LimitsRaised) -> Session:
    return replace(session, raised={**session.raised, **event.limits})


def _judged(session: Session, event: e.GuardJudged) -> Session:
    turn = session.turn
    if event.gate == "input" and event.decision == "block":
        return _barred(session, event)
    if turn is None:
        return session
    if event.gate == "loop":
        turn = replace(turn, warned=True)
    elif event.gate == "output" and event.note:
        turn = replace(turn, rejected=turn.rejected + 1)
    elif event.decision == "block" and event.gate == "output":
        turn = replace(turn, blocked=event)
    session = replace(session, turn=turn)
    return _noted(session, Message("user", (Text(event.note),))) if event.note else session


def _barred(session: Session, event: e.GuardJudged) -> Session:
    """Stop the turn that the input opens, or the one that it steers."""
    if any(submitted.request_id == event.subject for _, submitted in session.queue):
        return replace(session, barred={**session.barred, event.subject: event})
    turn = session.turn
    return replace(session, turn=replace(turn, blocked=event)) if turn else session


def _model_reserved(session: Session, event: e.ModelReserved) -> Session:
    """Steering enters here: after all results of the round, before the next request."""
    turn, messages = _turn(session, event), session.messages
    money, steers = turn.money.hold(event.hold), turn.steers
    compacting, models = turn.compacting, turn.models + 1
    current = turn.round
    if event.purpose == "reply":
        messages, steers, current = messages.extended(steers), (), None
    else:
        compacting = "asked"
    turn = replace(
        turn,
        asked=event,
        asked_seq=session.head,
        money=money,
        steers=steers,
        round=current,
        models=models,
        model=event.model,
        compacting=compacting,
    )
    if event.instructions is not None:
        session = replace(session, instructions=event.instructions, measured=None)
    return replace(session, money=session.money.hold(event.hold), messages=messages, turn=turn)


def _settled(session: Session, event: e.ModelClosed) -> tuple[Session, Turn, e.ModelReserved]:
    turn = _turn(session, event)
    asked = turn.asked
    assert asked is not None, f"{event.key} was not asked"
    assert asked.key == event.key, f"{event.key} was not asked, but {asked.key}"
    session = replace(session, money=session.money.settle(asked.hold, event.cost))
    money = turn.money.settle(asked.hold, event.cost)
    return session, replace(turn, money=money, asked=None, lost=False), asked


def _model_replied(session: Session, event: e.ModelReplied) -> Session:
    session, turn, asked = _settled(session, event)
    if asked.purpose != "reply":
        turn = replace(turn, compacting="done", summary=event.text, drivers=0)
        return replace(session, turn=turn)
    keys = [(f"{event.key}/tool/{n}", call) for n, call in enumerate(event.calls)]
    calls = {key: Call(key, call, arguments=call.arguments) for key, call in keys}
    measured, messages = session.measured, session.messages
    if event.parts:
        messages = messages.extended((Message("assistant", event.parts),))
    if event.usage.input:
        read = event.usage.input + event.usage.output
        measured = Measured(
            asked.model, turn.submitted.version, read, len(messages), messages.size_bytes
        )
    turn = replace(turn, round=Round(event, calls, len(calls)), failure=None, drivers=0)
    turn = replace(turn, compacting="")
    return replace(session, turn=turn, messages=messages, measured=measured)


def _model_failed(session: Session, event: e.ModelFailed | e.HoldUnconfirmed) -> Session:
    session, turn, asked = _settled(session, event)
    if asked.purpose != "reply":
        return replace(session, turn=replace(turn, compacting="failed"))
    last = turn.failure
    tries = last.tries + 1 if last and last.model == asked.model else 1
    failure = Failure(asked.model, event.code, event.text, session.at, tries, event.retry_after_s)
    return replace(session, turn=replace(turn, failure=failure))


def _breached(session: Session, event: e.BudgetBreached) -> Session:
    return replace(session, breached=session.breached | {event.model})


def _compacted(session: Session, event: e.ContextCompacted) -> Session:
    turn, old = _turn(session, event), session.messages
    kept = old[: event.first]
    kept.append(Message("user", (Text(event.summary),)))
    task = turn.task
    if event.first <= task < event.last:
        task = len(kept)
        kept.append(old[turn.task])
    elif task >= event.last:
        task -= event.last - event.first - 1
    messages = Messages.of(kept + old[event.last :])
    turn = replace(turn, task=task, compacting="done", summary="")
    return replace(session, messages=messages, measured=None, turn=turn)


def _tool_started(session: Session, event: e.ToolStarted) -> Session:
    turn = _turn(session, event)
    current = _round(turn)
    call = current.calls[event.key]
    arguments = call.asked.arguments if event.arguments is None else event.arguments
    call = replace(call, state="running", attempt=event.attempt, arguments=arguments)
    return replace(session, turn=replace(turn, round=current.with_call(call), tools=turn.tools + 1))


def _tool_closed(session: Session, event: e.ToolReturned) -> Session:
    return _closed(session, event.key, event.parts, failed=False)


def _tool_refused(session: Session, event: e.ToolRefused) -> Session:
    if event.code == "tool_calls":
        session = replace(session, turn=replace(_turn(session, event), capped=True))
    return _closed(session, event.key, (Text(event.text),), failed=True)


def _tool_failed(session: Session, event: e.ToolFailed) -> Session:
    return _closed(session, event.key, (Text(event.text),), failed=True)


def _tool_unknown(session: Session, event: e.ToolUnknown) -> Session:
    turn = _turn(session, event)
    call = _round(turn).calls[event.key]
    mark = fingerprint(call.asked.name, call.arguments)
    session = replace(session, unknown=session.unknown | {mark})
    if event.reconcile_at is None:
        return _closed(session, event.key, (Text(event.text),), failed=True)
    call = replace(call, state="unknown", reconcile_at=event.reconcile_at)
    call = replace(call, parts=(Text(event.text),))
    return replace(session, turn=replace(turn, round=_round(turn).with_call(call)))


def _reconciled(session: Session, event: e.ToolReconciled) -> Session:
    """Close an open call; of a closed one the model is told, for it has read another answer."""
    turn = session.turn
    if turn is None:
        return session
    call = turn.round.calls.get(event.key) if turn.round else None
    if call and event.happened is not None:
        mark = fingerprint(call.asked.name, call.arguments)
        session = replace(session, unknown=session.unknown - {mark})
    if call and call.state == "unknown":
        return _closed(session, event.key, (Text(event.text),), failed=event.happened is not True)
    return _noted(session, Message("user", (Text(event.text),)))


def _closed(session: Session, key: str, parts: tuple[Content, ...], *, failed: bool) -> Session:
    """Results join the messages when the round is complete, in the order of its calls."""
    turn = _turn(session, key)
    call = replace(_round(turn).calls[key], state="closed", parts=parts, failed=failed)
    current = _round(turn).with_call(call)
    turn = replace(turn, round=current)
    if current.open:
        return replace(session, turn=turn)
    calls = current.calls.values()
    results = [
        ToolResult(c.key, c.asked.name, c.parts, c.asked.provider_id, c.failed) for c in calls
    ]
    messages = session.messages.extended((Message("tool", tuple(results)),))
    return replace(session, messages=messages, turn=_watched(turn, current))


def _watched(turn: Turn, current: Round) -> Turn:
    """Count the rounds in a row whose calls and results have all been seen before."""
    prints = [_print(call) for call in current.calls.values()]
    news = [each for each in prints if each not in turn.seen]
    seen = (*turn.seen, *news)[-_SEEN_MAX:] if news else turn.seen
    if news:
        return replace(turn, seen=seen, stale=0, warned=False)
    return replace(turn, stale=turn.stale + 1)


def _print(call: Call) -> bytes:
    hashed = blake2b(canonical(call.asked.arguments), digest_size=8, person=b"loop")
    hashed.update(call.asked.name.encode())
    for part in call.parts:
        hashed.update(part.text.encode() if isinstance(part, Text) else part.artifact.encode())
    return hashed.digest()


def _requested(session: Session, event: e.InputRequested) -> Session:
    turn = _turn(session, event)
    call = replace(_round(turn).calls[event.key], state="waiting", question=session.head)
    call = replace(call, expires_at=event.expires_at)
    return replace(session, turn=replace(turn, round=_round(turn).with_call(call)))


def _provided(session: Session, event: e.InputProvided) -> Session:
    turn = session.turn
    calls = turn.round.calls.values() if turn and turn.round else ()
    for call in calls:
        if call.question == event.question and call.state == "waiting":
            turn = _turn(session, event)
            answered = _round(turn).with_call(replace(call, answer=event))
            return replace(session, turn=replace(turn, round=answered))
    return session


def _ended(session: Session, event: e.TurnEnded) -> Session:
    messages = session.messages.extended(_turn(session, event).steers)
    return _next_turn(replace(session, messages=messages, turn=None, ended=event))


def _unchanged(session: Session, _: e.Event) -> Session:
    return session


_APPLY = cast(
    "Mapping[type[e.Event], Callable[[Session, Any], Session]]",  # each takes the event of its key
    {
        e.SessionOpened: _opened,
        e.SessionForked: _forked,
        e.SessionTaken: _taken,
        e.TurnSubmitted: _submitted,
        e.TurnSteered: _steered,
        e.TurnPaused: _paused,
        e.TurnResumed: _resumed,
        e.TurnCancelRequested: _cancel_requested,
        e.LimitsRaised: _limits_raised,
        e.GuardJudged: _judged,
        e.ModelReserved: _model_reserved,
        e.ModelReplied: _model_replied,
        e.ModelFailed: _model_failed,
        e.HoldUnconfirmed: _model_failed,
        e.BudgetBreached: _breached,
        e.ContextCompacted: _compacted,
        e.ToolRefused: _tool_refused,
        e.ToolStarted: _tool_started,
        e.ToolReturned: _tool_closed,
        e.ToolFailed: _tool_failed,
        e.ToolUnknown: _tool_unknown,
        e.ToolReconciled: _reconciled,
        e.InputRequested: _requested,
        e.InputProvided: _provided,
        e.ChildOpened: _unchanged,
        e.ChildFinished: _unchanged,
        e.MemoryRead: _unchanged,
        e.MemoryWritten: _unchanged,
        e.ProgressReported: _unchanged,
        e.TurnCompleted: _ended,
        e.TurnFailed: _ended,
        e.TurnStopped: _ended,
        e.TurnCancelled: _ended,
        e.Erased: _unchanged,
    },
)
