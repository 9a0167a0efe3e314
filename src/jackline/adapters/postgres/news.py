"""What processes that share a database say to each other, as notifications carry it.

A payload is a letter that says what it is about, and JSON in plain ASCII, so that no encoding of a
database stands in the way of a name. What cannot be read is from a newer jackline, or from
somebody else, and is passed over: a notification is a hint, and nothing is taken from it as true.
"""

import json
from collections.abc import Generator, Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from jackline.core.events import SessionId

CHANNEL = "jackline"
_LIMIT_BYTES = 7_900  # Postgres takes less than 8,000.
_RESTING, _TOLD = 1, 2
_REST_ONLY, _AFRESH = 1, 2


class Growth(NamedTuple):
    """A journal has grown to `head`, or nobody has counted: 0."""

    session: SessionId
    head: int
    resting: bool
    told: bool


class Follow(NamedTuple):
    """Somebody follows a session. `afresh`: they need the text so far."""

    session: SessionId
    rest_only: bool
    afresh: bool


class Texts(NamedTuple):
    """A batch of text was written, which has to do with these lines."""

    batch: int
    lines: Sequence[int]


class Hello(NamedTuple):
    """Somebody is there. `anew`: they want to know who else is, and what is followed."""

    anew: bool


class Look(NamedTuple):
    """In a tenant anything may have happened."""

    tenant: str


News = Growth | Follow | Texts | Hello | Look


def line_of(session: SessionId) -> int:
    """Return a number for a session, that others may have, too."""
    return crc32(f"{session.tenant}/{session.name}".encode("utf-8", "surrogatepass"))


def hello(*, anew: bool) -> str:
    """Return the payload that says that somebody is there."""
    return f"h[{int(anew)}]"


def look(tenant: str) -> str:
    """Return the payload that tells who listens to a tenant's sessions to look."""
    return f"l{json.dumps([tenant])}"


def follows(entries: Iterable[Follow]) -> list[str]:
    """Return the payloads that say what is followed."""
    return _split(
        "f",
        (
            [*_names(each.session), each.rest_only * _REST_ONLY | each.afresh * _AFRESH]
            for each in entries
        ),
    )


def growths(entries: Iterable[Growth]) -> list[str]:
    """Return the payloads that say which journals have grown."""
    return _split(
        "g",
        (
            [*_names(each.session), each.head, each.resting * _RESTING | each.told * _TOLD]
            for each in entries
        ),
    )


def heard(payload: str) -> Generator[News]:
    """Yield what a payload says. What cannot be read says nothing."""
    try:
        yield from _read(payload[:1], json.loads(payload[1:]))
    except (ValueError, TypeError, RecursionError):
        return


def _read(kind: str, entries: Any) -> Generator[News]:
    match kind:
        case "g":
            for tenant, name, head, flags in entries:
                session = SessionId(str(tenant), str(name))
                yield Growth(session, int(head), bool(flags & _RESTING), bool(flags & _TOLD))
        case "f":
            for tenant, name, flags in entries:
                session = SessionId(str(tenant), str(name))
                yield Follow(session, bool(flags & _REST_ONLY), bool(flags & _AFRESH))
        case "d":
            batch, *lines = map(int, entries)
            yield Texts(batch, lines)
        case "h":
            yield Hello(bool(entries[0]))
        case "l":
            yield Look(str(entries[0]))
        case _:
            return


def _names(session: SessionId) -> tuple[str, str]:
    return session.tenant, session.name


def _split(kind: str, entries: Iterable[object]) -> list[str]:
    """Return payloads of as many entries as fit in. Names are short enough for one to do so."""
    payloads, texts, size = list[str](), list[str](), 0
    for text in (json.dumps(entry, separators=(",", ":")) for entry in entries):
        if size + len(text) >= _LIMIT_BYTES:
            payloads.append(f"{kind}[{','.join(texts)}]")
            texts, size = [], 0
        texts.append(text)
        size += len(text) + 1
    return [*payloads, f"{kind}[{','.join(texts)}]"] if texts else payloads
