"""How things look on a terminal: plain, narrow, and never at the mercy of what is shown."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from jackline.core.sanitise.homoglyphs import HOMOGLYPHS, LATIN

if TYPE_CHECKING:
    from rich.console import Console

_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
# Letters, marks and symbols that show nothing: fillers, joiners, variation selectors, a blank.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
# What shows as room, as it is written once nothing is invisible: in JSON, and escaped here.
_ROOM = re.compile(r"(?: |\\[nrt]|\\u[0-9a-f]{4,5}){8,}")
_ONE = re.compile(r" |\\[nrt]|\\u[0-9a-f]{4,5}")
_SCRIPTS = frozenset(["LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"])
_WORD = re.compile(r"[^\W\d_]+")
_SHIFTING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def console(*, error: bool = False) -> "Console":
    """Return a console that writes as it is told: no markup, no guessing of colours."""
    from rich.console import Console  # noqa: PLC0415 - it takes 0.1 s to import

    return Console(stderr=error, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def clean(text: str) -> str:
    """Return text that cannot steer a terminal: controls become visible, lines stay lines."""
    if text.isprintable():
        return text
    return "".join(_visible(each) for each in text)


def _visible(each: str) -> str:
    if each in "\n\t" or (unicodedata.category(each) != "Cc" and each not in _SHIFTING):
        return each
    return "" if each == "\r" else f"\\x{ord(each):02x}"


def exact(text: str) -> str:
    """Return text in which nothing is invisible, nor pushed out of sight by white space.

    It is for what a person has to judge.
    """
    return _ROOM.sub(_counted, "".join(_told(each) for each in text))


def _told(each: str) -> str:
    hidden = each != " " and unicodedata.category(each) in _HIDDEN
    return f"\\u{ord(each):04x}" if hidden or _BLANK.match(each) else each


def _counted(run: re.Match[str]) -> str:
    return f"⎵\u00d7{len(_ONE.findall(run[0]))}"


def remark(text: str) -> str:
    """Return in a few words what a reader cannot see of the letters of a text, or nothing."""
    words = _WORD.findall(text)
    if any(len(_scripts(word)) > 1 for word in words):
        return "letters of two scripts"
    if len(_scripts(text)) > 1 and any(map(_is_disguised, words)):
        return "letters that look like others"
    return "letters of another width or style" if any(map(_is_styled, text)) else ""


def _scripts(text: str) -> set[str]:
    """Return of which scripts, that have letters in common by their looks, a text is."""
    return {unicodedata.name(each, "").partition(" ")[0] for each in text} & _SCRIPTS


def _is_disguised(word: str) -> bool:
    """Whether a word of another script looks like one of ASCII."""
    return all(each in HOMOGLYPHS and each not in LATIN for each in word)


def _is_styled(each: str) -> bool:
    return each.isalpha() and not each.isascii() and unicodedata.normalize("NFKC", each).isascii()


def compact(arguments: str) -> str:
    """Return the JSON that a model wrote as one line, in which nothing is invisible."""
    try:
        return exact(msgspec.json.format(arguments, indent=0))
    except (msgspec.DecodeError, UnicodeEncodeError):
        return exact(arguments)


def short(text: str, length: int) -> str:
    """Return text as one line of at most `length` characters."""
    line = " ".join(clean(text[: 8 * length]).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def span(seconds: float) -> str:
    """Return a time span as people say it: 0.42 s, 12 s, 3 min, 5 h, 2 d."""
    if seconds < 10:  # noqa: PLR2004 - below that, hundredths matter
        return f"{max(0.0, seconds):.2f} s"
    for unit_s, name in ((_DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds:.0f} s"


def moment(at: float) -> str:
    """Return a time in the zone of who looks."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def count(number: int, noun: str) -> str:
    """Return a number of things: `1 session`, `2 sessions`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under heads.

    A head that begins with > stands over numbers, one with ! over what is to be copied: however
    narrow the terminal is, these stay on one line.
    """
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - as above
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for head in heads:
        table.add_column(
            head.lstrip(">!"),
            justify="right" if head.startswith(">") else "left",
            no_wrap=head.startswith((">", "!")),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(each if isinstance(each, Text) else Text(clean(str(each))) for each in row))
    Console(highlight=False, markup=False, emoji=False).print(table)
