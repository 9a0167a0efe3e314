"""What travels on: a text without what is never legitimate in one."""

from collections.abc import Iterator
from unicodedata import bidirectional

from jackline.core.events import Finding
from jackline.core.patterns import Pattern
from jackline.core.sanitise.characters import (
    BIDI,
    CONTROLS,
    INVISIBLE,
    JOINER,
    MARKS_MAX,
    PICTURES,
    Kind,
    home,
    kind,
    marks_max,
    outline,
    takes_shape,
)
from jackline.core.sanitise.escapes import escapes
from jackline.core.sanitise.reading import Edit, Reading, bounded, findings, rewritten
from jackline.core.value import Value

_UNSEEN_MAX = 2
_SUSPECT = Pattern(rf"[{CONTROLS.expression}{INVISIBLE.expression}]|\pM{{5}}")
_TURNED = Pattern(rf"[{BIDI.expression}]")
_REGION = Pattern(r"[\x{E0061}-\x{E007A}]{2}[\x{E0030}-\x{E0039}\x{E0061}-\x{E007A}]{1,4}\x{E007F}")
_BLACK_FLAG, _CANCEL = "\U0001f3f4", "\U000e007f"
_SURROGATE = "\ufdd0"  # A noncharacter: it is as little a character as half of a pair.
_FLAG_MAX = 7
_MANY_MARKS = "m" * (MARKS_MAX + 1)
_OBJECTIONS: dict[Kind, str] = {"mark": "marks"}
_TAG_BASE = 0xE0000
_SELECTOR = 0xFE00
_PICTURE = "\x0f"  # What the selector says that honestly follows a picture.
_SELECTOR_TOO = 0xE0100 - 16
_TURN_MARKS = "\u061c\u200e\u200f"
_OPENS_EMBEDDING, _POP_EMBEDDING = "\u202a\u202b", "\u202c"
_OPENS_ISOLATE, _POP_ISOLATE = "\u2066\u2067\u2068", "\u2069"
_TURNS = frozenset(map(chr, BIDI))


class Cleaned(Value, frozen=True):
    """A text that may travel on, and what was taken out of it: what, where, decoded to what."""

    text: str
    findings: tuple[Finding, ...] = ()


def clean(text: str) -> Cleaned:
    """Return `text` without what is never legitimate in one; to clean it again changes nothing.

    Removed are escape sequences and control characters but newlines and tabs, tags outside of
    flags, selectors of shapes that nothing takes, what has no width outside of scripts that use
    it, overrides of direction and all that is not balanced on a line of a right-to-left script,
    and marks beyond the fourth on a letter. Places in findings are those of the original text.
    """
    if text.isascii() and text.isprintable():
        return Cleaned(text)
    whole = unbroken(text)
    if _SUSPECT.search(whole) is None:
        return Cleaned(text)
    first = Reading(whole)
    controls = list(escapes(whole))
    second = rewritten(first, controls)
    formats = list(_formats(second.text))
    cleaned = rewritten(second, formats)
    return Cleaned(cleaned.text, bounded(findings(first, controls) + findings(second, formats)))


