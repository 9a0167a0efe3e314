"""Which texts a second model judges before the agent's own reads them, and what its answer means.

What is to be judged follows from the journal: whatever came since the last request and was written
by somebody else. A judge adds flags and nothing else, so whatever keeps it from answering is a
flag, too (docs/decisions/0019).
"""

from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Literal, Protocol

import msgspec

from jackline.core import events as e
from jackline.core.budget import Price, Priced, Terms
from jackline.core.characters import is_called_text
from jackline.core.detection.judge import (
    ANSWER_CHARACTERS_MAX,
    CHARACTERS_MAX,
    SCHEMA,
    Judgement,
    Question,
    judgement,
    question,
)
from jackline.core.errors import DefinitionError
from jackline.core.flow import handle_of
from jackline.core.guards import ALLOW, Verdict
from jackline.core.messages import File, Message, Part, Pasted, Text, ToolCall, ToolResult
from jackline.core.results import DONE
from jackline.core.session import Session, Turn
from jackline.core.value import Value

JUDGE_TOKENS = 1_024
JUDGED_MAX = 64
"""How many texts a judge sees in one turn. What comes on top is flagged for that."""
_SCHEMA_BYTES = len(msgspec.json.encode(SCHEMA))
_CHARACTER_BYTES = 4
_DECODED_BYTES = 3  # A byte that is no text becomes a character of three.
_WIDE = b"\xff\xfe", b"\xfe\xff"


