"""Texts that the acting model passes on by a handle, without having read them.

They stay in the journal, in the event that a handle names by its position: so a handle is one of
this session whoever wrote it down, holds after every crash, and is erased with its event.
"""

from collections.abc import Mapping
from typing import cast

import msgspec

from jackline.core import events as e
from jackline.core.flow import Handle, Labels, elements, handle_of, opened
from jackline.core.messages import Content, Text
from jackline.core.results import DONE, WHOLE_BYTES
from jackline.core.value import Value


class Unread(Value, frozen=True):
    """The text that a handle names: words, or JSON where it is more than one text.

    `artifact` holds the whole of it where the result was too large to be read at once.
    """

    text: str
    artifact: str = ""


class HandleError(Exception):
    """A handle names nothing. It says so in a sentence, to the model."""


def sealed(event: e.ToolReturned, seq: int) -> tuple[Content, ...]:
    """Return what the model reads of a quarantined result, which stands at `seq`."""
    text = _text(event)
    if text == DONE:
        return event.parts
    value = Labels(event.labels).sealed(_value(text), seq)
    return (Text(value if isinstance(value, str) else msgspec.json.encode(value).decode()),)


def unread(handle: Handle, event: e.Event | None) -> Unread:
    """Return what a handle names, of which `event` stands at its position. Raises `HandleError`."""
    if isinstance(event, e.Erased):
        raise HandleError(f"The text {handle} has been erased.")
    if not isinstance(event, e.ToolReturned) or not event.quarantined:
        raise HandleError(f"{handle} names no text of this session.")
    return Unread(_text(event), event.artifact)


def at(handle: Handle, whole: str) -> str:
    """Return that part of a result which the handle names. Raises `HandleError`."""
    if not handle.path:
        return whole
    found = _value(whole)
    for step in handle.path.split("."):
        found = _inside(found, step, handle)
    return found if isinstance(found, str) else msgspec.json.encode(found).decode()


def handles_of(arguments: object) -> list[Handle]:
    """Return the handles in a call's arguments, each as often as it is there."""
    found = [handle_of(each) for each in elements(arguments)]
    return [each for each in found if each]


def with_texts(arguments: object, texts: Mapping[Handle, str]) -> str:
    """Return arguments as JSON with texts in place of handles. Raises `HandleError`."""
    size = sum(len(texts[each]) for each in handles_of(arguments))
    if size > WHOLE_BYTES:
        raise HandleError(f"The texts are too long: {WHOLE_BYTES:,} characters are the most.")
    return msgspec.json.encode(opened(arguments, texts)[0]).decode()


def _inside(value: object, step: str, handle: Handle) -> object:
    if isinstance(value, dict) and step in value:
        return cast("dict[str, object]", value)[step]
    if isinstance(value, list):
        items = cast("list[object]", value)
        if step in map(str, range(len(items))):
            return items[int(step)]
    raise HandleError(f"{handle} names no text of this session.")


def _text(event: e.ToolReturned) -> str:
    return "".join([part.text for part in event.parts if isinstance(part, Text)])


def _value(text: str) -> object:
    """Return what a tool returned, which is JSON unless it was text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text
