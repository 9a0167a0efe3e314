"""URLs in what a model says: a reader's client may fetch them, and so tell others what they hold.

An image is fetched when it is shown, a link when somebody follows it. So a URL is withheld until
it is whole, and goes out if its reader says so.
"""

from collections.abc import Callable, Iterator, Sequence
from html import unescape
from typing import NamedTuple, cast

from jackline.core.patterns import Match as Found
from jackline.core.patterns import Pattern
from jackline.core.redaction.blocks import BLOCK_MAX
from jackline.core.redaction.reading import Read, hides, is_comment, leaning, read, within
from jackline.core.redaction.sight import Match, Sight
from jackline.core.redaction.stream import STEP, Blanks, Stream, redacted, spans
from jackline.core.redaction.values import (
    BEGIN,
    LENGTH_MAX,
    OPEN,
    RESTS,
    Rest,
    Syntax,
    value,
)

WITHHELD = "#link-withheld"
_REACH = 160

_SCHEME = r"[a-z][a-z0-9+.\-]{0,20}"
_COLON = r"(?::|&colon;|&#0{0,6}58;?|&#x0{0,6}3a;?)"
_BARE = (
    rf"\b(?:https?|wss?|ftp|javascript|vbscript){_COLON}|\bdata:[a-z]+/|(?:\b|_)www\."
    rf"|[a-z][a-z0-9+.\-]{{1,20}}:[\\/]{{2}}"
)
# Behind these two slashes lead to a host in whatever it is that one reads.
_BEFORE = r"(?:[(<,=\"']|\[\[)[\x00-\x20]{0,64}"
_BEGIN = Pattern(rf"(?i){_BEFORE}[\\/]{{2}}|{BEGIN}|<?(?:{_BARE})")
_IS_WRITTEN = Pattern(rf"(?i)^(?:{_BEFORE}[\\/]{{2}}|<?(?:{_BARE}))\z")
_BEFORE_SLASHES = "".join(map(chr, range(0x21))) + "(<,=\"'["
# What of these has begun at the end of a text goes on with what follows.
_OPEN = Pattern(
    rf"(?i)(?:(?:{_BARE})\S*|{_SCHEME}(?:[:&]\S*)?|{_BEFORE}(?:[\\/](?:[\\/]\S*)?)?|\[\[?)\z"
)
_OPEN_VALUE = Pattern(rf"(?i)(?:{OPEN}|<[a-z][^\s<>]*)\z")
# Where one ends at the latest: signs that none has, and the spaces and stops of other scripts.
_RUN = Pattern(
    r"^[^\s<>\"'`|{}^\x00-\x1f\x{a0}\x{2002}-\x{200a}\x{201c}-\x{201e}\x{202f}\x{205f}"
    r"\x{3000}-\x{3002}\x{300c}-\x{3011}\x{ff01}\x{ff08}\x{ff09}\x{ff0c}\x{ff1a}\x{ff1b}\x{ff1f}]*"
)
_WORDS_END = Pattern(r"\][(:]")
_PUNCTUATION = ".,;:!?*_~"
_PAIRS = {")": "(", "]": "["}
_ENDS_ANGLE = Pattern(r"[\s<>]")


class Url(NamedTuple):
    """A URL, as a client would read it, which stands from `start` to `end` of a text.

    It is empty where clients may read another one than a person does, and where it is too long.
    """

    url: str
    start: int
    end: int


def urls(text: str) -> Sequence[Url]:
    """Return each URL of a text: in Markdown, in HTML, or bare."""
    return [
        Url(url, span.start, span.end)
        for span in spans(_LINKS, text)
        for url in _read(span.kind, text[span.start : span.end]) or ("",)
    ]


def links_allowed(text: str, allowed: Callable[[str], bool]) -> str:
    """Return `text` with what stands for a URL in the place of each that is not allowed."""
    return redacted(text, spans(_LINKS, text), _asked(allowed))


def links_stream(allowed: Callable[[str], bool]) -> Stream:
    """Return what does the same to a text that comes in pieces."""
    return Stream(_LINKS, _asked(allowed))


def _asked(allowed: Callable[[str], bool]) -> Blanks:
    return lambda kind: _Asked(kind, allowed)


def _read(kind: str, written: str) -> Read:
    """Return all URLs that a client may read here; None where nobody can have named one."""
    found: Read = None
    match kind:
        case "bare" if len(written) < LENGTH_MAX:
            found = (leaning(unescape(written)),)
        case "angle":
            # One renderer keeps entities there, another undoes them.
            ends = written, written.partition("|")[0]
            found = tuple({leaning(each) for end in ends for each in (end, unescape(end))})
        case "hidden" | "bare":
            return None
        case _:
            found = read(cast("Syntax", kind), written)  # So `_match` names it.
    return found and (*found, *within(written))


class _Links:
    """Finds URLs, as `Search` finds what is personal."""

    reach = _REACH
    hold_back = LENGTH_MAX + _REACH

    def matches(self, seen: Sight, at: int, upto: int) -> Iterator[Match]:
        """See `Finds.matches`. None is read twice: what begins within another is left out."""
        for begin in _BEGIN.finditer(seen.plain):
            if begin.start() >= upto:
                break
            match = _match(begin, seen, at)
            if match and at <= match.start < upto:
                yield match
                at = _closed(match, seen.plain)

    def open(self, seen: Sight) -> int:
        """See `Finds.open`."""
        end = len(seen.plain)
        began = (_OPEN.search(seen.plain), _OPEN_VALUE.search(seen.text))
        start = min([each.start() for each in began if each], default=end)
        return max(start, end - self.hold_back)


