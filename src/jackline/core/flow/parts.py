"""What a value is made of, and what its tool's schema says of the place of each part."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from jackline.core.flow.shapes import Schema, fields_of, is_free, names_of, objects_of
from jackline.core.value import Value

Path = tuple[str, ...]

_ANY: Schema = {}
_EXACT = 1 << 53  # Larger integers are no floats.


class Part(Value, frozen=True, gc=True):
    """One part of a value, the fields that lead to it, and the schema of its place.

    `is_many`: how many there are of it, and in what order, is somebody's choice, too.
    """

    path: Path
    value: object
    shape: Schema = _ANY
    is_many: bool = False


def elements(value: object) -> list[object]:
    """Return what a value is made of: elements of lists, values of objects, and their keys."""
    return [each.value for each in parts(value)]


def parts(
    value: object, shape: Schema = _ANY, definitions: Mapping[str, Any] = _ANY
) -> Iterator[Part]:
    """Yield what is in a value of this schema: scalars, and lists and objects that are empty.

    Keys are parts of their own, but those that its author wrote down for just that place. All
    elements of a list have one path.
    """
    stack = [Part((), value, shape)]
    while stack:
        part = stack.pop()
        inside = part.value
        if isinstance(inside, list | tuple) and len(items := cast("list[object]", inside)):
            stack += reversed(_items(part, items, definitions))
        elif isinstance(inside, dict) and len(pairs := cast("dict[str, object]", inside)):
            stack += reversed(_entries(part, pairs, definitions))
        else:
            yield part


def _items(part: Part, items: list[object], definitions: Mapping[str, Any]) -> list[Part]:
    is_many = part.is_many or (len(items) > 1 and not is_free(part.shape, definitions))
    shape = {word: each for word, each in part.shape.items() if word != "default"}
    return [Part(part.path, each, shape, is_many) for each in items]


def _entries(part: Part, pairs: dict[str, object], definitions: Mapping[str, Any]) -> list[Part]:
    objects = objects_of(part.shape, definitions)
    known, fields = names_of(objects), fields_of(objects)
    chosen = [name for name in pairs if name not in known]
    is_many = part.is_many or len(chosen) > 1
    keys = [Part((*part.path, "#"), name, _ANY, is_many) for name in chosen]
    return keys + [
        Part((*part.path, f".{name}"), each, fields.get(name, _ANY), is_many)
        for name, each in pairs.items()
    ]


def spelt(value: object) -> str:
    """Return a value as text that no other one has, however alike they look. 5 and 5.0 are one."""
    return msgspec.json.encode(_spelt(value), order="sorted").decode()


def _spelt(value: object) -> object:
    if isinstance(value, dict):
        return {name: _spelt(each) for name, each in cast("dict[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_spelt(each) for each in cast("list[object]", value)]
    return exact(value)


def exact(value: object) -> str:
    """Return a value that has no parts as text that no other such value has."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"number:{float(value)!r}" if abs(value) < _EXACT else f"number:{value}"
    return f"{type(value).__name__}:{value}"
