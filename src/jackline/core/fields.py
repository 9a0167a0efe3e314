"""JSON field by field: what is made of its values, not of its syntax, so that it stays JSON."""

import json
from collections.abc import Callable, Mapping
from typing import cast

Told = Callable[[str | float, str], object]
_NAMES = ("name", "key")


def rewritten(text: str, told: Told, named: Callable[[str], str]) -> str | None:
    """Return JSON with what is made of each text and number under its name, and of each name.

    Where nothing changes it is the same text. None: it is no JSON, or says a name twice, of which
    one client reads the first and another the last.
    """
    try:
        value = json.loads(text, object_pairs_hook=_fields)
        walked = _walked(value, "", told, named)
    except (ValueError, RecursionError):
        return None
    if walked == value:
        return text
    return json.dumps(walked, ensure_ascii=False, separators=(",", ":"))


def _walked(value: object, name: str, told: Told, named: Callable[[str], str]) -> object:
    match value:
        case bool():
            return value
        case str() | int() | float():
            return told(value, name)
        case list():
            return [_walked(each, name, told, named) for each in cast("list[object]", value)]
        case dict():
            fields = cast("dict[str, object]", value)
            return {
                named(key): _walked(each, _called(fields, key), told, named)
                for key, each in fields.items()
            }
        case _:
            return value


def _called(fields: Mapping[str, object], key: str) -> str:
    """Return what a field is called: where it is a pair's value, what the pair says."""
    if key != "value":
        return key
    return next((said for said in map(fields.get, _NAMES) if isinstance(said, str)), key)


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is said twice")
    return fields
