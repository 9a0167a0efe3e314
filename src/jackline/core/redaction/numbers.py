"""Numbers that say who somebody is: groups of digits, of which the last ones check the others."""

from collections.abc import Iterator, Sequence

from jackline.core.patterns import Pattern
from jackline.core.redaction.identities import BEGINNINGS, BY_SHAPE
from jackline.core.redaction.phones import Dialable, phone
from jackline.core.redaction.sight import (
    Match,
    Sight,
    ends_escape,
    free_after,
    free_before,
    is_in_code,
)

_RUN = Pattern(r"[+(]{0,2}[0-9](?:[ ().\-/]{0,3}[0-9]){6,}")
# How a space between digits is written in a URL, in HTML, in JSON and in quoted-printable.
_SPACE = Pattern(r"(?i)%(?:25)?20|%C2%A0|=20|=C2=A0|&nbsp;|&#(?:32|160|x20|xA0);|\\u00[2A]0")
_SPACE_SIGNS = "\\%=&"
_SPACED_RUN = Pattern(r"[0-9]+(?:\x00+ [0-9]+)+")
_UNSEEN = "\x00"
_GROUPS_MAX = 7
_BETWEEN = str.maketrans("+().-/\x00", "       ")
_WORDS = 32
# A number behind one of these is that of a thing.
_THING = Pattern(
    r"(?i)(?:\b(?:orders?|ord|inv|txn|invoice|ticket|case|tracking|shipment|parcel|ref|reference|isbn|issn|ean|upc"
    r"|gtin|sku|serial|version|build|commit|part|item|product|batch|lot|doi|pmid|bestellung"
    r"|bestellnummer|rechnung|rechnungsnummer|auftrag|pedido|factura|commande|facture|ordine|fattura"
    r"|encomenda|bestelling|factuur|transaction|timestamp|epoch|id)|#)[ \t]{0,2}"
    r"(?:[-_]?(?:number|nummer|num|no|nr|id|code)\b)?[ \t.:#=\"/\-]{0,4}$"
)


def numbers(seen: Sight, dialable: Dialable | None = None) -> Iterator[Match]:
    """Find cards, phones and the numbers by which countries know people."""
    plain = seen.plain
    for run in _RUN.finditer(plain):
        spans = _groups(run.group(), run.start())
        for first, (start, _) in enumerate(spans):
            if free_before(plain, start):
                yield from _checked(seen, spans[first : first + _GROUPS_MAX])
        for start in _escaped(seen, *spans[0]):
            yield from _checked(seen, [(start, spans[0][1]), *spans[1:_GROUPS_MAX]])
        found = phone(seen, run.start(), spans, dialable)
        if found and not _is_of_a_thing(seen, found.start):
            yield found
    if any(sign in plain for sign in _SPACE_SIGNS):
        yield from _spaced(seen)


def _spaced(seen: Sight) -> Iterator[Match]:
    """Find cards with spaces between their groups that are written as escapes."""
    plain, pieces, at = seen.plain, list[str](), 0
    for space in _SPACE.finditer(plain):
        pieces += plain[at : space.start()], " ".rjust(len(space.group()), _UNSEEN)
        at = space.end()
    if not at:
        return
    written = Sight(seen.text, "".join([*pieces, plain[at:]]))
    for run in _SPACED_RUN.finditer(written.plain):
        spans = _groups(run.group(), run.start())
        for first, (start, _) in enumerate(spans):
            if free_before(written.plain, start):
                found = _checked(written, spans[first : first + _GROUPS_MAX])
                yield from (each for each in found if each.kind == "card")


_ESCAPE_SIGNS = frozenset("\\%=")
_BEFORE_MAX = 9
_ESCAPED_MAX = 8


def _escaped(seen: Sight, start: int, end: int) -> Iterator[int]:
    """Return where else a group of digits may begin: its first ones end an escape, as in %20."""
    if _ESCAPE_SIGNS.isdisjoint(seen.plain[max(0, start - _BEFORE_MAX) : start]):
        return
    if _is_of_a_thing(seen, start):
        return
    for place in range(start + 1, min(start + _ESCAPED_MAX + 1, end)):
        if ends_escape(seen.plain, place):
            yield place


def _is_of_a_thing(seen: Sight, start: int) -> bool:
    return _THING.search(seen.before(start, _WORDS)) is not None


def _groups(run: str, at: int) -> list[tuple[int, int]]:
    """Return where each group of digits begins and ends."""
    spans, end = list[tuple[int, int]](), 0
    for digits in run.translate(_BETWEEN).split():
        start = run.index(digits, end)
        end = start + len(digits)
        spans.append((at + start, at + end))
    return spans


def _checked(seen: Sight, spans: Sequence[tuple[int, int]]) -> Iterator[Match]:
    """Find what begins with the first of these groups."""
    plain, start = seen.plain, spans[0][0]
    shape, digits, last = "", "", start
    for begin, end in spans:
        shape += plain[last:begin].lstrip(_UNSEEN) + str(end - begin)
        if shape not in BEGINNINGS:
            return
        digits, last = digits + plain[begin:end], end
        yield from _shaped(seen, start, end, (shape, digits))
        # Some end with a letter: 12345678Z, 12.345.678-Z.
        letter = end + (plain[end : end + 1] in {"-", " "})
        if plain[letter : letter + 1].isalpha():
            shaped = f"{shape}{plain[end:letter]}L", digits + plain[letter].upper()
            yield from _shaped(seen, start, letter + 1, shaped)


def _shaped(seen: Sight, start: int, end: int, shaped: tuple[str, str]) -> Iterator[Match]:
    shape, signs = shaped
    identities = BY_SHAPE.get(shape)
    if identities is None:
        return
    is_free = free_after(seen.plain, end)
    for identity in identities:
        # Behind a card its date and its code may follow, or more of a path.
        is_ended = is_free or (identity.kind == "card" and seen.plain[end] in "/:")
        if not is_ended or not identity.check(signs):
            continue
        if identity.dated and is_in_code(seen.plain, start):
            continue
        before = seen.before(start, _WORDS)
        named = identity.words.search(before) if identity.words else None
        if named is None and (
            identity.named_only or (shape == str(len(signs)) and _is_of_a_thing(seen, start))
        ):
            continue
        yield Match(start, end, identity.kind)
