"""Phone numbers, by how they are written, or by what somebody who knows all plans says of them."""

from collections.abc import Callable, Sequence

from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import Match, Sight, free_after, free_before

Dialable = Callable[[str], bool]
_Spans = Sequence[tuple[int, int]]

_DIGITS_MIN, _DIGITS_MAX = 7, 15
_LENGTH_MAX = 30
_WORDS = 24
_SAID = Pattern(
    r"(?i)(?:^|[^a-z])(?:tel|t[ée]l[ée]phone|telefono|tel[ée]fono|telefoon|telefone|telefon|telephone|phone"
    r"|ph|call|called|mobile|mobil|m[óo]vil|celular|cellulare|cell|handy|portable|fax|whatsapp|sms|text me"
    r"(?: at| on)?|dial|ring|reach me(?: at| on)?|rufnummer|gsm)(?:[^a-z]|$)"
    r"|телефон|тел\.|звоните|电话|電話|手机|携帯|전화|휴대폰|هاتف|फ़ोन|फोन|โทร|טלפון|τηλ"
)
# E.164: how many digits a number has, with the code of its country.
_LENGTHS = {
    **dict.fromkeys(("1", "7"), (11, 11)),
    **dict.fromkeys(("20", "44", "62", "66", "84", "98"), (11, 13)),
    **dict.fromkeys(
        ("27", "33", "34", "31", "32", "30", "48", "36", "40", "41", "61", "64", "56", "51"),
        (10, 12),
    ),
    **dict.fromkeys(("39", "49", "43", "358"), (9, 14)),
    **dict.fromkeys(("45", "47", "65"), (10, 10)),
    **dict.fromkeys(("46", "352", "353", "370", "371", "372", "385", "386", "421"), (9, 13)),
    **dict.fromkeys(
        ("52", "54", "55", "57", "60", "63", "81", "82", "86", "90", "91", "92", "880"), (10, 13)
    ),
    **dict.fromkeys(
        ("212", "213", "216", "234", "254", "351", "380", "420", "852", "886", "966", "971", "972"),
        (11, 13),
    ),
}
_ANY = (9, 15)
_TRUNK = "(0)"


def phone(seen: Sight, start: int, spans: _Spans, dialable: Dialable | None) -> Match | None:
    """Find the number that a run which begins at `start` with these groups of digits is."""
    plain = seen.plain
    if not free_before(plain, start):
        return None
    ends = _ends(plain, start, spans)
    if dialable is not None:
        good = (end for end in ends if dialable(plain[start:end]))
    elif "+" in plain[start : start + 2] or plain[start : start + 2] == "00":
        good = (end for end in ends if _is_international(plain[start:end]))
    elif _SAID.search(seen.before(start, _WORDS)):
        good = iter(ends)
    else:
        good = (end for end in ends if _is_national(plain, start, end))
    end = next(good, 0)
    if not end:
        return None
    opened = plain[start] == "(" and ")" not in plain[start:end]
    return Match(start + opened, end, "phone")


def _ends(plain: str, start: int, spans: _Spans) -> list[int]:
    """Return where it may end, the longest first."""
    found, count = list[int](), 0
    for begin, end in spans:
        count += end - begin
        if count > _DIGITS_MAX or end - start > _LENGTH_MAX:
            break
        if count >= _DIGITS_MIN and free_after(plain, end):
            found.insert(0, end)
    return found


def _digits(written: str) -> str:
    return "".join(filter(str.isdigit, written))


def _is_international(written: str) -> bool:
    digits = _digits(written.replace(_TRUNK, "", 1))
    if written.startswith("00"):
        digits = digits[2:]
    if digits.startswith("0"):
        return False
    lengths = next((_LENGTHS[digits[:n]] for n in (1, 2, 3) if digits[:n] in _LENGTHS), _ANY)
    return lengths[0] <= len(digits) <= lengths[1]


_AREA = Pattern(
    # North America, with and without the 1.
    r"(?:1[ .\-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[\-.]|[2-9][0-9]{2} )[2-9][0-9]{2}[ .\-][0-9]{4}"
    # A zero, the code of an area, and the rest in up to four groups.
    r"|\(0[1-9][0-9]{0,3}\)[ \-]?[0-9]{2,8}(?:[ \-][0-9]{2,5}){0,3}"
    r"|0[1-9][0-9]{0,3} ?[/\-] ?[0-9]{2,8}(?:[ \-][0-9]{2,5}){0,3}"
    r"|0[1-9][0-9]{0,3}(?: [0-9]{2,8}){1,4}|0[1-9](?:\.[0-9]{2}){4}"
    r"|01[0-9]-[0-9]{3,4}-[0-9]{4}|0[67][0-9]{8}|01[567][0-9]{8,9}|07[0-9]{9}|0[67]0[0-9]{8}"
    # Mobile phones of countries without that zero, and Russia's 8.
    r"|1[3-9][0-9] [0-9]{4} [0-9]{4}|1[3-9][0-9]-[0-9]{4}-[0-9]{4}|[6-9][0-9]{4}[ \-][0-9]{5}"
    r"|\([1-9][0-9]\) ?9?[0-9]{4}-[0-9]{4}|[67][0-9]{2} [0-9]{2} [0-9]{2} [0-9]{2}"
    r"|8 ?\([3-9][0-9]{2}\) ?[0-9]{3}-[0-9]{2}-[0-9]{2}|8 [3-9][0-9]{2} [0-9]{3}[ \-][0-9]{2}[ \-][0-9]{2}"
    r"|3[2-9][0-9][ \-][0-9]{6,7}|3[2-9][0-9] [0-9]{3} [0-9]{4}|[5-8][0-9]{2}-[0-9]{3}-[0-9]{3}"
)
_NATIONAL_MIN, _NATIONAL_MAX = 9, 12


def _is_national(plain: str, start: int, end: int) -> bool:
    written = plain[start:end]
    if not _NATIONAL_MIN <= len(_digits(written)) <= _NATIONAL_MAX:
        return False
    # Numbers in a row, as in a table.
    if " " in written and plain[end : end + 1] == " " and plain[end + 1 : end + 2].isdigit():
        return False
    return _AREA.fullmatch(written) is not None
