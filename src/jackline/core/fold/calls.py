"""What becomes of tool calls: begun, closed, asked about, answered; and when they go in circles."""

from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from jackline.core import events as e
from jackline.core.fold.turns import noted, open_round, open_turn
from jackline.core.messages import Content, Message, Pasted, Text, ToolResult
from jackline.core.quarantine import sealed
from jackline.core.session import Call, Round, Session, Turn
from jackline.core.value import replace

_SEEN_MAX = 64
_UNKNOWN_MAX = 256
_LATE = {True: "has returned", False: "had no effect", None: "is still unknown"}


def canonical(arguments: str) -> bytes:
    """Return arguments so that two of the same meaning are the same bytes."""
    try:
        return msgspec.json.encode(msgspec.json.decode(arguments), order="sorted")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return arguments.encode("utf-8", "backslashreplace")


def fingerprint(name: str, arguments: str) -> str:
    """Tells a call of this tool with these arguments from all other calls."""
    return blake2b(name.encode() + b"\0" + canonical(arguments), digest_size=16).hexdigest()


def started(session: Session, event: e.ToolStarted) -> Session:
    """Take the call for made, from here on."""
    turn = open_turn(session, event)
    current = open_round(turn)
    call = current.calls[event.key]
    arguments = call.asked.arguments if event.arguments is None else event.arguments
    call = replace(
        call,
        state="running",
        attempt=event.attempt,
        arguments=arguments,
        version=event.version,
        fingerprint=event.fingerprint,
    )
    return replace(session, turn=replace(turn, round=current.with_call(call), tools=turn.tools + 1))


def returned(session: Session, event: e.ToolReturned) -> Session:
    """Let the model read the result, or of what is quarantined its handles."""
    parts = sealed(event, session.head) if event.quarantined else event.parts
    return _closed(session, event.key, parts, failed=False)


def refused(session: Session, event: e.ToolRefused) -> Session:
    """Let the model read why the call was not made."""
    if event.code == "tool_calls":
        session = replace(session, turn=replace(open_turn(session, event), capped=True))
    return _closed(session, event.key, (Text(event.text),), failed=True)


def failed(session: Session, event: e.ToolFailed) -> Session:
    """Let the model read what went wrong."""
    return _closed(session, event.key, (Text(event.text),), failed=True)


def unknown(session: Session, event: e.ToolUnknown) -> Session:
    """Remember the call, and let the model read that nobody knows, unless somebody will ask.

    Remembered are calls that may be made once only, and the latest 256 of them.
    """
    turn = open_turn(session, event)
    call = open_round(turn).calls[event.key]
    if event.once:
        mark = call.fingerprint or fingerprint(call.asked.name, call.arguments)
        others = [each for each in session.unknown if each != mark]
        session = replace(session, unknown=(*others, mark)[-_UNKNOWN_MAX:])
    if event.reconcile_at is None:
        return _closed(session, event.key, (Text(event.text),), failed=True)
    call = replace(call, state="unknown", reconcile_at=event.reconcile_at)
    call = replace(call, parts=(Text(event.text),))
    return replace(session, turn=replace(turn, round=open_round(turn).with_call(call)))


def reconciled(session: Session, event: e.ToolReconciled) -> Session:
    """Close an open call; of a closed one the model is told, for it has read another answer."""
    turn = session.turn
    if turn is None:
        return session
    call = turn.round.calls.get(event.key) if turn.round else None
    if call and event.happened is not None:
        mark = call.fingerprint or fingerprint(call.asked.name, call.arguments)
        others = [each for each in session.unknown if each != mark]
        session = replace(session, unknown=tuple(others))
    if call and call.state == "unknown":
        return _closed(session, event.key, (Text(event.text),), failed=event.happened is not True)
    return noted(session, Message("user", (Pasted(_late(session, event)),)))


def _late(session: Session, event: e.ToolReconciled) -> str:
    """Return how the model is told: in words that are neither the user's nor the tool's alone."""
    name = next((f" {each}" for each in _names(session, event.key)), "")
    return f"[The call{name}, given up before, {_LATE[event.happened]}: {event.text}]"


def _names(session: Session, key: str) -> Iterator[str]:
    """Yield the name of the call, as far as it is still there to be read."""
    current = session.turn.round if session.turn else None
    if current and key in current.calls:
        yield current.calls[key].asked.name
    for message in reversed(session.messages):
        for part in message.parts:
            if isinstance(part, ToolResult) and part.key == key:
                yield part.name


def _closed(session: Session, key: str, parts: tuple[Content, ...], *, failed: bool) -> Session:
    """Results join the messages when the round is complete, in the order of its calls."""
    turn = open_turn(session, key)
    current = open_round(turn)
    call = current.calls[key]
    if call.arguments is not call.asked.arguments and call.arguments != call.asked.arguments:
        parts = (Text(f"[A person changed the arguments to {call.arguments}]\n"), *parts)
    call = replace(call, state="closed", parts=parts, failed=failed)
    current = current.with_call(call)
    if current.open:
        return replace(session, turn=replace(turn, round=current))
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
    if not news:
        return replace(turn, round=current, stale=turn.stale + 1)
    seen = (*turn.seen, *news)[-_SEEN_MAX:]
    return replace(turn, round=current, seen=seen, stale=0, warned=False)


def _print(call: Call) -> bytes:
    """Tells a call and its result from others. What was begun is written in canonical form."""
    made = call.fingerprint
    if not made and call.attempt:
        made = f"{call.asked.name} {call.arguments}"
    hashed = blake2b((made or fingerprint(call.asked.name, call.arguments)).encode(), digest_size=8)
    for part in call.parts:
        hashed.update((part.text if isinstance(part, Text) else part.artifact).encode())
    return hashed.digest()


def requested(session: Session, event: e.InputRequested) -> Session:
    """Let the call wait for a person."""
    turn = open_turn(session, event)
    call = replace(open_round(turn).calls[event.key], state="waiting", question=session.head)
    call = replace(call, expires_at=event.expires_at)
    return replace(session, turn=replace(turn, round=open_round(turn).with_call(call)))


def provided(session: Session, event: e.InputProvided) -> Session:
    """Give the call that waits its answer. After a rejection in words nothing more is planned."""
    turn = session.turn
    owner = session.opened.user if session.opened else ""
    for call in turn.calls if turn else ():
        if call.question == event.question and call.state == "waiting":
            turn = open_turn(session, event)
            answered = open_round(turn).with_call(replace(call, answer=event))
            unplanned = turn.unplanned and not event.in_words_of(owner)
            return replace(session, turn=replace(turn, round=answered, unplanned=unplanned))
    return session
