"""What came of one request: the words, calls and questions of a part of a turn.

It is read off the journal, so that whoever asks for it again, streamed or not, gets the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatchmethod

from jackline.core.events import (
    HoldUnconfirmed,
    InputProvided,
    InputRequested,
    ModelFailed,
    ModelReplied,
    ModelReserved,
    Record,
    ToolClosed,
    ToolFailed,
    ToolReconciled,
    ToolRefused,
    ToolReturned,
    ToolStarted,
    ToolUnknown,
    TurnCancelled,
    TurnCompleted,
    TurnEnded,
    TurnFailed,
    TurnPaused,
    TurnStopped,
    Usage,
)
from jackline.core.guards import Filter
from jackline.core.messages import Text, ToolCall
from jackline.interfaces import wire
from jackline.interfaces.openai.ids import Span
from jackline.interfaces.openai.joining import Joint
from jackline.interfaces.wire import Discretion
from jackline.ports import Delta

_FOR_PEOPLE = {"person", "dead_letter", "version"}


@dataclass(slots=True)
class Words:
    """A text of the model. `seq` is where it was asked for.

    It is what `behind` leaves of what was `heard`, where other texts came before.
    """

    seq: int
    text: str = ""
    said: bool = False
    heard: str = ""
    behind: Filter | None = None


@dataclass(slots=True)
class Call:
    """A tool call that was made, or was not allowed."""

    key: str
    name: str
    arguments: str
    question: str = ""
    output: str = ""
    failed: bool = False
    closed: bool = False


@dataclass(slots=True)
class Asked:
    """A call that a person has to allow. `id` binds it."""

    id: str
    number: int
    asked: InputRequested


Item = Words | Call | Asked


@dataclass(frozen=True, slots=True)
class Change:
    """What has become of an item: it is there, it has grown by `text`, or it is whole."""

    index: int
    what: str
    text: str = ""


class VoidError(Exception):
    """What has been said of an answer does not hold: its driver was lost, and it is said anew."""


@dataclass(slots=True)
class Reply:
    """What came of one request so far: `end` says how it ended, once it has.

    Unless it is `streamed`, text counts when it is whole. Events are taken in with `discretion`,
    which is that of who reads it. `joint` says how texts are read that follow each other.
    """

    span: Span
    discretion: Sequence[Discretion] = ()
    streamed: bool = True
    joint: Joint | None = None
    items: list[Item] = field(default_factory=list[Item])
    usage: Usage = field(default_factory=Usage)
    begun_at: float = 0.0
    ended_at: float = 0.0
    end: TurnEnded | TurnPaused | None = None
    _waiting: dict[str, Asked] = field(default_factory=dict[str, Asked])
    _asked: dict[str, ToolCall] = field(default_factory=dict[str, ToolCall])
    _allowed: dict[str, str] = field(default_factory=dict[str, str])
    _reply: tuple[str, int] = ("", 0)
    _within: bool = False

    @property
    def questions(self) -> list[Asked]:
        """What waits for a person now, in its order."""
        return sorted(self._waiting.values(), key=lambda each: each.number)

    @property
    def texts(self) -> list[str]:
        """What the model has said, as it is told."""
        return [each.text for each in self.items if isinstance(each, Words)]

    def ask(self, waiting: Mapping[int, InputRequested]) -> None:
        """Take in what waits for a person, where nothing else is told."""
        for number, asked in waiting.items():
            self._waiting[asked.key] = Asked(self.span.question(number, asked), number, asked)

    def take(self, record: Record) -> list[Change]:
        """Take in an event of the turn, each once and in order, and return what it changes."""
        if self.end:
            return []
        record = wire.leaving(record, self.discretion)
        if record.seq == self.span.first:
            self.begun_at = record.at
        self._within = record.seq >= self.span.first
        key = getattr(record.event, "key", "")
        if key and not key.startswith(f"turn/{self.span.turn}/"):
            return []
        changes = list(self._take(record.event, record.seq))
        self.ended_at = record.at if self.end else 0.0
        return changes

    def grow(self, delta: Delta) -> list[Change]:
        """Take in text of the reply that is being said, and return what it changes."""
        if not self.streamed or delta.seq != self._reply[1] or self.end:
            return []
        words, changes = self._words(delta.seq)
        return [*changes, *self._grown(words, delta.text)]

    @singledispatchmethod
    def _take(self, event: object, seq: int) -> Iterable[Change]:  # noqa: ARG002 - as those below
        """Take nothing from what is not told."""
        return ()

    @_take.register
    def _reserved(self, event: ModelReserved, seq: int) -> Iterable[Change]:
        if event.purpose == "reply":
            self._reply = event.key, seq if self._within else 0
        return ()

    @_take.register
    def _replied(self, event: ModelReplied, seq: int) -> Iterable[Change]:  # noqa: ARG002 - as all
        calls = enumerate(event.calls)
        self._asked |= {f"{event.key}/tool/{at}": call for at, call in calls}
        if not self._within:
            return
        self.usage = self.usage.plus(event.usage)
        key, began = self._reply
        if event.key != key or not (event.text.strip() or self._open(began)):
            return
        words, changes = self._words(began)
        if not event.text.startswith(words.heard):
            raise VoidError
        words.said = True
        yield from changes
        yield from self._grown(words, event.text[len(words.heard) :])
        yield Change(len(self.items) - 1, "whole")

    @_take.register(ModelFailed)
    @_take.register(HoldUnconfirmed)
    def _broke(self, event: ModelFailed | HoldUnconfirmed, seq: int) -> Iterable[Change]:  # noqa: ARG002 - as all
        if event.key == self._reply[0] and self._open(self._reply[1]):
            raise VoidError  # A part of the reply was told, and another one follows.
        return ()

    @_take.register
    def _question(self, event: InputRequested, seq: int) -> Iterable[Change]:
        asked = Asked(self.span.question(seq, event), seq, event)
        self._waiting[event.key] = asked
        self._allowed[event.key] = asked.id
        if self._within:
            yield self._added(asked)
            yield Change(len(self.items) - 1, "whole")

    @_take.register
    def _answered(self, event: InputProvided, seq: int) -> Iterable[Change]:  # noqa: ARG002 - as all
        left = {k: each for k, each in self._waiting.items() if each.number != event.question}
        self._waiting = left
        return ()

    @_take.register
    def _started(self, event: ToolStarted, seq: int) -> Iterable[Change]:  # noqa: ARG002 - as all
        self._waiting.pop(event.key, None)
        if not self._within or self._call(event.key):
            return
        written = event.arguments
        if written is None:
            written = self._asked[event.key].arguments if event.key in self._asked else "{}"
        yield self._added(Call(event.key, event.name, written, self._allowed.get(event.key, "")))

    @_take.register(ToolReturned)
    @_take.register(ToolRefused)
    @_take.register(ToolFailed)
    @_take.register(ToolUnknown)
    @_take.register(ToolReconciled)
    def _closed(self, event: ToolClosed, seq: int) -> Iterable[Change]:  # noqa: ARG002 - as all
        self._waiting.pop(event.key, None)
        call, late = self._call(event.key), isinstance(event, ToolReconciled)
        if not self._within:
            return
        if call is None and not late and (asked := self._asked.get(event.key)):
            allowed = self._allowed.get(event.key, "")
            call = Call(event.key, asked.name, asked.arguments, allowed)
            yield self._added(call)
        if call is None or call.closed or getattr(event, "reconcile_at", None) is not None:
            return  # What is to be reconciled is told when that has been done.
        call.closed, call.output = True, _output(event)
        happened = isinstance(event, ToolReconciled) and event.happened is True
        call.failed = not (happened or isinstance(event, ToolReturned))
        yield Change(self.items.index(call), "whole")

    @_take.register(TurnCompleted)
    @_take.register(TurnFailed)
    @_take.register(TurnStopped)
    @_take.register(TurnCancelled)
    def _ended(self, event: TurnEnded, seq: int) -> Iterable[Change]:  # noqa: ARG002 - as all
        self.end = event if event.turn == self.span.turn else None
        return ()

    @_take.register
    def _paused(self, event: TurnPaused, seq: int) -> Iterable[Change]:
        if event.reason not in _FOR_PEOPLE or seq <= self.span.last:
            return
        self.end = event
        told = {each.id for each in self.items if isinstance(each, Asked)}
        for each in [each for each in self.questions if each.id not in told]:
            yield self._added(each)
            yield Change(len(self.items) - 1, "whole")

    def _open(self, seq: int) -> Words | None:
        last = self.items[-1] if self.items else None
        return last if isinstance(last, Words) and last.seq == seq and not last.said else None

    def _words(self, seq: int) -> tuple[Words, list[Change]]:
        """Return the text that is being said, as the last item, and whether that is new."""
        if words := self._open(seq):
            return words, []
        heard = [each.heard for each in self.items if isinstance(each, Words)]
        words = Words(seq, behind=self.joint and self.joint.behind(self.texts, heard))
        return words, [self._added(words)]

    def _grown(self, words: Words, said: str) -> list[Change]:
        """Add what may be told now of what was said, and return the change if there is one."""
        words.heard += said
        told = words.behind.feed(said) if words.behind else said
        if words.said and words.behind:
            told += words.behind.finish()
        words.text += told
        return [Change(len(self.items) - 1, "grew", told)] if told else []

    def _added(self, item: Item) -> Change:
        self.items.append(item)
        return Change(len(self.items) - 1, "new")

    def _call(self, key: str) -> Call | None:
        calls = (each for each in self.items if isinstance(each, Call))
        return next((each for each in calls if each.key == key), None)


def _output(event: ToolClosed) -> str:
    if isinstance(event, ToolReturned):
        return "\n".join(
            part.text if isinstance(part, Text) else f"[{part.media_type}]" for part in event.parts
        )
    coded = isinstance(event, ToolFailed | ToolRefused)
    return f"{event.code}: {event.text}" if coded else event.text
