"""What the detectors read: a text in ASCII, character by character, and where a match may stand."""

from typing import NamedTuple, Protocol

from jackline.core.patterns import Pattern


class Tail(Protocol):
    """How a match goes on that has no longest length: until its terminator."""

    reach: int

    def close(self, plain: str, at: int, left: int) -> int:
        """Return where what began before `at` ends, at most `left` further; -1: not yet.

        The last `reach` characters before the end are shown again when more have come.
        """
        ...


class Match(NamedTuple):
    """Characters `start` to `end` are of this kind, and so is what follows up to `tail`'s end."""

    start: int
    end: int
    kind: str
    tail: Tail | None = None


class Sight(NamedTuple):
    """A text, and the same in ASCII with as many characters, which is what is matched."""

    text: str
    plain: str

    def before(self, start: int, reach: int) -> str:
        """Return up to `reach` characters before `start`, as written."""
        return self.text[max(0, start - reach) : start]


# Signs that people and word processors write for plain ones. Latin-1's are in the table below.
_LOOKALIKES = (
    *((sign, " ") for sign in "\u2002\u2003\u2005\u2007\u2008\u2009\u200a\u202f\u205f\u3000"),
    *((sign, "-") for sign in "\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"),
    *((sign, '"') for sign in "\u201c\u201d\u201e"),
    ("\uff20", "@"),
    ("\uff0b", "+"),
    ("\uff0e", "."),
    ("\uff1a", ":"),
    ("\uff1d", "="),
    ("\uff08", "("),
    ("\uff09", ")"),
)
_OTHER_DIGIT = Pattern(r"[^\P{N}0-9]")


class _Digits(dict[int, str]):
    """Digits of all scripts, full-width and mathematical ones too, as they come."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        return self.setdefault(code, str(int(sign)) if sign.isdecimal() else sign)


_DIGITS = _Digits()
_ASCII_END = 0x80
_LETTERS = frozenset(range(0xC0, 0x100)) - {0xD7, 0xF7} | {0xAA, 0xB5, 0xBA}


def _ascii(code: int) -> int:
    """Return the ASCII sign for one of Latin-1: a letter is a sign that words are made of."""
    if code < _ASCII_END:
        return code
    if code == 0xA0:  # noqa: PLR2004 - the space that does not break
        return ord(" ")
    return ord("_" if code in _LETTERS else "?")


_PLAIN = bytes(map(_ascii, range(0x100)))


def sight(text: str) -> Sight:
    """Return `text` and its view in ASCII. Whatever no sign stands for becomes a question mark."""
    if text.isascii():
        return Sight(text, text)
    folded = text.translate(_DIGITS) if _OTHER_DIGIT.search(text) else text
    for sign, plain in _LOOKALIKES:
        folded = folded.replace(sign, plain)
    return Sight(text, folded.encode("latin-1", "replace").translate(_PLAIN).decode("ascii"))


# How a sign is written that is none of a word: in a literal, JSON, a URL, quoted-printable, HTML,
# or for a terminal. What such an escape ends with is no part of what follows it.
ESCAPE = (
    r"(?:\\(?:[abefnrtv0]|[0-7]{2,3}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})"
    r"|%(?:25){0,8}[0-9A-Fa-f]{2}|=[0-9A-F]{2}|\[[0-9;:]{0,32}[A-Za-z]"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|amp|gt|lt|nbsp|quot))"
)
_ENDS_ESCAPE = Pattern(rf"{ESCAPE}\z")


def _written(sign: str, names: str) -> str:
    """Return a pattern for a sign of Latin-1, plain or as any of these writes it."""
    code, octets = f"{ord(sign):02X}", sign.encode()
    marks = "%(?:25){0,2}", "=", r"\\x"
    in_octets = "|".join(["".join([f"{mark}{octet:02X}" for octet in octets]) for mark in marks])
    literal = rf"\\{{1,2}}(?:x{code}|u00{code}|U000000{code}|0?{ord(sign):o})"
    entity = rf"&(?:amp;)?(?:#(?:0{{0,3}}{ord(sign)}|x0{{0,3}}{code})|{names});"
    return rf"(?i:\x{{{code}}}|{in_octets}|{literal}|{entity})"


_BLANKS = _written(" ", "ensp|emsp|thinsp"), _written("\t", "Tab"), _written("\xa0", "nbsp")
# A blank and a hyphen, however they are written: what a form sends has a plus for a blank.
BLANK = rf"(?:{'|'.join(_BLANKS)}|\+)"
HYPHEN = _written("-", "hyphen|dash|ndash|mdash")
_ESCAPE_MAX = 40


def ends_escape(plain: str, start: int) -> bool:
    """Whether what stands before `start` writes a sign, and is no word that goes on there."""
    return _ENDS_ESCAPE.search(plain[max(0, start - _ESCAPE_MAX) : start]) is not None


def free_before(plain: str, start: int) -> bool:
    """Whether nothing stands before `start` that would make it the middle of something.

    A comma never does: it parts the fields of a row, and no amount goes on with so many digits.
    """
    if not start:
        return True
    last = plain[start - 1]
    if last.isalnum() or last == "_":
        return ends_escape(plain, start)
    return last not in "-./+" or start == 1 or not plain[start - 2].isdigit()


def is_in_code(plain: str, start: int) -> bool:
    """Whether letters begin what goes on there, as the number of an order: ORD-0301234567."""
    return start > 1 and plain[start - 1] in "-./" and plain[start - 2].isalpha()


def free_after(plain: str, end: int) -> bool:
    """Whether nothing stands at `end` that would make what is before it a part of something."""
    following = plain[end : end + 2]
    if not following:
        return True
    if following[0].isalnum() or following[0] in "_@":
        return False
    return following[0] not in "-./:" or not following[1:].isdigit()
