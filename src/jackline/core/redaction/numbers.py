"""Numbers that say who somebody is: groups of digits, of which the last ones check the others."""

from collections.abc import Iterator, Sequence

from jackline.core.patterns import Pattern
from jackline.core.redaction.identities import BEGINNINGS, BY_SHAPE
from jackline.core.redaction.phones import Dialable, phone
from jackline.core.redaction.sight import (
    BLANK,
    Match,
    Sight,
    ends_escape,
    free_after,
    free_before,
    is_in_code,
)

_RUN = Pattern(r"[+(]{0,2}[0-9](?:[ ().\-/]{0,3}[0-9]){6,}")
_GAP = rf"(?:{BLANK}|[\r\n]|\\{{1,2}}[nrt]){{1,4}}"
# The digits with which a blank before it ends are none of a run.
_SPACED_RUN = Pattern(rf"{BLANK}?([0-9]{{2,}}(?:{_GAP}[0-9]{{2,}})+)")
_GAPS = Pattern(_GAP)
_SINGLE = Pattern(BLANK)
# Such a run may become one, or the end of one, when more has come.
BEGUN = r"[0-9]{2}(?:[0-9 \t\r\n+]|[%=&\\][A-Za-z0-9%=&#;\\]*)*[\-./:]?"
# Figures in rows and columns stand as the groups of a card do.
_ROW_BEFORE, _ROW_AFTER = Pattern(rf"[0-9]{{3}}{_GAP}$"), Pattern(rf"^{_GAP}[0-9]{{3}}")
_WRITTEN_MAX = 128
_GROUPS_MAX = 7
_BETWEEN = str.maketrans("+().-/", "      ")
_WORDS = 32


def _before(words: str) -> Pattern:
    """Return what ends in front of a number that is said to be of one of these."""
    return Pattern(
        rf"(?i)(?:{words})[ \t]{{0,2}}(?:[-_]?(?:number|nummer|num|no|nr|id|code)\b)?"
        r"[ \t.:#=\"/\-]{0,4}$"
    )


# A number behind one of these is that of a thing.
_THING = _before(
    r"\b(?:orders?|ord|inv|txn|invoice|ticket|case|tracking|shipment|parcel|ref|reference|isbn|issn|ean|upc"
    r"|gtin|sku|serial|version|build|commit|part|item|product|batch|lot|doi|pmid|bestellung"
    r"|bestellnummer|rechnung|rechnungsnummer|auftrag|pedido|factura|commande|facture|ordine|fattura"
    r"|encomenda|bestelling|factuur|transaction|timestamp|epoch|id)|#"
)
# What else has a number that chance lets pass a weak check: not where a card is kept.
_RECORD = _before(
    r"\b(?:customer|client[e]?|kunden?|konto|account|acct|member|mitglied|mitglieds|contract|vertrag"
    r"|vertrags|article|artikel|compte|cuenta|conto|klant|kund|konta)[ \-]?"
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
    yield from _spaced(seen)


def _spaced(seen: Sight) -> Iterator[Match]:
    """Find cards with other blanks between their groups than single plain ones."""
    plain = seen.plain
    for found in _SPACED_RUN.finditer(plain):
        at, run = found.start(1), found.group(1)
        if "  " not in run and run.replace(" ", "").isdigit():
            continue
        gaps = [(gap.start(), gap.end()) for gap in _GAPS.finditer(run)]
        ends = [*(start for start, _ in gaps), len(run)]
        begins = [0, *(end for _, end in gaps)]
        spans = [(at + start, at + end) for start, end in zip(begins, ends, strict=True)]
        for first, (start, _) in enumerate(spans):
            if free_before(plain, start):
                for match in _checked(seen, spans[first : first + _GROUPS_MAX], " "):
                    if match.kind == "card" and not _is_in_row(plain, match):
                        yield match


def _is_in_row(plain: str, found: Match) -> bool:
    """Whether these are figures of a table: more than one blank parts them, and more follow."""
    start, end = found.start, found.end
    if end - start > _WRITTEN_MAX:
        return True
    gaps = [gap.group() for gap in _GAPS.finditer(plain[start:end])]
    if all(gap != "\t" and _SINGLE.fullmatch(gap) for gap in gaps):
        return False
    row = _ROW_AFTER.search(plain[end : end + _WORDS])
    return row is not None or bool(_ROW_BEFORE.search(plain[max(0, start - _WORDS) : start]))


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


def _checked(seen: Sight, spans: Sequence[tuple[int, int]], gap: str = "") -> Iterator[Match]:
    """Find what begins with the first of these groups, whatever else counts as this gap."""
    plain, start = seen.plain, spans[0][0]
    shape, digits, last = "", "", start
    for begin, end in spans:
        shape += (plain[last:begin] and (gap or plain[last:begin])) + str(end - begin)
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
        if not (identity.words and identity.words.search(before)) and (
            identity.named_only
            or ((identity.weak or shape == str(len(signs))) and _THING.search(before))
            or (identity.weak and _RECORD.search(before))
        ):
            continue
        yield Match(start, end, identity.kind)
