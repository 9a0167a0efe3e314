"""Values that a client follows or loads by itself: what each stands in says where it ends.

An attribute of HTML, the destination of a link in Markdown, a string or `url(…)` of a style sheet:
all of it is the value, to its last sign.
"""

from collections.abc import Mapping
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
    "string",
]

_SPACE = r"[\x00-\x20]"
_SPACES = rf"{_SPACE}{{0,64}}"
_GAP = r"[\x00-\x20>]"  # A line of Markdown that is quoted goes on behind a sign.
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


def _css(word: str) -> str:
    """Return a pattern of a word as style sheets may write it."""
    codes = [f"[{ord(sign) // 16 - 2:x}{ord(sign) // 16:x}]{ord(sign) % 16:x}" for sign in word]
    signs = zip(word, codes, strict=True)
    return "".join(rf"(?:\\?{sign}|\\0{{0,4}}{code}[ \t\n\r\f]?)" for sign, code in signs)


_SYNTAXES: Mapping[str, Syntax] = MappingProxyType(
    {
        name: cast("Syntax", syntax)  # The keys above are names of syntaxes.
        for syntax, names in _ATTRIBUTES.items()
        for name in names.split("|")
    }
)
# Behind these a value begins. Who puts more space before the sign hides something.
BEGIN = (
    rf"={_SPACES}[\"']|\b(?:{NAMES}){_SPACES}[\x00-\x20=]|\][(:]|{_css('url')}\("
    rf"|(?:[(,]|@{_css('import')}|image-set\(){_SPACES}[\"']"
)

# How one of them begins, or goes on, of which what follows decides: from there to the end.
_HEAD = r"[\x00-\x20]*(?:[a-z0-9+.\-][a-z0-9+.\-\t\n\r]*)?"
_IN_STRING = MappingProxyType({quote: rf"(?:[^{quote}\\]|\\(?s:.))*" for quote in ('"', "'")})
_STRINGS = "|".join(rf"{quote}{inside}\\?" for quote, inside in _IN_STRING.items())
_STRINGS_BEGUN = "|".join(
    rf"{quote}{_HEAD}(?:[:&\\/]{inside}\\?)?" for quote, inside in _IN_STRING.items()
)
_ANGLE = r"<(?:[^<>\\\n\r]|\\[^\n\r])*"
OPEN = (
    rf"={_SPACE}*(?:\"[^\"]*|'[^']*)?|\b(?:{NAMES}){_SPACE}*(?:={_SPACE}*[^\s\"'>\x00-\x20][^\s>]*)?"
    rf"|\](?:[(:]{_GAP}*(?:{_ANGLE}\\?|[^\x00-\x20<>][^\x00-\x20]*)?)?"
    rf"|{_css('url')}\({_SPACE}*(?:{_STRINGS}|[^\"')\x00-\x20][^)]*)?"
    rf"|(?:[(,]|@{_css('import')}|image-set\(){_SPACE}*(?:{_STRINGS_BEGUN})?"
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
_FIRST = Pattern(r"[^\x00-\x20>]")
_DESTINATION = Pattern(r"[\x00-\x20]")
_IN_ANGLE = Pattern(rf"^{_ANGLE}")
_STRING_OF = MappingProxyType({quote: Pattern(f"^{each}") for quote, each in _IN_STRING.items()})
_GAP_MAX = 64
_AROUND = "".join(map(chr, range(0x21)))
_FAR_MAX = 900
_AFTER = Pattern(rf"^[\x00-\x20]*=|^[\x00-\x20]{{{_FAR_MAX}}}")


def value(signs: str, text: str, at: int) -> Value | None:
    """Return the value that stands behind `at`, where `signs` end that `BEGIN` found, or `=`."""
    if signs[0] == "=":
        return _attribute("any", text, at - len(signs) + 1)
    match signs[-1]:
        case ":":
            return _destination("defined", text, at)
        case "(" if signs[0] == "]":
            return _destination("markdown", text, at)
        case "(":
            return _argument(text, at)
        case '"' | "'":
            return _string("string" if signs[0] in "(," else "css", text, at)
        case "=":
            return _attribute(_SYNTAXES[signs[:-1].rstrip(_AROUND).lower()], text, at)
        case _:
            return _far(text, at - len(signs), at)


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
    if not (rest[start].isalnum() or rest[start] in "<&/\\"):
        return None
    angle = _IN_ANGLE.search(rest[start:])
    if angle:
        end = start + angle.end()
        return _cut(syntax, at, (start + 1, end if end < len(rest) else -1, len(rest)), ">")
    found = _DESTINATION.search(rest[start:])
    end = start + (found.start() if found else len(rest) - start)
    closed = _closing(rest[start:end])
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
