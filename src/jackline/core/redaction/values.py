"""Values that a client follows or loads by itself: what each stands in says where it ends.

An attribute of HTML, the destination of a link in Markdown, a string or `url(…)` of a style sheet:
all of it is the value, to its last sign.
"""

from collections.abc import Mapping
from html import unescape
from types import MappingProxyType
from typing import Literal, NamedTuple, cast

from jackline.core.patterns import Pattern

LENGTH_MAX = 2048
Syntax = Literal[
    "hidden",
    "seconds",
    "list",
    "style",
    "fetched",
    "named",
    "any",
    "markdown",
    "defined",
    "css",
    "images",
    "string",
]

_SPACE = r"[\x00-\x20]"
_SPACES = rf"{_SPACE}{{0,64}}"
# What nobody sees, before a destination: renderers leave out what their language calls a blank.
# A line of Markdown that is quoted goes on behind a sign.
_GAP = r"[\pZ\pC>]"
# By name, so that nothing but a URL that is whole is taken for one.
_ATTRIBUTES = MappingProxyType(
    {
        "hidden": "srcdoc",
        "seconds": "content",
        "list": "srcset|imagesrcset|ping|values|archive",
        "style": "style|fill|stroke|filter|mask|clip-path|cursor|marker|marker-start|marker-mid"
        "|marker-end",
        "fetched": "src|href|action|formaction|poster",
        "named": "background|data|cite|longdesc|codebase|classid|profile|icon|manifest|dynsrc"
        "|lowsrc|from|to|by",
    }
)
NAMES = "|".join(_ATTRIBUTES.values())


_SYNTAXES: Mapping[str, Syntax] = MappingProxyType(
    {
        name: cast("Syntax", syntax)  # The keys above are names of syntaxes.
        for syntax, names in _ATTRIBUTES.items()
        for name in names.split("|")
    }
)
# A bracket or a quotation mark as an entity, which SVG's style sheets and XML's undo. No other
# has the name of one within its own (https://html.spec.whatwg.org/#named-character-references).
_CODED = r"&(?:lpar|quot|apos|#0*(?:34|39|40)|#x0*(?:22|27|28));?"
# What disguises a name before one of those, or what stands behind it: an escape or an entity.
_WORD = r"[^\s\\&\"'<>(),=/.:\[]"
_NAMED = rf"(?:&{_WORD}{{1,40}}/?|\\{_WORD}{{1,40}}(?:[ \t\n\r\f]{_WORD}{{0,20}})?)"
_DISGUISE = r"(?:\\|&#|&[a-z][a-z0-9]{1,31};)"
_HEAD_OF = r"[\x00-\x20]*[a-z0-9+.\-\t\n\r]*:?/?"
# Behind these a value begins. Who puts more space before the sign hides something. A URL of a
# style sheet stands behind a bracket or a quotation mark: what is before it does not matter where
# the URL is disguised, and says how strictly to read where it is not.
BEGIN = (
    rf"={_SPACES}[\"']|\b(?:{NAMES}){_SPACES}[\x00-\x20=]|\][(:]|url\(|(?:image-set|{_NAMED})\("
    rf"|(?:[(,]|@import|\*/|{_NAMED}){_SPACES}[\"']|{_CODED}|[(\"']{_HEAD_OF}{_DISGUISE}"
)

