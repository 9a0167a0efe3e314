"""What clients put into a message: what the user typed, and what is somebody else's words.

A compatible client does not say which of a text was pasted. So quotes and fenced blocks, as
CommonMark has them (https://spec.commonmark.org/0.31.2/, 4.5 and 5.1), pictures and files are
untrusted, as are messages in the name of the system: what an agent is told to do stands in its
own instructions, and whoever may talk to it does not change them.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import groupby

from jackline.core.inputs import Given, Upload
from jackline.core.messages import Pasted, Text
from jackline.interfaces.openai.bodies import Content, Document, Picture
from jackline.interfaces.openai.refusals import ParameterError

_BLANK = " \t\r\n"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_QUOTE = re.compile(r" {0,3}>")
_DATA = re.compile(r"data:([^,;]{1,100})((?:;[^,;]{1,100}){0,5}),")
_TEXTS = frozenset({"text", "input_text", "output_text"})
_PICTURES = frozenset({"image_url", "input_image"})
_FILES = frozenset({"file", "input_file"})


def typed(text: str) -> list[Text | Pasted]:
    """Return a text of a user as parts: what they typed, and what they quote or fence."""
    parts: list[Text | Pasted] = []
    for pasted, lines in groupby(_marked(text), key=lambda each: each[0]):
        said = "".join(line for _, line in lines)
        if said.strip():
            parts.append(Pasted(said) if pasted else Text(said))
    return parts


def _marked(text: str) -> Iterator[tuple[bool, str]]:
    """Yield each line, and whether it is within a quote or fences.

    All from the first fence to the last counts: what was pasted between two of them may have
    had one of its own, and so ended the one around it.
    """
    lines = list(StringIO(text, newline=""))
    first, last = _fenced(lines)
    quoted = False
    for at, line in enumerate(lines):
        fenced = first <= at <= last
        is_blank = not line.strip(_BLANK)
        quoted = not fenced and (bool(_QUOTE.match(line)) or (quoted and not is_blank))
        yield fenced or quoted, line


def _fenced(lines: Sequence[str]) -> tuple[int, int]:
    """Return the first and the last line within fences. One that is not closed has no end."""
    found, fence = list[int](), ""
    for at, line in enumerate(lines):
        if mark := _FENCE.match(line):
            found.append(at)
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence) and not line[mark.end() :].strip(_BLANK):
                fence = ""
    if not found:
        return len(lines), -1
    return found[0], len(lines) if fence else found[-1]


def content(role: str, said: str | Sequence[Content] | None, param: str) -> list[Given]:
    """Return the content of a message as parts. Raises `ParameterError` for what cannot be taken.

    Only a user types: the words of all others are untrusted.
    """
    parts = [Content(type="text", text=said)] if isinstance(said, str) else said or ()
    found: list[Given] = []
    for at, part in enumerate(parts):
        where = f"{param}.content.{at}"
        if part.type in _TEXTS:
            text = part.text or ""
            found += typed(text) if role == "user" else [Pasted(text)] if text.strip() else []
        elif part.type in _PICTURES:
            given = part.image_url
            found.append(_upload(given.url if isinstance(given, Picture) else given, "", where))
        elif part.type in _FILES:
            document = part.file or Document(file_data=part.file_data, filename=part.filename)
            found.append(_upload(document.file_data, document.filename or "", where))
        else:
            raise ParameterError(where, f"A part of type {part.type[:40]!r} is not taken.")
    return found


def words(said: str | Sequence[Content] | None) -> str:
    """Return the words of a message, without all else."""
    if said is None or isinstance(said, str):
        return said or ""
    return "".join(part.text or part.refusal or "" for part in said)


def _upload(url: str | None, name: str, where: str) -> Upload:
    """Return what a `data:` URL holds (RFC 2397). No other one is read: it would be from here."""
    found = _DATA.match(url or "")
    if url is None or found is None or not found[2].endswith(";base64"):
        raise ParameterError(
            where, "Pictures and files come within the request, as data:TYPE;base64,… URLs."
        )
    try:
        data = b64decode(url[found.end() :], validate=True)
    except ValueError:
        raise ParameterError(where, "This is no base64.") from None
    return Upload(data, found[1], name)
