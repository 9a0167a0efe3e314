"""Which fields a tool's result has, as far as its type says so."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from jackline.core.flow.shapes import Schema, is_object
from jackline.core.value import Value

_ANY: Schema = {}
_SHOWN = 20


class _Place(Value, frozen=True, gc=True):
    """A schema within that of a result, and what it may refer to."""

    shape: Schema
    definitions: Mapping[str, Any]


def misnamed(paths: Iterable[str], shape: Schema) -> str:
    """Return in a sentence which of these paths leads to no field of such a result; or nothing.

    Lists are passed through, and `*` is any name, as in labels. What the schema leaves open may
    have any field.
    """
    for path in paths:
        steps, places = path.split("."), [_Place(shape, {})]
        for at, step in enumerate(steps if path != "*" else ()):
            leaves = _leaves(places)
            places = [below for leaf in leaves for below in _below(leaf, step)]
            if not places:
                return (
                    f"labels has {path!r}, and there is no such field: {_told(leaves, steps[:at])}."
                )
    return ""


def _leaves(places: list[_Place]) -> list[_Place]:
    """Return the objects, scalars and open values that these may be, or be lists of."""
    found, stack, seen = list[_Place](), [*places], set[int]()
    while stack:
        place = stack.pop()
        if id(place.shape) in seen:
            continue
        seen.add(id(place.shape))
        inner = _inner(place)
        stack += reversed(inner)
        found += () if inner else (place,)
    return found


def _inner(place: _Place) -> list[_Place]:
    shape = place.shape
    known = {**place.definitions, **shape.get("$defs", {})}
    found = [known.get(str(shape["$ref"]).rpartition("/")[2])] if "$ref" in shape else []
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        found += cast("list[object]", shape.get(word, []))
    found += [shape["items"]] if "items" in shape else []
    return [_Place(_schema(each), known) for each in found if each is not False]


def _below(leaf: _Place, name: str) -> list[_Place]:
    """Return what a field of this name, or any for `*`, may be."""
    shape = leaf.shape
    if not is_object(shape):
        return []
    known: Mapping[str, object] = shape.get("properties", {})
    found = [each for field, each in known.items() if name in (field, "*")]
    if not found:
        others = shape.get("additionalProperties", not known)
        found = [others] if others is not False else []
    known = {**leaf.definitions, **shape.get("$defs", {})}
    return [_Place(_schema(each), known) for each in found]


def _schema(shape: object) -> Schema:
    return cast("Schema", shape) if isinstance(shape, dict) else _ANY


def _told(leaves: list[_Place], above: list[str]) -> str:
    """Return which fields there are, by their whole paths."""
    fields = {name: None for leaf in leaves for name in leaf.shape.get("properties", {})}
    names = [".".join([*above, name]) for name in fields]
    more = ["…"] if len(names) > _SHOWN else []
    where = f"{'.'.join(above)!r}" if above else "what it returns"
    return f"there are {', '.join(names[:_SHOWN] + more)}" if names else f"{where} has no fields"
