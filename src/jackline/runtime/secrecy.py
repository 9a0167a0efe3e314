"""What passes on of a text that comes in or goes out: without secrets, and as the guards say."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import msgspec

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


_WIDE = b"\xff\xfe", b"\xfe\xff"


def without_secrets(secrets: Discretion, parts: Sequence[Given]) -> list[Given]:
    """Return parts of what a user says, of which those that are uploads are kept as they are now.

    Of these only text is looked at: what a picture or a document shows, nobody knows.
    """
    return [_upload(secrets, part) if isinstance(part, Upload) else part for part in parts]


def _upload(secrets: Discretion, upload: Upload) -> Upload:
    if not upload.is_text or secrets is OPEN:
        return upload
    data = rewritten(upload.data, secrets.said)
    return upload if data is upload.data else replace(upload, data=data)


def rewritten(data: bytes, said: Callable[[str], str]) -> bytes:
    """Return a file of characters with what `said` makes of them. Unchanged it is the same."""
    encoding = "utf-16" if data.startswith(_WIDE) else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        # Every byte is a character there, and those of a secret and a handle are the same.
        encoding = "latin-1"
        text = data.decode(encoding)
    told = said(text)
    return data if told is text else told.encode(encoding)
