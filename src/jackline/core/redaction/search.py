"""All detectors together: what they find, and where something may have begun that goes on."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from jackline.core.patterns import Pattern
from jackline.core.redaction.accounts import accounts
from jackline.core.redaction.addresses import emails, ips
from jackline.core.redaction.assigned import (
    GIVEN,
    NAMED,
    NAMES,
    TAG,
    assigned,
    is_foreign,
    schemes,
    secret_under,
    urls,
)
from jackline.core.redaction.blocks import BEGUN, blocks
from jackline.core.redaction.keys import BEGIN, keys
from jackline.core.redaction.kinds import HANDLE, KINDS, SECRETS
from jackline.core.redaction.numbers import BEGUN as SPACED
from jackline.core.redaction.numbers import numbers
from jackline.core.redaction.phones import Dialable
from jackline.core.redaction.sight import ESCAPE, Match, Sight

Finder = Callable[[Sight], Iterable[Match]]

# Without one of these there is nothing to find.
_SOMETHING = Pattern(rf"[0-9@]|://|PRIVATE|Private-|{BEGIN}|(?i:{NAMES}|bearer|basic)")
_SOMETHING_SECRET = Pattern(
    rf"://|PRIVATE|Private-|{BEGIN}|(?:SK|AC)[0-9a-f]{{32}}|8Q~|:AA|(?i:{NAMES}|bearer|basic)"
)
# How everything that can be found may begin, as far as it came: from there to the end.
_OPEN = Pattern(
    r"(?:"
    # Words: keys, e-mail addresses, IP addresses.
    r"[A-Za-z0-9_.,+%&~'/=:\-]+(?:@\S*)?"
    # Digits in groups, and a letter behind some.
    r"|[+(]{1,2}|[+(]{0,2}[0-9][0-9 ().\-/:,]*(?:[A-Za-z][\-./,:]?|(?:x|ext?\.?) ?[0-9]{0,6})?"
    # Digits in groups with blanks and escapes between them.
    rf"|{SPACED}"
    rf"|(?:\b|{ESCAPE})(?:[0-9][0-9 ]{{4,8}}2[AB][0-9 ]*"
    # Two letters, and then groups of letters and digits.
    r"|[A-Za-z]{2}[0-9]{2}[A-Za-z0-9 ,.:/\-]{0,46}"
    r"|[A-Z]{2} (?:[0-9](?:[0-9][A-Za-z0-9 ,.:/\-]{0,46})?)?)"
    # What a name is given, with or without quotation marks.
    rf"|{NAMED}(?:\S*|[\"'`>][^\n]*)|{TAG}[^<\n]*"
    r"|://[^\s/]*"
    rf"|{BEGUN})\z"
)
_FOREIGN_OPEN = Pattern(rf"\?{GIVEN}(?:\S*|[\"'`>][^\n]*)\z")
_ORDER = {kind: place for place, kind in enumerate(KINDS)}


class Search:
    """Finds what is of these kinds, as `Finds` says."""

    def __init__(self, kinds: Collection[str], dialable: Dialable | None = None) -> None:
        self.kinds = frozenset(kinds)
        of_kinds = [KINDS[name] for name in self.kinds]
        self.reach = max((kind.context for kind in of_kinds), default=0)
        self.hold_back = self.reach + max((kind.longest for kind in of_kinds), default=0)
        self._something = _SOMETHING_SECRET if self.kinds <= SECRETS else _SOMETHING
        self._finders = [find for find, found in _finders(dialable) if not found.isdisjoint(kinds)]

    def hints(self, seen: Sight) -> bool:
        """Whether there may be anything to find."""
        return self._something.search(seen.plain) is not None or is_foreign(seen)

    def matches(self, seen: Sight, at: int, upto: int) -> Sequence[Match]:
        """See `Finds.matches`. What is longer is better, and a match without an end is longest."""
        if not self.hints(seen):
            return ()
        found = [
            match
            for find in self._finders
            for match in find(seen)
            if match.kind in self.kinds and at <= match.start < upto
        ]
        if found:
            found = _outside_handles(seen.plain, found)
        found.sort(key=_rank)
        return found

    def under(self, name: str, value: str, *, quoted: bool) -> str | None:
        """Return of what kind the whole of a value is for the sake of the name it stands under."""
        kind = secret_under(name, value, quoted=quoted)
        return kind if kind in self.kinds and HANDLE.search(value) is None else None

    def open(self, seen: Sight) -> int:
        """See `Finds.open`."""
        end = len(seen.plain)
        patterns = (_OPEN, _FOREIGN_OPEN) if is_foreign(seen) else (_OPEN,)
        began = filter(None, [pattern.search(seen.plain) for pattern in patterns])
        return max(min([found.start() for found in began], default=end), end - self.hold_back)


def _outside_handles(plain: str, found: Sequence[Match]) -> list[Match]:
    """Return what has nothing of a handle in it: that says nothing, and is not handled again."""
    handles = [(handle.start(), handle.end()) for handle in HANDLE.finditer(plain)]
    if not handles:
        return list(found)
    begins = [begin for begin, _ in handles]

    def is_apart(match: Match) -> bool:
        last = bisect_left(begins, match.end) - 1
        return last < 0 or handles[last][1] <= match.start

    return list(filter(is_apart, found))


def _rank(match: Match) -> tuple[int, bool, int, int]:
    return match.start, match.tail is None, -match.end, _ORDER[match.kind]


def _finders(dialable: Dialable | None) -> Iterator[tuple[Finder, frozenset[str]]]:
    """Return each detector with the kinds that it finds."""

    def all_numbers(seen: Sight) -> Iterator[Match]:
        return numbers(seen, dialable)

    lettered = {"iban", "uk-nino", "it-codice-fiscale", "es-dni", "fr-nir"}
    personal = {name for name, kind in KINDS.items() if kind.group == "pii"}
    by_name = {"password", "secret"}
    behind = {"bearer-token": schemes, "url-password": urls, "private-key": blocks}
    begun = {name for name, kind in KINDS.items() if kind.group == "secret"} - by_name - {*behind}
    yield emails, frozenset({"email"})
    yield ips, frozenset({"ip"})
    yield all_numbers, frozenset(personal - {"email", "ip", "iban", "uk-nino", "it-codice-fiscale"})
    yield accounts, frozenset(lettered)
    yield keys, frozenset(begun)
    yield assigned, frozenset(by_name)
    for name, find in behind.items():
        yield find, frozenset({name})
