"""What a model said once, in a file: so that it can be said again, and need not be bought again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from jackline.core.errors import DefinitionError
from jackline.core.events import ModelReplied, ModelReserved, Record, SessionId, Usage
from jackline.core.fold import apply
from jackline.core.messages import Pasted, ReplyPart, Text
from jackline.core.session import Session, Turn
from jackline.core.value import Value
from jackline.ports import Reply


class Recorded(Value, frozen=True):
    """One reply, to the turn in which `said` was said. One line of the file, as JSON."""

    said: str
    parts: tuple[ReplyPart, ...]
    model: str
    usage: Usage


_DECODER = msgspec.json.Decoder(Recorded)


def recorded(records: Sequence[Record]) -> list[Recorded]:
    """Return the replies of a session, in their order, but for summaries."""
    session, asked, found = (
        Session(SessionId("", "")),
        ModelReserved("", "", 0, 0),
        list[Recorded](),
    )
    for record in records:
        session, event = apply(session, record.event), record.event
        if isinstance(event, ModelReserved):
            asked = event
        elif isinstance(event, ModelReplied) and session.turn and asked.purpose == "reply":
            found.append(Recorded(_said(session.turn), event.parts, event.model, event.usage))
    return found


def write(path: Path, replies: Sequence[Recorded]) -> None:
    """Keep replies in a file that `scripts` reads."""
    path.write_bytes(b"".join(msgspec.json.encode(reply) + b"\n" for reply in replies))


def scripts(path: Path) -> Mapping[str, Sequence[Reply]]:
    """Return the scripts of a file, by what was said. Raises `DefinitionError`."""
    try:
        lines = path.read_bytes().splitlines()
        replies = [_DECODER.decode(line) for line in lines if line.strip()]
    except OSError as error:
        raise DefinitionError(
            f"Recorded replies cannot be read: {path}: {error.strerror}."
        ) from None
    except msgspec.MsgspecError as error:
        raise DefinitionError(f"{path} holds no recorded replies: {error}.") from None
    if not replies:
        raise DefinitionError(f"{path} is empty: record a run in which the model replies.")
    return by_input(replies)


def by_input(replies: Sequence[Recorded]) -> Mapping[str, Sequence[Reply]]:
    """Return a script for each thing that was said."""
    found: dict[str, list[Reply]] = {}
    for each in replies:
        found.setdefault(each.said, []).append(Reply(each.parts, each.usage, each.model))
    return found


def _said(turn: Turn) -> str:
    parts = turn.submitted.parts
    return "".join(part.text for part in parts if isinstance(part, Text | Pasted))
