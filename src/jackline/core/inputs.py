"""What a user says: text, pasted text, pictures and files; checked before anything is kept."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jackline.core.characters import is_called_text
from jackline.core.errors import InputError
from jackline.core.messages import (
    File,
    Image,
    Message,
    Part,
    Pasted,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    size_bytes,
)

HISTORY_BYTES = 16 << 20
_MEDIA_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_MEDIA = re.compile(r"[A-Za-z]+/[A-Za-z0-9!#$&^_.+-]{1,100}(;[ -~]{1,100})?")
_PARTS: dict[str, tuple[type[object], ...]] = {
    "user": (Text, Pasted),
    "assistant": (Text, Reasoning, ToolCall),
    "tool": (ToolResult,),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture or a file as it comes: it is kept as an artifact, and is untrusted.

    Text costs at most a token a byte. What a provider unpacks (pages, frames, samples) has no
    bound that we know, so `tokens_max` has to say one, or no budget would hold. A type has no case
    (RFC 9110, 8.3.1): it is kept in small letters.
    """

    data: bytes
    media_type: str
    name: str = ""
    tokens_max: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no model could be shown."""
        if not isinstance(self.data, bytes) or not self.data:  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not type-checked
            raise InputError("An upload wants its content as bytes, at least one.")
        if not _MEDIA.fullmatch(self.media_type):
            raise InputError(f"{self.media_type[:100]!r} is no media type, like 'image/png'.")
        name, mark, parameters = self.media_type.partition(";")
        object.__setattr__(self, "media_type", f"{name.lower()}{mark}{parameters}")
        if _text_bytes(self.name) > _NAME_BYTES:
            raise InputError(f"The name of an upload has at most {_NAME_BYTES} bytes.")
        if self.tokens_max is None and not (self.is_image or self.is_text):
            raise InputError(
                f"How many tokens a file of {self.media_type} costs has no bound that jackline "
                "knows: say it, as in Upload(data, media_type, tokens_max=50_000)."
            )

    @property
    def is_image(self) -> bool:
        """Whether models see it as a picture."""
        return self.media_type in _MEDIA_IMAGES

    @property
    def is_text(self) -> bool:
        """Whether it is called text, as whoever is shown it then reads it."""
        return is_called_text(self.media_type)


Given = Text | Pasted | Image | File | Upload
Said = str | Given | Sequence[str | Given]


def given(said: Said, limit_bytes: int | None) -> tuple[Given, ...]:
    """Return what was said as parts. Raises `InputError` where it is empty, unclean or too large.

    The size of all of it counts, files included.
    """
    if isinstance(said, str | Text | Pasted | Image | File | Upload):
        said = [said]
    if not isinstance(said, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not type-checked
        raise InputError(f"{type(said).__name__} is no type of input: give text, or parts of it.")
    parts = tuple(Text(part) if isinstance(part, str) else part for part in said)
    size = 0
    for part in parts:
        if not isinstance(part, Text | Pasted | Image | File | Upload):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not type-checked
            raise InputError(
                f"{type(part).__name__} is no type of input: give text, or parts of it."
            )
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


def imported(history: Sequence[Message]) -> tuple[Message, ...]:
    """Return a conversation that began elsewhere. Raises `InputError` unless a model can go on.

    Each tool call needs one result in the message that follows it. The tools themselves need
    not exist here.
    """
    asked, size = list[ToolCall](), 0
    for at, message in enumerate(history):
        if why := _wrong(message) or _unmatched(asked, message):
            raise InputError(f"Message {at} of the history cannot be taken over: {why}.")
        asked = [part for part in message.parts if isinstance(part, ToolCall)]
        size += size_bytes(message)
    if asked:
        raise InputError(f"The history ends before {asked[0].name!r} has a result: add it.")
    if size > HISTORY_BYTES:
        raise InputError(
            f"The history has {size} bytes, and more than {HISTORY_BYTES} are not kept."
        )
    return tuple(history)


def _wrong(message: Message) -> str:
    if not isinstance(message, Message) or message.role not in _PARTS or not message.parts:  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not type-checked
        return "it is no message of a user, an assistant or a tool"
    strange = [part for part in message.parts if not isinstance(part, _PARTS[message.role])]
    if strange:
        return f"{message.role} messages have no part like {type(strange[0]).__name__}"
    for text in _texts(message.parts):
        _text_bytes(text)
    return ""


def _texts(parts: Iterable[Part]) -> Iterable[str]:
    for part in parts:
        match part:
            case Text() | Pasted() | Reasoning():
                yield part.text
            case ToolCall():
                yield from (part.name, part.arguments, part.provider_id)
            case ToolResult():
                yield from (part.key, part.name, part.provider_id)
                yield from _texts(part.parts)
            case _:
                raise InputError("Pictures and files of a history are said anew, as an Upload.")


def _unmatched(asked: Sequence[ToolCall], message: Message) -> str:
    """Return what is wrong with the results of the calls that the message before has asked for."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    calls, answers = Counter(call.name for call in asked), Counter(each.name for each in results)
    if missing := calls - answers:
        return f"{min(missing)!r} was called before it and has no result"
    if surplus := answers - calls:
        return f"it has a result of {min(surplus)!r}, which was not called"
    ids = Counter(call.provider_id for call in asked)
    if strange := Counter(filter(None, (each.provider_id for each in results))) - ids:
        return f"it has a result of the call {min(strange)!r}, which was not made"
    return ""


_NAME_BYTES = 200


def _text_bytes(text: str) -> int:
    if "\0" in text:
        raise InputError("The input has a NUL character: send text without it.")
    try:
        return len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise InputError(
            "The input has a lone surrogate, so it is no valid Unicode text."
        ) from None
