"""What the model of a driven session has read, gathered when a call has to be judged by it.

Not before: a session whose calls can do no harm, and a turn without calls, cost nothing.
"""

from collections.abc import Iterable, Mapping, Sequence

from jackline.core.events import Event, Record
from jackline.core.flow import Question, Source, ToolFlow
from jackline.core.readings import Readings
from jackline.core.session import Call, Session
from jackline.ports import Loaded, Store

Judged = tuple[Question | None, Sequence[Source]]
UNJUDGED: Judged = None, ()
_PAGE = 128


class Reader:
    """Reads along while one session is driven, from its first event on.

    A drive that begins at a snapshot has not seen what was before: that is read from the journal,
    once. What is gone from there is the worst that it can have been.
    """

    def __init__(self, store: Store, flows: Mapping[str, ToolFlow], loaded: Loaded) -> None:
        self._store = store
        self._flows = flows
        self._session = loaded.session.id
        self._read = 0
        self._begin = loaded.session.head
        self._fresh: list[Record] = list(loaded.records)
        self._readings: Readings | None = None

    def add(self, records: Iterable[Record]) -> None:
        """Keep what has happened until somebody asks."""
        self._fresh += records

    async def judged(self, session: Session, heard: Sequence[Event]) -> Judged:
        """Return what the calls that wait in `session` are judged by; nothing where none does.

        `heard` is what led to it and is not in the journal yet.
        """
        turn = session.turn
        if turn is None or not turn.round or not turn.round.open:
            return UNJUDGED
        if not any(_waits(call) and self._is_judged(call) for call in turn.calls):
            return UNJUDGED
        readings = await self._readings_of(session)
        return readings.question(heard), readings.requests

    async def typed(self, session: Session, before: int) -> Sequence[Source]:
        """Return what the user has typed, as far as it stands before this position."""
        readings = await self._readings_of(session)
        return [each for each in readings.requests if each.seq < before]

    async def _readings_of(self, session: Session) -> Readings:
        """Return what was read, up to the last record that was added. Raises `StoreError`."""
        assert session.opened is not None, "what is driven was opened"
        if self._readings is None:
            self._readings = Readings(session.opened.user, self._flows)
        while self._read < self._begin:
            left = min(_PAGE, self._begin - self._read)
            page = await self._store.read(self._session, self._read, left)
            if not page or page[0].seq != self._read + 1:
                self._readings.forget()
                self._read = self._begin
                break
            self._readings.take(page)
            self._read = page[-1].seq
        self._readings.take(self._fresh)
        self._fresh.clear()
        return self._readings

    def _is_judged(self, call: Call) -> bool:
        flow = self._flows.get(call.asked.name)
        return flow is not None and flow.judges(call.asked.arguments)


def _waits(call: Call) -> bool:
    edited = call.answer is not None and call.answer.arguments is not None
    return call.state == "asked" or (call.state == "waiting" and edited)
