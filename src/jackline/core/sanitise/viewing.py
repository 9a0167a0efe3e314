"""A text as a detector should see it: folded, decoded and with what was hidden in the open."""

from collections.abc import Callable, Iterator
from functools import lru_cache

from jackline.core.events import Finding
from jackline.core.patterns import Pattern
from jackline.core.sanitise.characters import SELECTORS, TAGS
from jackline.core.sanitise.cleaning import decoded_selectors, decoded_tags, unbroken
from jackline.core.sanitise.decoding import decoded
from jackline.core.sanitise.disguises import rotated, unleeted, unspaced
from jackline.core.sanitise.escapes import escapes
from jackline.core.sanitise.folding import folded, stripped
from jackline.core.sanitise.hidden import hidden, unmarked
from jackline.core.sanitise.reading import (
    Edit,
    Reading,
    bounded,
    excerpt,
    findings,
    rewritten,
)
from jackline.core.value import Value

DEPTH = 2
CHARACTERS_MAX = 1 << 17
_GROWTH = 8
_REMEMBERED = 2  # Two guards look at one text, one after the other.
_SMUGGLED_MIN = 4
_SMUGGLED = Pattern(rf"[{TAGS.expression}]+|[{SELECTORS.expression}]+")
_REWRITES: tuple[Callable[[str], list[Edit]], ...] = (
    unmarked,
    decoded,
    rotated,
    unleeted,
    unspaced,
)


class View(Value, frozen=True):
    """The ways in which a text can be read, plainest first, and what had to be undone for that.

    It is for detection: nothing of it is shown to anybody or sent on.
    """

    readings: tuple[Reading, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """What to look at: first the text itself, folded, and then what else it says."""
        return tuple([reading.text for reading in self.readings])


@lru_cache(_REMEMBERED)
def view(text: str) -> View:
    """Return the ways in which `text` can be read.

    What is written in a code, in a disguise or where nobody looks is undone, and looked at once
    more: to a depth of `DEPTH`. Together the readings have at most eight times as many characters
    as the text, of which no more than `CHARACTERS_MAX` are looked at: half of them at its end.
    """
    found = list[Finding]()
    first = _within_reach(unbroken(text), found)
    readings = dict[str, Reading]()
    level, room = [first], _GROWTH * len(first.text)
    for depth in range(DEPTH + 1):
        further = list[Reading]()
        for raw in level:
            fresh = [each for each in folded(stripped(raw), found) if each.text not in readings]
            room -= sum(len(each.text) for each in fresh)
            if room < 0:
                break
            readings.update({each.text: each for each in fresh})
            if depth < DEPTH:
                further += _smuggled(raw, found)
                further += [more for each in fresh for more in _undone(each, found)]
        level = further
    return View(tuple(readings.values()), bounded(found))


def _within_reach(text: str, found: list[Finding]) -> Reading:
    """Return as much of a text as is looked at."""
    reading = Reading(text)
    if len(text) <= CHARACTERS_MAX:
        return reading
    half = CHARACTERS_MAX // 2
    unread = [Edit(half, len(text) - half, "", "too_large")]
    found += findings(reading, unread)
    return rewritten(reading, unread)


def _undone(reading: Reading, found: list[Finding]) -> Iterator[Reading]:
    """Return what a text says once a code or a disguise is undone."""
    for rewrite in _REWRITES:
        if edits := rewrite(reading.text):
            found += findings(reading, edits)
            yield rewritten(reading, edits)
    if edits := hidden(reading.text):
        found += findings(reading, edits)
        yield excerpt(reading, edits)


def _smuggled(reading: Reading, found: list[Finding]) -> Iterator[Reading]:
    """Return what a text says in what goes before it is read: see `clean`."""
    if titles := _titles(reading.text):
        found += findings(reading, titles)
        yield excerpt(reading, titles)
    if reading.text.isascii() or _SMUGGLED.search(reading.text) is None:
        return
    for what, read in (("tags", decoded_tags), ("selectors", decoded_selectors)):
        edits = [
            Edit(place.start(), place.end(), said, what)
            for place in _SMUGGLED.finditer(reading.text)
            if (place.group()[0] in TAGS) == (what == "tags") and (said := read(place.group()))
        ]
        if sum(len(edit.text) for edit in edits) >= _SMUGGLED_MIN:
            found += findings(reading, edits)
            yield excerpt(reading, edits, "")


def _titles(text: str) -> list[Edit]:
    """Return what control strings hold: a window's title, a link's address."""
    return [edit._replace(text=edit.said) for edit in escapes(text) if edit.said]
