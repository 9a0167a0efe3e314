"""Does a value stand in a text as a whole: as words, as a path, as an address, as it is quoted?

A part of a path, of an address or of what stands in quotes names something else than the whole.
So a word with such signs is taken whole, and of prose only what ends where a word does. All this
is linear in the text: a value in a longer word than anybody writes does not stand there, nor one
that comes after more parts of other words than the effort of a verdict looks through.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from jackline.core.flow.effort import Effort

_PATH = frozenset("/\\")
_JOINING = "@._-+/:"
_OPENING = "([{<\"'`\u2018\u201c\u201e\u00ab"
_CLOSING = ".,;:!?)]}>\"'`\u2019\u201d\u00bb"
_OPENING_BRACKETS, _CLOSING_BRACKETS = "([{", ")]}"
_ENDING = frozenset(".,;:!?")
_MARKS = "*_~"
# Signs of what is not said but put in, left out or looked for: `%x%`, `{x}`, `!x`, `^x`, `x^`.
_PUT_BEFORE = re.compile(rf"(?:[%!^][{re.escape(_OPENING + _MARKS)}]*|\{{)\Z")
_PUT_BEHIND = re.compile(rf"[{re.escape(_CLOSING + _MARKS)}]*[%^]|\}}")
# Signs that no address of mail has, and the scripts that put no space beside one.
_SIGNS = (
    "\u2013\u2014\u2018\u201c-\u201e\u00ab\u00bb\u2022\u2026"
    "\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1c\uff1e\uff1f\u0e00-\u0eff"
)
_SCRIPTS = "\u2e80-\ud7af"
_BETWEEN = re.compile(rf"[,;:<>()\[\]\"{_SIGNS}{_SCRIPTS}]")
# Where letters follow, a full stop of these scripts is a dot of a domain (RFC 3490, section 3.1),
# and a picture is a part of one.
_PICTURES = "\u200d\u2600-\u27bf\ufe0f\U0001f1e6-\U0001faff"
_AFTER = re.compile(
    rf"[,;<>()\[\]\"'\u2019{_SIGNS}]|(?!\u3002[A-Za-z0-9])[{_SCRIPTS}]"
    rf"|[{_PICTURES}](?![{_PICTURES}]{{0,16}}[.-]?\w)"
)
_OPENING_QUOTE = re.compile(
    "[`\u201c\u201e\u2018\u300c\u300e]|(?<![0-9])\"|(?<![^\\s(\\[{<])'"
    "|(?<!\\w)\u00ab|(?<![^\\s(\\[{<])\u00bb(?=\\w)"
)
_CLOSING_QUOTE = {
    '"': re.compile('"'),
    "`": re.compile("`"),
    "'": re.compile(r"'(?!\w)"),
    "\u201c": re.compile("\u201d"),
    "\u201e": re.compile("[\u201c\u201d]"),
    "\u00ab": re.compile("\u00bb"),
    "\u00bb": re.compile("\u00ab"),
    "\u300c": re.compile("\u300d"),
    "\u300e": re.compile("\u300f"),
    "\u2018": re.compile("\u2019"),
}
_BESIDE_CHARS = 4_096


class Quotes:
    """What stands in quotes in a text: its spans, in their order and apart from each other."""

    def __init__(self, text: str) -> None:
        spans = list(_quoted(text))
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def cut(self, start: int, end: int) -> bool:
        """Whether something quoted has this as a part only, or reaches into it."""
        first, behind = bisect_right(self._ends, start), bisect_left(self._starts, end)
        return any(
            (self._starts[at] < start or end < self._ends[at])
            and (self._starts[at] + 1, self._ends[at] - 1) != (start, end)
            for at in {first, behind - 1}
            if first < behind
        )

    def hold(self, start: int, end: int) -> bool:
        """Whether something quoted is this and nothing else."""
        at = bisect_left(self._starts, start - 1)
        here = zip(self._starts[at : at + 1], self._ends[at : at + 1], strict=True)
        return (start - 1, end + 1) in here


def _quoted(text: str) -> Iterator[tuple[int, int]]:
    unclosed = set[str]()
    at = 0
    while opening := _OPENING_QUOTE.search(text, at):
        sign, at = opening[0], opening.end()
        closing = None if sign in unclosed else _CLOSING_QUOTE[sign].search(text, at)
        if closing:
            at = closing.end()
            yield opening.start(), at
        else:
            unclosed.add(sign)


def stands(value: str, text: str, quotes: Quotes, effort: Effort) -> bool:
    """Whether a value, in its plain form, is a whole somewhere in a text in its plain form.

    `quotes` are those of this text.
    """
    return next(occurrences(value, text, quotes, effort), -1) >= 0


def occurrences(value: str, text: str, quotes: Quotes, effort: Effort) -> Iterator[int]:
    """Yield where a value is a whole in a text, as in `stands`."""
    start = effort.find(value, text)
    while start >= 0:
        end = start + len(value)
        before, after = _beside(text, start, end)
        beside = len(before) + len(after)
        effort.spend(len(value) + beside)
        is_path = _is_path(before + value + after)
        is_ended = not is_path and text[end : end + 1] in _ENDING
        is_cut = (is_path or "@" not in value) and quotes.cut(start, end + is_ended)
        if beside < _BESIDE_CHARS and not is_cut and _is_whole(value, before, after):
            yield start
        start = effort.find(value, text, start + 1)


def _beside(text: str, start: int, end: int) -> tuple[str, str]:
    """Return what stands before and after a span in its words, as far as it is looked at."""
    first, last = max(0, start - _BESIDE_CHARS), end + _BESIDE_CHARS
    gap, stop = text.rfind(" ", first, start), text.find(" ", end, last)
    return text[max(first, gap + 1) : start], text[end : stop if stop >= 0 else last]


def _is_whole(value: str, before: str, after: str) -> bool:
    words = value.split(" ")
    first, last = before + words[0], words[-1] + after
    if len(words) == 1:
        first = last = before + value + after
    if _is_path(first) or _is_path(last):
        return _is_around(before, after)
    head, tail = _BETWEEN.split(before)[-1], _AFTER.split(after)[0]
    if "@" in first:
        begins = not head.strip(_OPENING + _MARKS)
    else:
        # A dot before a word is a part of it, as of `.profile`.
        begins = before[-1:] != "." and _parts(before[::-1], value[0], _CLOSING_BRACKETS)
    if "@" in last:
        ends = not tail.strip(_CLOSING + _MARKS)
    else:
        ends = _parts(after, value[-1], _OPENING_BRACKETS)
    # An address may begin with a mark, which is emphasis only where one ends it.
    is_plain = head.count("_") == tail.count("_") if "@" in value else _is_plain(before, after)
    return begins and ends and is_plain


def _is_plain(before: str, after: str) -> bool:
    """Whether no sign of patterns and variables is there but as emphasis, on both sides or doubled.

    `tmp*` names all that begins so, and `$data` what somebody else has put there.
    """
    if _PUT_BEFORE.search(before) or _PUT_BEHIND.match(after):
        return False
    marks = [re.sub(r"[^*~$]", "", each) for each in (before, after)]
    if not any(marks):
        return True
    bare = not before.strip(_OPENING + _MARKS) and not after.strip(_CLOSING + _MARKS)
    return bare and (marks[0] == marks[1][::-1] or "".join(marks) in {"**", "***", "~~"})


def is_bare(before: str, after: str) -> bool:
    """Whether a URL ends where its word does: no quote goes on, and nothing was left out.

    Of what stands before and after it in that word emphasis is on both sides.
    """
    closing = _CLOSING_QUOTE.get(before[-1:])
    if (closing and not closing.search(after)) or ".." in after or "\u2026" in after:
        return False
    marks = [re.sub(r"[^*_~]", "", each) for each in (before, after)]
    return marks[0] == marks[1][::-1]


def _is_path(word: str) -> bool:
    return not _PATH.isdisjoint(word)


def _is_around(before: str, after: str) -> bool:
    """Whether there is but punctuation around a path, and the same emphasis on both sides."""
    marks = [each for each in before if each in _MARKS]
    mirrored = [each for each in reversed(after) if each in _MARKS]
    bare = not before.strip(_OPENING + _MARKS) and not after.strip(_CLOSING + _MARKS)
    return bare and marks == mirrored and ".." not in after


def _parts(beside: str, edge: str, brackets: str) -> bool:
    """Whether a word ends between a character and what stands beside it, from there outwards.

    `brackets` are those that belong to the word, as in `report(1)`.
    """
    if not beside or _is_ideographic(edge) or _is_ideographic(beside[0]):
        return True
    if beside[0] in ".," and edge.isdecimal() and beside[1:2].isdecimal():
        return False
    further = beside.lstrip(_JOINING)
    if further[:1] in tuple(brackets):
        return False
    is_joined = bool(further) and further[0].isalnum()
    return not is_joined or not (beside[0] in _JOINING or (beside[0].isalnum() and edge.isalnum()))


def _is_ideographic(character: str) -> bool:
    return "\u2e80" <= character <= "\ud7af" or "\u0e00" <= character <= "\u0eff"
