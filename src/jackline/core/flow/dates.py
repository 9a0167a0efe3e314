"""Dates and times of day, however somebody wrote them, where they can be meant in one way only."""

import datetime as dt
import re
from collections.abc import Sequence

AROUND = ".,;:!?()[]{}<>\"'`*_~\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u2026"
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = {name[:size]: n for n, name in enumerate(_MONTHS, 1) for size in (3, len(name))}
_MONTH["sept"] = 9
_ORDINALS = ("st", "nd", "rd", "th")  # codespell:ignore nd
_PARTS = 3
_YEAR_DIGITS = 4
_MONTHS_MAX = 12
_NOON = 12
_CLOCK = re.compile(
    "(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{1,2})(?::(?P<second>[0-9]{1,2}))?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?|(?P<zone>z))?"
)
_EAST_ASIAN = re.compile(
    "(?<![0-9])([0-9]{4}) ?[\u5e74\ub144] ?([0-9]{1,2}) ?[\u6708\uc6d4] ?([0-9]{1,2}) ?"
    "[\u65e5\u53f7\uc77c]"
)
_ENDING = frozenset(",;:!?)")
_SMALL = {ord(each): each.lower() for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def lowered(text: str) -> str:
    """Return the text with the letters of ASCII in lower case: all others are as they are."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def apart(text: str) -> str:
    """Return the text with dates like `2026\u5e7412\u67084\u65e5` as words of digits."""
    return _EAST_ASIAN.sub(r" \1-\2-\3 ", text)


def whole(word: str) -> str:
    """Return the date that is written with digits, like `2024-05-19`; nothing where none is.

    `05/06/2024` is none, as nobody knows which of the two is the month.
    """
    for sign in "-/.":
        parts = word.split(sign)
        if len(parts) == _PARTS and all(
            _is_count(each) and len(each) <= _YEAR_DIGITS for each in parts
        ):
            return _of_parts(parts)
    return ""


def _of_parts(parts: Sequence[str]) -> str:
    first, second, third = map(int, parts)
    if len(parts[0]) == _YEAR_DIGITS:
        return _date(first, second, third)
    if len(parts[2]) != _YEAR_DIGITS or (max(first, second) <= _MONTHS_MAX and first != second):
        return ""
    return _date(third, min(first, second), max(first, second))


def _date(year: int, month: int, day: int) -> str:
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return ""


def written(words: Sequence[str]) -> tuple[set[str], set[int]]:
    """Return the dates in a text, and the places of the words that they are written with.

    A day without a year, as in `May 19th`, is of the year that all other dates of its text name.
    """
    dates, used = set[str](), set[int]()
    days = set[tuple[int, int, int]]()
    for at, word in enumerate(words):
        bare = word.strip(AROUND)
        if date := whole(bare.partition("t")[0]):
            dates.add(date)
            used.add(at)
        elif bare in _MONTH and (named := _named(words, at, used)):
            days.add((named[0], _MONTH[bare], named[1]))
    years = {int(date[:4]) for date in dates} | {year for year, _, _ in days if year}
    the_year = years.pop() if len(years) == 1 else 0
    dates.update(_date(year or the_year, month, day) for year, month, day in days)
    return dates - {""}, used


def _named(words: Sequence[str], at: int, used: set[int]) -> tuple[int, int] | None:
    """Return the year, or 0, and the day that stand beside a month's name."""
    before = at - 2 if at > 1 and words[at - 1] == "of" else at - 1
    after = at + 1
    is_free = before >= 0 and before not in used and words[before][-1:] not in _ENDING
    if is_free and (day := _day(words[before])):
        used |= {before, at}
    elif after < len(words) and (day := _day(words[after])):
        used |= {at, after}
        after += 1
    else:
        return None
    year = words[after].strip(AROUND) if after < len(words) else ""
    if len(year) != _YEAR_DIGITS or not _is_count(year):
        return 0, day
    used.add(after)
    return int(year), day


def _is_count(word: str) -> bool:
    return word.isascii() and word.isdecimal()


def _day(word: str) -> int:
    bare = word.strip(AROUND)
    digits = bare[:-2] if bare.endswith(_ORDINALS) else bare
    return int(digits) if _is_count(digits) and len(digits) <= 2 and 1 <= int(digits) <= 31 else 0  # noqa: PLR2004 - days of a month


def clock(text: str) -> str:
    """Return a time of day like `14:05`, in lower case; nothing where any more is written.

    `14:05z` is another one, as nobody says in which zone the first is.
    """
    found = _CLOCK.fullmatch(text)
    if not found or not (found["minute"] or found["half"]):
        return ""
    hour, minute, second = [int(found[each] or 0) for each in ("hour", "minute", "second")]
    if found["half"]:
        if not 1 <= hour <= _NOON:
            return ""
        hour = hour % _NOON + (_NOON if found["half"] == "p" else 0)
    try:
        time = dt.time(hour, minute, second)
    except ValueError:
        return ""
    return time.isoformat("seconds" if second else "minutes") + (found["zone"] or "")