def _closed(match: Match, plain: str) -> int:
    """Return where a match ends, with what belongs to it."""
    end = match.tail.close(plain, match.end, BLOCK_MAX) if match.tail else match.end
    return len(plain) if end < 0 else end


_LINKS = _Links()
HOLD_BACK = _LINKS.hold_back + STEP


def _match(begin: Found, seen: Sight, at: int) -> Match | None:
    """Return what leads away behind `begin`, if what stands there does, and is not before `at`."""
    start, end, text = begin.start(), begin.end(), seen.text
    signs = seen.plain[start:end]
    if _IS_WRITTEN.search(signs):
        return _written(signs, text, (start, end), at)
    found = value(signs, text, end)
    if found is None or found.start < at or found.start == found.end:
        return None
    written = text[found.start : found.end]
    if found.is_long:
        rest = RESTS[found.ends]
        is_hidden = hides(found.syntax, written)
        return Match(found.start, found.end, "hidden", rest) if is_hidden else None
    if found.syntax == "string" and _goes_on_in_prose(written):
        return None
    urls_read = read(found.syntax, written)
    if urls_read == ():
        return None
    return Match(found.start, found.end, "hidden" if urls_read is None else found.syntax)


def _written(signs: str, text: str, place: tuple[int, int], at: int) -> Match | None:
    """Return the URL that begins with `signs`, at most behind what stands before two slashes."""
    start, end = place
    behind = signs.lstrip(_BEFORE_SLASHES + "_")  # Emphasis may begin before one.
    start += len(signs) - len(behind)
    if start < at:
        return None
    if behind[0] in "/\\":
        is_one = not is_comment(text[start : start + _COMMENT_MAX])
        return _bare(text, start, end) if is_one else None
    return (signs[0] == "<" and _angle(text, start)) or _bare(text, start, end)


_BEGINS_PLAINLY = Pattern(rf"(?i)^(?:{_BARE}|[\\/]{{2}})")


def _goes_on_in_prose(written: str) -> bool:
    """Whether more than a URL stands in quotation marks, as in a sentence or in code."""
    run = _BEGINS_PLAINLY.search(written) and _RUN.search(written)
    return run is not None and run.end() < len(written) and written[run.end()] in " \n\r"


def _angle(text: str, start: int) -> Match | None:
    """Return what stands in angles, if it ends with one, or may be a link with its words."""
    written = text[start : start + LENGTH_MAX]
    end = _ENDS_ANGLE.search(written)
    if end is None:
        return None
    is_closed = written[end.start()] == ">"
    url = written[: end.start()] if is_closed else written[: end.start()].rstrip(_PUNCTUATION)
    if not is_closed and "|" not in url:
        return None
    kind = "hidden" if _ODD.search(url) else "angle"
    return Match(start, start + len(url), kind)


def _bare(text: str, start: int, least: int) -> Match | None:
    """Return the URL that stands in prose from `start` on, if it is longer than up to `least`."""
    run = _RUN.search(text[start : start + LENGTH_MAX])
    if run is None or start + run.end() <= least:
        return None
    if run.end() == LENGTH_MAX:
        return Match(start, start + LENGTH_MAX, "hidden", _ENDLESS)
    # What Markdown takes for the words of a link goes on with another URL.
    words = _WORDS_END.search(run.group())
    written = _balanced(run.group()[: words.start()] if words else run.group())
    end = start + len(written)
    if len(written) == run.end() and _goes_on(text, start, end):
        return Match(start, end + 1, "hidden")
    end = start + len(written.rstrip(_PUNCTUATION))
    return Match(start, end, "bare") if end > least else None


# What goes on behind a sign that no URL has: a host.
_HOST_ON = Pattern(r"^[^\s\pZ<>|^{}][\pL\pM\pN_\-]*[.@\x{ff0e}\x{ff61}][\pL\pN]")
_ON_MAX = 64
_PATH = Pattern(r"[^:/\\&][/\\?#]")  # Of an entity, `#` is none of a URL's.
_CLOSED = frozenset(('""', "''", "``", "“”", "（）", "「」", "『』", "【】"))  # noqa: RUF001
_ODD = Pattern(r"[\"'`\\]|\][(:]")
_COMMENT_MAX = 64


def _goes_on(text: str, start: int, end: int) -> bool:
    """Whether a client may read on in a host at `end`, where what a URL is made of ends."""
    around = text[max(0, start - 1) : start] + text[end : end + 1]
    if around in _CLOSED or _PATH.search(text[start:end]):
        return False
    return _HOST_ON.search(text[end : end + _ON_MAX]) is not None


def _balanced(written: str) -> str:
    """Return what stands before a bracket that closes what began outside."""
    opened = list[str]()
    for place, sign in enumerate(written):
        if sign in "([":
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            return written[:place]
    return written


_ENDLESS = Rest(r"\s")


class _Asked:
    """Stands for what leads away: it is shown if each URL that is read there is allowed."""

    def __init__(self, kind: str, allowed: Callable[[str], bool]) -> None:
        self._kind = kind
        self._allowed = allowed
        self._written = ""

    def take(self, text: str) -> None:
        """See `Blank.take`."""
        self._written = (self._written + text)[:LENGTH_MAX]

    def shown(self) -> str:
        """See `Blank.shown`."""
        found = _read(self._kind, self._written)
        return self._written if found and all(map(self._allowed, found)) else WITHHELD