# How one of them begins, or goes on, of which what follows decides: from there to the end.
_HEAD = r"[\x00-\x20]*(?:[a-z0-9+.\-][a-z0-9+.\-\t\n\r]*)?"
_IN_STRING = MappingProxyType({quote: rf"(?:[^{quote}\\]|\\(?s:.))*" for quote in ('"', "'")})
_STRINGS = "|".join(rf"{quote}{inside}\\?" for quote, inside in _IN_STRING.items())
_STRINGS_BEGUN = "|".join(
    rf"{quote}{_HEAD}(?:[:&\\/]{inside}\\?)?" for quote, inside in _IN_STRING.items()
)
_DISGUISE_BEGUN = r"&#?[a-z0-9]{0,31}"
_DISGUISED_BEGUN = "|".join(
    rf"{opening}{_HEAD_OF}(?:{_DISGUISE_BEGUN}|{_DISGUISE}{inside}\\?)?"
    for opening, inside in (*_IN_STRING.items(), (r"\(", "[^)]*"))
)
_CODED_BEGUN = rf"{_CODED}{_HEAD}(?:[:&\\/](?s:.)*)?"
_IN_BRACKETS = "|".join(
    ["[^\"'()]", *(f"{quote}{each}{quote}" for quote, each in _IN_STRING.items())]
)
_IMAGES = rf"(?:{_IN_BRACKETS}|\((?:{_IN_BRACKETS})*\))*"
_IMAGES_BEGUN = rf"{_IMAGES}(?:{_STRINGS}|\((?:{_IN_BRACKETS})*(?:{_STRINGS})?)?"
_ANGLE = r"<(?:[^<>\\\n\r]|\\[^\n\r])*"
OPEN = (
    rf"={_SPACE}*(?:\"[^\"]*|'[^']*)?|\b(?:{NAMES}){_SPACE}*(?:={_SPACE}*[^\s\"'>\x00-\x20][^\s>]*)?"
    rf"|\](?:[(:]{_GAP}*(?:{_ANGLE}\\?|[^\x00-\x20<>][^\x00-\x20]*)?)?"
    rf"|url\({_SPACE}*(?:{_STRINGS}|[^\"')\x00-\x20][^)]*)?|(?:image-set|{_NAMED})\({_IMAGES_BEGUN}"
    rf"|(?:[(,]|@import|\*/|{_NAMED}){_SPACE}*(?:{_STRINGS_BEGUN})?|\*"
    rf"|{_DISGUISED_BEGUN}|{_CODED_BEGUN}|{_DISGUISE_BEGUN}"
    r"|@?(?:[a-z\-]|\\(?:[0-9a-f]{1,6}[ \t\n\r\f]?|[g-z])?){1,80}"
)


class Value(NamedTuple):
    """Characters `start` to `end` of a text are one value, which `ends` with that sign.

    One that is longer than it may be ends somewhere behind `end`.
    """

    syntax: Syntax
    start: int
    end: int
    ends: str
    is_long: bool


_OPENING = Pattern(r"^[\x00-\x20]*([\"']?)")
_UNQUOTED = Pattern(r"[\s>]")
_FIRST = Pattern(r"[^\pZ\pC>]")
_DESTINATION = Pattern(r"[\x00-\x20]")
_IN_ANGLE = Pattern(rf"^{_ANGLE}")
_IMAGES_OF = Pattern(rf"^{_IMAGES}")
# What ends behind an entity what begins behind one, or plain.
_ENDS_CODED = MappingProxyType(
    {
        '"': Pattern(r"(?i)\"|&(?:quot|#0*34|#x0*22)"),
        "'": Pattern(r"(?i)'|&(?:apos|#0*39|#x0*27)"),
        "(": Pattern(r"(?i)\)|&(?:rpar|#0*41|#x0*29)"),
    }
)
_STRING_OF = MappingProxyType({quote: Pattern(f"^{each}") for quote, each in _IN_STRING.items()})
_GAP_MAX = 64
_AROUND = "".join(map(chr, range(0x21)))
_FAR_MAX = 900
_AFTER = Pattern(rf"^[\x00-\x20]*=|^[\x00-\x20]{{{_FAR_MAX}}}")


def value(signs: str, text: str, at: int) -> Value | None:
    """Return the value that stands behind `at`, where `signs` end that `BEGIN` found, or `=`."""
    first, last = signs[0], signs[-1]
    if first == "=":
        return _attribute("any", text, at - len(signs) + 1)
    if first == "]":
        return _destination("defined" if last == ":" else "markdown", text, at)
    if last == "=":
        return _attribute(_SYNTAXES[signs[:-1].rstrip(_AROUND).lower()], text, at)
    if last in _AROUND:
        return _far(text, at - len(signs), at)
    return _styled(signs, text, at)


def _styled(signs: str, text: str, at: int) -> Value | None:
    """Return what stands behind a bracket or a quotation mark, as a style sheet has it."""
    first, last = signs[0], signs[-1]
    if last in _STRING_OF:
        return _string("string" if first in "(," else "css", text, at)
    if first in _STRING_OF:
        return _string("css", text, at - len(signs) + 1)
    if first == "(":
        return _argument(text, at - len(signs) + 1)
    if last == "(":
        return _argument(text, at) if first in "uU" else _images(text, at)
    return _coded(signs, text, at)


def _coded(signs: str, text: str, at: int) -> Value:
    """Return what stands behind a bracket or a quotation mark that is an entity."""
    rest = text[at : at + LENGTH_MAX]
    found = _ENDS_CODED[unescape(signs)[0]].search(rest)
    return _cut("css", at, (0, found.start() if found else -1, len(rest)), " ")


def _images(text: str, at: int) -> Value:
    """Return what stands in the brackets of `image-set()`, and of what may be that."""
    rest = text[at : at + LENGTH_MAX]
    inside = _IMAGES_OF.search(rest)
    assert inside  # It may be empty.
    is_whole = rest[inside.end() : inside.end() + 1] == ")"
    return _cut("images", at, (0, inside.end() if is_whole else -1, len(rest)), ")")


