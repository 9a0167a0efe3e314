"""What a tool's schema says of a place inside its arguments: its default, and whether it is free.

Where a value may be one of several kinds of objects nothing is said of what is inside.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

_FREE = frozenset(["boolean", "null"])
_SCALARS = frozenset(["string", "number", "integer", "boolean", "null"])
_DEPTH = 16

Schema = Mapping[str, Any]


class Missing:
    """Stands for a default that there is not."""


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
    fields, given = _fields(schema, shape), cast("dict[str, object]", value)
    defaults = {name: each["default"] for name, each in fields.items() if "default" in each}
    return defaults | {
        name: _completed(schema, fields.get(name, {}), each) for name, each in given.items()
    }


def default_at(schema: Schema, path: Sequence[str]) -> object:
    """Return what the tool takes at this place where nothing is said; `Missing` where nothing."""
    return _shape_at(schema, path).get("default", Missing)


def is_free_at(schema: Schema, path: Sequence[str]) -> bool:
    """Whether what stands at this place is one of a few values that the tool's author wrote."""
    return is_free(_shape_at(schema, path), schema.get("$defs", {}))


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


def _shape_at(schema: Schema, path: Sequence[str]) -> Schema:
    """Return the schema of a place: an argument's name, then `.field` for each field inside it."""
    shape: Schema = properties_of(schema).get(path[0], {})
    for step in path[1:]:
        shape = _fields(schema, shape).get(step[1:], {}) if step.startswith(".") else {}
    return shape


def properties_of(schema: Schema) -> Mapping[str, Schema]:
    """Return the schemas of the arguments."""
    return schema.get("properties", {})


def _fields(schema: Schema, shape: Schema) -> Mapping[str, Schema]:
    """Return the schemas of an object's fields; none where it may be another object, too."""
    objects = [each for each in alternatives(shape, schema.get("$defs", {})) if _is_object(each)]
    if len(objects) != 1:
        return {}
    known = cast("Mapping[str, object]", properties_of(objects[0]))
    return {name: cast("Schema", each) for name, each in known.items() if isinstance(each, dict)}


def _is_object(shape: Schema) -> bool:
    types = _types(shape)
    is_scalar = bool(types) and types <= _SCALARS
    return not is_scalar and "enum" not in shape and "const" not in shape


def _types(shape: Schema) -> frozenset[str]:
    said: str | list[str] = shape.get("type", [])
    return frozenset([said] if isinstance(said, str) else said)


def is_free(shape: Schema, definitions: Mapping[str, Any]) -> bool:
    """Whether a value of this schema is one of a few that its author wrote down."""
    shapes = alternatives(shape, definitions)
    return bool(shapes) and all(
        "enum" in each or "const" in each or (_types(each) and _types(each) <= _FREE)
        for each in shapes
    )


def alternatives(shape: Schema, definitions: Mapping[str, Any]) -> list[Any]:
    """Return the schemas that a value may be of, lists looked into; none where it is too deep."""
    found, level = list[Any](), [shape]
    for _ in range(_DEPTH):
        below = list[Any]()
        for each in level:
            inner = _inner(each, definitions)
            below += inner or ()
            found += () if inner else (each,)
        level = below
    return found if not level else []


def _inner(shape: Schema, definitions: Mapping[str, Any]) -> list[Any]:
    if reference := shape.get("$ref"):
        return [definitions.get(str(reference).rpartition("/")[2], {})]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in shape:
            return [each if isinstance(each, dict) else {} for each in shape[word]]
    return [shape["items"]] if isinstance(shape.get("items"), dict) else []


def names_in(schema: object) -> Iterator[str]:
    """Yield the names of fields that the schema knows, at any depth."""
    stack = [schema]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            inside = cast("dict[str, object]", each)
            known = inside.get("properties")
            yield from cast("dict[str, object]", known) if isinstance(known, dict) else ()
            stack += inside.values()
        elif isinstance(each, list):
            stack += cast("list[object]", each)
