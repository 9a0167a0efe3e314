"""Does a value stand in a text as a whole: as words, as a path, as an address, as it is quoted?

A part of a path, of an address or of what stands in quotes names something else than the whole.
So a word with such signs is taken whole, and of prose only what ends where a word does.
"""

import re
from collections.abc import Iterator

_PATH = frozenset("/\\")
_JOINING = "@._-+/:"
_OPENING = "([{<\"'`\u2018\u201c\u201e\u00ab"
_CLOSING = ".,;:!?)]}>\"'`\u2019\u201d\u00bb"
_MARKS = "*_~"
_BETWEEN = re.compile(r"[,;<>()\[\]\"]")
_AFTER = re.compile(r"[,;<>()\[\]\"'\u2019]")
_QUOTED = re.compile(
    r"\"[^\"]*\"|`[^`]*`|\u201c[^\u201d]*\u201d|\u201e[^\u201c\u201d]*[\u201c\u201d]"
    r"|\u00ab[^\u00bb]*\u00bb|\u2018[^\u2019]*\u2019|(?<![^\s(\[{<])'[^']*'(?!\w)"
)


def stands(value: str, text: str) -> bool:
    """Whether a value, in its plain form, is a whole somewhere in a text in its plain form."""
    return any(_is_whole(value, text, start) for start in _starts(value, text))


def _starts(value: str, text: str) -> Iterator[int]:
    start = text.find(value)
    while start >= 0:
        yield start
        start = text.find(value, start + 1)


def _is_whole(value: str, text: str, start: int) -> bool:
    end = start + len(value)
    before = text[text.rfind(" ", 0, start) + 1 : start]
    stop = text.find(" ", end)
    after = text[end : stop if stop >= 0 else len(text)]
    words = value.split(" ")
    first, last = before + words[0], words[-1] + after
    if len(words) == 1:
        first = last = before + value + after
    if not (_PATH.isdisjoint(first) and _PATH.isdisjoint(last)):
        return _is_around(before, after) and _is_quoted_whole(text, start, end)
    if "@" in first:
        before = _BETWEEN.split(before)[-1].strip(_OPENING + _MARKS)
    if "@" in last:
        after = _AFTER.split(after)[0].strip(_CLOSING + _MARKS)
    begins = not before if "@" in first else _parts(before[::-1], value[0])
    ends = not after if "@" in last else _parts(after, value[-1])
    return begins and ends


def _is_around(before: str, after: str) -> bool:
    """Whether there is but punctuation around a path, and the same emphasis on both sides."""
    marks = [each for each in before if each in _MARKS]
    mirrored = [each for each in reversed(after) if each in _MARKS]
    bare = not before.strip(_OPENING + _MARKS) and not after.strip(_CLOSING + _MARKS)
    return bare and marks == mirrored and ".." not in after


def _is_quoted_whole(text: str, start: int, end: int) -> bool:
    """Whether no quoted text has this as a part only."""
    return all(
        found.end() <= start
        or end <= found.start()
        or (found.start() + 1 == start and found.end() - 1 == end)
        or (start <= found.start() and found.end() <= end)
        for found in _QUOTED.finditer(text)
    )


def _parts(beside: str, edge: str) -> bool:
    """Whether a word ends between a character and what stands beside it, from there outwards."""
    if not beside or _is_ideographic(edge) or _is_ideographic(beside[0]):
        return True
    if beside[0] in ".," and edge.isdecimal() and beside[1:2].isdecimal():
        return False
    further = beside.lstrip(_JOINING)
    is_joined = bool(further) and further[0].isalnum()
    return not is_joined or not (beside[0] in _JOINING or (beside[0].isalnum() and edge.isalnum()))


def _is_ideographic(character: str) -> bool:
    return "\u2e80" <= character <= "\ud7af" or "\u0e00" <= character <= "\u0eff"
