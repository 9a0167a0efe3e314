"""Cards and national numbers: how each is written, and how its digits check each other."""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import NamedTuple

from jackline.core.patterns import Pattern
from jackline.core.redaction.checksums import ean, luhn, mod11_10, verhoeff, weighted


class Identity(NamedTuple):
    """One way to write a number. `words` say that it follows; some are nothing without them.

    `dated`: a day and a time are written so, too, as in `backup-20240506-1230`. `weak`: so little
    checks it that a word before it may say that it is something else.
    """

    kind: str
    check: Callable[[str], bool]
    words: Pattern | None = None
    named_only: bool = False
    dated: bool = False
    weak: bool = False


_DAYS = 31
_MONTHS = 12


def _is_date(month: int, day: int) -> bool:
    return 1 <= month <= _MONTHS and 1 <= day <= _DAYS


# First digits and lengths of each network (ISO/IEC 7812, and what the networks publish).
_CARDS = (
    (("4",), (13, 16, 19)),
    (tuple(str(n) for n in (*range(51, 56), *range(2221, 2721))), (16,)),
    (("34", "37"), (15,)),
    (("300", "301", "302", "303", "304", "305", "3095", "36", "38", "39"), (14, 16)),
    (("6011", "644", "645", "646", "647", "648", "649", "65"), (16, 19)),
    (("35",), (16, 19)),
    (("2131", "1800"), (15,)),
    (("62", "81"), (16, 17, 18, 19)),
    (
        ("50", "56", "57", "58", "6304", "6390", "6759", "6761", "6762", "6763", "0604"),
        (12, 13, 14, 15, 16, 17, 18, 19),
    ),
    (("2200", "2201", "2202", "2203", "2204", "9792", "508", "60", "82"), (16,)),
)
_EAN_DIGITS = 13


def _is_card(digits: str) -> bool:
    if not luhn(digits) or len(set(digits)) == 1:
        return False
    if not any(len(digits) in lengths and digits.startswith(first) for first, lengths in _CARDS):
        return False
    return len(digits) != _EAN_DIGITS or not ean(digits)


