"""Texts that lead away, and what clients load of them: written from the specifications alone."""

import random
import re
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

from markdown_it import MarkdownIt

_URLS = frozenset(
    ("src", "href", "action", "formaction", "poster", "background", "data", "cite", "xlink:href")
)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \t\n\f\r])?|\n|([\s\S]))")
_REFRESH = re.compile(r"(?is)\s*[0-9.]+\s*[;,]?\s*(?:url\s*=\s*)?[\"']?(.*)")
_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.\-]*):")
_FETCHED = frozenset(("http", "https", "ws", "wss", "ftp"))
# https://www.w3.org/TR/css-syntax-3/#tokenization
_NAME = r"(?:[a-zA-Z0-9_\-]|\\[0-9a-fA-F]{1,6}[ \t\n]?|\\[^\n0-9a-fA-F])+"
_TOKEN = re.compile(
    rf"/\*[\s\S]*?(?:\*/|\Z)|(?P<name>@?{_NAME}\(?)"
    r"|\"(?P<double>(?:[^\"\\\n]|\\[\s\S])*)\"?|'(?P<single>(?:[^'\\\n]|\\[\s\S])*)'?|[\s\S]"
)
_UNQUOTED = re.compile(r"\s*((?:[^\s\"'()\\]|\\[\s\S])+)\s*(?:\)|\Z)")


def _css(style: str) -> Iterator[str]:
    """Read a style sheet: `url()`, and strings of `@import` and `image-set()`."""
    at, within, last = 0, [""], ""
    while token := _TOKEN.match(style, at):
        at = token.end()
        name, string = _plain(token["name"] or "").lower(), token["double"] or token["single"]
        if name == "url(" and (raw := _UNQUOTED.match(style, at)):
            at = raw.end()
            yield _plain(raw[1])
        elif name.endswith("("):
            within.append(name)
        elif token[0] == ")" and within[1:]:
            within.pop()
        elif string and (last == "@import" or within[-1].endswith(("url(", "image-set("))):
            yield _plain(string)
        last = last if token[0].isspace() or token[0].startswith("/*") else name


def _plain(written: str) -> str:
    return _ESCAPE.sub(
        lambda each: chr(int(each[1], 16) % 0x110000) if each[1] else each[2] or "", written
    )


def _srcset(value: str) -> Iterator[str]:
    """Read a list as https://html.spec.whatwg.org/#parse-a-srcset-attribute has it."""
    at = 0
    while found := re.compile(r"[\t\n\f\r ,]*([^\t\n\f\r ]+)").match(value, at):
        yield found[1].rstrip(",")
        at = found.end()
        if not found[1].endswith(","):
            at += len(value[at:].partition(",")[0])


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.urls = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        for name, value in attrs:
            if value is None:
                continue
            if name in _URLS:
                self.urls.append(value)
            elif name in {"srcset", "imagesrcset"}:
                self.urls += _srcset(value)
            elif name == "ping":
                self.urls += value.split()
            elif name == "style":
                self.urls += _css(value)
            elif name == "content" and (target := _REFRESH.match(value)):
                self.urls.append(target[1])


# Wherever a client may see a sheet: within SVG, and in XML, its entities are undone first
# (https://html.spec.whatwg.org/#parsing-main-inforeign).
_SHEET = re.compile(r"(?is)<style\b[^>]*>(.*?)(?:</style|\Z)")


def _html(text: str) -> Iterator[str]:
    """Return what is loaded of HTML."""
    page = _Page()
    page.feed(text)
    page.close()
    yield from page.urls
    for sheet in _SHEET.finditer(text):
        yield from _css(sheet[1])
        yield from _css(unescape(sheet[1]))


