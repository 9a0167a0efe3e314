"""What a quarantined model may make of untrusted text: a value of a narrow kind, never words.

The model that extracts has no tools, and what it answers is read against the kind alone. Words
stay where they are: the acting model handles them by an opaque name, and does not read them.
"""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from jackline.core.errors import DefinitionError
from jackline.core.flow.labels import Integrity
from jackline.core.flow.parts import elements
from jackline.core.value import Value

Kind = Literal["bool", "choice", "number", "date"]

CHOICES_MAX = 32
QUESTION_CHARS = 500
CHOICE_CHARS = 60
_DIGITS_MAX = 15
_NUMBER_MAX = 1 << 63
_MARK = "jackline:text:"


class Extraction(Value, frozen=True):
    """A question to a quarantined model about one text, and what kind of answer it may give."""

    question: str
    kind: Kind
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what nothing could hold. Raises `DefinitionError`."""
        if (self.kind == "choice") != (0 < len(self.choices) <= CHOICES_MAX):
            raise DefinitionError(
                f"An extraction of the kind choice has 1 to {CHOICES_MAX} choices, others none."
            )
        if len(self.question) > QUESTION_CHARS or any(len(c) > CHOICE_CHARS for c in self.choices):
            raise DefinitionError(
                f"A question has at most {QUESTION_CHARS} characters, a choice {CHOICE_CHARS}."
            )

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema that the answer is bound to. None: the text does not say."""
        kinds: dict[Kind, dict[str, Any]] = {
            "bool": {"type": ["boolean", "null"]},
            "choice": {"enum": [*self.choices, None]},
            "number": {"type": ["number", "null"]},
            "date": {"type": ["string", "null"], "format": "date"},
        }
        return {
            "type": "object",
            "properties": {"value": kinds[self.kind]},
            "required": ["value"],
            "additionalProperties": False,
        }

    def value(self, answer: str) -> bool | int | float | str | None:
        """Return what the quarantined model's answer says. None: nothing of this kind."""
        try:
            said: object = msgspec.json.decode(answer)
        except (msgspec.MsgspecError, RecursionError):
            return None
        value = cast("dict[str, object]", said).get("value") if isinstance(said, dict) else None
        match self.kind, value:
            case "bool", bool():
                return value
            case "number", int() | float() if not isinstance(value, bool) and _is_plain(value):
                return value
            case "choice", str() if value in self.choices:
                return value
            case "date", str():
                return _date(value)
            case _:
                return None


def _is_plain(number: float) -> bool:
    """Whether a number is finite, and one that every tool can hold."""
    return abs(number) <= _NUMBER_MAX if isinstance(number, int) else math.isfinite(number)


def is_word(value: object) -> bool:
    """Whether what was extracted is one of the words that were offered, and no date."""
    return isinstance(value, str) and _date(value) != value


def _date(text: str) -> str | None:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        return None


class Handle(Value, frozen=True):
    """The name of a text that the acting model passes on without having read it."""

    source: int
    path: str = ""

    def __str__(self) -> str:
        return f"{_MARK}{self.source}:{self.path}"


def handle_of(value: object) -> Handle | None:
    """Return the handle that an argument is, as a whole. A handle amid other words is none."""
    if not isinstance(value, str) or not value.startswith(_MARK):
        return None
    source, _, path = value.removeprefix(_MARK).partition(":")
    is_position = source.isascii() and source.isdecimal() and len(source) <= _DIGITS_MAX
    return Handle(int(source), path) if is_position else None


def holds_handle(value: object) -> bool:
    """Whether a text that nobody has read is in an argument."""
    return any(handle_of(each) for each in elements(value))


def opened(
    value: object, texts: Mapping[Handle, str]
) -> tuple[object, Integrity | None, tuple[Handle, ...]]:
    """Return an argument with its handles replaced by their texts, and which those were.

    The label is that of what was put in: untrusted, or None where nothing was. Raises
    `KeyError` for a handle that names nothing.
    """
    if isinstance(value, list):
        items = [opened(each, texts) for each in cast("list[object]", value)]
        used = tuple(handle for _, _, handles in items for handle in handles)
        return [each for each, _, _ in items], "untrusted" if used else None, used
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        inner = {name: opened(each, texts) for name, each in pairs.items()}
        used = tuple(handle for _, _, handles in inner.values() for handle in handles)
        return {name: each[0] for name, each in inner.items()}, "untrusted" if used else None, used
    handle = handle_of(value)
    return (value, None, ()) if handle is None else (texts[handle], "untrusted", (handle,))
