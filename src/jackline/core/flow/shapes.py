"""What a tool's schema says of a place inside its arguments: its default, and whether it is free.

Where a value may be one of several kinds of objects nothing is said of what is inside.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, cast

import msgspec

# Types of few values, and how many those are.
_FREE = {"boolean": 2, "null": 1}
_SCALARS = frozenset(["string", "number", "integer", "boolean", "null"])
_DEPTH = 16
_LEVELS = 64
_WRITTEN_BYTES = 16_384
_DEFINED = "#/$defs/"
# What holds schemas under names of its own, and what holds no schema.
_NAMED = frozenset(["properties", "patternProperties", "dependentSchemas"])
_DATA = frozenset(["default", "const", "enum", "examples", "required"])
_ELSEWHERE = frozenset(["$dynamicRef", "$recursiveRef"])

Schema = Mapping[str, Any]


def completed(schema: Schema, arguments: Mapping[str, object]) -> dict[str, object]:
    """Return arguments with the defaults of the objects inside them filled in."""
    fields = properties_of(schema)
    return {
        name: _completed(schema, fields.get(name, {}), each) for name, each in arguments.items()
    }


def _completed(schema: Schema, shape: Schema, value: object) -> object:
    if isinstance(value, list):
        return [_completed(schema, shape, each) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    fields = fields_of(objects_of(shape, schema.get("$defs", {})))
    given = cast("dict[str, object]", value)
    defaults = {name: each["default"] for name, each in fields.items() if "default" in each}
    return defaults | {
        name: _completed(schema, fields.get(name, {}), each) for name, each in given.items()
    }


def is_set(schema: Schema, name: str, *, is_said: bool = False) -> bool:
    """Whether an argument is a list in which nothing comes twice, so that no order is meant.

    With `is_said` somebody says so, and only a tuple is none.
    """
    shape = properties_of(schema).get(name, {})
    shapes: list[object] = shape.get("anyOf", [shape])
    return all(_is_set(each, is_said) for each in shapes)


def _is_set(shape: object, is_said: bool) -> bool:  # noqa: FBT001 - as of `is_set`
    """Whether no value of this schema is a list with an order."""
    if not isinstance(shape, dict):
        return False
    known = cast("Schema", shape)
    is_scalar = bool(_types(known)) and _types(known) <= _SCALARS
    is_unique = is_said or known.get("uniqueItems") is True
    return is_scalar or (is_unique and "prefixItems" not in known)


def properties_of(schema: Schema) -> Mapping[str, Schema]:
    """Return the schemas of the arguments."""
    return schema.get("properties", {})


def objects_of(shape: Schema, definitions: Mapping[str, Any]) -> list[Schema]:
    """Return the schemas of the objects that a value may be, or that it may hold as a list."""
    return [each for each in alternatives(shape, definitions) if is_object(each)]


def fields_of(objects: Sequence[Schema]) -> Mapping[str, Schema]:
    """Return the schemas of an object's fields; none where it may be another object, too."""
    if len(objects) != 1:
        return {}
    known = cast("Mapping[str, object]", properties_of(objects[0]))
    return {name: cast("Schema", each) for name, each in known.items() if isinstance(each, dict)}


def names_of(objects: Sequence[Schema]) -> AbstractSet[str]:
    """Return the keys that an author wrote down for this place; none where it may be a mapping."""
    known = [properties_of(each).keys() for each in objects]
    return frozenset[str]().union(*known) if all(known) else frozenset()


def is_object(shape: Schema) -> bool:
    """Whether a value of this schema may be an object."""
    types = _types(shape)
    is_scalar = bool(types) and types <= _SCALARS
    return not is_scalar and "enum" not in shape and "const" not in shape


def _types(shape: Schema) -> frozenset[str]:
    said: str | list[str] = shape.get("type", [])
    return frozenset([said] if isinstance(said, str) else said)


def is_free(shape: Schema, definitions: Mapping[str, Any], *, in_lists: bool = False) -> bool:
    """Whether a value of this schema is one of a few that its author wrote down.

    A set of such values is one, as its order says nothing, and with `in_lists` a list is, too.
    """
    return choices(shape, definitions, in_lists=in_lists) > 0


