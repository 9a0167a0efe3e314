"""What becomes of a session and its turns: opened, taken, said to, paused, judged, ended."""

from jackline.core import events as e
from jackline.core.budget import Money
from jackline.core.messages import Message, Messages, Text, has_typed
from jackline.core.session import Round, Session, Turn
from jackline.core.value import replace

_STOPS = {"ask", "block"}  # Neither at the input nor at the output is there anybody to ask.


def open_turn(session: Session, event: object) -> Turn:
    """Return the open turn, which `event` belongs to."""
    assert session.turn is not None, f"{event} belongs to no turn"
    return session.turn


def open_round(turn: Turn) -> Round:
    """Return the turn's round, which there is once the model has replied."""
    assert turn.round is not None, f"turn {turn.id} has no round"
    return turn.round


def opened(session: Session, event: e.SessionOpened) -> Session:
    """Begin with what was said elsewhere. It is kept once, among the messages."""
    messages, event = Messages.of(event.history), replace(event, history=())
    return replace(session, opened=event, born=session.at, messages=messages)


def forked(session: Session, _: e.SessionForked) -> Session:
    """Keep what was said and what is unknown; leave money, limits and whoever waits behind."""
    turn, messages = session.turn, session.messages
    if turn:
        messages = Messages.of(messages[: turn.task])
    return replace(
        session,
        born=session.at,
        money=Money(),
        turn=None,
        queue=(),
        epoch=0,
        barred={},
        revoked={},
        raised={},
        messages=messages,
        measured=None,
    )


def taken(session: Session, event: e.SessionTaken) -> Session:
    """Mark what another driver had in flight as lost."""
    session, turn = replace(session, epoch=event.epoch), session.turn
    if turn is None:
        return session
    turn = replace(turn, driven_at=session.at)
    if turn.pause is None:
        turn = replace(turn, drivers=turn.drivers + 1)
    for call in turn.calls:
        if call.state == "running":
            turn = replace(turn, round=open_round(turn).with_call(replace(call, state="lost")))
    return replace(session, turn=replace(turn, lost=turn.asked is not None))


def submitted(session: Session, event: e.TurnSubmitted) -> Session:
    """Open a turn, or let it wait for its own."""
    return _next_turn(replace(session, queue=(*session.queue, (session.head, event))))


def steered(session: Session, event: e.TurnSteered) -> Session:
    """Add to the open turn, or open one. Only what was typed is planned anew."""
    if session.turn is None:
        return _next_turn(replace(session, queue=(*session.queue, (session.head, event))))
    turn = open_turn(noted(session, Message("user", event.parts)), event)
    return replace(session, turn=replace(turn, unplanned=turn.unplanned or has_typed(event.parts)))


def noted(session: Session, message: Message) -> Session:
    """Let the model read the message after all results of the round."""
    turn = open_turn(session, message)
    return replace(session, turn=replace(turn, steers=(*turn.steers, message)))


def _next_turn(session: Session) -> Session:
    if session.turn is not None or not session.queue:
        return session
    (position, said), *queue = session.queue
    messages, task = session.messages, len(session.messages)
    if said.parts:
        messages = messages.extended((Message("user", said.parts),))
    elif messages and messages[-1].role == "assistant":
        messages = messages.extended((Message("user", (Text("Go on."),)),))
    barred = {**session.barred}
    blocked = barred.pop(said.request_id, None)
    revoked = {**session.revoked}
    cancelled = revoked.pop(position, None)
    turn = Turn(
        position,
        said,
        task,
        said.version,
        unplanned=not said.parts or has_typed(said.parts),
        blocked=blocked,
        cancelled=cancelled,
        driven_at=session.at,
    )
    session = replace(session, turn=turn, queue=tuple(queue), messages=messages)
    session = replace(session, revoked=revoked) if cancelled is not None else session
    return replace(session, barred=barred) if turn.blocked else session


def paused(session: Session, event: e.TurnPaused) -> Session:
    """Let the turn wait."""
    return replace(session, turn=replace(open_turn(session, event), pause=event))


def resumed(session: Session, event: e.TurnResumed) -> Session:
    """Let the turn go on. Anybody may tell it, at any time: without a pause it changes nothing."""
    turn = session.turn
    if turn is None or turn.pause is None:
        return session
    turn = replace(turn, version=event.version) if event.version else turn
    return replace(session, turn=replace(turn, pause=None, drivers=0, driven_at=session.at))


def cancel_requested(session: Session, event: e.TurnCancelRequested) -> Session:
    """Let the open turn end, or one that waits as soon as it opens; no other than was meant."""
    turn = session.turn
    if any(position == event.turn for position, _ in session.queue):
        revoked = {**session.revoked, event.turn or 0: event.reason}
        return replace(session, revoked=revoked)
    if turn is None or event.turn not in {None, turn.id}:
        return session
    return replace(session, turn=replace(turn, cancelled=event.reason))


def limits_raised(session: Session, event: e.LimitsRaised) -> Session:
    """Put limits in place of the agent's."""
    return replace(session, raised={**session.raised, **event.limits})


def judged(session: Session, event: e.GuardJudged) -> Session:
    """Stop what was blocked at the input or the output, and tell the model what it has to know."""
    turn = session.turn
    if event.gate == "input" and event.decision in _STOPS:
        return _barred(session, event)
    if turn is None:
        return session
    if event.digest and event.digest not in turn.judged:
        turn = replace(turn, judged=(*turn.judged, event.digest))
    if event.gate == "loop":
        turn = replace(turn, warned=True)
    elif event.gate == "output" and event.note:
        turn = replace(turn, rejected=turn.rejected + 1)
    elif event.gate == "output" and event.decision in _STOPS:
        turn = replace(turn, blocked=event)
    session = replace(session, turn=turn)
    return noted(session, Message("user", (Text(event.note),))) if event.note else session


def _barred(session: Session, event: e.GuardJudged) -> Session:
    """Stop the turn that the input opens, or the one that it steers."""
    if any(said.request_id == event.subject for _, said in session.queue):
        return replace(session, barred={**session.barred, event.subject: event})
    turn = session.turn
    return replace(session, turn=replace(turn, blocked=event)) if turn else session


def ended(session: Session, event: e.TurnEnded) -> Session:
    """End the turn, keep what it was told last, and open the next."""
    messages = session.messages.extended(open_turn(session, event).steers)
    return _next_turn(replace(session, messages=messages, turn=None, ended=event))
