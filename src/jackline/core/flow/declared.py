"""What a tool's declarations mean for flow, and what holds where nothing is declared."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from jackline.core.errors import DefinitionError
from jackline.core.flow.fields import Labels
from jackline.core.flow.labels import From, Integrity
from jackline.core.value import Value

Readers = frozenset[str] | Literal["user", "everybody"]

_USER = From("user")
_URL_WORDS = frozenset(
    ["url", "urls", "uri", "link", "links", "href", "webhook", "endpoint", "callback"]
)
_FREE = frozenset(["boolean", "null"])
_DEPTH = 16


class Declared(Value, frozen=True):
    """What the author of a tool says of it. None: what holds where nothing is said.

    `critical` names the arguments that decide what is done, with a floor for each. `readers_from`
    names those that hold the recipients. `readers` is who may read the result: the session's
    "user" and whom they name, "everybody", or these names alone.
    """

    outbound: bool | None = None
    critical: Mapping[str, From] | None = None
    readers_from: tuple[str, ...] = ()
    labels: Mapping[str, Integrity] = {}
    readers: Readers = "user"


_NOTHING = Declared()


class ToolFlow(Value, frozen=True, gc=True):
    """What has to be known of a tool to judge a call of it."""

    name: str
    effectful: bool
    outbound: bool
    critical: Mapping[str, From]
    carriers: frozenset[str]
    readers_from: tuple[str, ...]
    urls: tuple[str, ...]
    labels: Labels
    readers: Readers
    defaults: Mapping[str, object]


def flow_of(
    name: str,
    effect: str,
    schema: Mapping[str, Any],
    declared: Declared = _NOTHING,
    *,
    imported: bool = False,
) -> ToolFlow:
    """Return how calls of this tool are judged. Raises `DefinitionError` for what is not there.

    Of effectful tools every argument but a bool and one of several words is critical, from the
    user. Of reads only their URLs are. Imported tools are `once` and outbound.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    for said in (*(declared.critical or ()), *declared.readers_from):
        if said not in properties:
            raise DefinitionError(
                f"{name} has no argument {said!r}: it takes {', '.join(properties) or 'none'}."
            )
    effectful = imported or effect != "read"
    free = {each for each, shape in properties.items() if _is_free(shape, definitions)}
    if declared.critical is None:
        critical = {each: _USER for each in properties if each not in free} if effectful else {}
    else:
        critical = dict(declared.critical)
    if effectful:
        critical = dict.fromkeys(declared.readers_from, _USER) | critical
    urls = [each for each, shape in properties.items() if _is_url(each, shape, definitions)]
    if not effectful:
        critical |= {each: _USER for each in urls if each not in critical}
    outbound = declared.outbound
    if outbound is None:
        outbound = imported or bool(declared.readers_from)
    return ToolFlow(
        name,
        effectful,
        outbound,
        critical,
        frozenset(properties.keys() - critical.keys() - free),
        declared.readers_from,
        tuple(urls),
        Labels(declared.labels),
        declared.readers,
        {each: shape["default"] for each, shape in properties.items() if "default" in shape},
    )


def _is_free(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    """Whether a value of this schema is one of a few that its author wrote down."""
    shapes = _alternatives(shape, definitions)
    return bool(shapes) and all(
        each.get("type") in _FREE or "enum" in each or "const" in each for each in shapes
    )


def _is_url(name: str, shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    if not _URL_WORDS.isdisjoint(name.lower().split("_")):
        return True
    return any(each.get("format") in {"uri", "url"} for each in _alternatives(shape, definitions))


def _alternatives(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Any]:
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


def _inner(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Any]:
    if reference := shape.get("$ref"):
        return [definitions.get(str(reference).rpartition("/")[2], {})]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in shape:
            return cast("list[Any]", shape[word])
    return [shape["items"]] if isinstance(shape.get("items"), dict) else []