def choices(shape: Schema, definitions: Mapping[str, Any], *, in_lists: bool = False) -> int:
    """Return how many bools can say as much as a value that is one of a few; 0 for any other."""
    shapes = alternatives(shape, definitions, in_lists=in_lists)
    values = [_values(each) for each in shapes]
    return max(1, (sum(values) - 1).bit_length()) if values and all(values) else 0


def _values(shape: Schema) -> int:
    """Return how many values a schema writes down; 0 where it leaves them open."""
    if "enum" in shape:
        return len(shape["enum"])
    if "const" in shape:
        return 1
    types = _types(shape)
    return sum(_FREE[each] for each in types) if types <= _FREE.keys() else 0


def alternatives(
    shape: Schema, definitions: Mapping[str, Any], *, in_lists: bool = True
) -> list[Schema]:
    """Return the schemas that a value may be of; none where it is too deep.

    Sets are looked into, and with `in_lists` all lists.
    """
    if not shape:
        return [shape]
    found, level = list[Schema](), [shape]
    for _ in range(_DEPTH):
        below = list[Schema]()
        for each in level:
            inner = _inner(each, definitions, in_lists=in_lists)
            below += inner or ()
            found += () if inner else (each,)
        level = below
    return found if not level else []


def _inner(shape: Schema, definitions: Mapping[str, Any], *, in_lists: bool) -> list[Schema]:
    if reference := shape.get("$ref"):
        return [definitions.get(str(reference).rpartition("/")[2], {})]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in shape:
            return [each if isinstance(each, dict) else {} for each in shape[word]]
    is_open = in_lists or shape.get("uniqueItems") is True
    return [shape["items"]] if is_open and isinstance(shape.get("items"), dict) else []


def written_out(shape: Schema, definitions: Mapping[str, Any]) -> Schema | None:
    """Return a schema with what it refers to in place; None where that has no end, or is too much.

    At most 16 KiB of it is written out, and no more than 64 levels.
    """
    try:
        return cast("Schema", _Writing(definitions).schema(shape))
    except _EndlessError:
        return None


class _EndlessError(Exception):
    """A schema contains itself, refers to what is not there, or is too large."""


class _Writing:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._left = _WRITTEN_BYTES

    def schema(self, shape: object, around: tuple[str, ...] = (), depth: int = 0) -> object:
        """Return a schema with all in place; `around` are the definitions that it stands in."""
        if depth > _LEVELS:
            raise _EndlessError
        if isinstance(shape, list):
            return [self.schema(each, around, depth + 1) for each in cast("list[object]", shape)]
        if not isinstance(shape, dict):
            return shape
        said = dict(cast("dict[str, object]", shape))
        said.pop("discriminator", None)  # It refers, too, and says nothing that is not said.
        if not _ELSEWHERE.isdisjoint(said):
            raise _EndlessError
        meant = self._meant(said.pop("$ref"), around, depth) if "$ref" in said else {}
        return meant | {word: self._word(word, said[word], around, depth) for word in said}

    def _word(self, word: str, said: object, around: tuple[str, ...], depth: int) -> object:
        if word in _DATA:
            return said
        if word in _NAMED and isinstance(said, dict):
            named = cast("dict[str, object]", said).items()
            return {name: self.schema(each, around, depth + 1) for name, each in named}
        return self.schema(said, around, depth + 1)

    def _meant(self, reference: object, around: tuple[str, ...], depth: int) -> dict[str, Any]:
        name = str(reference).removeprefix(_DEFINED)
        defined = self._definitions.get(name)
        if f"{_DEFINED}{name}" != reference or name in around or not isinstance(defined, dict):
            raise _EndlessError
        self._left -= len(msgspec.json.encode(defined))
        if self._left < 0:
            raise _EndlessError
        meant = self.schema(cast("Schema", defined), (*around, name), depth + 1)
        return cast("dict[str, Any]", meant)
