"""What becomes of a model that is asked for a reply, a summary, a plan, a verdict or a value."""

from jackline.core import events as e
from jackline.core.fold.turns import open_turn
from jackline.core.messages import Message, Messages, Text
from jackline.core.session import Call, Failure, Measured, Round, Session, Turn
from jackline.core.value import replace

_ASIDE = {"plan", "judge", "extract"}  # No part of the conversation.
_NOT_TRIED = {"lost", "throttled"}  # The model itself has not failed.


def reserved(session: Session, event: e.ModelReserved) -> Session:
    """Hold the money. Steering enters here: after all results, before the next request."""
    turn, messages = open_turn(session, event), session.messages
    if event.purpose in _ASIDE:
        return _aside(session, turn, event)
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
    if event.tools is not None:
        session = replace(session, tools=event.tools, measured=None)
    return replace(
        session,
        money=session.money.hold(event.hold),
        messages=messages,
        turn=turn,
        digest=event.digest,
        digested=len(messages),
    )


def _aside(session: Session, turn: Turn, event: e.ModelReserved) -> Session:
    """Let the turn wait for a plan of all that the user has said so far, a judge, or a value."""
    money = turn.money.hold(event.hold)
    turn = replace(turn, asked=event, asked_seq=session.head, money=money)
    if event.purpose == "plan":
        turn = replace(turn, plans=turn.plans + 1, unplanned=False)
    elif event.purpose == "judge":
        turn = replace(turn, judged=(*turn.judged, event.digest))
    return replace(session, money=session.money.hold(event.hold), turn=turn)


def _asked(turn: Turn, event: e.ModelClosed) -> e.ModelReserved:
    asked = turn.asked
    assert asked is not None, f"{event.key} was not asked"
    assert asked.key == event.key, f"{event.key} was not asked, but {asked.key}"
    return asked


def replied(session: Session, event: e.ModelReplied) -> Session:
    """Settle the hold, and begin a round with the reply's calls."""
    turn = open_turn(session, event)
    asked = _asked(turn, event)
    paid = turn.money.settle(asked.hold, event.cost)
    money = session.money.settle(asked.hold, event.cost)
    usage = turn.usage.plus(event.usage)
    if asked.purpose in _ASIDE:
        turn = replace(turn, usage=usage, money=paid, asked=None, lost=False, drivers=0)
        return replace(session, turn=turn, money=money)
    if asked.purpose != "reply":
        outcome = "done" if event.text.strip() else "failed"
        turn = replace(turn, compacting=outcome, summary=event.text, usage=usage)
        turn = replace(turn, money=paid, asked=None, lost=False, drivers=0)
        return replace(session, turn=turn, money=money)
    messages, measured = session.messages, session.measured
    calls = {key: Call(key, call, arguments=call.arguments) for key, call in event.keyed.items()}
    if event.parts:
        messages = messages.extended((Message("assistant", event.parts),))
    if event.usage.input:
        read = event.usage.input + event.usage.output
        measured = Measured(asked.model, read, len(messages), messages.size_bytes)
    turn = replace(
        turn,
        money=paid,
        usage=usage,
        asked=None,
        lost=False,
        round=Round(event, calls, len(calls)),
        failure=None,
        drivers=0,
        compacting="",
    )
    return replace(session, money=money, turn=turn, messages=messages, measured=measured)


def failed(session: Session, event: e.ModelFailed | e.HoldUnconfirmed) -> Session:
    """Settle the hold, and count how often this model has failed in a row."""
    turn = open_turn(session, event)
    asked = _asked(turn, event)
    paid = turn.money.settle(asked.hold, event.cost)
    session = replace(session, money=session.money.settle(asked.hold, event.cost))
    turn = replace(turn, money=paid, asked=None, lost=False)
    if asked.purpose in {"judge", "extract"}:
        return replace(session, turn=turn)
    if asked.purpose == "plan":
        # What was never answered, or never asked, may be asked once more.
        turn = replace(turn, unplanned=turn.unplanned or event.code in _NOT_TRIED)
        if event.code != "throttled":
            return replace(session, turn=turn)
    elif asked.purpose != "reply":
        turn = replace(turn, compacting="" if event.code == "throttled" else "failed")
        if event.code != "throttled":
            return replace(session, turn=turn)
    last = turn.failure
    tries = last.tries if last and last.model == asked.model else 0
    tries += event.code not in _NOT_TRIED
    failure = Failure(asked.model, event.code, event.text, session.at, tries, event.retry_after_s)
    throttled = turn.throttled + (event.code == "throttled")
    return replace(session, turn=replace(turn, failure=failure, throttled=throttled))


def breached(session: Session, event: e.BudgetBreached) -> Session:
    """Ask that model no more."""
    return replace(session, breached=session.breached | {event.model})


def compacted(session: Session, event: e.ContextCompacted) -> Session:
    """Put a summary in place of messages, and keep the task that stood among them.

    What was too long for the model may be asked once more.
    """
    turn, old = open_turn(session, event), session.messages
    kept = old[: event.first]
    kept.append(Message("user", (Text(event.summary),)))
    task = turn.task
    if event.first <= task < event.last:
        task = len(kept)
        kept.append(old[turn.task])
    elif task >= event.last:
        task -= event.last - event.first - 1
    messages = Messages.of(kept + old[event.last :])
    too_long = turn.failure is not None and turn.failure.code == "context_too_long"
    failure = None if too_long else turn.failure
    turn = replace(turn, task=task, compacting="done", summary="", failure=failure)
    return replace(session, messages=messages, digested=0, measured=None, turn=turn)
