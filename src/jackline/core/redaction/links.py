"""URLs in what a model says: a reader's client may fetch them, and so tell others what they hold.

An image is fetched when it is shown, a link when somebody follows it. So a URL is withheld until
it is whole, and goes out if its reader says so.
"""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from html import unescape
from typing import NamedTuple

from jackline.core.patterns import Match as Found
from jackline.core.patterns import Pattern
from jackline.core.redaction.attributes import MAY_BE_ONE, attributes, without_seconds
from jackline.core.redaction.blocks import BLOCK_MAX
from jackline.core.redaction.quoted import MAY_BE_QUOTED, quoted, unescaped
from jackline.core.redaction.sight import Match, Sight
from jackline.core.redaction.stream import STEP, Blanks, Span, Stream, redacted, spans

WITHHELD = "#link-withheld"
_LENGTH_MAX = 2048
_REACH = 160

_SCHEME = r"[a-z][a-z0-9+.\-]{0,20}"
_COLON = r"(?::|&colon;|&#0{0,6}58;?|&#x0{0,6}3a;?)"
_OTHERS = rf"\b(?:https?|wss?|ftp|javascript|vbscript){_COLON}|\bdata:[a-z]+/|\bwww\."
_SPACE_MAX = 64
_SPACES = rf"[\x00-\x20]{{0,{_SPACE_MAX}}}"
# A line of Markdown that is quoted goes on behind a sign.
_GAP = rf"[\x00-\x20>]{{0,{_SPACE_MAX}}}"
_ANGLE = rf"(?:<{_SPACES})?"
# Behind these stands what a client follows, of Markdown, of HTML and of style sheets.
_KNOWN = (
    rf"!?\]\({_GAP}{_ANGLE}|\]:[ \t]{{0,{_SPACE_MAX}}}{_ANGLE}|\burl\({_SPACES}[\"']?{_SPACES}"
    r"|\b(?:src|href|action|poster|srcset)[ \t\n\f\r]{0,3}=[ \t\n\f\r]{0,3}"
    rf"[\"']?{_SPACES}"
)
# Behind these, whatever attribute it is of, two slashes lead to a host. Who puts so much space
# between that no window holds it needs nothing in front.
# What a URL may begin with and a client drops, as an entity: a control or a space.
_BLANK = (
    r"&(?:tab;|newline;|#0{0,6}(?:[12][0-9]|3[0-2]|[0-9]);?|#x0{0,6}(?:20|1[0-9a-f]|[0-9a-f]);?)"
)
_QUOTE = r"(?:[\"']|&(?:quot|apos|#0{0,6}3[49]|#x0{0,6}2[27]);?)"
_VALUE = rf"={_SPACES}{_QUOTE}?{_SPACES}|{_QUOTE}{_SPACES}"
# A definition goes on behind a line's end. What else does is a link only if it hides that.
_DEFINED = rf"(\]:{_GAP}{_ANGLE})[a-z0-9+.\-]{{0,20}}(?:&(?:#|[a-z]+;)|\\[:/\\])"
_FAR_OFF = rf"(\][(:])[\x00-\x20>]{{{_SPACE_MAX + 1}}}"
_ANY = (
    rf"(?:{_KNOWN}){_SPACES}|{_VALUE}|\]:{_GAP}<?|(?:[(<,]|\[\[|@import){_SPACES}"
    rf"|[\x00-\x20]{{{_SPACE_MAX}}}|(?:[\x00-\x08\x0b\x0e-\x1f]|{_BLANK}){_SPACES}"
)
# A slash as it may be written: one that leans back, an entity, an escape of a style sheet.
_SLASH = r"(?:\\0{0,4}(?:2f|5c)[ \t\n\f\r]?|[\\/]|&b?sol;|&#0{0,6}(?:47|92);?|&#x0{0,6}(?:2f|5c);?)"
# What a client drops wherever it stands in a URL. More of it than this hides something.
_DROPPED = r"(?:[\t\n\r]|&(?:tab;|newline;|#0{0,6}(?:9|10|13);?|#x0{0,6}[9ad];?))"
_BREAK = rf"{_DROPPED}{{0,16}}"
_HIDDEN = rf"{_DROPPED}|&#x?0{{7}}"
_BEGIN = Pattern(
    rf"(?i)({_ANY}){_SLASH}{_BREAK}(?:{_SLASH}|({_HIDDEN}))|{_FAR_OFF}|{_DEFINED}|({_KNOWN})"
    rf"|({_VALUE})[a-z0-9+.\-]{{0,20}}&(?:#|[a-z]+;)|{_SCHEME}:[\\/]{{2}}|{_OTHERS}"
)
_OPEN = Pattern(
    rf"(?i)(?:(?:{_KNOWN}|{_SCHEME}:[\\/]{{2}}|{_OTHERS})\S*|{_SCHEME}(?:[:&]\S*)?"
    rf"|(?:{_ANY})(?:{_SLASH}{_BREAK}(?:{_SLASH})?\S*|[&\\]\S*|[a-z0-9+.\-]{{0,20}}(?:[&\\]\S*)?)"
    rf"|\][(:]{_GAP}|{MAY_BE_ONE}|{MAY_BE_QUOTED})\z"
)
_OPEN_QUOTED = Pattern(rf"(?i)(?:{MAY_BE_QUOTED})\z")
# Where one ends at the latest: signs that none has, and the spaces and stops of other scripts.
_RUN = Pattern(
    r"[^\s<>\"'`|{}^\x00-\x1f\x{a0}\x{2002}-\x{200a}\x{201c}-\x{201e}\x{202f}\x{205f}"
    r"\x{3000}-\x{3002}\x{300c}-\x{3011}\x{ff01}\x{ff08}\x{ff09}\x{ff0c}\x{ff1a}\x{ff1b}\x{ff1f}]+"
)
_LEANING = Pattern(r"^[\x00-\x20]*((?:[A-Za-z][A-Za-z0-9+.\-]{0,20}:)?[\\/][\\/\t\n\r]*)")
_DROP = str.maketrans("\\", "/", "\t\n\r")
_HEAD_MAX = 256  # No scheme is longer, unless it is written in entities to hide it.
_SLASHES, _HIDES, _FAR, _CONTINUED, _FOLLOWED, _VALUED = 1, 2, 3, 4, 5, 6
_ASKED = (_CONTINUED, _FOLLOWED, _VALUED)
_BEFORE = (_SLASHES, _FAR, *_ASKED)
_PAIRS = {")": "(", "]": "["}


