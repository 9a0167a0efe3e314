"""How a text reads to somebody who does not care which code points its letters are.

For detection only: what is folded is never shown or forwarded.
"""

from collections.abc import Iterator
from functools import lru_cache
from unicodedata import category, decomposition, is_normalized, normalize

from jackline.core.events import Finding
from jackline.core.patterns import Pattern
from jackline.core.sanitise.characters import CACHED_MAX, INVISIBLE, Table, outline
from jackline.core.sanitise.escapes import escapes
from jackline.core.sanitise.homoglyphs import HOMOGLYPHS, LATIN
from jackline.core.sanitise.reading import Edit, Reading, findings, rewritten

_INVISIBLE = Pattern(f"[{INVISIBLE.expression}]")
_NOT_ASCII = Pattern(r"[^\x00-\x7F]+")
# Of the compatibility characters those stay that mean something else than what they resemble.
_MEANT = ("<super>", "<sub>", "<fraction>")
_DARK_LETTERS = ((0x1F150, 0x1F169), (0x1F170, 0x1F189), (0x1F1E6, 0x1F1FF))
_PUNCTUATION = {
    **dict.fromkeys(
        "\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))), " "
    ),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
    **dict.fromkeys("\u2018\u2019\u201b\u02bc\u2032\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58", "-"),
    **dict.fromkeys("\u2022\u00b7\u2219\u22c5\u2024\u30fb", "."),
    **dict.fromkeys("\u2044\u2215\u29f8", "/"),
    "\u2039": "<",
    "\u203a": ">",
    "\u2581": "_",
    "\u2223": "|",
    "\u3010": "[",
    "\u3011": "]",
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
}
_TABLE = str.maketrans(_PUNCTUATION)


def stripped(reading: Reading) -> Reading:
    """Return the text without escape sequences, controls and anything that nobody sees."""
    visible = rewritten(reading, list(escapes(reading.text)))
    if visible.text.isascii() or _INVISIBLE.search(visible.text) is None:
        return visible
    return rewritten(visible, list(_unseen(outline(visible.text))))


def folded(reading: Reading, found: list[Finding]) -> list[Reading]:
    """Return the text in ASCII as far as it goes, and a second way of reading it if there is one.

    A word is folded only if all of it becomes ASCII. One that is wholly of another script stays,
    for there are such words, and is folded in the second way. `found` gets those in disguise.
    """
    if reading.text.isascii():
        return [reading]
    whole = _composed(reading)
    plain = Reading(whole.text.translate(_TABLE), whole, whole.whole())
    sure, unsure = list[Edit](), list[Edit]()
    for start, end in _words(plain.text.translate(_SHAPES)):
        word = plain.text[start:end]
        edit = Edit(start, end, "".join([_ascii(each) for each in word]), _disguise(word))
        (unsure if edit.what == _OTHER_SCRIPT else sure).append(edit)
    found += findings(plain, sure)
    ways = [sure, sorted(sure + unsure)] if unsure else [sure]
    return [rewritten(plain, way) for way in ways]


def _composed(reading: Reading) -> Reading:
    """Return the text with letters and marks of other scripts as one, as patterns have them."""
    if is_normalized("NFC", reading.text):
        return reading
    places = _NOT_ASCII.finditer(reading.text)
    return rewritten(
        reading, [Edit(at.start(), at.end(), normalize("NFC", at.group())) for at in places]
    )


def _words(shapes: str) -> Iterator[tuple[int, int]]:
    """Return where the words stand that are not of ASCII, and all of whose letters can be."""
    end, at = 0, shapes.find("f")
    while at >= 0:
        start = max(end, shapes.rfind(".", end, at) + 1)
        end = shapes.find(".", at)
        end = len(shapes) if end < 0 else end
        if shapes.find("n", start, end) < 0:
            yield start, end
        at = shapes.find("f", end)


_OTHER_SCRIPT = "other_script"


def _unseen(kinds: str) -> list[Edit]:
    edits, at = list[Edit](), kinds.find("x")
    while at >= 0:
        end = at + 1
        while kinds[end : end + 1] == "x":
            end += 1
        edits.append(Edit(at, end))
        at = kinds.find("x", end)
    return edits


@lru_cache(maxsize=CACHED_MAX)
def _ascii(character: str) -> str:
    """Return the ASCII that this character is read as, or itself."""
    code = ord(character)
    for low, high in _DARK_LETTERS:
        if low <= code <= high:
            return chr(ord("A") + code - low)
    kept = [each for each in normalize("NFKD", character) if category(each) not in {"Mn", "Me"}]
    letters = "".join([HOMOGLYPHS.get(each, each) for each in kept])
    meant = decomposition(character).startswith(_MEANT) and not letters.isalpha()
    return letters if letters.isascii() and not meant else character


def _shape(character: str) -> str:
    """Return `.` between words, `a` for a letter of ASCII, `f` for one like it, `n` for others."""
    if character.isascii():
        return "a" if character.isalnum() else "."
    if _ascii(character) != character:
        return "f"
    return "n" if category(character)[0] in "LMN" else "."


_SHAPES = Table(_shape)


def _disguise(word: str) -> str:
    """Return how the word was disguised: not at all where it has nothing but accents."""
    alike = [each for each in word if each in HOMOGLYPHS and each not in LATIN]
    if alike:
        return "homoglyphs" if len(alike) < len(word) and _mixed(word) else _OTHER_SCRIPT
    styled = any(
        decomposition(each).startswith(("<font>", "<circle>", "<square>")) for each in word
    )
    return "styled" if styled else ""


def _mixed(word: str) -> bool:
    """Whether letters of ASCII stand in it, too."""
    return any(each.isascii() and each.isalpha() for each in word)
