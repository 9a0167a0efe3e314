"""Chat completions as OpenAI writes them: whole, and as a stream of chunks."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from jackline.core.errors import JacklineError
from jackline.interfaces.openai import ids
from jackline.interfaces.openai.asking import card
from jackline.interfaces.openai.frames import DONE, frame
from jackline.interfaces.openai.refusals import Refused, TurnError, fault
from jackline.interfaces.openai.reply import Change, Reply
from jackline.interfaces.openai.shapes import ChatUsage, Completion, Standing, chat_usage
from jackline.interfaces.openai.telling import DRAINED, Writer, outcome, sentence

BETWEEN = "\n\n"
_STATUSES = {"failed": 502, "cancelled": 409, "open": 504, "paused": 503}


def completion(reply: Reply, model: str, *, own: bool) -> Completion:
    """Return what came of a request. Raises `TurnError` where there is no answer."""
    told = _told(reply)
    texts = [*reply.texts, *_card(reply, own=own)]
    message = {"role": "assistant", "content": BETWEEN.join(filter(None, texts))}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(told)}
    return Completion(
        reply.span.named(ids.COMPLETION),
        "chat.completion",
        int(reply.begun_at),
        model,
        (choice,),
        chat_usage(reply.usage),
        told,
    )


async def at_once(reply: Reply, writer: Writer) -> AsyncGenerator[Sequence[bytes]]:
    """Yield a stream of what is there already."""
    yield writer.changed(reply, ()), writer.ended(reply)


def _told(reply: Reply) -> Standing:
    """Return how the turn stands. Raises `TurnError` where that is no answer."""
    told = outcome(reply)
    status = _STATUSES.get(told.outcome)
    if status is None or told.code == "person":
        return told
    if told.outcome == "open":
        text = f"{sentence(told)} Ask again, with the same Idempotency-Key, for its answer."
        raise TurnError(text, "timeout", status)
    raise TurnError(sentence(told), told.code, status)


def _finish(told: Standing) -> str:
    if told.outcome == "stopped":
        return "content_filter" if told.code == "blocked" else "length"
    return "length" if told.code == "cut" else "stop"


def _card(reply: Reply, *, own: bool) -> Sequence[str]:
    """Return what the turn asks a person, as a text, where it does.

    Where that leads away as a part of what the model has said before, it is told without. Then it
    is not the card to which a yes holds, which is shown next, alone.
    """
    asked = {each.number: each.asked for each in reply.questions}
    if not asked:
        return []
    told = card(reply.span.session, asked, own=own)
    return [reply.joint.question(reply.texts, told) if reply.joint else told]


class ChatWriter:
    """Writes a chat completion in chunks, the last of which says why it ends."""

    def __init__(self, model: str, *, own: bool, usage: bool) -> None:
        self._model = model
        self._own = own
        self._usage = usage
        self._is_begun = False
        self._at = -1

    def changed(self, reply: Reply, changes: Sequence[Change]) -> bytes:
        """See `Writer.changed`."""
        told: list[bytes] = []
        if not self._is_begun:
            self._is_begun = True
            told.append(self._chunk(reply, {"role": "assistant", "content": ""}))
        told += [self._said(reply, each.index, each.text) for each in changes if each.text]
        return b"".join(told)

    def ended(self, reply: Reply) -> bytes:
        """See `Writer.ended`."""
        try:
            told = _told(reply)
        except TurnError as error:
            return self.broken(error)
        asked = [self._said(reply, len(reply.items), each) for each in _card(reply, own=self._own)]
        frames = [*asked, self._chunk(reply, {}, told)]
        if self._usage:
            frames.append(frame(self._completion(reply, (), usage=chat_usage(reply.usage))))
        return b"".join([*frames, DONE])

    def broken(self, error: JacklineError) -> bytes:
        """See `Writer.broken`."""
        return frame(Refused(fault(error)))

    def drained(self) -> bytes:
        """Return what is told where the server ends, and the turn goes on elsewhere."""
        return self.broken(TurnError(DRAINED, "drain", 503))

    def _said(self, reply: Reply, index: int, text: str) -> bytes:
        """Return a chunk of a text, which begins anew where another item does."""
        between = BETWEEN if self._at not in {-1, index} else ""
        self._at = index
        return self._chunk(reply, {"content": between + text})

    def _chunk(self, reply: Reply, delta: Mapping[str, str], told: Standing | None = None) -> bytes:
        finish = _finish(told) if told else None
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return frame(self._completion(reply, (choice,), told=told))

    def _completion(
        self,
        reply: Reply,
        choices: tuple[Mapping[str, Any], ...],
        *,
        usage: ChatUsage | None = None,
        told: Standing | None = None,
    ) -> Completion:
        return Completion(
            reply.span.named(ids.COMPLETION),
            "chat.completion.chunk",
            int(reply.begun_at),
            self._model,
            choices,
            usage,
            told,
        )
