"""Where a value stands: an index over all that a model has read, by who wrote it.

It grows with the journal and is never built anew: what is read is indexed once, when a value is
first looked for after it, and finding costs the texts that share the value's rarest word. A value
counts as found where somebody who is trusted enough wrote it. That untrusted text does not
contain it says nothing, as text can be encoded, split and spelt in ways that no search foresees.
All values of a call share one effort: what it does not reach counts as not found.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from jackline.core.flow.alignment import Quotes, stands
from jackline.core.flow.declared import Readers, ToolFlow
from jackline.core.flow.effort import Effort
from jackline.core.flow.forms import (
    VALUE_CHARS,
    Form,
    form,
    is_canonical,
    keys,
    plain,
    value_keys,
)
from jackline.core.flow.labels import LEVELS, Integrity, suffices
from jackline.core.flow.naming import Naming
from jackline.core.flow.parts import Path, exact, parts, spelt
from jackline.core.flow.plan import is_default
from jackline.core.value import Value

_SHOWN_BYTES = 1 << 20


class Source(Value, frozen=True):
    """A text that a model has read: where it stands, who wrote it, and in which turn.

    `seq` is the event's position, `name` who says it ("the user", a tool), `path` the field.
    `said`: the user or the developer said it to the model, which had not to read it anywhere.
    """

    seq: int
    name: str
    text: str
    integrity: Integrity = "untrusted"
    path: str = ""
    turn: int = 0
    record: int = 0
    said: bool = False


class Provenance:
    """All that the model of one session has read so far, and what persons have endorsed.

    `owner` is whose session it is; `unread` says that some of its texts have handles, `narrowed`
    that the model has read something of those: a value, or that there is none. It is made of the
    journal alone, so a driver that lost it reads the events again.
    """

    def __init__(self, owner: str = "") -> None:
        self.owner = owner
        self.turn = 0
        self.tainted = False
        self.private = False
        self.unread = False
        self.narrowed = False
        self.sealed: frozenset[str] | None = None
        self._texts: list[tuple[Source, Form, Quotes]] = []
        self._reads = 0
        self._unread: deque[tuple[int, Source]] = deque()
        self._by_token: dict[str, list[int]] = {}
        self._by_key: dict[tuple[str, str], list[int]] = {}
        self._naming = Naming()
        self._places_of: dict[tuple[type, str | float], list[int]] = {}
        self._shown_of: dict[str, Source | None] = {}
        self._finding, self._showing = Effort(), Effort()
        self._untrusted: deque[tuple[Source, str]] = deque()
        self._untrusted_bytes = 0
        self._endorsed: set[tuple[str, Path, str]] = set()
        self._approved: set[tuple[str, bool, str]] = set()
        self._extracted: dict[str, Source] = {}
        self._named: set[tuple[int, str]] = set()

    def begin(self) -> None:
        """Begin a verdict: until the next one all that is looked for shares one effort."""
        self._places_of.clear()
        self._shown_of.clear()
        self._finding, self._showing = Effort(), Effort()

    def read(self, sources: Iterable[Source]) -> None:
        """Take in texts that the model gets to see. One text's records are no other's."""
        self._reads += 1
        for source in sources:
            self.turn = max(self.turn, source.turn)
            is_typed = source.said and suffices(source.integrity, "user")
            if is_typed and source.turn == self.turn:
                self._naming.hear(source.text, source.turn)
            if source.integrity == "untrusted":
                self._keep(source)
            else:
                self._unread.append((self._reads, source))

    def restrict(self, readers: frozenset[str] | None, *, private: bool = True) -> None:
        """Say who may read what was read: these alone, and where it is private no stranger.

        Private is what belongs to the session's user: a recipient whom they name may have it.
        """
        self.private |= private
        if readers is not None:
            readers = frozenset(plain(reader) for reader in readers)
            self.sealed = readers if self.sealed is None else self.sealed & readers

    def keep_to(self, readers: Readers) -> None:
        """Say who may read what was read, as the tool says it that returned it."""
        named = readers if isinstance(readers, frozenset) else None
        self.restrict(named, private=readers != "everybody")

    def approve(self, flow: ToolFlow, arguments: Mapping[str, object]) -> None:
        """Take it that a person has seen where the values of this call come from, and wants it.

        Each of them is endorsed for its place, and all of them together for a call like this one.
        """
        for name in flow.critical.keys() & arguments.keys():
            self.endorse(flow.name, name, arguments[name])
        for each in (flow, flow.own):
            if each is not None:
                self._approved.add((each.name, each.own is None, _together(each, arguments)))

    def is_approved(self, flow: ToolFlow, arguments: Mapping[str, object]) -> bool:
        """Whether a person approved this very call: no other argument may be another, either.

        One in which nobody chose what is done is like every other of its tool, so it never is.
        """
        chosen = _together(flow, arguments)
        return bool(chosen) and (flow.name, flow.own is None, chosen) in self._approved

    def endorse(self, tool: str, argument: str, value: object) -> None:
        """Take it that a person has seen where this value comes from, and wants it here."""
        for part in parts(value):
            self._endorsed.add((tool, (argument, *part.path), exact(part.value)))

    def name(self, recipients: Iterable[object], left: Iterable[object]) -> None:
        """Take it that a person named these recipients in this turn, but those that they left."""
        others = {plain(str(each)).casefold() for each in left}
        names = [plain(str(each)) for each in recipients]
        self._named.update((self.turn, each) for each in names if each.casefold() not in others)

    def extract(self, value: object, source: Source) -> None:
        """Take in what a quarantined extraction made of untrusted text."""
        self.narrowed = True
        self._extracted[exact(value)] = source

    def is_endorsed(self, tool: str, path: Path, value: object) -> bool:
        """Whether a person has endorsed this value for this place in an argument."""
        return (tool, path, exact(value)) in self._endorsed

    def extraction(self, value: object) -> Source | None:
        """Return what a quarantined extraction made this value of."""
        return self._extracted.get(exact(value))

    def find(
        self,
        value: object,
        floor: Integrity,
        turn: int | None = None,
        *,
        is_said: bool = False,
        is_exact: bool = False,
    ) -> Source | None:
        """Return the most trusted text of at least this integrity that has this value as a whole.

        With `turn` only what was said in that turn counts, with `is_said` what was said at all,
        and with `is_exact` what stands there to the letter, or is the one way to write it.
        """
        is_canon = not isinstance(value, str) or not is_exact or is_canonical(value)
        for at in self._places(value):
            source = self._texts[at][0]
            if not suffices(source.integrity, floor):
                return None
            is_meant = turn in {None, source.turn} and (source.said or not is_said)
            if is_meant and (is_canon or self._is_written(str(value), at)):
                return source
            if not self._finding.spend(1):
                return None
        return None

    def _is_written(self, value: str, at: int) -> bool:
        source, text, _ = self._texts[at]
        return any(self._finding.find(value, each) >= 0 for each in (text.plain, source.text))

    def best(self, value: object) -> Source | None:
        """Return the most trusted place where this value stands, or else an untrusted one."""
        if places := self._places(value):
            return self._texts[places[0]][0]
        wanted = plain(str(value)).casefold()[:VALUE_CHARS]
        if wanted not in self._shown_of:
            self._shown_of[wanted] = self._untrusted_with(wanted)
        return self._shown_of[wanted]

    def _untrusted_with(self, wanted: str) -> Source | None:
        if not self._showing.spend(0):
            return None
        return next(
            (
                each
                for each, text in reversed(self._untrusted)
                if self._showing.find(wanted, text) >= 0
            ),
            None,
        )

    def is_named(self, recipient: object) -> bool:
        """Whether the user named this recipient in this turn: so, or by an entry of a directory.

        What a tool returns is no word of theirs, though it be their own book.
        """
        name = plain(str(recipient))
        is_typed = self.find(recipient, "user", self.turn, is_said=True) is not None
        if is_typed or (self.turn, name) in self._named:
            return True
        places = self._places(recipient)
        if not self._finding.spend(len(places)):
            return False
        self._naming.begin(self.turn)
        return any(self._naming.names(name, at, self._finding) for at in places)

    def is_barred(self, recipient: object) -> bool:
        """Whether what was read is kept to others than this recipient, whoever names them."""
        return self.sealed is not None and plain(str(recipient)) not in self.sealed

    def strangers(self, recipients: Iterable[object]) -> list[str]:
        """Return those of the recipients who may not read what this session has read."""
        return [str(each) for each in recipients if not self._may_read(each)]

    def _may_read(self, recipient: object) -> bool:
        name = plain(str(recipient))
        if name == plain(self.owner):
            return True
        if self.is_barred(recipient):
            return False
        return not self.private or self.is_named(recipient)

    def _places(self, value: object) -> list[int]:
        """Return which indexed texts have this value, the most trusted first."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return []
        if isinstance(value, str) and len(value) > VALUE_CHARS:
            return []
        while self._unread:
            self._index(*self._unread.popleft())
        key = (type(value), value)
        if key not in self._places_of:
            found = self._look_up(value)
            found.sort(key=lambda at: -LEVELS.index(self._texts[at][0].integrity))
            self._places_of[key] = found
        return self._places_of[key]

    def _look_up(self, value: str | float) -> list[int]:
        if wanted := value_keys(value):
            places = [self._by_key.get(key, []) for key in wanted]
            if not self._finding.spend(sum(map(len, places))):
                return []
            rest = [set(each) for each in places[1:]]
            return [at for at in places[0] if all(at in each for each in rest)]
        words, nowhere = form(str(value)), list[int]()
        rarest = min(
            (self._by_token.get(each, []) for each in words.tokens), key=len, default=nowhere
        )
        if not self._finding.spend(len(rarest)):
            return []
        return [at for at in rarest if self._stands(words, at)]

    def _stands(self, words: Form, at: int) -> bool:
        _, text, quotes = self._texts[at]
        if self._finding.find(words.spaced, text.spaced) < 0:
            return False
        return stands(words.plain, text.plain, quotes, self._finding)

    def _index(self, text: int, source: Source) -> None:
        at, read = len(self._texts), form(source.text)
        self._places_of.clear()
        self._texts.append((source, read, Quotes(read.plain)))
        for token in set(read.tokens):
            self._by_token.setdefault(token, []).append(at)
        for key in keys(read.plain):
            self._by_key.setdefault(key, []).append(at)
        if suffices(source.integrity, "directory") and not source.said:
            place = (text, source.seq, source.record)
            self._naming.enter(at, source.path, source.text, place)

    def _keep(self, source: Source) -> None:
        """Remember untrusted text for as long as it is needed to show a value's origin."""
        self.tainted = True
        self._shown_of.clear()
        self._untrusted.append((source, plain(source.text).casefold()))
        self._untrusted_bytes += len(source.text)
        while self._untrusted_bytes > _SHOWN_BYTES and len(self._untrusted) > 1:
            self._untrusted_bytes -= len(self._untrusted.popleft()[0].text)


def _together(flow: ToolFlow, arguments: Mapping[str, object]) -> str:
    """Return all that somebody chose of a call, as text that no other choice has.

    It is empty where nothing of that decides what is done.
    """
    chosen = {name: value for name, value in arguments.items() if not is_default(flow, name, value)}
    floors = [flow.critical[name].level for name in chosen if name in flow.critical]
    if all(floor == "untrusted" for floor in floors):
        return ""
    return spelt(chosen)