def _is_ssn(digits: str) -> bool:
    """SSA, "Social Security Number Randomization", 2011: what was never given."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000"


def _is_german_tax_id(digits: str) -> bool:
    """BZSt, "Steuerliche Identifikationsnummer": one of ten digits twice or thrice."""
    counts = sorted(map(digits[:10].count, set(digits[:10])))
    return digits[0] != "0" and counts[-1] in {2, 3} and counts[-2] == 1 and mod11_10(digits)


def _is_dni(signs: str) -> bool:
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(signs[:8]) % 23] == signs[8]


def _is_nir(digits: str) -> bool:
    """INSEE, "Numéro d'inscription au répertoire": sex, year, month, place, order, key."""
    month = int(digits[3:5])
    known = 1 <= month <= _MONTHS or 20 <= month <= 42 or month >= 50  # noqa: PLR2004 - where a birth's month is not known
    return digits[0] in "123478" and known and int(digits[13:]) == 97 - int(digits[:13]) % 97


def _is_bsn(digits: str) -> bool:
    return digits != "0" * 9 and weighted(digits[:8], range(9, 1, -1)) % 11 == int(digits[8])


def _is_cpf(digits: str) -> bool:
    """Receita Federal: two digits, each by 11."""
    if len(set(digits)) == 1:
        return False
    return all(
        weighted(digits[:count], range(count + 1, 1, -1)) * 10 % 11 % 10 == int(digits[count])
        for count in (9, 10)
    )


def _is_pesel(digits: str) -> bool:
    """The month has the century added to it, as 20 for the years from 2000 on."""
    total = weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))
    return total % 10 == 0 and _is_date(int(digits[2:4]) % 20, int(digits[4:6]))


def _is_personnummer(digits: str) -> bool:
    """Skatteverket: 60 is added to the day of a samordningsnummer."""
    short = digits[-10:]
    return (
        luhn(short)
        and _is_date(int(short[2:4]), int(short[4:6]) % 60)
        and digits[:-10] in {"", "18", "19", "20"}
    )


def _is_aadhaar(digits: str) -> bool:
    return digits[0] not in "01" and verhoeff(digits)


def _is_rijksregister(digits: str) -> bool:
    """The key is 97 less the remainder, from 2000 on with a 2 before the number."""
    number, key = digits[:9], int(digits[9:])
    return key in {97 - int(number) % 97, 97 - int(f"2{number}") % 97} and _is_date(
        int(digits[2:4]) % 20, int(digits[4:6])
    )


def _is_ahv(digits: str) -> bool:
    return digits.startswith("756") and ean(digits)


def _is_resident_id(signs: str) -> bool:
    """GB 11643-1999: place, birthday, order and a digit by ISO/IEC 7064 MOD 11-2."""
    total = weighted(signs[:17], [1 << n for n in range(17, 0, -1)])
    return (
        "10X98765432"[total % 11] == signs[17]
        and signs[6:8] in {"19", "20"}
        and _is_date(int(signs[10:12]), int(signs[12:14]))
    )


def _is_kimlik(digits: str) -> bool:
    odd, even = weighted(digits[0:9:2], [1]), weighted(digits[1:8:2], [1])
    tenth = (7 * odd - even) % 10
    return (
        digits[0] != "0"
        and tenth == int(digits[9])
        and int(digits[10]) == (odd + even + tenth) % 10
    )


def _words(words: str) -> Pattern:
    return Pattern(rf"(?i)\b(?:{words})\b")


# What a number that follows is of, also as one of those by which things are known: Card #4111…
_CARD = Pattern(
    r"(?i)(?:\b(?:card|visa|mastercard|amex|karte|kreditkarte|carte|tarjeta|cart[aã]o|carta|kaart)"
    r"|карт[аыу]|卡号|卡號|カード)(?:番号)?[ \t_\-]{0,2}(?:(?:number|nummer|num|no|nr|id)\b)?"
    r"[ \t.:#=\"/\-]{0,4}$"
)


def _by_shape() -> Iterable[tuple[str, Identity]]:
    """Say how each is written: lengths of groups and what stands between, L for a letter."""
    card = Identity("card", _is_card, _CARD)
    for length in range(12, 20):
        yield str(length), card
    for sign in " -.":
        for shape in (
            "4 4 4 4",
            "4 6 5",
            "4 6 4",
            "4 4 4 4 3",
            "4 4 5",
            "4 4 4 3",
            "4 4 4 2",
            "6 13",
            "6 10",
        ):
            yield shape.replace(" ", sign), card
    ssn = _words("ssn|social security(?: number| no)?|social")
    yield from _written("3-2-4|3 2 4", Identity("us-ssn", _is_ssn, ssn, weak=True))
    yield "9", Identity("us-ssn", _is_ssn, ssn, named_only=True)
    yield from _written("11|2 3 3 3|2/3/3/3", Identity("de-tax-id", _is_german_tax_id))
    dni = Identity("es-dni", _is_dni, _words("dni|nif|documento"), weak=True)
    yield from _written("8L|8-L|8 L|2.3.3-L|2.3.3L|2.3.3 L", dni)
    yield from _written("15|13 2|1 2 2 2 3 3 2|1 2 2 2 3 3-2", Identity("fr-nir", _is_nir))
    bsn = _words("bsn|burgerservicenummer|sofi(?:-?nummer)?")
    yield from _written(
        "9|4.2.3|3.3.3|4 2 3|3 3 3", Identity("nl-bsn", _is_bsn, bsn, named_only=True)
    )
    yield "3.3.3-2", Identity("br-cpf", _is_cpf)
    yield "11", Identity("br-cpf", _is_cpf, _words("cpf"), named_only=True)
    yield "11", Identity("pl-pesel", _is_pesel, _words("pesel"), weak=True)
    yield from _written("6-4|8-4", Identity("se-personnummer", _is_personnummer, dated=True))
    swedish = _words("personnummer|person-?nr|pnr|samordningsnummer")
    yield from _written(
        "10|12", Identity("se-personnummer", _is_personnummer, swedish, named_only=True)
    )
    aadhaar = _words("aadhaar|aadhar|uidai|uid")
    yield from _written(
        "12|4 4 4|4-4-4", Identity("in-aadhaar", _is_aadhaar, aadhaar, named_only=True)
    )
    yield "2.2.2-3.2", Identity("be-rijksregister", _is_rijksregister)
    yield from _written("3.4.4.2|13|3 4 4 2", Identity("ch-ahv", _is_ahv))
    yield from _written("18|17L", Identity("cn-resident-id", _is_resident_id))
    yield "11", Identity("tr-kimlik", _is_kimlik)


def _written(shapes: str, identity: Identity) -> Iterable[tuple[str, Identity]]:
    return [(shape, identity) for shape in shapes.split("|")]


def _grouped() -> dict[str, tuple[Identity, ...]]:
    found = dict[str, tuple[Identity, ...]]()
    for shape, identity in _by_shape():
        found[shape] = (*found.get(shape, ()), identity)
    return found


BY_SHAPE = MappingProxyType(_grouped())
_GROUP = Pattern("[0-9]+")
# What more groups may follow on, or a letter.
BEGINNINGS = frozenset(
    shape[: group.end()] for shape in BY_SHAPE for group in _GROUP.finditer(shape)
)
