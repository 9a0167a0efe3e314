"""What a user says: text, pasted text, pictures and files; checked before anything is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from jackline.core.errors import InputError
from jackline.core.messages import File, Image, Pasted, Text

_MEDIA_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture or a file as it comes: it is kept as an artifact, and is untrusted."""

    data: bytes
    media_type: str
    name: str = ""

    @property
    def is_image(self) -> bool:
        """Whether models see it as a picture."""
        return self.media_type in _MEDIA_IMAGES


Given = Text | Pasted | Image | File | Upload
Said = str | Given | Sequence[str | Given]


def given(said: Said, limit_bytes: int | None) -> tuple[Given, ...]:
    """Return what was said as parts. Raises `InputError` where it is empty, unclean or too large.

    The size of all of it counts, files included.
    """
    several = [said] if isinstance(said, str | Text | Pasted | Image | File | Upload) else said
    parts = tuple(Text(part) if isinstance(part, str) else part for part in several)
    size = 0
    for part in parts:
        if not isinstance(part, Text | Pasted | Image | File | Upload):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not type-checked
            raise InputError(f"A {type(part).__name__} is no input: give text, or parts of it.")
        size += len(part.data) if isinstance(part, Upload) else 0
        size += _text_bytes(part.text) if isinstance(part, Text | Pasted) else 0
        if limit_bytes is not None and size > limit_bytes:
            raise InputError(
                f"The input is larger than the {limit_bytes} bytes that this agent takes: "
                "send less, or raise Limits(input_bytes=…)."
            )
    if not any(not isinstance(part, Text | Pasted) or part.text.strip() for part in parts):
        raise InputError("The input is empty: say something.")
    return parts


def _text_bytes(text: str) -> int:
    if "\0" in text:
        raise InputError("The input has a NUL character: send text without it.")
    try:
        return len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise InputError(
            "The input has a lone surrogate, so it is no valid Unicode text."
        ) from None
