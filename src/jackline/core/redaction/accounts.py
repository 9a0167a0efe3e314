"""Accounts and persons that are known by letters and digits together."""

from collections.abc import Iterator
from types import MappingProxyType

from jackline.core.patterns import Pattern
from jackline.core.redaction.checksums import mod97
from jackline.core.redaction.sight import ESCAPE, Match, Sight, free_after

_BEGIN = Pattern(
    rf"(?:\b|{ESCAPE})"
    r"([A-Za-z]{2}[0-9]{2}|[A-Z]{2} [0-9]{2}|[A-Za-z]{6}[0-9]{2}|[XYZxyz]-?[0-9]{7})"
)
# How long an IBAN is in each country (SWIFT, IBAN Registry, release 99).
_REGISTRY = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_LENGTHS = MappingProxyType({entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()})
_WRITTEN_MAX = 47


def accounts(seen: Sight) -> Iterator[Match]:
    """Find IBANs (ISO 13616), and national numbers that begin with a letter."""
    plain = seen.plain
    for begin in _BEGIN.finditer(plain):
        start = begin.start(1)
        written = plain[start : start + _WRITTEN_MAX]
        length = _iban(written)
        if length and not plain[start + length : start + length + 1].isalnum():
            yield Match(start, start + length, "iban")
        elif found := _person(written):
            end = start + len(found[0])
            if free_after(plain, end):
                yield Match(start, end, found[1])
    if "2A" in plain or "2B" in plain:
        yield from _corsicans(plain)


def _iban(written: str) -> int:
    """Return how many characters are one, with single spaces or hyphens between; 0: none are.

    One that is written together may have any length: the registry changes, its check does not.
    """
    wanted = _LENGTHS.get(written[:2].upper(), 0)
    if not wanted:
        return 0
    signs, last = "", ""
    for place, sign in enumerate(written):
        if sign.isalnum():
            signs += sign
            if len(signs) == wanted and _checks(signs):
                return place + 1
        elif sign not in " -" or not last.isalnum():
            break
        last = sign
    together = _TOGETHER.search(written)
    return together.end() if together and _checks(together.group()) else 0


_TOGETHER = Pattern(r"^[A-Za-z0-9]{15,34}\b")


def _checks(signs: str) -> bool:
    return mod97(signs[4:] + signs[:4]) == 1


_NINO = Pattern(r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]")
_NO_NINO = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
_CODICE = Pattern(
    r"^(?i)[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]"
)
_NIE = Pattern(r"^[XYZxyz]-?[0-9]{7}-?[A-Za-z]")


def _person(written: str) -> tuple[str, str] | None:
    """Return what of it is somebody's number, and of which kind."""
    if (found := _NINO.search(written)) and written[:2] not in _NO_NINO:
        return found.group(), "uk-nino"
    if (found := _CODICE.search(written)) and _is_codice(found.group().upper()):
        return found.group(), "it-codice-fiscale"
    if (found := _NIE.search(written)) and _is_nie(found.group().upper().replace("-", "")):
        return found.group(), "es-dni"
    return None


# Decreto ministeriale 23 dicembre 1976: what a sign at an odd place counts.
_ODD = MappingProxyType(
    dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True))
    | dict(
        zip(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            (
                1,
                0,
                5,
                7,
                9,
                13,
                15,
                17,
                19,
                21,
                2,
                4,
                18,
                20,
                11,
                3,
                6,
                8,
                12,
                14,
                16,
                10,
                22,
                25,
                24,
                23,
            ),
            strict=True,
        )
    )
)


def _is_codice(signs: str) -> bool:
    odd = sum(_ODD[sign] for sign in signs[0:15:2])
    even = sum(int(sign) if sign.isdigit() else ord(sign) - ord("A") for sign in signs[1:15:2])
    return chr(ord("A") + (odd + even) % 26) == signs[15]


def _is_nie(signs: str) -> bool:
    number = int(str("XYZ".index(signs[0])) + signs[1:8])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == signs[8]


_CORSICAN = Pattern(
    rf"(?:\b|{ESCAPE})([1278] ?[0-9]{{2}} ?[0-9]{{2}} ?2[AB] ?[0-9]{{3}} ?[0-9]{{3}} ?[0-9]{{2}})\b"
)


def _corsicans(plain: str) -> Iterator[Match]:
    """Find French numbers of who was born in Corsica: 2A counts as 19, 2B as 18."""
    for found in _CORSICAN.finditer(plain):
        signs = found.group(1).replace(" ", "")
        number = int(signs[:13].replace("2A", "19").replace("2B", "18"))
        if int(signs[13:]) == 97 - number % 97:
            yield Match(found.start(1), found.end(), "fr-nir")
