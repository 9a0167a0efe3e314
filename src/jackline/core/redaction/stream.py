"""Redaction of a text as a whole, and of the same text in pieces: the results are equal."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from jackline.core.redaction.blocks import BLOCK_MAX
from jackline.core.redaction.sight import Match, Sight, Tail, sight

# What is looked through for every piece that comes costs that much less if it waits for so many.
STEP = 64


class Finds(Protocol):
    """Finds what is to be taken out.

    `reach` is how far before a character one has to look to tell what it is part of, `hold_back`
    how far behind it at most.
    """

    reach: int
    hold_back: int

    def matches(self, seen: Sight, at: int, upto: int) -> Iterable[Match]:
        """Return what begins from `at` to before `upto`, of two at one place the better one first.

        What begins within one that comes earlier may be missing.
        """
        ...

    def open(self, seen: Sight) -> int:
        """Return where something may have begun that what follows decides on."""
        ...


class Blank(Protocol):
    """Stands in a text for what was taken out of it."""

    def take(self, text: str) -> None:
        """Learn more of what is taken out."""
        ...

    def shown(self) -> str:
        """Return what the text shows instead."""
        ...


Blanks = Callable[[str], Blank]


class Span(NamedTuple):
    """Characters `start` to `end` of a text are of this kind."""

    kind: str
    start: int
    end: int


def spans(search: Finds, text: str) -> Sequence[Span]:
    """Return what is to be taken out: the leftmost match, the longest there, and so on."""
    seen, at, found = sight(text), 0, list[Span]()
    for match in search.matches(seen, at, len(text)):
        if match.start < at:
            continue
        at = match.end
        if match.tail:
            end = match.tail.close(seen.plain, at, BLOCK_MAX)
            at = len(text) if end < 0 else end
        found.append(Span(match.kind, match.start, at))
    return found


def redacted(text: str, found: Sequence[Span], blanks: Blanks) -> str:
    """Return `text` without what was found in it."""
    pieces, at = list[str](), 0
    for kind, start, end in found:
        blank = blanks(kind)
        blank.take(text[start:end])
        pieces += text[at:start], blank.shown()
        at = end
    return "".join([*pieces, text[at:]])


class Stream:
    """Redacts a text that comes in pieces.

    A character goes out as soon as nothing that may follow could make it part of a match, and
    when `search.hold_back` and a step more have come at the latest. So whatever the pieces are,
    all that goes out is what `redacted` makes of the whole.
    """

    def __init__(self, search: Finds, blanks: Blanks) -> None:
        self._search = search
        self._blanks = blanks
        # The window is what was decided, as far back as a detector looks, and what is held back.
        self._window = ""
        self._at = 0
        self._open: _Open | None = None

    @property
    def held(self) -> int:
        """How many characters are held back."""
        return 0 if self._open else len(self._window) - self._at

    @property
    def kept(self) -> int:
        """How many characters are kept, with those that were given out or taken out."""
        return len(self._window)

    def feed(self, delta: str) -> str:
        """Return what may go out now that `delta` has come."""
        return self._next(delta, last=False)

    def finish(self) -> str:
        """Return what was held back, at the end of the text."""
        return self._next("", last=True)

    def _next(self, delta: str, *, last: bool) -> str:
        seen, at = sight(self._window + delta), self._at
        pieces = list[str]()
        if self._open:
            at = self._close(self._open, seen, (at, last), pieces)
        if not self._open:
            hold = len(seen.text) if last else max(at, self._search.open(seen))
            # What has only grown too old to be open goes out in steps, and all else at once.
            old = hold + self._search.hold_back == len(seen.text)
            if hold > at and (last or not old or hold - at >= STEP):
                at = self._pass(seen, (at, hold, last), pieces)
        start = max(0, at - self._search.reach)
        self._window, self._at = seen.text[start:], at - start
        return "".join(pieces)

    def _pass(self, seen: Sight, within: tuple[int, int, bool], pieces: list[str]) -> int:
        """Decide on the characters from `at` to `hold`, and return where that ended."""
        at, hold, last = within
        for match in self._search.matches(seen, at, hold):
            if match.start < at:
                continue
            blank = self._blanks(match.kind)
            blank.take(seen.text[match.start : match.end])
            pieces.append(seen.text[at : match.start])
            at = match.end
            if match.tail is None:
                pieces.append(blank.shown())
                continue
            self._open = _Open(blank, match.tail, BLOCK_MAX)
            at = self._close(self._open, seen, (at, last), pieces)
            if self._open:
                return at
        if at < hold:
            pieces.append(seen.text[at:hold])
        return max(at, hold)

    def _close(
        self, opened: "_Open", seen: Sight, within: tuple[int, bool], pieces: list[str]
    ) -> int:
        """Take what belongs to a match that has no longest length, and return where it ends."""
        at, last = within
        end = opened.tail.close(seen.plain, at, opened.left)
        if end < 0 and not last:
            upto = max(at, len(seen.text) - opened.tail.reach)
            opened.blank.take(seen.text[at:upto])
            self._open = opened._replace(left=opened.left - (upto - at))
            return upto
        end = len(seen.text) if end < 0 else end
        opened.blank.take(seen.text[at:end])
        pieces.append(opened.blank.shown())
        self._open = None
        return end


class _Open(NamedTuple):
    """A match whose end has not come: at most `left` characters are missing."""

    blank: Blank
    tail: Tail
    left: int
