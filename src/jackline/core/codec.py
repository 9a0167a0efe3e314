"""Events as bytes: encoded once, stored, streamed and folded from the same bytes.

`{"type":"tool.returned","v":1,"key":…}`. Each kind has a version of its own. An old body is
brought up to date here, step by step, before anybody sees it; a body of a newer version is
refused, so that nothing of it can be lost.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import msgspec

from jackline.core.admission import AT_REST, Standing
from jackline.core.errors import StoreError
from jackline.core.events import Erased, Event, kind
from jackline.core.messages import Message, Messages
from jackline.core.rates import Buckets
from jackline.core.session import Session
from jackline.core.value import replace

FOLD_VERSION = 6
_EMPTY = Buckets()
UpCast = Callable[[dict[str, Any]], dict[str, Any]]


class Codec:
    """Turns events into bytes and back. `up_casts[kind][n]` makes version n + 1 of version n."""

    def __init__(self, up_casts: Mapping[str, Mapping[int, UpCast]]) -> None:
        self._up_casts = up_casts
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
        names = {event: kind(event.__name__) for event in get_args(Event)}
        self._versions = {name: 1 + len(up_casts.get(name, {})) for name in names.values()}
        tags = {event: b'{"type":"%b"' % name.encode() for event, name in names.items()}
        self._headers = {
            event: b'%b,"v":%d' % (tags[event], self._versions[name])
            for event, name in names.items()
        }
        self._current = frozenset(self._headers.values())
        self._cuts = {event: (self._headers[event], len(tag)) for event, tag in tags.items()}

    def encode(self, event: Event) -> bytes:
        """Return the event as one JSON object."""
        header, cut = self._cuts[type(event)]
        return header + self._encoder.encode(event)[cut:]

    def decode(self, body: bytes) -> Event:
        """Return the event that `body` is. Raises `StoreError` where it is none that we know."""
        end = body.find(b",", body.find(b",") + 1)
        try:
            current = body[: end if end > 0 else -1] in self._current
            return self._decoder.decode(body) if current else self._old(body)
        except msgspec.MsgspecError as error:
            raise StoreError(f"An event cannot be read: {error}.") from error

    def _old(self, body: bytes) -> Event:
        fields: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        name, version = fields.get("type"), fields.get("v")
        if name not in self._versions or not isinstance(version, int):
            raise StoreError(f"Events of the kind {name!r} are unknown: is jackline too old?")
        if version > self._versions[name]:
            raise StoreError(f"{name} of version {version} is from a newer jackline: upgrade.")
        for step in range(version, self._versions[name]):
            fields = self._up_casts[name][step](fields)
        return msgspec.convert(fields, self._decoder.type)


_CODEC = Codec({})
encode = _CODEC.encode
decode = _CODEC.decode


def erased(body: bytes) -> bytes:
    """Return the tombstone of an event: its kind, and nothing of what it said."""
    event = decode(body)
    return body if isinstance(event, Erased) else encode(Erased(kind(type(event).__name__)))


def pack(session: Session) -> bytes:
    """Return a session as bytes that this version of the fold, and no other, can read."""
    messages = session.messages
    return _PACKER.encode((FOLD_VERSION, session, list(messages), messages.size_bytes))


def unpack(packed: bytes) -> Session | None:
    """Return the session, or None where another version of the fold packed it."""
    try:
        version, session, messages, size = _UNPACKER.decode(packed)
    except msgspec.MsgspecError:
        return None
    if version != FOLD_VERSION:
        return None
    return replace(session, messages=Messages(messages, len(messages), size))


def pack_rate(state: Standing | Buckets) -> bytes:
    """Return what is remembered of a rate, or of what is called, as bytes."""
    return _PACKER.encode(state)


def unpack_standing(packed: bytes) -> Standing:
    """Return how something stands. What cannot be read was never kept."""
    try:
        return _STANDINGS.decode(packed) if packed else AT_REST
    except msgspec.MsgspecError:
        return AT_REST


def unpack_buckets(packed: bytes) -> Buckets:
    """Return what a rate remembers, as `unpack_standing` does."""
    try:
        return _BUCKETS.decode(packed) if packed else _EMPTY
    except msgspec.MsgspecError:
        return _EMPTY


def _apart(messages: object) -> object:
    """Leave the messages out: beside the session they are read without a detour over dicts."""
    assert isinstance(messages, Messages), type(messages)
    return ()


def _none(kind_of: type, _: object) -> object:
    assert kind_of is Messages, kind_of
    return Messages([])


_PACKER = msgspec.msgpack.Encoder(enc_hook=_apart)
_UNPACKER = msgspec.msgpack.Decoder(tuple[int, Session, list[Message], int], dec_hook=_none)
_STANDINGS = msgspec.msgpack.Decoder(Standing)
_BUCKETS = msgspec.msgpack.Decoder(Buckets)