def _far(text: str, start: int, at: int) -> Value | None:
    """Return what hides that it is an attribute by space before its sign."""
    following = _AFTER.search(text[at : at + _FAR_MAX])
    if following is None:
        return None
    return Value("hidden", start, at + following.end(), "", is_long=True)


def _attribute(syntax: Syntax, text: str, at: int) -> Value | None:
    """Return the value of an attribute behind the sign that gives it."""
    rest = text[at : at + LENGTH_MAX]
    start = len(rest) - len(rest.lstrip(_AROUND))
    if start > _GAP_MAX:
        return Value("hidden", at, at + _GAP_MAX + 1, "", is_long=True)
    quote = rest[start : start + 1]
    if quote in _STRING_OF:
        return _cut(syntax, at, (start + 1, rest.find(quote, start + 1), len(rest)), quote)
    found = _UNQUOTED.search(rest[start:])
    end = start + found.start() if found else -1
    return _cut(syntax, at, (start, end, len(rest)), ">")


def _cut(syntax: Syntax, at: int, places: tuple[int, int, int], ends: str) -> Value:
    """Return the value from `start` to `end`, or to the end of what was looked at."""
    start, end, length = places
    is_long = end < 0 and length == LENGTH_MAX
    return Value(syntax, at + start, at + (end if end >= 0 else length), ends, is_long)


def _destination(syntax: Syntax, text: str, at: int) -> Value | None:
    rest = text[at : at + LENGTH_MAX]
    first = _FIRST.search(rest[: _GAP_MAX + 1])
    if first is None:
        is_far = len(rest) > _GAP_MAX
        return Value("hidden", at, at + _GAP_MAX + 1, "", is_long=False) if is_far else None
    start = first.start()
    # What is left out before it is more than any renderer leaves out, so no URL begins otherwise.
    if not (rest[start].isalnum() or rest[start] in "<&/\\"):
        return None
    angle = _IN_ANGLE.search(rest[start:])
    if angle:
        end = start + angle.end()
        return _cut(syntax, at, (start + 1, end if end < len(rest) else -1, len(rest)), ">")
    found = _DESTINATION.search(rest[start:])
    end = start + (found.start() if found else len(rest) - start)
    # Of a definition one renderer reads all up to a blank.
    closed = _closing(rest[start:end]) if syntax == "markdown" else end - start
    is_whole = found is not None or closed < end - start
    return _cut(syntax, at, (start, start + closed if is_whole else -1, len(rest)), " ")


def _closing(written: str) -> int:
    """Return where the bracket stands that closes what began outside; the end without one."""
    depth, is_escaped = 0, False
    for place, sign in enumerate(written):
        if is_escaped or sign == "\\":
            is_escaped = not is_escaped
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth < 0:
                return place
    return len(written)


def _argument(text: str, at: int) -> Value | None:
    """Return the one of `url(`."""
    rest = text[at : at + LENGTH_MAX]
    opening = _OPENING.search(rest)
    assert opening  # It may be empty.
    if opening.end() > _GAP_MAX:
        return Value("hidden", at, at + _GAP_MAX, "", is_long=True)
    if opening.group(1):
        return _string("css", text, at + opening.end())
    end = rest.find(")", opening.end())
    return _cut("css", at, (opening.end(), end, len(rest)), ")")


def _string(syntax: Syntax, text: str, at: int) -> Value | None:
    quote, rest = text[at - 1], text[at : at + LENGTH_MAX]
    if quote not in _STRING_OF:
        return None
    inside = _STRING_OF[quote].search(rest)
    assert inside  # It may be empty.
    end = inside.end()
    return _cut(syntax, at, (0, end if rest[end : end + 1] == quote else -1, len(rest)), quote)


class Rest:
    """The rest of a value that is too long: up to what ends it."""

    def __init__(self, ends: str, reach: int = 0) -> None:
        self._ends = Pattern(ends)
        self.reach = reach

    def close(self, plain: str, at: int, left: int) -> int:
        """See `Tail.close`."""
        found = self._ends.search(plain[at : at + left])
        if found:
            return at + found.start() + self.reach
        return at + left if len(plain) >= at + left else -1


# Behind space without end stands one more word.
RESTS = MappingProxyType(
    {
        "": Rest(r"[^\x00-\x20][\s>]|>", 1),
        '"': Rest('"'),
        "'": Rest("'"),
        ">": Rest(r"[\s>]"),
        " ": Rest(r"\s"),
        ")": Rest(r"\)"),
    }
)