# JavaScript's white space, as `\s` and `trim` have it (https://tc39.es/ecma262/#sec-white-space).
_BLANKS = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_LINK = re.compile(
    rf"\]\([{_BLANKS}]*(<(?:\\.|[^\n<>\\])+>|[^ \t\n\x00-\x1f]+)"
    rf"|\]: *(?:\n[ \t]*)?([^<{_BLANKS}][^{_BLANKS}]*|<.*?>)"
)
_QUOTED = re.compile(r"(?m)^(?:> ?|- |  )")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def _marked(text: str) -> Iterator[str]:
    """Read destinations as the grammar of https://marked.js.org has them.

    Backslashes are undone there, and entities of what that gives by whoever reads the HTML.
    """
    for found in _LINK.finditer(_QUOTED.sub("", text)):
        href = (found[1] or found[2]).strip(_BLANKS)
        if href[0] == "<":
            href = href[1:-1]
        elif found[1]:
            href = href[: _closing(href)]
        yield unescape(_ESCAPED.sub(r"\1", href))


def _closing(href: str) -> int:
    depth = 0
    for found in re.finditer(r"\\.|[()]", href):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth < 0:
            return found.start()
    return len(href)


_COMMONMARK = MarkdownIt("commonmark")
_GFM = MarkdownIt("gfm-like", {"linkify": False, "html": True})
CLIENTS: tuple[Callable[[str], Iterator[str]], ...] = (
    lambda text: _html(_COMMONMARK.render(text)),
    lambda text: _html(_GFM.render(text)),
    _html,
    _marked,
)
# What a client fetches nothing for: https://url.spec.whatwg.org/#forbidden-domain-code-point
_NO_HOST = re.compile(r"[\0-\x20\x7f#%/:<>?@\\^|]")


def places(text: str) -> Iterator[tuple[str, str]]:
    """Return the host of what each client loads of a text, and its URL (https://url.spec.whatwg.org)."""
    for client in CLIENTS:
        for written in client(text):
            url = re.sub(r"[\t\n\r]", "", written.strip("".join(map(chr, range(33)))))
            scheme = _SCHEME.match(url)
            if scheme and scheme[1].lower() not in _FETCHED:
                if scheme[1].lower() in {"javascript", "data"}:
                    yield "", url
                continue
            rest = url[scheme.end() :] if scheme else url
            if scheme or re.match(r"[\\/]{2}", rest):
                authority = re.split(r"[\\/?#]", rest.lstrip("\\/"))[0]
                host = authority.rpartition("@")[2].partition(":")[0].lower()
                if host and not _NO_HOST.search(unquote(host)):
                    yield host, url


_NAMES = {
    ":": "colon",
    "/": "sol",
    "\\": "bsol",
    ".": "period",
    ",": "comma",
    "(": "lpar",
    ")": "rpar",
    '"': "quot",
    "'": "apos",
    "@": "commat",
}
_HOSTS = (
    "evil.example",
    "good.example",
    "good.example@evil.example",
    "good.example.evil.example",
    "good.example\\@evil.example",
    "good.example:x@evil.example",
    "good.example|@evil.example",
    "good.example\u3002evil.example",
    "good.example'@evil.example",
)
_TAGS = {
    "src": "img",
    "href": "a",
    "srcset": "img",
    "poster": "video",
    "data": "object",
    "background": "body",
    "style": "div",
    "content": "meta http-equiv=refresh",
    "ping": "a href=x",
    "formaction": "button",
    "imagesrcset": "link rel=preload as=image",
    "xlink:href": "image",
}


