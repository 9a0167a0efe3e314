"""What people, models and tools say to each other: messages, which are lists of parts."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Literal, overload

import msgspec

from jackline.core.value import Value

Role = Literal["user", "assistant", "tool"]


class Provider(Value, frozen=True):
    """What a provider wants back as it gave it, signed reasoning for one.

    It goes to that provider and to nobody else: it is dropped on fail-over, never logged and
    never streamed. `data` is JSON.
    """

    name: str
    data: str


class Text(Value, frozen=True, tag="text"):
    """Words: typed by the user, or said by a model or a tool."""

    text: str
    provider: Provider | None = None


class Pasted(Value, frozen=True, tag="pasted"):
    """Words that the user put in but did not write: untrusted."""

    text: str


class Image(Value, frozen=True, tag="image"):
    """A picture that lies in the journal's artifacts."""

    artifact: str
    media_type: str
    width_px: int = 0
    height_px: int = 0


class File(Value, frozen=True, tag="file"):
    """A file that lies in the journal's artifacts: untrusted.

    It costs at most `tokens_max`, where that is said, or else a token a byte. `is_text` says that
    its bytes are characters, whatever it is called.
    """

    artifact: str
    media_type: str
    name: str = ""
    size_bytes: int = 0
    tokens_max: int | None = None
    is_text: bool = False


class Reasoning(Value, frozen=True, tag="reasoning"):
    """What a model thought. Often empty but for what its provider wants back."""

    text: str = ""
    provider: Provider | None = None


class ToolCall(Value, frozen=True, tag="tool_call"):
    """A call as the model asked for it: `arguments` is the text that it wrote, valid or not.

    The provider's id is data: jackline mints the keys of calls itself.
    """

    name: str
    arguments: str
    provider_id: str = ""
    provider: Provider | None = None


class ToolResult(Value, frozen=True, tag="tool_result"):
    """What the model is told of one of its calls."""

    key: str
    name: str
    parts: tuple["Content", ...]
    provider_id: str = ""
    failed: bool = False


Content = Text | Image | File
InputPart = Text | Pasted | Image | File
ReplyPart = Text | Reasoning | ToolCall
Part = Text | Pasted | Image | File | Reasoning | ToolCall | ToolResult


class Message(Value, frozen=True):
    """One entry of what the model gets to see."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """Its words, without those of tools."""
        return "".join(part.text for part in self.parts if isinstance(part, Text | Pasted))


def has_typed(parts: Iterable[Part]) -> bool:
    """Whether there is a word in what a user put in that they typed themselves."""
    return any(isinstance(part, Text) and part.text.strip() for part in parts)


_ENCODER = msgspec.json.Encoder()
_IMAGE_BYTES = 8_192  # A picture costs at most this many tokens with the providers that we know.
_CALL_BYTES = 16  # What a provider writes around a call or a result, its id apart.


def size_bytes(message: Message) -> int:
    """Return an upper bound of the message's tokens: a byte is at most one token.

    Pictures count by a formula of the providers (their dearest tier), files by their size.
    """
    return sum(map(_part_bytes, message.parts))


def _part_bytes(part: Part) -> int:
    match part:
        case ToolCall():
            size = _length(part.arguments) + _length(part.name) + _length(part.provider_id)
            return size + _CALL_BYTES + (_length(part.provider.data) if part.provider else 0)
        case ToolResult():
            size = sum(map(_part_bytes, part.parts)) + _length(part.name) + len(part.key)
            return size + _length(part.provider_id) + _CALL_BYTES
        case Text() | Reasoning():
            return _length(part.text) + (_length(part.provider.data) if part.provider else 0)
        case Pasted():
            return _length(part.text)
        case Image():
            return _IMAGE_BYTES
        case _:
            return part.size_bytes if part.tokens_max is None else part.tokens_max


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def digest(before: str, new: Sequence[Message]) -> str:
    """Tells messages from all others: `new` ones, and those that had the digest `before`."""
    return sha256(before.encode() + _ENCODER.encode(new)).hexdigest()[:32]


class Messages(Sequence[Message]):
    """A sequence whose versions share one list, so that growing costs the same at any length.

    It carries its size in bytes, kept as it grows.
    """

    __slots__ = ("_length", "_shared", "size_bytes")

    def __init__(self, shared: list[Message], length: int = 0, size: int = 0) -> None:
        self._shared = shared
        self._length = length
        self.size_bytes = size

    @classmethod
    def of(cls, messages: Sequence[Message]) -> "Messages":
        """Return the sequence of these messages."""
        return cls([]).extended(messages)

    def extended(self, new: Sequence[Message]) -> "Messages":
        """Return these messages and `new` ones. Only the longest version is not copied."""
        if not new:
            return self
        shared = self._shared
        if len(shared) > self._length:
            shared = shared[: self._length]
        shared.extend(new)
        return Messages(shared, len(shared), self.size_bytes + sum(map(size_bytes, new)))

    def __len__(self) -> int:
        return self._length

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Messages) and list(self) == list(other)

    __hash__ = None  # pyright: ignore[reportAssignmentType] - a sequence that grows has no hash

    def __iter__(self) -> Iterator[Message]:
        return (self._shared[index] for index in range(self._length))

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        if isinstance(index, slice):
            return [self._shared[at] for at in range(*index.indices(self._length))]
        return self._shared[range(self._length)[index]]
