"""Whether bytes are characters, and in which encoding: a question to them, not to their label."""

import re
from collections.abc import Sequence

# Of the signs below a space text has white space, backspaces and escape sequences.
_CONTROL = re.compile("[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_BYTE = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
_TEXTS = ("application/json", "application/xml", "application/yaml")
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")


def encodings(data: bytes, media_type: str = "") -> Sequence[str]:
    """Return the encodings in which bytes are text: none where they are no text.

    Text has no controls. It is UTF-8, or of an encoding of which nobody knows more than that its
    letters without marks are those of ASCII; or UTF-16 or UTF-32, whatever the order of its bytes.
    What is called text is that too, with controls.
    """
    narrow = "utf-8" if _decoded(data, "utf-8") is not None else "latin-1"
    if not _CONTROL_BYTE.search(data):
        return [narrow]
    wide = [name for name in _WIDE if _is_wide(data, name)]
    return [*wide, narrow] if is_called_text(media_type) else wide


def is_called_text(media_type: str) -> bool:
    """Return whether the bytes of what is of this type are to be characters."""
    return media_type.startswith("text/") or media_type.partition(";")[0] in _TEXTS


def _is_wide(data: bytes, name: str) -> bool:
    """Whether it is text of some script, with ASCII in it: read in the wrong order it has none."""
    text = _decoded(data, name)
    return text is not None and not _CONTROL.search(text) and any(map(str.isascii, text))


def _decoded(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        return None
