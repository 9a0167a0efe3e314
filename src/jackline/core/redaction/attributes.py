"""Attributes of HTML with more in them than one URL, which a client reads in a way of their own."""

from collections.abc import Callable, Iterator
from html import unescape
from types import MappingProxyType

from jackline.core.patterns import Match as Found
from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import Match, Sight

# Who puts more space around the sign than this hides something.
_SPACE = r"[\x00-\x20]"
_SPACE_MAX = 64
_IS = rf"{_SPACE}{{0,{_SPACE_MAX}}}={_SPACE}{{0,{_SPACE_MAX}}}"
_BEGIN = Pattern(
    rf"(?i)(?:^|[\x00-\x20\"'/<])((?:content|(ping)|(srcdoc)){_IS}([\"']?)"
    rf"|(?:content|ping|srcdoc){_SPACE}{{{_SPACE_MAX},999}}({_SPACE}=))"
)
_NAME, _PING, _SRCDOC, _QUOTE, _FAR = 1, 2, 3, 4, 5
_VALUE_MAX = 2048
# How one begins of which what follows decides whether it is withheld, from there to the end.
_IS_OPEN = rf"{_SPACE}*={_SPACE}*"
MAY_BE_ONE = (
    rf"\b(?:(?:content|ping|srcdoc){_SPACE}*(?:={_SPACE}*)?"
    rf"|ping{_IS_OPEN}(?:\"[^\"]*|'[^']*|[^\s\"'>][^\s>]*)"
    rf"|content{_IS_OPEN}(?:[\"']|\"[\x00-\x20.0-9&][^\"]*|'[\x00-\x20.0-9&][^']*|[.0-9&][^\s>]*))"
)
# https://html.spec.whatwg.org/#shared-declarative-refresh-steps
_SECONDS = Pattern(
    r"^[\x00-\x20]*[0-9.]+(?:[\x00-\x20]+[;,]?|[;,])[\x00-\x20]*"
    r"(?i:url[\x00-\x20]*=[\x00-\x20]*)?[\"']?[\x00-\x20]*"
)


def without_seconds(plain: str) -> str:
    """Return what is behind the seconds after which a page is left for it."""
    seconds = _SECONDS.search(plain)
    return plain[seconds.end() :] if seconds else plain


def attributes(seen: Sight, leads_away: Callable[[str], bool]) -> Iterator[Match]:
    """Find what a page is left for, a list of what is told of a click, and pages in a page.

    The last two are taken out with their names, so that no client goes by what is left.
    """
    if "=" not in seen.plain:
        return
    for begin in _BEGIN.finditer(seen.plain):
        if match := _attribute(begin, seen, leads_away):
            yield match


def _attribute(begin: Found, seen: Sight, leads_away: Callable[[str], bool]) -> Match | None:
    if begin.start(_FAR) >= 0:
        return Match(begin.start(_FAR), begin.end(), "url")
    start, tail = begin.end(), _TAILS[begin.group(_QUOTE)]
    if begin.start(_SRCDOC) >= 0:
        return Match(begin.start(_NAME), start, "url", tail)
    if not begin.group(_QUOTE) and seen.plain[start : start + 1].isspace():
        return Match(start, start + 1, "url")
    end = tail.end(seen.plain, start, _VALUE_MAX)
    is_long = end < 0 and len(seen.plain) >= start + _VALUE_MAX
    value = unescape(seen.text[start : end if end >= 0 else start + _VALUE_MAX])
    if begin.start(_PING) >= 0:
        words = value.split()
        if not is_long and (len(words) < 2 or not any(map(leads_away, words))):  # noqa: PLR2004 - a list
            return None
        return Match(begin.start(_NAME), start, "url", tail)
    target = without_seconds(value)
    if target == value or not (leads_away(target) or (is_long and not target.strip("&#0"))):
        return None
    return Match(
        start, start + len(seen.plain[start : start + _VALUE_MAX]) if end < 0 else end, "url"
    )


class _Tail:
    """The rest of a value: up to its quotation mark, or what else ends it."""

    reach = 0

    def __init__(self, ends: str) -> None:
        self._ends = Pattern(ends)

    def end(self, plain: str, at: int, left: int) -> int:
        """Return where the value ends; -1 where that is further than it may be."""
        found = self._ends.search(plain[at : at + left])
        return at + found.start() if found else -1

    def close(self, plain: str, at: int, left: int) -> int:
        """See `Tail.close`."""
        end = self.end(plain, at, left)
        if end < 0:
            return at + left if len(plain) >= at + left else -1
        return end + (plain[end] in "\"'")


_TAILS = MappingProxyType({'"': _Tail('"'), "'": _Tail("'"), "": _Tail(r"[\s>]")})
