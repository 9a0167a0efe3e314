"""What belongs to one turn, of all that happens in its session."""

from collections.abc import Iterable

from jackline.core import events as e
from jackline.core.events import Record
from jackline.core.session import Session
from jackline.ports import Delta


class Own:
    """Tells a turn's events from those of others, in the order of the journal.

    A session has one open turn at a time, so what happens before the turns ahead have ended is
    theirs. `state` is the session as it stands, `records` what happened since the turn was
    submitted.
    """

    def __init__(self, turn: int, state: Session, records: Iterable[Record]) -> None:
        self.turn = turn
        self._prefix = f"turn/{turn}/"
        self._replies: set[int] = set()
        ended = {r.event.turn for r in records if isinstance(r.event, e.TurnEnded)}
        open_ = {state.turn.id} if state.turn else set[int]()
        queued = {position for position, _ in state.queue}
        self._ahead = {each for each in ended | open_ | queued if each < turn}

    @property
    def waits(self) -> bool:
        """Whether other turns come first."""
        return bool(self._ahead)

    def has(self, item: Record | Delta) -> bool:
        """Whether this belongs to the turn. Ask of each item, once."""
        if isinstance(item, Delta):
            return item.seq in self._replies
        event = item.event
        if isinstance(event, e.TurnEnded):
            self._ahead.discard(event.turn)
            return event.turn == self.turn
        if item.seq == self.turn:
            return True
        if self._ahead or isinstance(event, e.TurnSubmitted):
            return False
        if isinstance(event, e.TurnCancelRequested):
            return event.turn in {None, self.turn}
        key = str(getattr(event, "key", ""))
        if key.startswith("turn/") and not key.startswith(self._prefix):
            return False
        if isinstance(event, e.ModelReserved):
            self._replies.add(item.seq)
        return True