class Url(NamedTuple):
    """A URL, as a client would read it, which stands from `start` to `end` of a text.

    It is empty where clients may read another one than a person does, and where it is too long.
    """

    url: str
    start: int
    end: int


def urls(text: str) -> Sequence[Url]:
    """Return each URL of a text: in Markdown, in HTML, or bare."""
    return [Url(_told(span, text), span.start, span.end) for span in spans(_LINKS, text)]


def _told(span: Span, text: str) -> str:
    is_one = span.kind == "url" and span.end - span.start < _LENGTH_MAX
    return _read(text[span.start : span.end]) if is_one else ""


def links_allowed(text: str, allowed: Callable[[str], bool]) -> str:
    """Return `text` with what stands for a URL in the place of each that is not allowed."""
    return redacted(text, spans(_LINKS, text), _asked(allowed))


def links_stream(allowed: Callable[[str], bool]) -> Stream:
    """Return what does the same to a text that comes in pieces."""
    return Stream(_LINKS, _asked(allowed))


def _asked(allowed: Callable[[str], bool]) -> Blanks:
    return lambda kind: _Asked(_nobody if kind == "hidden" else allowed)


def _nobody(url: str) -> bool:  # noqa: ARG001 - nobody has named any
    return False


def _read(written: str) -> str:
    """Return a URL as a client reads it: with entities resolved, and slashes that lean forward.

    What its parser drops before those and between them is dropped (https://url.spec.whatwg.org).
    A backslash behind those stays: one client ends the host there, another goes on.
    """
    plain = without_seconds(unescape(written))
    if begun := _LEANING.search(plain):
        return begun.group(1).translate(_DROP) + plain[begun.end() :]
    return plain


class _Links:
    """Finds URLs, as `Search` finds what is personal."""

    reach = _REACH
    hold_back = _LENGTH_MAX + _REACH

    def matches(self, seen: Sight, at: int) -> Iterator[Match]:
        """See `Finds.matches`. None is read twice: what begins within another is left out."""
        runs = _Runs(seen.text)
        values = merge(quoted(seen, at, _ends), attributes(seen, _leads_away), key=_start)
        value = next(values, None)
        for begin in _BEGIN.finditer(seen.plain):
            if begin.end() < at:
                continue
            start = max(begin.start(), *map(begin.end, _BEFORE))
            while value and value.start <= start:
                if value.start >= at:
                    yield value
                    at = _closed(value, seen.plain)
                value = next(values, None)
            if start >= at and (match := _url(begin, start, runs)):
                yield match
                at = _closed(match, seen.plain)
        if value:
            yield from (value, *values)

    def open(self, seen: Sight) -> int:
        """See `Finds.open`."""
        end = len(seen.plain)
        began = _OPEN.search(seen.plain)
        start = began.start() if began else end
        if seen.text is not seen.plain and (began := _OPEN_QUOTED.search(seen.text)):
            start = min(start, began.start())
        return max(start, end - self.hold_back)


def _start(match: Match) -> int:
    return match.start


def _closed(match: Match, plain: str) -> int:
    """Return where a match ends, with what belongs to it."""
    end = match.tail.close(plain, match.end, BLOCK_MAX) if match.tail else match.end
    return len(plain) if end < 0 else end


def _ends(written: str) -> int:
    """Return where ends what may be of one URL from the beginning on."""
    run = _RUN.search(written)
    return len(_balanced(run.group())) if run and not run.start() else 0


