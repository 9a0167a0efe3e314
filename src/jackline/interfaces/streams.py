"""One reader's stream of a session: every event once and in order, and text without a gap.

A reader that returns with the id of what it had last is told the rest, by any process. Where that
was in mid-message it gets what is missing of the text; where the driver that said it is gone,
`message.reset` first: what it has of that reply is void. Where its position is beyond the
journal's end, the session that it knew is gone, and `stream.truncated` says that all begins anew.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from jackline.core.events import Erased, ModelClosed, ModelReserved, Record, SessionTaken
from jackline.core.value import replace
from jackline.interfaces import wire
from jackline.interfaces.wire import Discretion, OpenReply, Place
from jackline.ports import Delta, SessionRow
from jackline.runtime.following import Heard
from jackline.runtime.results import ends
from jackline.runtime.sessions import Sessions


class Form(Protocol):
    """How a stream is written: as server-sent events, or as messages of a WebSocket."""

    def event(self, record: Record, at: Place) -> bytes:
        """Return an event, with which the reader is `at` that place."""
        ...

    def text(self, delta: Delta, at: Place) -> bytes:
        """Return a piece of text, with which the reader is `at` that place."""
        ...

    def said(self, data: bytes, at: Place | None = None) -> bytes:
        """Return what the stream says of itself. With a place, the reader is there now."""
        ...


Kept = dict[tuple[int, tuple[Discretion, ...]], tuple[Record, bytes]]


class Frames:
    """Server-sent events, told with some discretion.

    An event is encoded once for all readers to whom it is told with the same.
    """

    def __init__(self, discretion: Sequence[Discretion] = (), kept: Kept | None = None) -> None:
        self._discretion = tuple(discretion)
        self._kept: Kept = {} if kept is None else kept

    def told(self, discretion: Sequence[Discretion]) -> "Frames":
        """Return the same with another discretion."""
        return Frames(discretion, self._kept)

    def json(self, record: Record, at: Place) -> bytes:
        """Return an event as JSON. Readers of one process are told the same object as it is new."""
        key = id(record), self._discretion
        kept = self._kept.get(key)
        if kept and kept[0] is record:
            return wire.placed(kept[1], at)
        data = wire.event_json(wire.leaving(record, self._discretion))
        if len(data) <= _KEPT_BYTES:
            if len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = record, data
        return wire.placed(data, at)

    def event(self, record: Record, at: Place) -> bytes:
        """See `Form.event`."""
        return wire.frame(self.json(record, at), at)

    def text(self, delta: Delta, at: Place) -> bytes:
        """See `Form.text`."""
        return wire.frame(wire.text_json(delta, at), at)

    def said(self, data: bytes, at: Place | None = None) -> bytes:
        """See `Form.said`."""
        return wire.frame(data, at)


_KEPT, _KEPT_BYTES = 512, 16_384


async def stream(
    sessions: Sessions, row: SessionRow, after: Place, form: Form, turn: int | None = None
) -> AsyncGenerator[Sequence[bytes]]:
    """Yield what a reader at `after` is told, as it comes, until `turn` has ended, if one is named.

    Then it begins before that, and tells no other turn's text. It is nothing where there was no
    news for a while. Raises `NotFoundError` where the session is erased meanwhile.
    """
    if after.seq > row.head:
        told = wire.said_json("stream.truncated", {"after": after.seq, "head": row.head})
        after = Place(0)
        yield (form.said(told, after),)
    reader = StreamReader(form, after, turn)
    while not reader.ended:
        reader.is_behind = False
        async with aclosing(sessions.follow(row, reader.seq)) as batches:
            async for batch in batches:
                yield reader.told(batch)
                if reader.ended or reader.is_behind:
                    break


class StreamReader:
    """What a reader has got so far."""

    def __init__(self, form: Form, after: Place, turn: int | None = None) -> None:
        self.seq = after.seq
        self.ended = False
        self.is_behind = False
        self._form = form
        self._turn = turn
        self._asked = ""  # The key of the last call of a model.
        self._open = after.reply  # It has a part of it.
        self._given_up: OpenReply | None = None

    def told(self, batch: Heard) -> list[bytes]:
        """Return what the reader is told of a batch."""
        out: list[bytes] = []
        for item in batch:
            if isinstance(item, Delta):
                self._text(item, out)
                if self.is_behind:
                    break
                continue
            self._event(item, out)
            if self.ended:
                break
        return out

    def _event(self, record: Record, out: list[bytes]) -> None:
        if self._open and isinstance(record.event, ModelClosed):
            self._open = None  # It has the reply whole, or that there is none.
        elif self._open and isinstance(record.event, SessionTaken | Erased):
            self._reset(out)
        self.seq = record.seq
        out.append(self._form.event(record, Place(self.seq, self._open)))
        if isinstance(record.event, ModelReserved):
            self._asked = record.event.key
        self.ended = self._turn is not None and ends(record, self._turn)

    def _text(self, delta: Delta, out: list[bytes]) -> None:
        if self._turn is not None and not self._asked.startswith(f"turn/{self._turn}/"):
            return
        reply = self._open
        if reply and delta.seq < reply.seq:
            return  # It comes late: that reply was over before this one began.
        if reply is None or reply.seq != delta.seq or reply.epoch != delta.epoch:
            if reply:
                self._reset(out)
            reply = OpenReply(delta.seq, delta.epoch)
        end = delta.offset + len(delta.text)
        if delta.offset > reply.end:
            self._miss(reply)
        elif end > reply.end or not self._open:
            if delta.offset < reply.end:
                said = delta.text[reply.end - delta.offset :]
                delta = replace(delta, offset=reply.end, text=said)
            self._open = replace(reply, end=end)
            out.append(self._form.text(delta, Place(self.seq, self._open)))

    def _miss(self, reply: OpenReply) -> None:
        """Look anew, as something between is missing: the bus may have the text so far.

        Where it has not, the reader gets the reply when it is whole.
        """
        self.is_behind = reply != self._given_up
        self._given_up = reply

    def _reset(self, out: list[bytes]) -> None:
        assert self._open
        told = {"seq": self._open.seq, "epoch": self._open.epoch}
        out.append(self._form.said(wire.said_json("message.reset", told)))
        self._open = None
