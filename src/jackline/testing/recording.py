"""What a model said once, in a file: so that it can be said again, and need not be bought again."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from jackline.core.errors import DefinitionError
from jackline.core.events import ModelReplied, ModelReserved, Record, SessionId, Usage
from jackline.core.fold import apply
from jackline.core.messages import Pasted, ReplyPart, Text
from jackline.core.session import Session, Turn
from jackline.core.value import Value, replace
from jackline.ports import Reply, Request
from jackline.testing.model import NOTHING_PLANNED, Takes


class Recorded(Value, frozen=True):
    """One reply, to the turn in which `said` was said for so many times; or a plan of that turn.

    One line of the file, as JSON.
    """

    said: str
    parts: tuple[ReplyPart, ...]
    model: str
    usage: Usage
    time: int = 1
    cut: bool = False
    is_plan: bool = False


_KEPT = frozenset({"reply", "plan"})
_DECODER = msgspec.json.Decoder(Recorded)


def recorded(records: Sequence[Record]) -> list[Recorded]:
    """Return the replies of a session, in their order, but for summaries."""
    session, asked = Session(SessionId("", "")), ModelReserved("", "", 0, 0)
    found, turns = list[Recorded](), dict[str, list[int]]()
    for record in records:
        session, event = apply(session, record.event), record.event
        if isinstance(event, ModelReserved):
            asked = event
        elif isinstance(event, ModelReplied) and session.turn and asked.purpose in _KEPT:
            said = _said(session.turn)
            alike = turns.setdefault(said, [])
            if session.turn.id not in alike[-1:]:
                alike.append(session.turn.id)
            reply = Recorded(said, event.parts, event.model, event.usage, len(alike), event.cut)
            found.append(replace(reply, is_plan=asked.purpose == "plan"))
    return found


def write(path: Path, replies: Sequence[Recorded]) -> None:
    """Keep replies in a file that `scripts` reads."""
    path.write_bytes(b"".join(msgspec.json.encode(reply) + b"\n" for reply in replies))


def scripts(path: Path) -> Mapping[str, Sequence[Reply] | Takes]:
    """Return the scripts of a file, by what was said. Raises `DefinitionError`."""
    if replies := [each for each in _read(path) if not each.is_plan]:
        return by_input(replies)
    raise DefinitionError(f"{path} is empty: record a run in which the model replies.")


def plans(path: Path) -> Callable[[Request], Reply | str]:
    """Return what plans as was recorded. Raises `DefinitionError`."""
    kept = [each for each in _read(path) if each.is_plan]

    def plan(request: Request) -> Reply | str:
        """Return the n-th plan of what was said last, as a plan is made of all that was."""
        typed, number = request.messages[-1].text, int(request.key.rpartition("/")[2])
        known = [each.said for each in kept if each.said in typed]
        if not known:
            return NOTHING_PLANNED
        last = max(known, key=typed.rfind)
        found = [each for each in kept if each.said == last]
        one = found[min(number, len(found) - 1)]
        return Reply(one.parts, one.usage, one.model, one.cut)

    return plan


def _read(path: Path) -> Sequence[Recorded]:
    try:
        lines = path.read_bytes().splitlines()
        return [_DECODER.decode(line) for line in lines if line.strip()]
    except OSError as error:
        raise DefinitionError(
            f"Recorded replies cannot be read: {path}: {error.strerror}."
        ) from None
    except msgspec.MsgspecError as error:
        raise DefinitionError(f"{path} holds no recorded replies: {error}.") from None


def by_input(replies: Sequence[Recorded]) -> Mapping[str, Sequence[Reply] | Takes]:
    """Return a script for each thing that was said, or one for each time that it was."""
    found: dict[str, dict[int, list[Reply]]] = {}
    for each in replies:
        takes = found.setdefault(each.said, {})
        reply = Reply(each.parts, each.usage, each.model, each.cut)
        takes.setdefault(each.time, []).append(reply)
    return {said: _script([takes[time] for time in sorted(takes)]) for said, takes in found.items()}


def _script(takes: Sequence[Sequence[Reply]]) -> Sequence[Reply] | Takes:
    return takes[0] if len(takes) == 1 else Takes(takes)


def _said(turn: Turn) -> str:
    parts = turn.submitted.parts
    return "".join(part.text for part in parts if isinstance(part, Text | Pasted))
