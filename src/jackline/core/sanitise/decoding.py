"""Codes that a text may be written in, in part: base64, hex, morse, bits and escapes.

Each is read only where what it says is text. A hash or an id is none.
"""

import sys
from binascii import a2b_base64
from codecs import encode
from collections.abc import Callable, Iterator

from jackline.core.patterns import Pattern
from jackline.core.sanitise.reading import Edit

_CODES_OF = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- "
    ".-- -..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. .-.-.- "
    "--..-- ..--.. .----. -.-.-- -..-. ---... -....-"
)
MORSE: dict[str, str] = dict(
    zip(_CODES_OF.split(), "abcdefghijklmnopqrstuvwxyz0123456789.,?'!/:-", strict=True)
)
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "nbsp": " "}
_BITS = 8
_LEADING_MAX = 2
_UNLIKELY = "".join(map(chr, range(32))).translate(str.maketrans("", "", "\x07\t\n\r\x1b")) + "\x7f"
_BASE64 = Pattern(r"[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")
_HEX = Pattern(r"(?:(?:0x|\\x|%)?[0-9A-Fa-f]{2}[\s,:;-]{0,2}){8,}")
_CODE = Pattern(r"[.-]{1,7}(?:[ \n/|]{1,3}[.-]{1,7}){5,}")
_OCTETS = Pattern(r"(?:[01]{8}[\s,]{0,2}){6,}")
_PERCENT = Pattern(r"(?:%[0-9A-Fa-f]{2})+")
_ESCAPE = Pattern(r"(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2})+")
_ENTITY = Pattern(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|lt|gt|amp|quot|apos|nbsp);")


def decoded(text: str) -> list[Edit]:
    """Return what stands in a code, read, in order."""
    edits = list[Edit]()
    for what, hint, pattern, read in _CODES:
        if hint in text:
            for found in pattern.finditer(text):
                if said := read(found.group()):
                    edits.append(Edit(found.start(), found.end(), said, what))
    # The longer one of two that begin together holds the other one.
    return sorted(edits, key=lambda edit: (edit.start, -edit.end))


def _text(raw: bytes) -> str:
    """Return the text that these bytes are, or nothing where they are none."""
    try:
        # Of UTF-16 every other byte is nothing, as far as it is ASCII.
        text = raw.replace(b"\0", b"").decode()
    except UnicodeDecodeError:
        return ""
    return "" if any(each in _UNLIKELY for each in text) else text


def _base64(found: str) -> str:
    lines = found.rstrip("=").replace("\r", "").split("\n")
    # A word that begins the next line may look like more of it.
    for end in dict.fromkeys((len(lines), max(1, len(lines) - 1), 1)):
        joined = "".join(lines[:end])
        for code in (joined, encode(joined, "rot13")):
            if text := _text(_from_base64(code)):
                return text
    return ""


def _from_base64(code: str) -> bytes:
    code = code.replace("-", "+").replace("_", "/")
    code = code[: len(code) - (len(code) % 4 == 1)]
    return a2b_base64(code + "=" * (-len(code) % 4))


def _hex(found: str) -> str:
    raw = bytes.fromhex("".join(_pairs(found)))
    # The end of the word before it may look like more of it.
    return next(filter(None, (_text(raw[skipped:]) for skipped in range(_LEADING_MAX + 1))), "")


def _pairs(found: str) -> Iterator[str]:
    for part in found.replace("0x", " ").replace("\\x", " ").replace("%", " ").split():
        yield "".join([each for each in part if each not in ",:;-"])


def _morse(found: str) -> str:
    words = found.replace("\n", "/").replace("|", "/").replace("  ", "/").split("/")
    codes = [word.split() for word in words]
    if not all(code in MORSE for word in codes for code in word):
        return ""
    return " ".join(["".join([MORSE[code] for code in word]) for word in codes if word])


def _octets(found: str) -> str:
    digits = "".join([each for each in found if each in "01"])
    return _text(bytes([int(digits[at : at + _BITS], 2) for at in range(0, len(digits), _BITS)]))


def _percent(found: str) -> str:
    return bytes.fromhex(found.replace("%", "")).decode("utf-8", "replace")


def _escape(found: str) -> str:
    units = [int(each[1:], 16) for each in found.split("\\")[1:]]
    return b"".join([unit.to_bytes(2, "little") for unit in units]).decode("utf-16-le", "replace")


def _entity(found: str) -> str:
    name = found[1:-1]
    if not name.startswith("#"):
        return _ENTITIES[name]
    code = int(f"0{name[1:]}", 16 if name[1] in "xX" else 10)
    return chr(code).encode("utf-8", "ignore").decode() if code <= sys.maxunicode else ""


_Code = tuple[str, str, Pattern, Callable[[str], str]]
_CODES: tuple[_Code, ...] = (
    ("base64", "", _BASE64, _base64),
    ("hex", "", _HEX, _hex),
    ("morse", "-", _CODE, _morse),
    ("bits", "01", _OCTETS, _octets),
    ("", "%", _PERCENT, _percent),
    ("", "\\", _ESCAPE, _escape),
    ("", "&", _ENTITY, _entity),
)
