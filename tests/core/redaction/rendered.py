"""Texts that lead away, and what clients load of them: written from the specifications alone."""

import random
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote

from markdown_it import MarkdownIt

RENDERERS = (MarkdownIt("commonmark"), MarkdownIt("gfm-like", {"linkify": False, "html": True}))
_URLS = frozenset(
    ("src", "href", "action", "formaction", "poster", "background", "data", "cite", "xlink:href")
)
_STRING = r"\"((?:[^\"\\\n]|\\[\s\S])*)\"|'((?:[^'\\\n]|\\[\s\S])*)'"
_CSS = re.compile(
    rf"(?i)url\(\s*(?:{_STRING}|((?:[^\s\"'()\\]|\\[\s\S])*))|(?:@import|image-set\()\s*(?:{_STRING})"
)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[ \t\n\f\r])?|\n|([\s\S]))")
_REFRESH = re.compile(r"(?is)\s*[0-9.]+\s*[;,]?\s*(?:url\s*=\s*)?[\"']?(.*)")
_SCHEME = re.compile(r"(?i)([a-z][a-z0-9+.\-]*):")
_FETCHED = frozenset(("http", "https", "ws", "wss", "ftp"))


def _css(style: str) -> Iterator[str]:
    for found in _CSS.finditer(style):
        value = next((each for each in found.groups() if each is not None), "")
        yield _ESCAPE.sub(
            lambda each: chr(int(each[1], 16) % 0x110000) if each[1] else each[2] or "", value
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
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
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

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.urls += _css(data)


# What a client fetches nothing for: https://url.spec.whatwg.org/#forbidden-domain-code-point
_NO_HOST = re.compile(r"[\0-\x20\x7f#%/:<>?@\\^|]")


def places(text: str) -> Iterator[tuple[str, str]]:
    """Return the host of what each renderer loads of a text, and its URL (https://url.spec.whatwg.org)."""
    for renderer in RENDERERS:
        page = _Page()
        page.feed(renderer.render(text))
        page.close()
        for written in page.urls:
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


_NAMES = {":": "colon", "/": "sol", "\\": "bsol", ".": "period", ",": "comma", "(": "lpar"}
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
                return f"<style>a{{{self._of('@import ', '')}{self._style(url)}}}</style>"
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
        return self._of("", "", " ", "\t", "\n", " \n\t")

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
        function = self._of("url(", "URL(", "image-set(", "url( ")
        return f"background:{function}{quote}{written}{quote})"

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
