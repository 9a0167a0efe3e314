"""What the model of a session has read, taken from its journal: what flow judges its calls by.

A driver feeds it every event once, those that it folds and those that it appends, so that it
costs the length of what is new. It is no part of the fold: whoever has lost it reads the journal
again, and whoever cannot, as after a snapshot, says so and is asked more often.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from functools import singledispatchmethod

import msgspec

from jackline.core import events as e
from jackline.core.extracting import call_of, value_of
from jackline.core.flow import (
    Integrity,
    Label,
    Labels,
    Provenance,
    Question,
    Readers,
    Source,
    ToolFlow,
    recipients,
    worse,
)
from jackline.core.flow.extraction import is_word
from jackline.core.flow.fields import EITHER_MAX, Field
from jackline.core.messages import Content, Message, Part, Pasted, Text, ToolResult, has_typed
from jackline.core.quarantine import sealed
from jackline.core.results import DONE
from jackline.core.wishes import Wishes, arguments_of
from jackline.core.wording import is_own

_USER = "the user"
_ANSWERS = "an answer from elsewhere"
# Whether they come says something of a text that nobody has read: a null does, too.
_OF_A_TEXT = frozenset(["handle", "extraction", "result"])
_UNKNOWN = Label()
_NOTHING = (Text(DONE),)


class Readings:
    """Where the texts of one session come from, and what was planned in its open turn.

    `flows` are the agent's tools. What one keeps to some it kept to them before, too.
    `requests` is all that was typed: a planning model gets to see this and the instructions,
    and nothing else, so its plan is trusted whenever it is made.
    """

    def __init__(self, owner: str, flows: Mapping[str, ToolFlow]) -> None:
        self.known = Provenance(owner)
        self._owner = owner
        self.wishes = Wishes(flows)
        self.requests: list[Source] = []
        self._flows = flows
        self._asks: Integrity = "user"
        self._is_open = False
        self._waiting: deque[tuple[int, e.Submitted]] = deque()
        self._names: dict[str, str] = {}
        self._extracts: dict[str, bool] = {}
        self._offers_freely = True
        self._eithers = 0
        self._ways: dict[str, tuple[str, int]] = {}
        self._questions: dict[int, e.InputRequested] = {}
        self._labels: dict[tuple[tuple[str, Integrity], ...], Labels] = {}

    def question(self, heard: Iterable[e.Event] = ()) -> Question:
        """Return what a call is judged by, once `heard` is in the journal, too.

        Of what has not been taken in yet only a plan makes a difference: all else is read by
        nobody before it is journaled.
        """
        plan, spent = self.wishes.plan, frozenset(self.wishes.spent)
        for event in heard:
            if isinstance(event, e.ModelReplied):
                plan, spent = self.wishes.with_reply(event)
        return Question(self.known, plan, spent)

    def forget(self) -> None:
        """Say that something was read that is not known any more: it is the worst there is."""
        self.known.read([Source(0, "what is not known any more", "")])
        self.known.restrict(None)
        self.known.unread = True

    def take(self, records: Iterable[e.Record]) -> None:
        """Take in what has happened, in the order of the journal."""
        for record in records:
            self._take(record.event, record.seq)

    @singledispatchmethod
    def _take(self, event: object, seq: int) -> None:
        """Take nothing from what the model does not read."""

    @_take.register
    def _opened(self, event: e.SessionOpened, seq: int) -> None:
        if event.parent:
            ceiling = event.ceiling or _UNKNOWN
            self._asks = worse(ceiling.integrity, "directory")
            self.known.restrict(ceiling.readers)
        for message in event.history:
            self._history(message, seq)

    def _history(self, message: Message, seq: int) -> None:
        """Take in what was said elsewhere: answers hold what was read there, whoever wrote it."""
        for part in message.parts:
            match part:
                case ToolResult():
                    self._result(self._flows.get(part.name), part.name, part.parts, {}, seq)
                case Text() | Pasted() if message.role == "user":
                    self._said([part], seq)
                case Text():
                    self._heard(_ANSWERS, part.text, seq)
                case _:
                    self._heard(_ANSWERS, "", seq)

    @_take.register
    def _submitted(self, event: e.TurnSubmitted, seq: int) -> None:
        if self._is_open:
            self._waiting.append((seq, event))
        else:
            self._begin(seq, event)

    @_take.register
    def _steered(self, event: e.TurnSteered, seq: int) -> None:
        if self._is_open:
            self._said(event.parts, seq)
            if has_typed(event.parts):
                self.wishes.take_back()
        else:
            self._begin(seq, event)

    def _begin(self, seq: int, event: e.Submitted) -> None:
        """Begin a turn, planned afresh. Without parts it is the last one: who is named stays so."""
        self._is_open = True
        if event.parts or not self.known.turn:
            self.known.turn = seq
        self.wishes.begin(anew=has_typed(event.parts))
        self._said(event.parts, seq)

    def _said(self, parts: Iterable[Part], seq: int) -> None:
        """Take in what a user put in: what they did not type is read, and private to them."""
        for part in parts:
            match part:
                case Text():
                    turn = self.known.turn
                    typed = Source(seq, _USER, part.text, self._asks, turn=turn, said=True)
                    self.known.read([typed])
                    self.requests += () if self._asks == "untrusted" else (typed,)
                case Pasted():
                    self._heard("what the user pasted", part.text, seq)
                case _:
                    self._heard("what the user attached", "", seq)

    @_take.register(e.TurnCompleted)
    @_take.register(e.TurnFailed)
    @_take.register(e.TurnStopped)
    @_take.register(e.TurnCancelled)
    def _ended(self, event: e.TurnEnded | e.SessionForked, seq: int) -> None:
        del event, seq
        self._is_open = False
        self.wishes.end()
        self._names.clear()
        self._extracts.clear()
        if self._waiting:
            self._begin(*self._waiting.popleft())

    @_take.register
    def _forked(self, event: e.SessionForked, seq: int) -> None:
        """Leave behind what the copied session was about to do."""
        self._waiting.clear()
        self._questions.clear()
        self._ended(event, seq)

    @_take.register
    def _reserved(self, event: e.ModelReserved, seq: int) -> None:
        if event.instructions:
            told = Source(seq, "the instructions", event.instructions, "developer", said=True)
            self.known.read([told])
        if event.purpose == "plan":
            self.wishes.expect(event.key)
        if event.purpose == "reply":
            self._offers_freely = not self.known.narrowed
        if event.purpose == "extract":
            # Who has read what anybody wrote may ask until the answer suits those.
            self._extracts[call_of(event.key)] = not self.known.tainted

    @_take.register
    def _replied(self, event: e.ModelReplied, seq: int) -> None:
        del seq
        self.wishes.replied(event)
        self._names |= {key: call.name for key, call in event.keyed.items()}

    @_take.register
    def _started(self, event: e.ToolStarted, seq: int) -> None:
        del seq
        self._names[event.key] = event.name
        self.wishes.make(event, is_clean=not self.known.tainted)

    @_take.register
    def _requested(self, event: e.InputRequested, seq: int) -> None:
        self._questions[seq] = event
        self.wishes.make(event, is_clean=not self.known.tainted)

    @_take.register
    def _provided(self, event: e.InputProvided, seq: int) -> None:
        """Take it that who approves a call has seen where its values come from.

        What they typed in its place is endorsed by them, and whom they added there is named.
        """
        asked = self._questions.pop(event.question, None)
        if not asked:
            return
        if not event.approved:
            self._rejected(event, asked.name, seq)
        wanted = arguments_of(asked.arguments)
        arguments = wanted if event.arguments is None else arguments_of(event.arguments)
        if arguments != wanted and event.by != self._owner:
            self._heard("who changed the arguments", event.arguments or "", seq)
        flow = self._flows.get(asked.name)
        if not flow or not event.approved:
            return
        self.known.approve(flow, arguments)
        self.known.name(recipients(flow, arguments), recipients(flow, wanted))

    def _rejected(self, event: e.InputProvided, tool: str, seq: int) -> None:
        """Take in that a call was not wanted, and why.

        The user's own words decide nothing: who says no most often says to what. But they may be
        that nothing else is to be done, either.
        """
        self.wishes.reject(self._flows if event.in_words_of(self._owner) else [tool])
        if event.by != self._owner and event.reason.strip():
            self._heard("who rejected a call", event.reason, seq)

    @_take.register
    def _returned(self, event: e.ToolReturned, seq: int) -> None:
        name = self._names.get(event.key, "")
        if event.parts != _NOTHING:
            self.known.keep_to(event.readers)
        if event.key in self._extracts:
            self._extracted(event, seq)
        elif event.quarantined:
            self._sealed(event, name, seq)
        else:
            self._result(self._flows.get(name), name, event.parts, event.labels, seq)

    def _sealed(self, event: e.ToolReturned, name: str, seq: int) -> None:
        """Take in what is trusted in a quarantined result: of the rest the model reads handles."""
        labels = self._labels_of(event.labels)
        self.known.unread = True
        for text in [part.text for part in sealed(event, seq) if isinstance(part, Text)]:
            if text == DONE:
                self.known.narrowed |= self._can_spell(name, DONE)
                continue
            value = _value(text)
            trusted = [each for each in labels.fields(value) if each.integrity != "untrusted"]
            self._read(name, trusted, seq)
            eithers = labels.eithers(value)
            if eithers or not trusted:
                self.known.narrowed |= self._can_spell(name, "unread", eithers)
            self._restrict(self._flows.get(name))

    def _extracted(self, event: e.ToolReturned, seq: int) -> None:
        """Take in a value that was asked for before anything untrusted was read.

        A word only where nothing of a text was: a number may say which words are to be offered.
        """
        self.known.narrowed = True
        value = value_of(event)
        is_free = self._offers_freely or not is_word(value)
        if value is not None and is_free and self._extracts[event.key]:
            self.known.extract(value, Source(seq, "an extraction", str(value)))

    def _result(
        self,
        flow: ToolFlow | None,
        name: str,
        parts: Iterable[Content],
        paths: Mapping[str, Integrity],
        seq: int,
    ) -> None:
        labels = self._labels_of(paths)
        for part in parts:
            if isinstance(part, Text) and part.text == DONE:
                self.known.narrowed |= self._can_spell(name, DONE)
                continue
            self._restrict(flow)
            if not isinstance(part, Text):
                self.known.read([Source(seq, name, "")])
                continue
            value = _value(part.text)
            self._read(name, labels.fields(value), seq)
            eithers = 0 if self.known.tainted else labels.eithers(value)
            if eithers and self._can_spell(name, "read", eithers):
                self.known.read([Source(seq, name, part.text)])

    def _read(self, name: str, fields: Iterable[Field], seq: int) -> None:
        turn = self.known.turn
        self.known.read(
            Source(seq, name, each.text, each.integrity, each.path, turn, each.record)
            for each in fields
        )

    def _can_spell(self, name: str, way: str, eithers: int = 0) -> bool:
        """Whether a text may be spelt by this, with all that said one thing of two before.

        `way` is how a tool has answered where there is nothing to read. What it always says, says
        nothing; how often it said so before it said something else is a number, that has bits.
        """
        way = "" if eithers else way
        before, times = self._ways.get(name, (way, 0))
        if way != before:
            self._eithers += times.bit_length()
            times = 0
        self._ways[name] = way, times + (not eithers)
        self._eithers += eithers
        return self._eithers > EITHER_MAX

    def _restrict(self, flow: ToolFlow | None) -> None:
        self.known.keep_to(flow.readers if flow else "user")

    def _labels_of(self, paths: Mapping[str, Integrity]) -> Labels:
        key = tuple(sorted(paths.items()))
        if key not in self._labels:
            self._labels[key] = Labels(paths)
        return self._labels[key]

    @_take.register
    def _refused(self, event: e.ToolRefused, seq: int) -> None:
        """Take what is said of a refusal for somebody else's words, unless jackline says it."""
        name = self._names.get(event.key, "")
        if not is_own(event):
            self._heard(name, event.text, seq)
        elif event.code == "disallowed" and self._can_spell(name, event.code):
            self.known.narrowed = True

    @_take.register(e.ToolFailed)
    @_take.register(e.ToolUnknown)
    def _failed(self, event: e.ToolFailed | e.ToolUnknown, seq: int) -> None:
        """Take what is said of a failure for somebody else's words, unless jackline says it."""
        name = self._names.get(event.key, "")
        if isinstance(event, e.ToolFailed):
            self.wishes.undo(event.key)
        if not is_own(event):
            self._heard(name, event.text, seq, event.readers)
        elif event.code in _OF_A_TEXT or self._can_spell(name, event.code):
            self.known.narrowed = True

    @_take.register
    def _reconciled(self, event: e.ToolReconciled, seq: int) -> None:
        if event.happened is False:
            self.wishes.undo(event.key)
        self._heard(self._names.get(event.key, ""), event.text, seq, event.readers)

    def _heard(self, name: str, text: str, seq: int, readers: Readers = "user") -> None:
        """Take in the words of somebody else, which only these may read, and nobody unnamed."""
        self.known.read([Source(seq, name, text)])
        self.known.restrict(None)
        self.known.keep_to(readers)
        self._restrict(self._flows.get(name))

    @_take.register
    def _child(self, event: e.ChildFinished, seq: int) -> None:
        texts = [part.text for part in event.parts if isinstance(part, Text)]
        self._labelled("what another agent found", texts, event.label, seq)

    @_take.register
    def _remembered(self, event: e.MemoryRead, seq: int) -> None:
        self._labelled("what was remembered", event.items, event.label, seq)

    def _labelled(self, name: str, texts: Iterable[str], label: Label | None, seq: int) -> None:
        label = label or _UNKNOWN
        level = worse(label.integrity, "directory")
        self.known.read(Source(seq, name, text, level) for text in texts)
        self.known.restrict(label.readers)

    @_take.register
    def _erased(self, event: e.Erased, seq: int) -> None:
        del event, seq
        self.forget()


def _value(text: str) -> object:
    """Return what a tool returned, which a model reads as JSON unless it was text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text
