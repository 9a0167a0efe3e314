"""URLs in what a model says: a reader's client may fetch them, and so tell others what they hold.

An image is fetched when it is shown, a link when somebody follows it. So a URL is withheld until
it is whole, and goes out if its reader says so.
"""

from collections.abc import Callable, Sequence
from html import unescape
from typing import NamedTuple

from jackline.core.patterns import Match as Found
from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import Match, Sight
from jackline.core.redaction.stream import Stream, redacted, spans

WITHHELD = "#link-withheld"
_LENGTH_MAX = 2048
_REACH = 40

_SCHEME = r"[a-z][a-z0-9+.\-]{0,20}"
_OTHERS = r"\b(?:https?|wss?|ftp|javascript|vbscript):|\bdata:[a-z]+/|\bwww\."
# Behind these stands what a client follows, of Markdown, of HTML and of style sheets.
_BEHIND = (
    r"!?\]\([ \t\n]{0,3}<?|\]:[ \t]{0,3}<?|\b(?:src|href|action|poster|srcset)[ \t]?=[ \t]?[\"']?"
    r"|\burl\([\"']?"
)
_BEGIN = Pattern(rf"(?i)({_BEHIND})|{_SCHEME}:[\\/]{{2}}|{_OTHERS}")
_OPEN = Pattern(rf"(?i)(?:(?:{_BEHIND}|{_SCHEME}:[\\/]{{2}}|{_OTHERS})\S*|{_SCHEME}(?::\S*)?)\z")
# Where one ends at the latest: signs that none has, and the spaces and stops of other scripts.
_RUN = Pattern(
    r"^[^\s<>\"'`|{}^\x00-\x1f\x{a0}\x{2002}-\x{200a}\x{201c}-\x{201e}\x{202f}\x{205f}"
    r"\x{3000}-\x{3002}\x{300c}-\x{3011}\x{ff01}\x{ff08}\x{ff09}\x{ff0c}\x{ff1a}\x{ff1b}\x{ff1f}]+"
)
_PAIRS = {")": "(", "]": "["}


class Url(NamedTuple):
    """A URL, as a client would read it, which stands from `start` to `end` of a text."""

    url: str
    start: int
    end: int


def urls(text: str) -> Sequence[Url]:
    """Return each URL of a text: in Markdown, in HTML, or bare."""
    return [Url(_read(text[start:end]), start, end) for _, start, end in spans(_LINKS, text)]


def links_allowed(text: str, allowed: Callable[[str], bool]) -> str:
    """Return `text` with what stands for a URL in the place of each that is not allowed."""
    return redacted(text, spans(_LINKS, text), lambda _: _Asked(allowed))


def links_stream(allowed: Callable[[str], bool]) -> Stream:
    """Return what does the same to a text that comes in pieces."""
    return Stream(_LINKS, lambda _: _Asked(allowed))


def _read(written: str) -> str:
    """Return a URL as a client reads it: with entities resolved, and slashes that lean forward."""
    return unescape(written).replace("\\", "/")


class _Links:
    """Finds URLs, as `Search` finds what is personal."""

    reach = _REACH
    hold_back = _LENGTH_MAX + _REACH

    def matches(self, seen: Sight) -> Sequence[Match]:
        """See `Finds.matches`."""
        found = list[Match]()
        for begin in _BEGIN.finditer(seen.plain):
            if match := _url(seen, begin):
                found.append(match)
        return sorted(found, key=lambda match: (match.start, -match.end))

    def open(self, seen: Sight) -> int:
        """See `Finds.open`."""
        end = len(seen.plain)
        began = _OPEN.search(seen.plain)
        return max(began.start() if began else end, end - self.hold_back)


_LINKS = _Links()
HOLD_BACK = _LINKS.hold_back


def _url(seen: Sight, begin: Found) -> Match | None:
    behind = begin.start(1) >= 0
    start = begin.end() if behind else begin.start()
    run = _RUN.search(seen.text[start : start + _LENGTH_MAX])
    if run is None:
        return None
    written = run.group()
    if len(written) == _LENGTH_MAX:
        return Match(start, start + _LENGTH_MAX, "url", _ENDLESS)
    written = _balanced(written).rstrip(".,;:!?*_~")
    if behind and not _leads_away(_read(written)):
        return None
    return Match(start, start + len(written), "url") if start + len(written) > begin.end() else None


def _balanced(written: str) -> str:
    """Return what stands before a bracket that closes what began outside."""
    opened = list[str]()
    for place, sign in enumerate(written):
        if sign in "([":
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            return written[:place]
    return written


def _leads_away(url: str) -> bool:
    """Whether it names more than a place within the page where it stands."""
    return ":" in url.partition("/")[0] or url.startswith("//") or url.lower().startswith("www.")


class _Endless:
    """The rest of what is too long for a URL: up to the next space."""

    reach = 0

    def close(self, plain: str, at: int, left: int) -> int:  # noqa: ARG002 - a space ends it
        """See `Tail.close`."""
        space = _SPACE.search(plain[at:])
        return at + space.start() if space else -1


_ENDLESS = _Endless()
_SPACE = Pattern(r"\s")


class _Asked:
    """Stands for a URL: it is shown if that is allowed."""

    def __init__(self, allowed: Callable[[str], bool]) -> None:
        self._allowed = allowed
        self._written = ""

    def take(self, text: str) -> None:
        """See `Blank.take`."""
        self._written = (self._written + text)[:_LENGTH_MAX]

    def shown(self) -> str:
        """See `Blank.shown`."""
        short = len(self._written) < _LENGTH_MAX
        return self._written if short and self._allowed(_read(self._written)) else WITHHELD
