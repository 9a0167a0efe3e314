"""Texts made from a text, of which each character still knows where it came from."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from jackline.core.events import Finding
from jackline.core.value import Value

FINDINGS_MAX = 50
MORE = "more"
_SHOWN_CHARACTERS = 200


class Edit(NamedTuple):
    """Characters `start` to `end` are read as `text`.

    `what` names a finding; "": it is none. `said` is what they say, where that is not `text`.
    """

    start: int
    end: int
    text: str = ""
    what: str = ""
    said: str = ""


class _Piece(NamedTuple):
    at: int
    start: int
    end: int


class Reading(Value, frozen=True):
    """A text, and what it was read from. The first one was read from nothing."""

    text: str
    parent: "Reading | None" = None
    pieces: Sequence[_Piece] = ()

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the first text these characters, at least one, come from."""
        reading = self
        while reading.parent is not None:
            start, end = reading._before(start)[0], reading._before(end - 1)[1]
            reading = reading.parent
        return min(start, end), max(start, end)

    def whole(self) -> "Sequence[_Piece]":
        """Return the one piece of a text that has as many characters as this one."""
        return (_Piece(0, 0, len(self.text)),)

    def _before(self, at: int) -> tuple[int, int]:
        """Return where in the parent the character at this place comes from."""
        after = bisect_right(self.pieces, at, key=lambda piece: piece.at)
        piece = self.pieces[after - 1]
        until = self.pieces[after].at if after < len(self.pieces) else len(self.text)
        if until - piece.at == piece.end - piece.start:
            return piece.start + at - piece.at, piece.start + at - piece.at + 1
        return piece.start, piece.end


def rewritten(reading: Reading, edits: Sequence[Edit]) -> Reading:
    """Return the text with these edits, in order. One that overlaps an earlier one is left out."""
    if not edits:
        return reading
    pieces, texts, at, done = list[_Piece](), list[str](), 0, 0
    for start, end, text, *_ in edits:
        if start < done:
            continue
        if start > done:
            pieces.append(_Piece(at, done, start))
            texts.append(reading.text[done:start])
            at += start - done
        if text:
            pieces.append(_Piece(at, start, end))
            texts.append(text)
            at += len(text)
        done = end
    pieces.append(_Piece(at, done, len(reading.text)))
    texts.append(reading.text[done:])
    return Reading("".join(texts), reading, pieces)


def excerpt(reading: Reading, edits: Sequence[Edit], between: str = "\n") -> Reading:
    """Return only what these edits read, and this between them."""
    pieces, texts, at = list[_Piece](), list[str](), 0
    for start, end, text, *_ in edits:
        pieces += _Piece(at, start, end), _Piece(at + len(text), end, end)
        texts.append(text + between)
        at += len(texts[-1])
    return Reading("".join(texts), reading, pieces)


def findings(reading: Reading, edits: Sequence[Edit]) -> list[Finding]:
    """Return what these edits of `reading` found, and where in the first text.

    What are too many to tell one by one are one, `more`.
    """
    named = [edit for edit in edits if edit.what]
    told, rest = named[:FINDINGS_MAX], named[FINDINGS_MAX:]
    found = [
        Finding(what, *reading.origin(start, end), _shown(said or text))
        for start, end, text, what, said in told
    ]
    if rest:
        found.append(Finding(MORE, *reading.origin(rest[0].start, rest[-1].end)))
    return found


def bounded(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings by their places, as many as are told one by one."""
    ordered = sorted(
        set(found), key=lambda each: (each.what == MORE, each.start, each.end, each.what)
    )
    told, rest = ordered[:FINDINGS_MAX], ordered[FINDINGS_MAX:]
    if rest:
        ends = min(each.start for each in rest), max(each.end for each in rest)
        told.append(Finding(MORE, *ends))
    return tuple(told)


def _shown(text: str) -> str:
    """Return how a text begins, as it can be shown to a person without doing anything to them."""
    return "".join(
        [each for each in text[:_SHOWN_CHARACTERS] if each.isprintable() or each == "\n"]
    )