class Texts:
    """Draws texts in which something leads away, as far as it is not hidden too well."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._often = self._draw.choice((0, 0, 0.1, 0.3, 1))

    def text(self, url: str = "") -> str:
        """Return one, with this URL in it."""
        url = url or self._url()
        match self._draw.randrange(8):
            case 0 | 1:
                return self._wrapped(f"{self._of('!', '')}[x]({self._blank()}{self._target(url)})")
            case 2 | 3:
                use = self._of("![x][r]", "[r]")
                return self._wrapped(f"{use}\n\n[r]:{self._blank()}{self._target(url)}\n")
            case 4:
                return self._wrapped(f"<{url}>")
            case 5:
                return self._sheet(url)
            case _:
                return self._tag(url)

    def _of(self, *choices: str) -> str:
        return self._draw.choice(choices)

    def _url(self) -> str:
        begin = self._of(
            "https://", "HTTP://", "//", "\\\\", "/\\", "https:\\\\", "https:///", "https:"
        )
        return (
            begin + self._draw.choice(_HOSTS) + self._of("/x?d=S", "", "/", "?d=S", "/x'y", "/x|y")
        )

    def _blank(self) -> str:
        return self._of("", "", " ", "\t", "\n", " \n\t", self._of(*_BLANKS), "\u2003 \ufeff")

    def _target(self, url: str) -> str:
        written = "".join(
            "\\" + sign if sign in "/:@.?=" and self._now() else self._entity(sign) for sign in url
        )
        return self._of(written, f"<{written}>")

    def _now(self) -> bool:
        return self._draw.random() < self._often / 2

    def _entity(self, sign: str) -> str:
        if not self._now():
            return sign
        zeros = "0" * self._draw.choice((0, 0, 1, 5, 9))
        name = f"&{_NAMES[sign]};" if sign in _NAMES else f"&#{ord(sign)};"
        return self._of(name, f"&#{zeros}{ord(sign)};", f"&#x{zeros}{ord(sign):x};")

    def _wrapped(self, text: str) -> str:
        return self._of(text, "> " + text.replace("\n", "\n> "), "- " + text.replace("\n", "\n  "))

    def _style(self, url: str) -> str:
        written = "".join(f"\\{ord(sign):x} " if self._now() else sign for sign in url)
        quote = self._of("", '"', "'")
        function = self._of("url(", "URL(", "u\\72l(", "image-set(", "image-set('a' 1x, ", "url( ")
        return f"background:{function}{self._gap()}{quote}{written}{quote})"

    def _gap(self) -> str:
        return self._of("", "", " ", "/**/", " /* ) */ ", '/*"*/', "/*;'*/\n")

    def _sheet(self, url: str) -> str:
        written = "".join(f"\\{ord(sign):x} " if self._now() else sign for sign in url)
        quote = self._of('"', "'")
        imported = f"@import{self._gap()}{quote}{written}{quote};"
        css = self._of(imported, f"a{{{self._style(url)}}}")
        begin, end = self._of("<style>|</style>", "<svg><style>|</style></svg>", "<style>|").split(
            "|"
        )
        return begin + "".join(map(self._entity, css)) + end

    def _tag(self, url: str) -> str:
        name = self._of(*_TAGS)
        if self._draw.random() < 0.2:
            place = self._draw.randrange(len(url))
            url = (
                url[:place] + self._of("\t", "\n", "\r") * self._draw.choice((1, 20)) + url[place:]
            )
        value = self._of("", "", " ", "\x01", "\n" * 70, "\t" * 9) + url
        if name in {"srcset", "imagesrcset"}:
            value = self._of("", "a 1x,", "a 1x, ", ",, ") + value + self._of("", " 2x", ",b 3x")
        elif name == "style":
            value = self._style(url)
        elif name == "content":
            value = self._of("0;url=", "0; URL = ", "1.5,", "0;url='") + value
        elif name == "ping":
            value = self._of("", "/a ") + value
        quote = self._of('"', "'")
        written = "".join(
            f"&#{ord(sign)};" if sign == quote else self._entity(sign) for sign in value
        )
        equals = self._of("=", " = ", "\n=")
        begin = self._of("&Tab;" * 60, "&NewLine;" * 30, "&#32;", "", "", "", "")
        return (
            f"<{_TAGS[name]} {self._of(name, name.upper())}{equals}{quote}{begin}{written}{quote}>"
        )