class Judge:
    """Asks a second model whether a text instructs the one that is to read it, and flags it then.

    It judges what others wrote (results of tools, what was pasted, uploads of text), and with
    `typed` what the user typed, too. `model` names one, `"provider:model"`, or is one; `price` and
    `price_as` give it a price where it has none. Each text costs a call from the turn's budget,
    one try of `timeout_s`. It asks, so that it stands at no gate of those who answer at once.
    """

    name = "judge"
    gates: frozenset[e.Gate] = frozenset()
    hold_back = 0

    def __init__(
        self,
        model: str | Priced,
        *,
        typed: bool = False,
        timeout_s: float = 10.0,
        price: Price | None = None,
        price_as: str | None = None,
    ) -> None:
        if not (isinstance(model, str) and model) and not callable(getattr(model, "stream", None)):
            raise DefinitionError(f"{model!r} is no model to judge: write Judge('provider:name').")
        if price and price_as:
            raise DefinitionError("price and price_as are two answers to one question: give one.")
        if not 0 < timeout_s < inf:
            raise DefinitionError(f"Judge(timeout_s={timeout_s!r}) wants a number above 0.")
        self.model = model
        self.typed = typed
        self.timeout_s = timeout_s
        self.price = price
        self.price_as = price_as

    def judge(self, gate: e.Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        del gate, text
        return ALLOW


class Judging(Protocol):
    """A judge that can be asked, and what it is known to have said."""

    @property
    def terms(self) -> Terms:
        """What it costs and takes."""
        ...

    @property
    def typed(self) -> bool:
        """Whether it judges what the user typed, too."""
        ...

    def known(self, key: str) -> Judgement | None:
        """Return what it has said of the text of this key. None: nothing that is remembered."""
        ...


class Piece(Value, frozen=True):
    """A text to be judged, or a file that holds it. `subject` is its call or its request."""

    author: Literal["input", "pasted", "result"]
    subject: str
    text: str = ""
    file: File | None = None

    @property
    def gate(self) -> e.Gate:
        """The gate that it comes in by."""
        return "result" if self.author == "result" else "input"

    def key(self, model: str) -> str:
        """Return what two pieces share of which a model says the same."""
        if self.file:
            told = f"{self.file.artifact} {self.file.media_type}"
            # No text may have the key of a file, or who wrote both would have its answer.
            return f"file/{question(self.author, told, model).key}"
        return question(self.author, self.text, model).key

    def bound_tokens(self, terms: Terms) -> int:
        """Return how many tokens the question has at most: a byte is at most one token."""
        asked = question(self.author, self.text, terms.model)
        size = len(asked.instructions) + len(asked.text.encode()) + _SCHEMA_BYTES
        if self.file:
            most = CHARACTERS_MAX * _CHARACTER_BYTES
            size += min(_DECODED_BYTES * self.file.size_bytes, most)
        return size + 2 * terms.message_tokens + terms.tool_tokens


def decoded(data: bytes) -> str:
    """Return a file's bytes as text. What is none of it becomes a replacement character."""
    return data.decode("utf-16" if data.startswith(_WIDE) else "utf-8", "replace")


def unjudged(session: Session, turn: Turn, judging: Judging) -> Iterator[tuple[str, Piece]]:
    """Yield what the agent's model reads next and no judge has seen in this turn, by its key."""
    seen = set(turn.judged)
    for piece in _pieces(session, turn):
        if piece.author == "input" and not judging.typed:
            continue
        key = piece.key(judging.terms.model)
        if key not in seen:
            seen.add(key)
            yield key, piece


def piece_of(session: Session, asked: e.ModelReserved) -> Piece | None:
    """Return what a judge was asked about. None: the journal does not say any more."""
    turn = session.turn
    assert turn is not None, "a judge is asked in a turn"
    pieces = _pieces(session, turn)
    return next((each for each in pieces if each.key(asked.model) == asked.digest), None)


def _pieces(session: Session, turn: Turn) -> Iterator[Piece]:
    """Yield the texts that came since the last request, whoever wrote them."""
    for message in _fresh(session, turn):
        for part in message.parts:
            if isinstance(part, ToolResult):
                if not _is_ours(turn, part):
                    yield from _said(part.parts, part.key, "result")
            elif message.role == "user":
                author = "input" if isinstance(part, Text) else "pasted"
                yield from _said([part], turn.submitted.request_id, author)


def _fresh(session: Session, turn: Turn) -> Iterable[Message]:
    """Return what no request has had. What was summed up just now was judged before."""
    if turn.compacting == "done":
        return turn.steers
    return (*session.messages[session.digested :], *turn.steers)


def _is_ours(turn: Turn, result: ToolResult) -> bool:
    """Whether jackline says itself why the call was not made."""
    call = turn.round.calls.get(result.key) if turn.round else None
    return call is not None and not call.attempt


def _said(
    parts: Sequence[Part], subject: str, author: Literal["input", "pasted", "result"]
) -> Iterator[Piece]:
    text = "".join([part.text for part in parts if isinstance(part, Text | Pasted)])
    if text.strip() and text != DONE and not handle_of(text):
        yield Piece(author, subject, text)
    for part in parts:
        if isinstance(part, File) and (part.is_text or is_called_text(part.media_type)):
            yield Piece(author, subject, file=part)


def flag(
    key: str, piece: Piece | None, reason: str, finding: e.Finding | None = None
) -> e.GuardJudged:
    """Return that a text is suspect, or that nobody can say that it is not."""
    gate, subject = (piece.gate, piece.subject) if piece else ("result", "")
    findings = (finding,) if finding else ()
    return e.GuardJudged(gate, Judge.name, "flag", subject, findings, reason, digest=key)


def suspicion(key: str, piece: Piece | None, said: Judgement) -> e.GuardJudged:
    """Return the flag for a text that a judge takes for an attack."""
    if not said.understood:
        return flag(key, piece, "the judge did not answer as it has to")
    end = len(piece.text) if piece else 0
    reason = f"the judge says that it instructs the model ({said.kind})"
    return flag(key, piece, reason, e.Finding(said.kind, 0, end))


def heard(
    session: Session,
    asked: e.ModelReserved,
    events: Sequence[e.Event],
    posed: Question | None = None,
) -> tuple[Sequence[e.Event], Judgement | None]:
    """Return what came of asking a judge with the flag that it means, and what the judge said."""
    first, piece = events[0], piece_of(session, asked)
    if isinstance(first, e.ModelFailed | e.HoldUnconfirmed):
        reason = f"the judge did not answer ({first.code})"
        return [*events, flag(asked.digest, piece, reason)], None
    assert isinstance(first, e.ModelReplied), first
    assert posed, "who has replied was asked something"
    said = judgement(posed, first.text)
    if not said.attack:
        return events, said
    if not posed.whole and said.kind == "other":
        unread = e.Finding("unread", CHARACTERS_MAX, len(piece.text) if piece else 0)
        return [*events, flag(asked.digest, piece, "it is too long to be read whole", unread)], said
    return [*events, suspicion(asked.digest, piece, said)], said


def answer(parts: Sequence[Part], most: int = ANSWER_CHARACTERS_MAX) -> tuple[Text, ...]:
    """Return what is kept of such a reply: its words, and no more than could be an answer.

    One that calls tools has not answered.
    """
    if any(isinstance(part, ToolCall) for part in parts):
        return ()
    text = "".join([part.text for part in parts if isinstance(part, Text)])
    return (Text(text[: most + 1]),)
