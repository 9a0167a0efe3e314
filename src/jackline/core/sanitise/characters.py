"""Characters that nobody sees, and the neighbours beside which each of them has a meaning.

After the Unicode Standard 15, chapters 9 to 12 and 23, and UTS #51 (emoji sequences).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal
from unicodedata import category


class Ranges:
    """A set of characters, given as inclusive ranges of code points in ascending order."""

    def __init__(self, *ranges: tuple[int, int]) -> None:
        self._edges = [edge for low, high in ranges for edge in (low, high + 1)]
        self.expression = "".join([rf"\x{{{low:X}}}-\x{{{high:X}}}" for low, high in ranges])

    def __iter__(self) -> Iterator[int]:
        for low, high in zip(self._edges[::2], self._edges[1::2], strict=True):
            yield from range(low, high)

    def __contains__(self, character: str) -> bool:
        return bisect_right(self._edges, ord(character)) % 2 == 1


_NONCHARACTERS = [(plane << 16 | 0xFFFE, plane << 16 | 0xFFFF) for plane in range(17)]
# Tab, line feed, carriage return and next line stay.
CONTROLS = Ranges(
    (0x00, 0x08),
    (0x0B, 0x0C),
    (0x0E, 0x1F),
    (0x7F, 0x84),
    (0x86, 0x9F),
    (0xFDD0, 0xFDEF),
    *_NONCHARACTERS,
)
INVISIBLE = Ranges(
    (0xAD, 0xAD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0x13430, 0x1343F),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
TAGS = Ranges((0xE0000, 0xE007F))
SELECTORS = Ranges((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
BIDI = Ranges((0x061C, 0x061C), (0x200E, 0x200F), (0x202A, 0x202E), (0x2066, 0x2069))

PICTURES = Ranges(
    (0xA9, 0xA9),
    (0xAE, 0xAE),
    (0x203C, 0x203C),
    (0x2049, 0x2049),
    (0x2100, 0x214F),
    (0x2190, 0x2BFF),
    (0x3030, 0x3030),
    (0x303D, 0x303D),
    (0x3297, 0x3297),
    (0x3299, 0x3299),
    (0x1F000, 0x1FAFF),
)
_KEYS = ((0x23, 0x23), (0x2A, 0x2A), (0x30, 0x39))
_IDEOGRAPHS = (
    (0x2E80, 0x2FDF),
    (0x3005, 0x3007),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFD),
)
# Which selectors of a shape may follow which characters (StandardizedVariants.txt, IVD).
_SHAPES = (
    (Ranges((0xFE0E, 0xFE0F)), PICTURES),
    (Ranges((0xFE0E, 0xFE0F)), Ranges(*_KEYS)),
    (Ranges((0xFE00, 0xFE02), (0xE0100, 0xE01EF)), Ranges(*_IDEOGRAPHS)),
    (
        Ranges((0xFE00, 0xFE01)),
        Ranges(
            (0x30, 0x30),
            (0x1000, 0x109F),
            (0x2018, 0x201F),
            (0x2100, 0x214F),
            (0x2190, 0x2BFF),
            (0x3001, 0x3002),
            (0xA840, 0xA87F),
            (0xAA60, 0xAA7F),
            (0xFF01, 0xFF1F),
            (0x10AC0, 0x10AFF),
            (0x1D400, 0x1D7FF),
        ),
    ),
    (Ranges((0xFE00, 0xFE06)), Ranges((0x13000, 0x143FF))),
)

_HEBREW = (0x0590, 0x05FF)
_MONGOLIAN = (0x1800, 0x18AF)
# Scripts whose letters join, or would join without a non-joiner.
_JOINING = (
    _HEBREW,
    (0x0600, 0x08FF),
    (0x0900, 0x0DFF),
    (0x0F00, 0x109F),
    (0x1780, 0x18AF),
    (0x1900, 0x1CFF),
    (0xA800, 0xA8FF),
    (0xA900, 0xAAFF),
    (0xABC0, 0xABFF),
    (0xFB1D, 0xFDCF),
    (0xFDF0, 0xFDFF),
    (0xFE70, 0xFEFC),
    (0x10A00, 0x10FFF),
    (0x11000, 0x11FFF),
    (0x1E900, 0x1E95F),
)
# Scripts that put no space between words: there a break is marked by one of no width.
_SPACELESS = ((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1950, 0x1AAF))
_SPACELESS_TOO = ((0x1B00, 0x1B7F), (0xA980, 0xA9FF), (0xAA60, 0xAADF))
_JAMO = ((0x1100, 0x115E), (0x1161, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
_HOMES = (
    (Ranges((0x200C, 0x200D)), Ranges(*_JOINING)),
    (Ranges((0x200B, 0x200B)), Ranges(*_SPACELESS, *_SPACELESS_TOO)),
    (Ranges((0x034F, 0x034F)), Ranges(_HEBREW)),
    (Ranges((0x180B, 0x180F)), Ranges(_MONGOLIAN, (0x11660, 0x1167F))),
    (Ranges((0x115F, 0x1160)), Ranges(*_JAMO)),
    (Ranges((0x13430, 0x1343F)), Ranges((0x13000, 0x143FF))),
    (Ranges((0x1BCA0, 0x1BCA3)), Ranges((0x1BC00, 0x1BC9F))),
    (Ranges((0x1D173, 0x1D17A)), Ranges((0x1D100, 0x1D1FF))),
)
_NOWHERE = Ranges()
MARKS_MAX = 4
# Scripts in which a letter rightly carries more: Hebrew with accents, Tibetan and Myanmar stacks.
_DEEP = Ranges((0x0591, 0x05C7), (0x0F00, 0x0FFF), (0x1000, 0x109F))
_DEEP_MAX = 8

JOINER = "\u200d"
CACHED_MAX = 1 << 14
Kind = Literal["plain", "mark", "control", "tags", "selectors", "direction", "invisible"]


@lru_cache(maxsize=CACHED_MAX)
def kind(character: str) -> Kind:
    """Return what a character is, as far as it can be seen. `plain` is all that stays."""
    if character in CONTROLS:
        return "control"
    if character in TAGS:
        return "tags"
    if character in SELECTORS:
        return "selectors"
    if character in BIDI:
        return "direction"
    if character in INVISIBLE:
        return "invisible"
    return "mark" if category(character).startswith("M") else "plain"


@lru_cache(maxsize=CACHED_MAX)
def home(character: str) -> Ranges:
    """Return the characters beside which this invisible one has a meaning."""
    return next((beside for those, beside in _HOMES if character in those), _NOWHERE)


def marks_max(mark: str) -> int:
    """Return how many marks a character may carry, this one included."""
    return _DEEP_MAX if mark in _DEEP else MARKS_MAX


@lru_cache(maxsize=CACHED_MAX)
def takes_shape(character: str, selector: str) -> bool:
    """Whether this selector may say which shape the character has."""
    return any(selector in selectors and character in those for selectors, those in _SHAPES)


class Table(dict[int, str]):
    """What `str.translate` looks characters up in: `letter` says what each one becomes.

    It remembers as many as the texts of a day have, not as many as a hostile text can have.
    """

    def __init__(self, letter: Callable[[str], str]) -> None:
        super().__init__()
        self._letter = letter

    def __missing__(self, code: int) -> str:
        letter = self._letter(chr(code))
        if len(self) < CACHED_MAX:
            self[code] = letter
        return letter


_LETTERS: dict[Kind, str] = {"plain": ".", "mark": "m", "control": "c"}
_OUTLINE = Table(lambda character: _LETTERS.get(kind(character), "x"))


def outline(text: str) -> str:
    """Return a letter for each character: `.` plain, `m` a mark, `c` a control, `x` invisible.

    To find a letter in it takes a tenth of what a pattern takes, where hostile text has many.
    """
    return text.translate(_OUTLINE)
