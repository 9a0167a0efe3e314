"""How a turn ended, for those who wait for it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from jackline.core.agent import Agent
from jackline.core.errors import NotFoundError
from jackline.core.events import (
    Erased,
    ModelClosed,
    Record,
    SessionId,
    TurnCancelled,
    TurnCompleted,
    TurnEnded,
    TurnFailed,
    TurnPaused,
    TurnStopped,
    Usage,
)
from jackline.core.fold import replay
from jackline.core.session import Session
from jackline.ports import Bus, Delta, Grown, SessionRow, Store

PAGE = 500
_FOR_PEOPLE = {"person", "dead_letter", "version"}
_CLOSING = frozenset(get_args(ModelClosed))
_TELLING = {TurnPaused, *get_args(TurnEnded)}


@dataclass(frozen=True, slots=True)
class Result:
    """How a turn ended. `cost` is in micro-dollars; `output` is typed where the agent says so.

    `code` says why it was not completed, or `cut` where the end of its answer is missing.
    """

    session: SessionId
    turn: int
    outcome: Literal["completed", "failed", "stopped", "cancelled", "paused"]
    text: str
    output: Any
    usage: Usage
    cost: int
    code: str = ""
    questions: tuple[int, ...] = ()


class Results:
    """Waits for turns. Whoever asks may see their session: that was checked before."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self._store = store
        self._bus = bus

    async def of(
        self, session: SessionId, turn: int, agent: Agent | None, row: SessionRow | None
    ) -> Result:
        """Return how a turn ended, or that it waits for a person, once it does.

        `row` says how the session stands; without, the turn was opened just now, and nothing
        of it has to be read yet. Raises `NotFoundError` where the turn is erased.
        """
        if row and row.turn not in {None, turn}:
            state = await self._state(session)
            if state.turn and state.turn.id != turn and _waits(state, turn):
                return _paused(session, turn, state)
        async with aclosing(self._rested(session, turn, row)) as pages:
            async for page in pages:
                # To ask each event for one class after another would take long.
                for event in [each.event for each in page if type(each.event) in _TELLING]:
                    if isinstance(event, TurnPaused) and event.reason in _FOR_PEOPLE:
                        state = await self._state(session)
                        if _waits(state, turn):
                            return _paused(session, turn, state)
                    if isinstance(event, TurnEnded) and event.turn == turn:
                        return _ended(session, event, agent)
        raise AssertionError("a turn ends, or is followed for ever")

    async def _rested(
        self, session: SessionId, turn: int, row: SessionRow | None
    ) -> AsyncGenerator[Sequence[Record]]:
        """Yield what happened since the turn began, whenever the session has come to rest.

        It comes in pages. While the turn goes on nothing of it is read, and of its end no more
        than was heard.
        """
        after, has_news = turn - 1, row is not None
        with self._bus.listen(session, rest_only=True) as listener:
            while True:
                page = await self._store.read(session, after, PAGE) if has_news else []
                if page:
                    check_kept(session, turn, page[0])
                    after = page[-1].seq
                    yield page
                if len(page) < PAGE:
                    heard = await listener.take(self._bus.look_s)
                    told = [each for item in heard for each in _records(item) if ends(each, turn)]
                    if told:
                        yield told
                    has_news = any(map(_is_news, heard))
                    has_news = has_news or await self._has_news(session, turn, after)

    async def _has_news(self, session: SessionId, turn: int, after: int) -> bool:
        """Look whether another process has brought the session to rest, or erased the turn."""
        row = await self._store.row(session)
        if row.erased_at is not None:
            for opening in await self._store.read(session, turn - 1, 1):
                check_kept(session, turn, opening)
        return row.head > after and (row.turn != turn or row.state == "paused")

    async def _state(self, session: SessionId) -> Session:
        loaded = await self._store.load(session)
        return replay(loaded.session, loaded.records)


def check_kept(session: SessionId, turn: int, item: Record | Delta) -> None:
    """Raise `NotFoundError` where this is what is left of the turn's beginning: it never ends."""
    if isinstance(item, Record) and item.seq == turn and isinstance(item.event, Erased):
        raise NotFoundError(f"Turn {turn} of session {session.name!r} was erased.")


def ends(item: Record | Delta, turn: int) -> bool:
    """Whether this is the turn's end."""
    return (
        isinstance(item, Record) and isinstance(item.event, TurnEnded) and item.event.turn == turn
    )


def closed_at(records: Sequence[Record]) -> int:
    """Return where the last reply among these ends, whose text is then old news, or 0."""
    return max((each.seq for each in records if type(each.event) in _CLOSING), default=0)


def _waits(state: Session, turn: int) -> bool:
    """Whether that turn, or what it is behind, waits for a person now: what is read may be over."""
    if state.turn is None or turn not in {state.turn.id, *(seq for seq, _ in state.queue)}:
        return False
    if state.turn.cancelled is not None:
        return False  # It is about to end.
    pause = state.turn.pause
    if state.turn.id != turn and pause is None:
        return False
    return bool(state.questions) or (pause is not None and pause.is_set_aside)


def _records(item: Grown | Delta) -> Sequence[Record]:
    return item.records if isinstance(item, Grown) else ()


def _is_news(item: Grown | Delta) -> bool:
    """Whether something was added, or else nobody knows what happened."""
    return isinstance(item, Grown) and bool(item.records or item.head)


def _paused(session: SessionId, number: int, state: Session) -> Result:
    """Return what is known of a turn that waits for a person, or stands behind one that does."""
    turn = state.turn
    assert turn is not None, "somebody waits"
    result = Result(session, number, "paused", "", None, Usage(), 0, "", state.questions)
    if turn.id == number:
        result = replace(result, usage=turn.usage, cost=turn.money.spent)
    if turn.pause and turn.pause.is_set_aside:
        return replace(result, code=turn.pause.reason, text=turn.pause.text)
    return result


def _ended(session: SessionId, end: TurnEnded, agent: Agent | None) -> Result:
    result = Result(session, end.turn, "completed", "", None, end.usage, end.cost)
    match end:
        case TurnCompleted(text=text, value=value, cut=cut):
            typed = agent.typed if agent else None
            output = text if value is None or typed is None else typed.load(value)
            return replace(result, text=text, output=output, code="cut" if cut else "")
        case TurnFailed(code=code, text=text):
            return replace(result, outcome="failed", code=code, text=text)
        case TurnStopped(code=code, text=text):
            return replace(result, outcome="stopped", code=code, text=text)
        case TurnCancelled(reason=reason):
            return replace(result, outcome="cancelled", code="cancelled", text=reason)
