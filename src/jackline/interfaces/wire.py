"""Events and text as other programs read them: one JSON object each, and a place to return to.

An event's id is its position. The id of a piece of text, `seq.epoch.end`, says where its reply
began in the journal, who asked for it, and how many characters of it have been said with it; so
who has got that piece can be given the rest. An event that comes in mid-reply has the id
`seq.epoch.end.event`, and so has the text after it: who returns has both. Server-sent events carry
it as their `id` (https://html.spec.whatwg.org/multipage/server-sent-events.html), and an event's
JSON where it is not its position.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from jackline.core.codec import encode
from jackline.core.errors import InputError
from jackline.core.events import (
    Event,
    InputRequested,
    ModelReplied,
    ModelReserved,
    Record,
    SessionOpened,
)
from jackline.core.messages import File, Image, Message, Part, Pasted, ToolResult
from jackline.core.value import Value, replace
from jackline.ports import Delta

PING = b": ping\n\n"
_MOST = (1 << 63) - 1
_NUMBER = "([0-9]{1,19})"
_PLACE = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?)?")
_encode = msgspec.json.Encoder().encode


class OpenReply(Value, frozen=True):
    """A reply up to `end` of its text: event `seq` asks for it, and the driver of `epoch`."""

    seq: int
    epoch: int
    end: int = 0


class Place(Value, frozen=True):
    """Up to where somebody has followed a session: to event `seq`, and within an open reply."""

    seq: int
    reply: OpenReply | None = None

    @property
    def id(self) -> bytes:
        """What names it to who returns."""
        reply = self.reply
        if reply is None:
            return b"%d" % self.seq
        told = b"%d.%d.%d" % (reply.seq, reply.epoch, reply.end)
        return told if reply.seq == self.seq else b"%b.%d" % (told, self.seq)


def place(said: str) -> Place:
    """Return the place that an id names. Raises `InputError` where it is none."""
    match = _PLACE.fullmatch(said)
    if match is None:
        raise InputError(f"{said[:40]!r} is no position: give the id of an event, or of its text.")
    began, epoch, end = map(int, match.group(1, 2, 3)) if match[2] else (int(match[1]), 0, 0)
    seq = int(match[4] or began)
    if max(seq, epoch, end) > _MOST or seq < began:
        raise InputError(f"{said[:40]!r} is no position of an event.")
    return Place(seq, OpenReply(began, epoch, end) if epoch else None)


def event_json(record: Record) -> bytes:
    """Return an event as JSON, with its position and its time before all else."""
    body = encode(record.event)[1:]
    return b'{"seq":%d,"at":%b,%b' % (record.seq, repr(record.at).encode(), body)


class Discretion(Protocol):
    """Takes out of what is told what those may not see to whom it is."""

    def of(self, value: Event) -> Event:
        """Return an event without that."""
        ...

    def json(self, text: str) -> str:
        """Return JSON without that."""
        ...

    def said(self, text: str) -> str:
        """Return what may be JSON, or any text, without that."""
        ...


def leaving(record: Record, discretion: Sequence[Discretion] = ()) -> Record:
    """Return a record as it may leave: without instructions, and what only a provider may read.

    A question is as exact as who answers it has to know it.
    """
    event = _out(record.event)
    for each in () if isinstance(event, InputRequested) else discretion:
        event = each.of(event)
    return record if event is record.event else replace(record, event=event)


def _out(event: Event) -> Event:
    match event:
        case ModelReserved(instructions=str()):
            return replace(event, instructions=None)
        case ModelReplied(parts=parts) if any(part.provider for part in parts):
            return replace(event, parts=tuple([replace(part, provider=None) for part in parts]))
        case SessionOpened(history=history) if history:
            return replace(event, history=tuple(map(_outward, history)))
        case _:
            return event


def _outward(message: Message) -> Message:
    def shown(part: Part) -> Part:
        bare = isinstance(part, Pasted | Image | File | ToolResult)
        return part if bare else replace(part, provider=None)

    return replace(message, parts=tuple(map(shown, message.parts)))


def placed(data: bytes, at: Place) -> bytes:
    """Return the JSON of an event with its id, where that is not its position."""
    return b'{"id":"%b",%b' % (at.id, data[1:]) if at.reply else data


def text_json(delta: Delta, at: Place) -> bytes:
    """Return a piece of text as JSON. With it one is `at` that place."""
    return b'{"type":"text.delta","id":"%b","text":%b}' % (at.id, _encode(delta.text))


def said_json(kind: str, fields: Mapping[str, object]) -> bytes:
    """Return what a stream says of itself as JSON."""
    return _encode({"type": kind, **fields})


def frame(data: bytes, at: Place | None = None) -> bytes:
    """Return one server-sent event. With it one is `at` that place.

    JSON has no line ends, and a place is made of digits and dots: nothing that somebody wrote can
    end the field that it stands in.
    """
    return b"id: %b\ndata: %b\n\n" % (at.id, data) if at else b"data: %b\n\n" % data
