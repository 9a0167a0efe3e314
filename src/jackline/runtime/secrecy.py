"""What passes on of a text that comes in or goes out: without secrets, and as the guards say."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import msgspec

from jackline.core.characters import encodings
from jackline.core.events import (
    Event,
    GuardJudged,
    InputRequested,
    SessionId,
    ToolRefused,
    TurnFailed,
)
from jackline.core.guards import Filter, Guard, Secrets
from jackline.core.inputs import Given, Upload
from jackline.core.session import Session
from jackline.core.turn import fold
from jackline.core.value import Value
from jackline.ports import Store
from jackline.runtime.guards import Gate, judged

V = TypeVar("V", bound=msgspec.Struct)


class Discretion(Protocol):
    """Says what may be written down of what is said in a session: see `Secrecy`."""

    def json(self, text: str) -> str:
        """Return JSON, which is still JSON afterwards."""
        ...

    def said(self, text: str) -> str:
        """Return any text."""
        ...

    def stream(self) -> Filter | None:
        """Return what a text goes through that comes in pieces."""
        ...

    def reply(self, parts: Sequence[V], *, plain: bool) -> tuple[V, ...]:
        """Return what a model said; where it is `plain`, its words as if they had streamed."""
        ...

    def of(self, value: V) -> V:
        """Return an event, or whatever else is made of texts."""
        ...


class _Openness:
    """Lets everything be written down."""

    def json(self, text: str) -> str:
        """See `Discretion.json`."""
        return text

    def said(self, text: str) -> str:
        """See `Discretion.said`."""
        return text

    def stream(self) -> Filter | None:
        """See `Discretion.stream`."""
        return None

    def reply(self, parts: Sequence[V], *, plain: bool) -> tuple[V, ...]:
        """See `Discretion.reply`."""
        del plain
        return tuple(parts)

    def of(self, value: V) -> V:
        """See `Discretion.of`."""
        return value


OPEN: Discretion = _Openness()


async def discretion(store: Store, session: SessionId, guards: Sequence[Guard]) -> Discretion:
    """Return what handles the secrets of a session, whose agent has these guards."""
    if not any(isinstance(guard, Secrets) for guard in guards):
        return OPEN
    key = await store.key()
    from jackline.core.secrecy import Secrecy  # noqa: PLC0415 - heavy, and not for every agent

    return Secrecy(key, session)


# What the code of agents, guards and operators may have given reasons for.
_REASONED = GuardJudged, InputRequested, ToolRefused, TurnFailed


def without_reasons_secrets(
    secrets: Discretion, before: Session, decided: tuple[Session, list[Event]], now: float
) -> tuple[Session, list[Event]]:
    """Return what was decided from `before`, and what it leads to, with no secret in a reason."""
    _, events = decided
    if secrets is OPEN:
        return decided
    said = [secrets.of(each) if isinstance(each, _REASONED) else each for each in events]
    return decided if said == events else (fold(before, said, now), said)


class Passage(Value, frozen=True, gc=True):
    """The way of texts into a journal and out of a model, for one on whose behalf a turn runs."""

    guards: Sequence[Guard]
    secrets: Discretion

    def outcomes(self, outcomes: Sequence[Event]) -> Sequence[Event]:
        """Return what came of calls as the model may read it, and what the guards said."""
        if self.secrets is OPEN:
            return judged(self.guards, outcomes)
        return [self.secrets.of(each) for each in judged(self.guards, outcomes)]

    def gate(self) -> Gate:
        """Return what a reply goes through as it streams."""
        return Gate(self.guards, self.secrets.stream())


def without_secrets(secrets: Discretion, parts: Sequence[Given]) -> list[Given]:
    """Return parts of what a user says, of which those that are uploads are kept as they are now.

    Of these only text is looked at: what a picture or a document shows, nobody knows.
    """
    return [uploaded(secrets, part) if isinstance(part, Upload) else part for part in parts]


def uploaded(secrets: Discretion, upload: Upload) -> Upload:
    """Return an upload as it is kept."""
    if secrets is OPEN:
        return upload
    data = rewritten(upload.data, upload.media_type, secrets.said)
    return upload if data is upload.data else replace(upload, data=data)


def rewritten(data: bytes, media_type: str, said: Callable[[str], str]) -> bytes:
    """Return a file of characters with what `said` makes of them. Any other one is the same."""
    for encoding in encodings(data, media_type):
        text = data.decode(encoding)
        mark = _MARK if text.startswith(_MARK) else ""
        text = text.removeprefix(_MARK)
        told = said(text)
        if told is not text:
            # Where every byte is a character, those of a secret and of a handle are the same.
            data = (mark + told).encode(encoding)
            break
    return data


_MARK = "\ufeff"  # It stands before a text and tells the order of its bytes.
