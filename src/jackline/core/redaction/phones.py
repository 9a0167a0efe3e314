"""Phone numbers, by how they are written, or by what somebody who knows all plans says of them."""

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from jackline.core.patterns import Pattern
from jackline.core.redaction.checksums import ean, isbn
from jackline.core.redaction.sight import Match, Sight, free_after, free_before, is_in_code

Dialable = Callable[[str], bool]
_Spans = Sequence[tuple[int, int]]

_DIGITS_MIN, _DIGITS_MAX = 7, 15
_LENGTH_MAX = 30
_CODE_MAX = 4
_EAN_DIGITS = 13
_EXTENSION = Pattern(r"^(?: ?ext?\.? ?| ?x ?)[0-9]{1,6}\b")
_EXTENSION_MAX = 14
_ABROAD_MAX = 4
_WORDS = 24
_SAID = Pattern(
    r"(?:(?i:(?:^|[^a-z])(?:t[ée]l|t[ée]l[ée]phone|telefono|tel[ée]fono|telefoon|telefone|telefon"
    r"|telephone|phone|ph|call|called|mobile|mobil|m[óo]vil|celular|cellulare|cell|handy|portable|fax"
    r"|whatsapp|sms|dial|ring|text me|reach me|rufnummer|gsm)(?:[^a-z0-9\n][^0-9\n]{0,11})?)"
    r"|(?:телефон|тел\.|звоните|电话|電話|手机|携帯|전화|휴대폰|هاتف|फ़ोन|फोन|โทร|טלפון|τηλ)[^0-9\n]{0,11})$"
)
# E.164: how many digits a number has, with the code of its country.
_LENGTHS = {
    **dict.fromkeys(("1", "7"), (11, 11)),
    **dict.fromkeys(("20", "44", "62", "66", "98"), (11, 13)),
    **dict.fromkeys(
        ("27", "33", "34", "31", "32", "30", "48", "36", "40", "41", "61", "64", "56", "51"),
        (10, 12),
    ),
    **dict.fromkeys(("39", "49", "43", "358"), (9, 14)),
    **dict.fromkeys(("45", "47", "65"), (10, 10)),
    **dict.fromkeys(("46", "84", "352", "353", "370", "371", "372", "385", "386", "421"), (9, 13)),
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
    if not free_before(plain, start) or _in_amount(plain, start - 1):
        return None
    written = _written(plain, start, spans)
    if not written:
        return None
    in_code = is_in_code(plain, start)
    abroad = ("+",) if in_code else ("+", "00")
    if plain[start : start + _ABROAD_MAX].lstrip("(").startswith(abroad):
        good = filter(dialable or _is_international, written)
    elif _SAID.search(seen.before(start, _WORDS)):
        good = iter(written)
    elif in_code:
        return None
    else:
        good = (
            each
            for each in written
            if _is_national(seen, each, plain.index(each, start) + len(each))
        )
    found = next(good, None)
    if found is None:
        return None
    start = plain.index(found, start)
    end = start + len(found)
    extension = _EXTENSION.search(plain[end : end + _EXTENSION_MAX])
    return Match(start, end + (extension.end() if extension else 0), "phone")


def _in_amount(plain: str, at: int) -> bool:
    """Whether a comma stands there between digits: of an amount, or of the parts of a place."""
    if plain[at : at + 1] != ",":
        return False
    return plain[at - 1 : at].isdigit() and plain[at + 1 : at + 2].isdigit()


def _written(plain: str, start: int, spans: _Spans) -> list[str]:
    """Return what may be the number as it stands there, the longest first."""
    found, count, last = list[str](), 0, start
    for begin, end in spans:
        if "(" in plain[last:begin] and count > _CODE_MAX:
            break
        count += end - begin
        if count > _DIGITS_MAX or end - start > _LENGTH_MAX:
            break
        if count >= _DIGITS_MIN and _ends(plain, end):
            shown = plain[start:end]
            while shown[0] == "(" and shown.count("(") > shown.count(")"):
                shown = shown[1:]
            found.insert(0, shown)
        last = end
    return found


def _ends(plain: str, end: int) -> bool:
    """Whether a number may end there: in front of nothing that goes on, or of an extension."""
    if _EXTENSION.search(plain[end : end + _EXTENSION_MAX]):
        return True
    return free_after(plain, end) and not _in_amount(plain, end)


def _digits(written: str) -> str:
    return "".join(filter(str.isdigit, written))


def _abroad(written: str) -> str:
    """Return an international number's digits: without what one dials first, or at home."""
    return _digits(written.replace(_TRUNK, "", 1)).removeprefix("00")


def _is_international(written: str) -> bool:
    digits = _abroad(written)
    if digits.startswith("0") or (
        written.isdigit() and len(written) == _EAN_DIGITS and ean(written)
    ):
        return False
    lengths = next((_LENGTHS[digits[:n]] for n in (1, 2, 3) if digits[:n] in _LENGTHS), _ANY)
    return lengths[0] <= len(digits) <= lengths[1]


_FORMS = Pattern(
    # North America, with and without the 1.
    r"(?:1[ .\-]?)?(?:\([0-9]{3}\) ?|[2-9][0-9]{2}[\-. ])[2-9][0-9]{2}[ .\-][0-9]{4}"
    r"|1[.\-][0-9]{3}[.\-][0-9]{3}[.\-][0-9]{4}|\([0-9]{3}\) ?[0-9]{3}[.\-][0-9]{4}"
    # A zero, the code of an area, and the rest in up to four groups.
    r"|\(0[1-9][0-9]{0,3}\)[ \-]?[0-9]{2,8}(?:[ \-][0-9]{2,5}){0,3}"
    r"|0[1-9][0-9]{0,2} ?[/\-] ?[0-9]{2,8}(?:[ \-][0-9]{2,5}){0,3}"
    r"|0[1-9][0-9]{3} ?[/\-] ?[0-9]{5,8}|0 [1-9][0-9]{1,2}(?: [0-9]{3}){2}"
    r"|0[1-9][0-9]{0,3}(?: [0-9]{2,8})(?:[ \-][0-9]{2,8}){0,3}"
    r"|0[1-9](?:\.[0-9]{2}){4}|0[1-9](?:\.[0-9]{4}){2}|01[0-9]-[0-9]{3,4}-[0-9]{4}"
    r"|0[1-9][0-9]{8,9}"
    # Without that zero: codes in brackets, and ways in which nothing else is written.
    r"|\([1-9][0-9]{1,2}\)[ /]{0,2}[0-9]{2,9}(?:[ \-][0-9]{2,5}){0,3}"
    r"|1[3-9][0-9][ \-][0-9]{4}[ \-][0-9]{4}|[6-9][0-9]{4}[ \-][0-9]{5}"
    r"|[1-9][0-9]-[0-9]{4}-[0-9]{4}"
    r"|[67][0-9]{2} [0-9]{2} [0-9]{2} [0-9]{2}|[1-9][0-9] [0-9]{3} [0-9]{2} [0-9]{2}"
    r"|8 ?\([0-9]{3}\) ?[0-9]{3}-?[0-9]{2}-?[0-9]{2}"
    r"|8 [3-9][0-9]{2} [0-9]{3}[ \-][0-9]{2}[ \-]?[0-9]{2}"
    r"|3[2-9][0-9][ \-][0-9]{6,7}|3[2-9][0-9] [0-9]{3} [0-9]{4}|[5-8][0-9]{2}-[0-9]{3}-[0-9]{3}"
    r"|[1-9][0-9]/[0-9]{3} [0-9]{4}"
)
# How they are written where numbers have one length and no groups: behind letters of that script.
_CHINESE = Pattern(r"1[3-9][0-9]{9}")
_RUSSIAN = Pattern(r"[78][3-9][0-9]{9}")
_HAN, _CYRILLIC = Pattern(r"[\p{Han}]"), Pattern(r"[\p{Cyrillic}]")
_NATIONAL_MIN, _NATIONAL_MAX = 9, 13


def _is_national(seen: Sight, written: str, end: int) -> bool:
    count = len(_digits(written))
    if not _NATIONAL_MIN <= count <= _NATIONAL_MAX:
        return False
    if count == len(written):
        return _is_plain(seen, written, end - count)
    # Numbers in a row, as in a table.
    following = seen.plain[end : end + 2]
    if " " in written and following[:1] == " " and following[1:].isdigit():
        return False
    return _FORMS.fullmatch(written) is not None


def _is_plain(seen: Sight, written: str, start: int) -> bool:
    """Whether digits without any sign between them are a number, and not that of a book."""
    if _FORMS.fullmatch(written):
        return not isbn(written)
    before = seen.before(start, _WORDS)
    if _CHINESE.fullmatch(written):
        return _HAN.search(before) is not None
    return _RUSSIAN.fullmatch(written) is not None and _CYRILLIC.search(before) is not None


def known_plans() -> Dialable | None:
    """Return what asks `phonenumbers` about international numbers. None: it is not installed.

    It knows how long a number is behind each code of an area, and which codes were given.
    """
    if find_spec("phonenumbers") is None:
        return None
    library: Any = import_module("phonenumbers")

    def dialable(text: str) -> bool:
        try:
            return library.is_valid_number(library.parse(f"+{_abroad(text)}", None))
        except library.NumberParseException:
            return False

    return dialable