_LINKS = _Links()
HOLD_BACK = _LINKS.hold_back + STEP


class _Runs:
    """Tells of rising places in a text what stands there that may be of one URL."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found = _RUN.finditer(text)
        self.start = self.end = 0

    def at(self, place: int) -> int:
        """Return where what stands there ends: where it begins if it is none."""
        while self.end <= place:
            run = next(self._found, None)
            if run is None:
                self.start = self.end = len(self._text) + 1
            else:
                self.start, self.end = run.start(), run.end()
        return self.end if self.start <= place else place

    def written(self, start: int, place: int) -> str:
        """Return what is written from `start`, and goes on at `place`, as far as it can be one."""
        return self._text[start : min(self.at(place), start + _LENGTH_MAX)]

    def balanced(self, start: int, written: str, fixed: int) -> str:
        """Return what stands before a bracket that closes what began outside.

        In an attribute without quotation marks none does, unless nothing more follows.
        """
        cut = written[:fixed] + _balanced(written[fixed:])
        before = unescape(self._text[max(0, start - _REACH) : start]).rstrip(_AROUND)
        rest = self._text[start + len(cut) : self.at(start + fixed)]
        is_on = len(written) > len(cut) + len(rest) or _WORD.search(rest)
        return written if before.endswith("=") and len(cut) < len(written) and is_on else cut

    def odd(self, start: int, end: int) -> str:
        """Return the sign at `end` if a client may read on there, as no URL has it."""
        return self._text[end] if _goes_on(self._text, start, end) else ""


# Signs that no URL has, and what goes on behind them: a word, and a host.
_ON = Pattern(r"^[^\s\pZ<>\pL\pN]+[\pL\pN]")
_DESTINATION_ON = Pattern(r"^[^\s\pZ)\]\pL\pN]+[\pL\pN]")
_HOST_ON = Pattern(r"^[^\s\pZ<>|^{}][\pL\pM\pN_\-]*[.@\x{ff0e}\x{ff61}][\pL\pN]")
_ON_MAX = 64
_PATH = Pattern(r"[^:/\\][/\\?#]")
_WORD = Pattern(r"[\pL\pN]")
_CLOSED = frozenset(('""', "''", "``", "“”", "（）", "「」", "『』", "【】"))  # noqa: RUF001
_AROUND = "".join(map(chr, range(0x21)))


def _goes_on(text: str, start: int, end: int) -> bool:
    """Whether a client may read on at `end`, where what a URL is made of ends.

    Behind signs of Markdown and in an attribute all goes on but a space. Elsewhere a host does.
    """
    before = text[max(0, start - _REACH) : start]
    sign, following = text[end : end + 1], text[end : end + _ON_MAX]
    defined = before.rstrip(_AROUND + ">")
    if defined.endswith("]("):
        return _DESTINATION_ON.search(following) is not None
    if defined.endswith("]:") or before.endswith("<") or _is_value(before):
        return not (sign == "|" and before.endswith("<")) and _ON.search(following) is not None
    if before[-1:] + sign in _CLOSED or _PATH.search(text[start:end]):
        return False
    return _HOST_ON.search(following) is not None


def _is_value(before: str) -> bool:
    """Whether what follows is what an attribute without quotation marks has, or a style sheet."""
    return unescape(before).rstrip(_AROUND).lower().endswith(("=", "url("))


def _url(begin: Found, start: int, runs: _Runs) -> Match | None:
    """Return the URL that begins at `start`, if what stands there is one.

    What stands behind a known sign is one if it says so itself. Others need more than `begin`.
    """
    if begin.start(_FAR) >= 0:
        return Match(start, begin.end(), "hidden")
    if begin.start(_HIDES) >= 0:
        return Match(start, begin.end(), "url")
    asked = max(map(begin.start, _ASKED)) >= 0
    fixed = begin.end() - start if begin.start(_SLASHES) >= 0 else 0
    written = runs.written(start, start + fixed)
    if len(written) == _LENGTH_MAX:
        return Match(start, start + _LENGTH_MAX, "url", _ENDLESS)
    if asked and not _leads_away(written):
        return None
    written += runs.odd(start, start + len(written))
    written = runs.balanced(start, written, fixed).rstrip(".,;:!?*_~")
    end = start + len(written)
    if asked:
        return Match(start, end, "url") if _leads_away(written) else None
    return Match(start, end, "url") if end > begin.end() else None


def _balanced(written: str) -> str:
    """Return what stands before a bracket that closes what began outside."""
    opened = list[str]()
    for place, sign in enumerate(written):
        if sign in "([":
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            return written[:place]
    return written


def _leads_away(written: str) -> bool:
    """Whether it names more than a place within the page where it stands, or may hide that."""
    head = written[:_HEAD_MAX]
    for url in map(_read, {head, unescaped(head)}):
        if ":" in url.partition("/")[0] or url.startswith("//") or url.lower().startswith("www."):
            return True
    return len(head) == _HEAD_MAX and "&#" in head and "/" not in head


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
