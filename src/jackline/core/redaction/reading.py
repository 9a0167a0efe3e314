"""What a client reads in a value: its URLs, without what hides them from people.

Of the whole value entities are undone once, escapes where a style sheet or Markdown knows them, and
left out is what the URL standard leaves out (https://url.spec.whatwg.org/#url-parsing).
"""

from collections.abc import Callable, Iterable, Sequence
from html import unescape

from jackline.core.patterns import Match as Found
from jackline.core.patterns import Pattern
from jackline.core.redaction.values import NAMES, Syntax

_BREAKS = dict.fromkeys(map(ord, "\t\n\r"))
_AROUND = "".join(map(chr, range(0x21)))
# What of this does not begin so leads nowhere, however it is read.
_MAY_LEAD = Pattern(
    r"(?i)^[\x00-\x20]*(?:[a-z][a-z0-9+.\-\t\n\r]*[:&\\]|[\\/&]|www\.|[\t\n\r.0-9])"
)
_SCHEMES = r"(?:https?|wss?|ftp|javascript|vbscript):"
# One letter is a drive, and no scheme that a client knows.
_SLASHES = r"(?:[a-z][a-z0-9+.\-]+:)?[\\/]{2}"
_LEADS = Pattern(rf"(?i)^(?:{_SCHEMES}[^\x00-\x20]|data:[a-z]+/|{_SLASHES}[^\x00-\x20]|www\.)")
_ANY_SCHEME = Pattern(r"(?i)^[a-z][a-z0-9+.\-]*:")
_PLACE = Pattern(rf"(?i){_SCHEMES}|data:[a-z]+/|{_SLASHES}")
# A comment of code has no dot, as a host that everybody knows has one.
_COMMENT = Pattern(r"^//[\pL_][\pL\pN_\-]{0,40}(?:[\s,;)]|\z)")
_LEANING = Pattern(r"^((?:[A-Za-z][A-Za-z0-9+.\-]{0,20}:)?[\\/]+)")
# With these in it a text is something else, too, for whoever reads it as Markdown or as HTML.
_ODD = Pattern(r"[\s<>\"'`]|\][(:]")
_ODD_LIST = Pattern(rf"(?i)[<>\"'`]|\][(:]|\b(?:{NAMES})[\x00-\x20]*=")
_ODD_STYLE = Pattern(rf"(?i)[<>`]|\][(:]|\b(?:{NAMES})[\x00-\x20]*=")
# Whatever its name is: which of them lead away differs between clients.
_ATTRIBUTE = Pattern(r"(?i)/[a-z][a-z:\-]*=((?s:.*))")
# https://spec.commonmark.org/0.31.2/#backslash-escapes, #entity-and-numeric-character-references
# One that has more digits is none for Markdown, and one for HTML.
_ENTITY_LONG = Pattern(r"&#(?:[0-9]{8}|[xX][0-9A-Fa-f]{7})")
_ESCAPED = Pattern(r"\\([!-/:-@\[-`{-~])")
_MARKDOWN = Pattern(r"\\([!-/:-@\[-`{-~])|&#?[0-9A-Za-z]+;")
_PARTS = Pattern(r"[^\t\n\f\r ]+")
_ITEMS = Pattern(r"[,;]|^")
_STRING = Pattern(r"\"[^\"]*\"|'[^']*'")
_UNQUOTED_END = Pattern(r"[\s\"'()]")
# https://www.w3.org/TR/css-syntax-3/#consume-escaped-code-point
_CSS = Pattern(r"\\(?:([0-9A-Fa-f]{1,6})(?:\r\n|[ \t\n\f\r])?|\r\n|[\n\f\r]|((?s:.)))")
_CODE_MAX = 0x110000
# https://html.spec.whatwg.org/#shared-declarative-refresh-steps
_SECONDS = Pattern(
    r"^[\x00-\x20]*[0-9.]+(?:[\x00-\x20]+[;,]?|[;,])[\x00-\x20]*"
    r"(?i:url[\x00-\x20]*=[\x00-\x20]*)?[\"']?[\x00-\x20]*"
)
_LITTLE = 64
_HEAD_MAX = 256

Read = Sequence[str] | None


def read(syntax: Syntax, written: str) -> Read:
    """Return the URLs of a value that lead away; None where it hides one."""
    match syntax:
        case "hidden":
            return None
        case "list":
            return _listed(written)
        case "style":
            return _styled(written)
        case "images":
            return _drawn(written)
        case _:
            return _whole(syntax, written) if _may_lead(syntax, written) else ()


def _may_lead(syntax: Syntax, written: str) -> bool:
    """Whether a value begins as a URL may: of a long one this is told by its beginning."""
    if not _MAY_LEAD.search(written):
        return False
    if syntax not in {"css", "string"} or len(written) <= _HEAD_MAX:
        return True
    return hides(syntax, written)


def _whole(syntax: Syntax, written: str) -> Read:
    """Return the URL that a value is as a whole, in each way in which it can be read."""
    plain = unescape(written)
    match syntax:
        case "markdown" | "defined":
            # One renderer undoes entities with the escapes, another leaves them to who reads HTML.
            readings = [plain, _markdown(written), unescape(_ESCAPED.sub(r"\1", written))]
            if "&" in written.partition("?")[0]:  # In angles it is none where it is an autolink.
                readings.append(written)
            found = _all(readings, written, any_scheme=syntax == "markdown")
            return None if found and _ENTITY_LONG.search(written) else found
        case "css" | "string":
            # A sheet of HTML keeps entities, one of SVG undoes them.
            readings = (plain, _unescaped(plain), written, _unescaped(written))
            return _all(readings, written)
        case "seconds":
            target = _without_seconds(plain)
            return _all((target,), target)
        case "any":
            return _given(written)
        case _:
            return _all((plain,), written, any_scheme=syntax == "fetched")


