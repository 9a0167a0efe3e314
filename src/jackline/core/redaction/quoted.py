"""URLs in quotation marks, of which a client reads all that stands there: also what no URL has.

It drops line ends and tabs wherever they stand, escapes spaces and signs in a path, and takes
some of them for a part of the host (https://url.spec.whatwg.org/#concept-basic-url-parser).
"""

from collections.abc import Callable, Iterator
from html import unescape

from jackline.core.patterns import Match as Found
from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import Match, Sight

_BREAKS = dict.fromkeys(map(ord, "\t\n\r"))
_SPACES = r"[\x00-\x20]{0,64}"
_ENTITY = r"&(?:quot|apos|#0{0,6}3[49]|#x0{0,6}2[27]);?"
_BEGIN = Pattern(
    rf"(?i)(?:(\b(?:src|href|action|poster|srcset){_SPACES}=)|(=|\burl\()|[(,]|@import)"
    rf"{_SPACES}([\"']|{_ENTITY})|\](?:\(|:)[\x00-\x20>]{{0,64}}(<)"
)
_FETCHED, _WHOLE, _QUOTE, _ANGLE = 1, 2, 3, 4
_ENDS_ANGLE = Pattern(r"[<>\n\r]")
# https://spec.commonmark.org/0.31.2/#backslash-escapes
_ESCAPED = Pattern(r"\\([!-/:-@\[-`{-~])")
# As if each name that begins as theirs do were one of a quotation mark: so it is soon known.
_ENDS_ENTITY = Pattern(rf"(?i)[\"']|&[aq]|{_ENTITY}")
_LENGTH_MAX = 2048
_HEAD_MIN = 64  # Who puts so little into so much space hides something.
_AROUND = "".join(map(chr, range(0x21)))
_AROUND_MAX = 32
_LEADS = Pattern(
    r"(?i)^(?:(?:https?|wss?|ftp|javascript|vbscript):[^\x00-\x20]|data:[a-z]+/"
    r"|(?:[a-z][a-z0-9+.\-]*:)?[\\/]{2}[^\x00-\x20])"
)
_SCHEME = Pattern(r"(?i)^[a-z][a-z0-9+.\-]*:")

# What may be one of these when more has come, from its beginning to the end.
_HEAD = r"[\x00-\x20]*(?:[a-z0-9+.\-][a-z0-9+.\-\t\n\r]*)?"
_NO_END = r"&+[^AQaq\"'&]"
MAY_BE_QUOTED = (
    rf"\](?:\(|:)[\x00-\x20>]{{0,64}}<{_HEAD}(?:[:&\\/][^<>\n\r]*)?"
    rf"|(?:\b(?:src|href|action|poster|srcset){_SPACES}=|=|\burl\(|[(,]|@import){_SPACES}"
    rf"(?:\"{_HEAD}(?:[:&\\/][^\"]*)?|'{_HEAD}(?:[:&\\/][^']*)?"
    rf"|{_ENTITY}{_HEAD}(?:(?:[:\\/]|{_NO_END})(?:[^\"'&]|{_NO_END})*)?&*)"
)


def quoted(seen: Sight, at: int, ends: Callable[[str], int]) -> Iterator[Match]:
    """Find URLs in quotation marks with more in them than a URL has: nobody has named these.

    Those that begin before `at` are left out. `ends` says where in a text ends what one is made of.
    """
    for begin in _BEGIN.finditer(seen.text):
        start = begin.end()
        end = _end(begin, seen.text) if start >= at else start
        if start < end and _is_hidden(begin, seen.text[start:end], ends):
            yield Match(start, end, "hidden")


def unescaped(text: str) -> str:
    """Return a text without the backslashes that Markdown has before signs."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _end(begin: Found, text: str) -> int:
    """Return where the value ends: with its quotation mark, with the text, or where it is cut."""
    start, quote = begin.end(), begin.group(_QUOTE)
    last = min(start + _LENGTH_MAX, len(text))
    if quote in {"'", '"'}:
        end = text.find(quote, start, last)
        return last if end < 0 else end
    ends = _ENDS_ANGLE if begin.start(_ANGLE) >= 0 else _ENDS_ENTITY
    found = ends.search(text[start:last])
    return start + found.start() if found else last


def _is_hidden(begin: Found, value: str, ends: Callable[[str], int]) -> bool:
    read = unescape(value).translate(_BREAKS).strip(_AROUND)
    if len(value) == _LENGTH_MAX and len(read) < _HEAD_MIN:
        return True
    if not (_leads_away(begin, read) or _leads_away(begin, unescaped(read))):
        return False
    written = value.strip(_AROUND)
    if len(value) - len(written) > _AROUND_MAX:
        return True
    end = ends(written)
    return end < len(written) and (_is_whole(begin) or written[end] not in " \n\r")


def _is_whole(begin: Found) -> bool:
    """Whether all of it is the value, as in HTML. Prose has quotation marks behind other signs."""
    return max(map(begin.start, (_FETCHED, _WHOLE, _ANGLE))) >= 0


def _leads_away(begin: Found, read: str) -> bool:
    leads = _SCHEME if begin.start(_FETCHED) >= 0 else _LEADS
    return leads.search(read) is not None or _LEADS.search(read) is not None
