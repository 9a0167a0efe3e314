"""Dates that nobody typed, put together from the parts of several that were typed.

Texts are read here by other means than flow reads them, so that an error there shows.
"""

import datetime as dt
import re
from collections.abc import Iterator
from itertools import product

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"  # codespell:ignore nd
_YEAR = r"(?:,? (?P<year>[0-9]{4}))?"
_DIGITS = re.compile(r"\b(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})(?![0-9])")
_NAMED = (
    re.compile(rf"\b{_MONTH} {_DAY}\b{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_DAY}(?: of)? {_MONTH}{_YEAR}", re.IGNORECASE),
)
_TIME = re.compile(r"(?:[Tt ]|,? at |, )(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})\b")
_EACH_MAX = 4


def recombined(text: str) -> list[str]:
    """Return dates, and dates with times, of which each part was typed and the whole was not."""
    found = list(_found(text))
    days = {(year, month, day) for year, month, day, _ in found if year}
    # A day without a year may be meant in each.
    loose = {(month, day) for year, month, day, _ in found if not year}
    parts = [sorted({day[at] for day in days}) for at in range(3)]
    made = [each for each in product(*parts) if each not in days and each[1:] not in loose]
    # First those of which the day is one that was typed, of another year.
    typed = {day[1:] for day in days}
    made.sort(key=lambda each: (each[1:] not in typed, each))
    dates = [date for date in (_date(*each) for each in made) if date]
    moments = {(_date(*each), time) for *each, time in found if each[0] and time}
    apart = product(sorted({each for each, _ in moments}), sorted({each for _, each in moments}))
    mixed = [f"{date}T{time}" for date, time in apart if (date, time) not in moments]
    return [*dates[:_EACH_MAX], *mixed[:_EACH_MAX]]


def _found(text: str) -> Iterator[tuple[int, int, int, str]]:
    """Yield years (0 where none is said), months and days, and the time behind them or nothing."""
    for pattern in (_DIGITS, *_NAMED):
        for each in pattern.finditer(text):
            month = each["month"].lower()
            number = int(month) if month.isdecimal() else 1 + _MONTHS.index(month)
            time = _TIME.match(text, each.end())
            clock = f"{int(time['hour']):02}:{time['minute']}" if time else ""
            yield int(each["year"] or 0), number, int(each["day"]), clock


def _date(year: int, month: int, day: int) -> str:
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return ""