def unbroken(text: str) -> str:
    """Return text of the same length that UTF-8 can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join([_SURROGATE if "\ud800" <= each <= "\udfff" else each for each in text])
    return text


def decoded_tags(tags: str) -> str:
    """Return the ASCII that these tag characters stand for."""
    letters = [chr(ord(each) - _TAG_BASE) for each in tags]
    return "".join([each for each in letters if each.isprintable()])


def decoded_selectors(selectors: str) -> str:
    """Return the UTF-8 that these selectors stand for: the n-th one is the byte n."""
    codes = [ord(each) for each in selectors]
    raw = bytes([code - (_SELECTOR if code < _TAG_BASE else _SELECTOR_TOO) for code in codes])
    return raw.decode("utf-8", "ignore").replace(_PICTURE, "")


def _formats(text: str) -> Iterator[Edit]:
    """Return the removal of each stretch of what nobody sees, and of marks that are too many."""
    balanced = _balanced(text) if _TURNED.search(text) else frozenset[int]()
    for start, end in _runs(outline(text)):
        yield from _Sieve(text, start, end, balanced).removals()


def _runs(kinds: str) -> Iterator[tuple[int, int]]:
    """Return where marks and invisible characters stand together that have to be looked at."""
    end, at, marks = 0, kinds.find("x"), kinds.find(_MANY_MARKS)
    while at >= 0 or marks >= 0:
        start = at if marks < 0 or 0 <= at < marks else marks
        while start > end and kinds[start - 1] == "m":
            start -= 1
        end = kinds.find(".", start)
        end = len(kinds) if end < 0 else end
        yield start, end
        if 0 <= at < end:
            at = kinds.find("x", end)
        if 0 <= marks < end:
            marks = kinds.find(_MANY_MARKS, end)


class _Sieve:
    """Looks through a run of invisible characters and marks.

    What it keeps depends on what it has kept before, and on what follows the run: so it keeps
    the same of what it has kept already.
    """

    def __init__(self, text: str, start: int, end: int, balanced: frozenset[int]) -> None:
        self._text, self._start, self._end = text, start, end
        self._balanced = balanced
        self._visible = self._last = text[start - 1] if start else "\n"
        self._following = text[end] if end < len(text) else "\n"
        self._marks = self._unseen = 0

    def removals(self) -> Iterator[Edit]:
        """Return what is to go, as few edits as tell it."""
        at, pending = self._start, Edit(self._start, self._start)
        while at < self._end:
            sort = kind(self._text[at])
            until = self._unit(at, sort)
            what = self._objection(at, until, sort)
            if what and (what, at) == (pending.what, pending.end):
                pending = pending._replace(end=until)
            else:
                if pending.what:
                    yield self._told(pending)
                pending = Edit(at, until, "", what)
            if not what:
                self._keep(until, sort)
            at = until
        if pending.what:
            yield self._told(pending)

    def _unit(self, at: int, sort: Kind) -> int:
        """Return the end of what is judged as one: a run of tags or selectors, or a character."""
        until = at + 1
        if sort in {"tags", "selectors"}:
            while until < self._end and kind(self._text[until]) == sort:
                until += 1
        return until

    def _objection(self, at: int, until: int, sort: Kind) -> str:
        """Return what is wrong with this unit, or nothing."""
        character = self._text[at]
        match sort:
            case "mark":
                fits = self._marks < MARKS_MAX or self._marks < marks_max(character)
            case "tags":
                fits = self._last == _BLACK_FLAG and _is_region(self._text[at:until])
            case "selectors":
                fits = until == at + 1 and takes_shape(self._last, character)
            case "direction":
                fits = at in self._balanced
            case _:
                fits = self._unseen < _UNSEEN_MAX and self._at_home(character)
        return "" if fits else _OBJECTIONS.get(sort, sort)

    def _at_home(self, character: str) -> bool:
        beside = home(character)
        if self._visible in beside or self._following in beside:
            return True
        return character == JOINER and self._visible in PICTURES and self._following in PICTURES

    def _keep(self, until: int, sort: Kind) -> None:
        self._last = self._text[until - 1]
        if sort == "mark":
            self._marks += 1
            self._visible, self._unseen = self._last, 0
        else:
            self._unseen += 1

    def _told(self, edit: Edit) -> Edit:
        removed = self._text[edit.start : edit.end]
        match edit.what:
            case "tags":
                return edit._replace(said=decoded_tags(removed))
            case "selectors":
                return edit._replace(said=decoded_selectors(removed))
            case _:
                return edit


def _is_region(tags: str) -> bool:
    """Whether these tags after a black flag say whose flag it is (UTS #51, ED-14a)."""
    short = len(tags) <= _FLAG_MAX and tags.endswith(_CANCEL)
    return short and _REGION.fullmatch(tags) is not None


def _balanced(text: str) -> frozenset[int]:
    """Return the places of controls of direction that may stay: see UAX #9, BD9 to BD13."""
    kept, at = set[int](), 0
    for line in text.splitlines(keepends=True):
        if any(bidirectional(each) in {"R", "AL"} and each not in _TURNS for each in line):
            kept.update([at + place for place in _pairs(line)])
        at += len(line)
    return frozenset(kept)


def _pairs(line: str) -> Iterator[int]:
    """Return the places of marks, and of embeddings and isolates that end where they should."""
    opened = list[tuple[int, str]]()
    isolates = 0
    for at, control in [(at, each) for at, each in enumerate(line) if each in _TURNS]:
        if control in _TURN_MARKS:
            yield at
        elif control == _POP_EMBEDDING:
            # It does not end an isolate, nor what was opened before that.
            if opened and opened[-1][1] not in _OPENS_ISOLATE:
                place, opener = opened.pop()
                yield from (place, at) if opener in _OPENS_EMBEDDING else ()
        elif control != _POP_ISOLATE:
            opened.append((at, control))
            isolates += control in _OPENS_ISOLATE
        elif isolates:
            while opened[-1][1] not in _OPENS_ISOLATE:
                opened.pop()
            isolates -= 1
            yield from (opened.pop()[0], at)
