"""Events and text as other programs read them: one JSON object each, and a place to return to.

An event's id is its position. The id of a piece of text, `seq.epoch.end`, says where its reply
began in the journal, who asked for it, and how many characters of it have been said with it; so
who has got that piece can be given the rest. Server-sent events carry both as their `id`
(https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

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
_encode = msgspec.json.Encoder().encode


class Place(Value, frozen=True):
    """Up to where somebody has followed a session.

    To event `seq`, and of the text of the reply that it asks for, by the driver of `epoch`, to
    `end`. `epoch` 0: to no text.
    """

    seq: int
    epoch: int = 0
    end: int = 0


def place(said: str) -> Place:
    """Return the place that an id names. Raises `InputError` where it is none."""
    numbers = said.split(".")
    if len(numbers) not in {1, 3} or not all(each.isascii() and each.isdigit() for each in numbers):
        raise InputError(f"{said[:40]!r} is no position: give the id of an event, or of its text.")
    found = [int(each[:20]) for each in numbers]
    if max(found) > _MOST:
        raise InputError(f"{said[:40]!r} is no position of an event.")
    return Place(*found)


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


def text_json(delta: Delta) -> bytes:
    """Return a piece of text as JSON."""
    return b'{"type":"text.delta","id":"%b","text":%b}' % (_id(delta), _encode(delta.text))


def _id(delta: Delta) -> bytes:
    return b"%d.%d.%d" % (delta.seq, delta.epoch, delta.offset + len(delta.text))


def said_json(kind: str, fields: Mapping[str, object]) -> bytes:
    """Return what a stream says of itself as JSON."""
    return _encode({"type": kind, **fields})


def frame(data: bytes, place: bytes | int = b"") -> bytes:
    """Return one server-sent event.

    JSON has no line ends, and a place is made of digits and dots: nothing that somebody wrote can
    end the field that it stands in.
    """
    if isinstance(place, int):
        return b"id: %d\ndata: %b\n\n" % (place, data)
    return b"id: %b\ndata: %b\n\n" % (place, data) if place else b"data: %b\n\n" % data


def event_frame(record: Record, discretion: Sequence[Discretion] = ()) -> bytes:
    """Return an event as a server-sent event."""
    return frame(event_json(leaving(record, discretion)), record.seq)


def text_frame(delta: Delta) -> bytes:
    """Return a piece of text as a server-sent event."""
    return frame(text_json(delta), _id(delta))