def hides(syntax: Syntax, begun: str) -> bool:
    """Whether what is too long to be read may hide a URL behind its beginning."""
    begun = begun[:_HEAD_MAX] if syntax in {"css", "string"} else begun
    if syntax in {"list", "style", "images"} or read(syntax, begun) != ():
        return True
    around = _AROUND + ".0123456789" * (syntax == "seconds")
    return len(unescape(begun[:_HEAD_MAX]).translate(_BREAKS).strip(around)) < _LITTLE


def leaning(url: str) -> str:
    """Return a URL with slashes that lean forward: a client reads all before its host so.

    A backslash behind those stays: one client ends the host there, another goes on.
    """
    begun = _LEANING.search(url)
    return begun.group(1).replace("\\", "/") + url[begun.end() :] if begun else url


def within(written: str) -> Iterable[str]:
    """Return where an attribute leads that begins in a URL, for whoever takes that for HTML."""
    if "=" in written and (found := _ATTRIBUTE.search(written)):
        inside = unescape(found.group(1))
        if _PLACE.search(inside):
            yield inside


def is_comment(written: str) -> bool:
    """Whether two slashes are those of a comment."""
    return _COMMENT.search(written) is not None


def _all(readings: Iterable[str], written: str, *, any_scheme: bool = False) -> Read:
    """Return the URLs that a value is, in each way in which it can be read."""
    found = list[str]()
    for reading in readings:
        url = reading.strip(_AROUND)
        plain = url.translate(_BREAKS)
        if _LEADS.search(plain) or (any_scheme and _ANY_SCHEME.search(plain)):
            if plain != url:
                return None
            found.append(leaning(plain))
    if found and _ODD.search(written.strip(_AROUND)):
        return None
    return tuple(dict.fromkeys(found))


def _given(written: str) -> Read:
    """Return the URL of an attribute that nobody knows, or of a variable."""
    if is_comment(written):
        return ()
    if found := _all([unescape(written)], written):
        return found
    if found is None:
        return None
    return None if _places(unescape(written)) > _places(written) else ()


def _places(text: str) -> int:
    return sum(1 for _ in _PLACE.finditer(text))


def _listed(written: str) -> Read:
    """Return the URLs of a list: each part, and what follows a comma or a semicolon in it.

    https://html.spec.whatwg.org/#parse-a-srcset-attribute
    """
    found = list[str]()
    for part in _PARTS.finditer(unescape(written)):
        for item in _ITEMS.finditer(part.group()):
            url = part.group()[item.end() :].strip(_AROUND).rstrip(",")
            if _LEADS.search(url):
                found.append(leaning(url))
    return None if found and _ODD_LIST.search(written) else tuple(found)


def _styled(written: str) -> Read:
    """Return the URLs of what a style sheet says behind entities: without, each stands alone."""
    plain = unescape(written)
    if plain == written:
        return ()
    css = _unescaped(plain).translate(_BREAKS)
    if not _places(css):
        return ()
    if "\\" in plain or _places(css) > _places(plain) or _ODD_STYLE.search(plain):
        return None
    return tuple(_places_of(plain))


def _drawn(written: str) -> Read:
    """Return the URLs that images are chosen of; None where one is hidden, or goes on behind."""
    found = tuple(_places_of(written.translate(_BREAKS)))
    if tuple(_places_of(_unescaped(unescape(written)).translate(_BREAKS))) != found:
        return None
    strings = (each.group()[1:-1] for each in _STRING.finditer(written))
    is_odd = "/*" in written or None in [_whole("css", each) for each in strings]
    return None if found and is_odd else found


def _places_of(css: str) -> Iterable[str]:
    for place in _PLACE.finditer(css):
        quote = css[: place.start()].rstrip(_AROUND)[-1:]
        end = css.find(quote, place.start()) if quote in {'"', "'"} else -1
        if end < 0:
            found = _UNQUOTED_END.search(css[place.start() :])
            end = place.start() + found.start() if found else len(css)
        yield leaning(css[place.start() : end])


def _without_seconds(plain: str) -> str:
    """Return what is behind the seconds after which a page is left for it."""
    seconds = _SECONDS.search(plain)
    return plain[seconds.end() :] if seconds else plain


def _markdown(written: str) -> str:
    """Return a text without Markdown's escapes, each of which is undone once."""

    def sign(escape: Found) -> str:
        return escape.group(1) if escape.start(1) >= 0 else unescape(escape.group())

    return _replaced(_MARKDOWN, written, sign)


def _unescaped(css: str) -> str:
    """Return what a style sheet says, without its escapes."""
    return _replaced(_CSS, css, _css_sign) if "\\" in css else css


def _css_sign(escape: Found) -> str:
    if escape.start(1) >= 0:
        code = int(escape.group(1), 16)
        return chr(code) if code < _CODE_MAX else "\ufffd"
    return escape.group(2) if escape.start(2) >= 0 else ""


def _replaced(pattern: Pattern, text: str, sign: Callable[[Found], str]) -> str:
    pieces, at = list[str](), 0
    for escape in pattern.finditer(text):
        pieces += text[at : escape.start()], sign(escape)
        at = escape.end()
    return "".join([*pieces, text[at:]])
