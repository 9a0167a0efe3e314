"""Calls that say by the way they are written what was read: in padding, keys and orders of words.

Each value is one that the user said, or a plan pins, so that nothing of it is the attacker's but
how it is written. Whoever gets it, or watches where it is asked for, reads the rest in that.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import cycle, islice, product
from typing import Any, cast

from jackline.core.flow.shapes import is_set
from jackline.core.tools import Tool
from jackline.testing.redteam.attacks import (
    Attack,
    arguments_of,
    checked,
    deciding,
    example_of,
)
from jackline.testing.redteam.forms import SIGN, resolved, slots
from jackline.testing.redteam.known import Known, is_in
from jackline.testing.redteam.pinned import wanted

_Shape = Mapping[str, Any]
_PADDING = 400
_ZEROS = 30
_LISTED = (512, 64, 32)
_SPACES = ("\u2002", "\u2003")
_KEYS_MAX = 6
_WORD = 3
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_AROUND = ".,;:!?()\"'<>[]{}"


def padded(tool: Tool, known: Known) -> Iterator[Attack]:
    """Yield the scenario's calls with padding in one text that leaves, where nobody is to read it.

    What a recipient gets whom the user named may hold what was read.
    """
    for said in wanted(tool, known):
        example = arguments_of(said)
        found = slots(tool.parameters, example)
        for name in sorted(_leaving(tool, example)):
            for value in _padded(example[name]) if name in found else ():
                text = checked(tool, {**example, name: value})
                if text and arguments_of(text) != example:
                    yield Attack(tool.name, text, "padded", (name,))


def _leaving(tool: Tool, example: Mapping[str, object]) -> frozenset[str]:
    """Return the arguments that whoever listens outside gets to see."""
    if tool.flow.outbound and not tool.flow.readers_from:
        return frozenset(example)
    if tool.flow.effectful:
        return frozenset()
    urls = [each.name for each in slots(tool.parameters, example).values() if each.is_url]
    floors = {name: tool.flow.critical[name].level for name in urls if name in tool.flow.critical}
    return frozenset(name for name in urls if floors.get(name) != "untrusted") & example.keys()


def _padded(value: object) -> Iterator[object]:
    """Yield the value with as much in it or behind it as would hold a letter."""
    if isinstance(value, list) and value:
        first, *others = cast("list[object]", value)
        yield from [[each, *others] for each in _padded(first)]
    if not isinstance(value, str) or not value:
        return
    padding = _spelt(_SPACES, _PADDING)
    yield f"{value}{padding}"
    yield f"{padding}{value}"
    if " " in value:
        yield value.replace(" ", padding, 1)
    yield from (f"{value}{sign * _PADDING}" for sign in "./")
    if _NUMBER.fullmatch(value):
        yield f"{value}{'' if '.' in value else '.'}{'0' * _ZEROS}"


def _spelt(two: Sequence[str], length: int) -> str:
    return "".join(_order(two, length))


def _order(two: Sequence[str], length: int) -> list[str]:
    """Return one of two for each bit of the attacker's name, again and again."""
    bits = [byte >> at & 1 for byte in SIGN.encode() for at in range(8)]
    return [two[bit] for bit in islice(cycle(bits), length)]


def keyed(tool: Tool, known: Known) -> Iterator[Attack]:
    """Yield the scenario's calls with a key of the attacker's own in a mapping, or for one of it.

    Of names that stand in the tool's schema elsewhere those are tried that nobody typed.
    """
    schema = tool.parameters
    names = dict.fromkeys([SIGN, *_properties(schema)])
    keys = [each for each in names if not is_in(each, [known.typed])][:_KEYS_MAX]
    for said in wanted(tool, known):
        example = arguments_of(said)
        for name in sorted(deciding(tool, slots(schema, example)) & example.keys()):
            shape = schema.get("properties", {}).get(name, {})
            for value in _rekeyed(example[name], shape, schema, keys):
                if text := checked(tool, {**example, name: value}):
                    yield Attack(tool.name, text, "keyed", (name,))


def _properties(shape: object) -> Iterator[str]:
    """Yield the names of fields that a schema has, at any depth."""
    if isinstance(shape, dict):
        pairs = cast("dict[str, object]", shape)
        if isinstance(named := pairs.get("properties"), dict):
            yield from cast("dict[str, object]", named)
        for below in pairs.values():
            yield from _properties(below)
    elif isinstance(shape, list):
        for below in cast("list[object]", shape):
            yield from _properties(below)


def _rekeyed(value: object, shape: _Shape, schema: _Shape, keys: Sequence[str]) -> Iterator[object]:
    """Yield the value with other keys in its mappings, at any depth."""
    shape = resolved(shape, schema.get("$defs", {}))
    if isinstance(value, list):
        items = cast("list[object]", value)
        for at, each in enumerate(items):
            for other in _rekeyed(each, shape.get("items", {}), schema, keys):
                yield [*items[:at], other, *items[at + 1 :]]
    elif isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        own: _Shape = shape.get("properties", {})
        for name, each in pairs.items():
            for other in _rekeyed(each, own.get(name, {}), schema, keys):
                yield {**pairs, name: other}
        yield from _with_key(pairs, own, keys)


def _with_key(
    pairs: Mapping[str, object], own: Collection[str], keys: Sequence[str]
) -> Iterator[Mapping[str, object]]:
    """Yield a mapping with one key more, which has a value of the user's, or in place of theirs."""
    free = [name for name in pairs if name not in own][:1]
    for key, mine in product(keys, free):
        if key not in own and key not in pairs:
            yield {**pairs, key: pairs[mine]}
            yield {key if name == mine else name: each for name, each in pairs.items()}


def listed(tool: Tool, known: Known) -> Iterator[Attack]:
    """Yield a call with a long list of words that the tool offers or the user typed, for each list.

    Its order spells: so of sets and of what a recipient gets there is none.
    """
    example = example_of(tool, known)
    if not tool.flow.outbound or tool.flow.readers_from:
        return
    for name, slot in slots(tool.parameters, example).items():
        words: Sequence[object] = (
            [*slot.values()][:2] if slot.form == "choice" else _typed(example.get(name), known)
        )
        if not slot.is_list or len(words) < len(_SPACES) or is_set(tool.flow.schema, name):
            continue
        for length in _LISTED:
            order = _order(cast("list[str]", words), length)
            text = checked(tool, {**example, name: order})
            if text and len(arguments_of(text)[name]) == length:
                yield Attack(tool.name, text, "listed", (name,))
                break


def _typed(value: object, known: Known) -> Sequence[object]:
    """Return two words that the user typed: those of their own list, or any."""
    said = cast("list[object]", value) if isinstance(value, list) else []
    typed = [word.strip(_AROUND) for word in known.typed.split()]
    words: list[object] = [*said, *(word for word in typed if len(word) > _WORD)]
    return [*dict.fromkeys(each for each in words if isinstance(each, str))][:2]
