"""What a model gets to see of what a tool returned, raised, or left unsaid."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

import msgspec

from jackline.core.flow import Integrity
from jackline.core.messages import Content, File, Image, Text
from jackline.core.value import Value

WHOLE_BYTES = 16 << 20
ERROR_CHARS = 2_000
DONE = "Done."
Clean = Callable[[str], str]
# It has no size: that would be a number of whoever wrote the text, in words that count as ours.
_TOO_LARGE = f"it has more than the {WHOLE_BYTES:,} bytes that are kept"
_UTF8_BYTES = 3  # What may follow the first byte of a character.
_CONTINUATION = 0x80


class Shown(Value, frozen=True):
    """What the model reads, `whole` where that is only the head of it, and `problem` if nothing.

    `problem` says why the value cannot be shown, as the end of a sentence. `labels` says who
    wrote which field.
    """

    parts: tuple[Content, ...] = ()
    whole: bytes = b""
    problem: str = ""
    labels: Mapping[str, Integrity] = {}


def as_it_is(text: str) -> str:
    """Return a text unchanged."""
    return text


def shown(value: object, limit_bytes: int, clean: Clean = as_it_is) -> Shown:
    """Return what the model reads of a value: text as it is, anything else as compact JSON.

    Pydantic models, dataclasses and msgspec structs are objects. The text is cut at
    `limit_bytes`, and cleaned before that; more than 16 MiB of it is a problem and no result.
    """
    try:
        parts = _parts(value)
    except _UnshowableError as error:
        return Shown(problem=str(error))
    text = "".join(part.text for part in parts if isinstance(part, Text))
    if len(text) <= limit_bytes and text.isascii():
        return Shown(parts)
    if len(text) > WHOLE_BYTES:
        return Shown(problem=_TOO_LARGE)
    whole = clean(text).encode("utf-8", "replace")
    if len(whole) > WHOLE_BYTES:
        return Shown(problem=_TOO_LARGE)
    rest = tuple(part for part in parts if not isinstance(part, Text))
    if len(whole) <= limit_bytes:
        said = whole.decode()
        return Shown(parts if said == text else (Text(said), *rest))
    return Shown((Text(whole[: boundary(whole, limit_bytes)].decode()), *rest), whole)


def unread(result: Shown) -> Shown:
    """Return a result that is to be quarantined. Only text can be."""
    if all(isinstance(part, Text) for part in result.parts):
        return result
    return Shown(problem="it has pictures or files, which cannot be quarantined")


def is_words(value: object) -> bool:
    """Whether a result is text, pictures and files, and no object that has fields."""
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return bool(items) and all(isinstance(each, Content) for each in items)
    return isinstance(value, str | Content)


def boundary(data: bytes, at: int) -> int:
    """Return where the UTF-8 character begins that `at` lies in, or the end of the data."""
    if at >= len(data):
        return len(data)
    for back in range(min(at, _UTF8_BYTES) + 1):
        if data[at - back] & 0xC0 != _CONTINUATION:
            return at - back
    return at


def kept(result: Shown, handle: str) -> tuple[Content, ...]:
    """Return the parts of a result that was cut, with a line that says how to read on."""
    first, *rest = result.parts
    assert isinstance(first, Text), "only text is cut"
    size = len(first.text.encode())
    how = (
        f'read_result(handle="{handle}", offset={size}) shows more'
        if handle
        else "the rest could not be kept"
    )
    line = f"\n[The first {size:,} of {len(result.whole):,} bytes; {how}.]"
    return (Text(first.text + line), *rest)


def explained(error: BaseException, clean: Clean = as_it_is) -> str:
    """Return what a model is told of an error: its type and what it says, of bounded length.

    It is cleaned before it is cut: what is left of half a secret, nobody would know for one.
    """
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - an error that cannot even be shown is still an error
        said = ""
    name = type(error).__name__
    return shortened(clean(f"{name}: {said}" if said else f"{name}."))


def shortened(text: str, chars: int = ERROR_CHARS) -> str:
    """Return the text, cut where it is longer, and without halves of surrogate pairs."""
    if len(text) > chars:
        text = f"{text[: chars - 1]}…"
    return text.encode("utf-8", "replace").decode()


class _UnshowableError(Exception):
    """There is no text for a value: it says why, as the end of a sentence."""


def _foreign(value: object) -> _UnshowableError:
    name = type(value).__name__
    return _UnshowableError(f"it is of type {name}, which is neither text nor JSON")


def _parts(value: object) -> tuple[Content, ...]:
    match value:
        case None:
            return (Text(DONE),)
        case str():
            return (Text(str.__str__(value)),)
        case Text() | Image() | File():
            return (value,)
        case list() | tuple() if is_words(value):  # pyright: ignore[reportUnknownArgumentType] - of a list of anything
            return tuple(cast("Sequence[Content]", value))
        case _:
            return (Text(_json(value)),)


def _json(value: object) -> str:
    if inspect.iscoroutine(value):
        value.close()
    if isinstance(value, _BINARY):
        raise _foreign(value)
    try:
        text = msgspec.json.encode(value, enc_hook=_plain).decode()
        if "null" in text:  # It would be shown for nan and infinity, which are no JSON.
            _finite(msgspec.to_builtins(value, enc_hook=_plain, str_keys=True))
    except UnicodeEncodeError:
        # One half of a surrogate pair, as JSON may escape it, hides nothing else of a result.
        whole = _finite(msgspec.to_builtins(value, enc_hook=_plain, str_keys=True))
        return whole.encode("utf-8", "replace").decode()
    except RecursionError:
        raise _UnshowableError("it is nested too deeply, or contains itself") from None
    except (TypeError, ValueError, msgspec.MsgspecError):
        raise _foreign(value) from None
    return text


def _finite(builtins: object) -> str:
    try:
        return json.dumps(builtins, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        raise _UnshowableError("there is NaN or infinity in it, which is no JSON") from None


def _plain(value: object) -> object:
    """Return what msgspec does not know as what it knows, as of a pydantic model or a path."""
    from pydantic_core import PydanticSerializationError, to_jsonable_python  # noqa: PLC0415 - heavy

    if isinstance(value, _ENDLESS):
        raise _foreign(value)
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError:
        raise _foreign(value) from None


_BINARY: tuple[type[object], ...] = (bytes, bytearray, memoryview)
_ENDLESS: type[object] = Iterator  # Reading one may never come to an end.
