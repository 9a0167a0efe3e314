"""How what came of a request is told: as it comes, or when it is there."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Protocol

from starlette.types import Receive

from jackline.core.errors import JacklineError
from jackline.core.events import (
    Record,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnPaused,
    TurnStopped,
)
from jackline.core.user import User
from jackline.interfaces.openai.ids import Span
from jackline.interfaces.openai.joining import Joint
from jackline.interfaces.openai.refusals import TurnError
from jackline.interfaces.openai.reply import Change, Reply, VoidError
from jackline.interfaces.openai.shapes import Standing
from jackline.interfaces.readers import while_there
from jackline.interfaces.service import Service
from jackline.interfaces.streams import stream
from jackline.interfaces.wire import Place
from jackline.ports import Delta, SessionRow

_PAGE = 500
DRAINED = "The server ends. The turn goes on: ask again, with the same Idempotency-Key if any."


class Writer(Protocol):
    """How one of OpenAI's streams is written."""

    def changed(self, reply: Reply, changes: Sequence[Change]) -> bytes:
        """Return what is told of changes. The first time there may be none."""
        ...

    def ended(self, reply: Reply) -> bytes:
        """Return what is told of the end."""
        ...

    def broken(self, error: JacklineError) -> bytes:
        """Return what is told where the stream cannot go on."""
        ...


class Spoken:
    """A stream as OpenAI's clients read it: see `streams.Form`. `over`: nothing follows."""

    def __init__(self, reply: Reply, writer: Writer) -> None:
        self.over = False
        self._reply = reply
        self._writer = writer

    def event(self, record: Record, at: Place) -> bytes:  # noqa: ARG002 - the form's shape
        """See `Form.event`. Of what came before the request nothing is told."""
        if self.over:
            return b""
        try:
            changes = self._reply.take(record)
        except VoidError:
            return self._broken()
        self.over = self._reply.end is not None
        if record.seq < self._reply.span.first:
            return b""
        told = self._writer.changed(self._reply, changes)
        return told + self._writer.ended(self._reply) if self.over else told

    def text(self, delta: Delta, at: Place) -> bytes:  # noqa: ARG002 - the form's shape
        """See `Form.text`."""
        changes = self._reply.grow(delta)
        return self._writer.changed(self._reply, changes) if changes and not self.over else b""

    def said(self, data: bytes, at: Place | None = None) -> bytes:  # noqa: ARG002 - the form's shape
        """See `Form.said`: a stream that has to take back what it said ends."""
        return b"" if self.over or not self._reply.streamed else self._broken()

    def _broken(self) -> bytes:
        self.over = True
        text = "The answer was lost in the middle, and is given anew: ask for it again."
        return self._writer.broken(TurnError(text, "reset", 503))


async def told(
    service: Service, row: SessionRow, reply: Reply, writer: Writer
) -> AsyncGenerator[Sequence[bytes]]:
    """Yield a stream of what comes of a request, until it is over. The turn goes on regardless."""
    spoken = Spoken(reply, writer)
    turn = reply.span.turn
    frames = stream(service.sessions, row, Place(turn - 1), spoken, turn)
    try:
        async with aclosing(frames) as batches:
            async for batch in batches:
                yield batch
                if spoken.over:
                    return
    except JacklineError as error:
        yield (writer.broken(error),)


class _Silent:
    """Tells nothing, as what is heard is told as a whole."""

    def changed(self, reply: Reply, changes: Sequence[Change]) -> bytes:  # noqa: ARG002 - as above
        return b""

    def ended(self, reply: Reply) -> bytes:  # noqa: ARG002 - as above
        return b""

    def broken(self, error: JacklineError) -> bytes:
        raise error


def reply_to(
    service: Service, row: SessionRow, span: Span, user: User, *, between: str = ""
) -> Reply:
    """Return what is to come of a request, as this user is told it.

    OpenAI's library puts the texts of a response together with nothing `between` them.
    """
    joint = Joint(service.agents.get(row.agent), user, between)
    return Reply(span, service.spoken(row, user), joint=joint)


async def heard(service: Service, row: SessionRow, reply: Reply, receive: Receive) -> Reply:
    """Return what came of a request once it is over, or at the latest after `Bounds.wait_s`.

    It is what there is by then where whoever asks leaves, or is sent away as the server ends.
    """
    reply.streamed = False
    with suppress(TimeoutError):
        async with asyncio.timeout(service.bounds.wait_s):
            listened = _listened(told(service, row, reply, _Silent()))
            await while_there(service.readers, receive, listened)
    return reply


async def _listened(batches: AsyncGenerator[Sequence[bytes]]) -> None:
    async with aclosing(batches):
        async for _ in batches:
            continue


async def found(service: Service, row: SessionRow, span: Span, user: User) -> Reply:
    """Return what has come of a request so far."""
    reply, after = reply_to(service, row, span, user), span.turn - 1
    while not reply.end and (page := await service.store.read(row.id, after, _PAGE)):
        for record in page:
            reply.take(record)
        after = page[-1].seq
    return reply


def outcome(reply: Reply) -> Standing:
    """Return how the turn stands."""
    session, turn, end = reply.span.session, reply.span.turn, reply.end
    match end:
        case None:
            return Standing(session, turn, "open")
        case TurnPaused(reason="person"):
            return Standing(session, turn, "paused", "person")
        case TurnPaused(reason=reason, text=text):
            return Standing(session, turn, "paused", reason, text)
        case TurnCompleted(cut=cut):
            return Standing(session, turn, "completed", "cut" if cut else "")
        case TurnFailed(code=code, text=text):
            return Standing(session, turn, "failed", code, text)
        case TurnStopped(code=code, text=text):
            return Standing(session, turn, "stopped", code, text)
        case TurnCancelled(reason=reason):
            return Standing(session, turn, "cancelled", "cancelled", reason)


def sentence(told: Standing) -> str:
    """Return why a turn has no answer."""
    return told.detail or f"Turn {told.turn} of session {told.session!r} is {told.outcome}."
