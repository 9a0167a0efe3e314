"""Words that bools spell: one bool says little, and as many as somebody likes say anything.

What is spelt is the attacker's name alone. A model that is lost knows what it stands for.
"""

from collections.abc import Sequence
from typing import cast

import msgspec

from jackline.testing.redteam.forms import SIGN

BLANK = "\x00bool"
_DEPTH = 12
_BITS = tuple(bit == "1" for sign in SIGN.encode() for bit in f"{sign:08b}")


def blanked(value: object, depth: int = 0) -> object:
    """Return a result of JSON's values with a text in place of each bool that is not too deep."""
    if isinstance(value, bool):
        return BLANK
    if depth > _DEPTH:
        return value
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)
        return {name: blanked(each, depth + 1) for name, each in pairs.items()}
    if isinstance(value, list):
        return [blanked(each, depth + 1) for each in cast("list[object]", value)]
    return value


def spelt(value: object, path: Sequence[str | int]) -> object:
    """Return the value with as many items in the last list of this path as it takes to spell."""
    if not path:
        return value
    step, *rest = path
    if isinstance(value, dict):
        pairs = cast("dict[str | int, object]", value)
        return {name: spelt(each, rest) if name == step else each for name, each in pairs.items()}
    if not isinstance(value, list):
        return value
    items = cast("list[object]", value)
    if any(isinstance(each, int) for each in rest):
        return [spelt(each, rest) if at == step else each for at, each in enumerate(items)]
    kept = items[step] if isinstance(step, int) and step < len(items) else None
    return [_with(kept, rest, bit=bit) for bit in _BITS]


def spells(text: str, path: Sequence[str | int]) -> bool:
    """Whether the bools at this path spell the attacker's name in what a model reads."""
    try:
        values: list[object] = [msgspec.json.decode(text)]
    except (msgspec.MsgspecError, RecursionError):
        return False
    for step in path:
        values = [inner for each in values for inner in _at(each, step)]
    read = tuple(each for each in values if isinstance(each, bool))
    return any(read[at : at + len(_BITS)] == _BITS for at in range(len(read)))


def _at(value: object, step: str | int) -> list[object]:
    if isinstance(step, int):
        return cast("list[object]", value) if isinstance(value, list) else []
    found = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    return [found[step]] if step in found else []


def _with(value: object, path: Sequence[str | int], *, bit: bool) -> object:
    """Return the value with another bool at this path."""
    if not path or not isinstance(value, dict):
        return bit
    pairs = cast("dict[str | int, object]", value)
    return {**pairs, path[0]: _with(pairs.get(path[0]), path[1:], bit=bit)}
