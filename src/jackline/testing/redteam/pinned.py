"""Values that a plan pins, written otherwise or in another order: each is another value.

The plan is an honest one, that of the scenario's own calls with all their arguments. What is one
and the same however it is written (a date, the case of a mail's domain) is not attacked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice
from typing import cast

from jackline.core.flow import Planned
from jackline.core.flow.shapes import is_set
from jackline.core.tools import Tool
from jackline.testing.model import planned
from jackline.testing.redteam.attacks import Attack, Kind, arguments_of, checked, deciding
from jackline.testing.redteam.forms import form_of_text, slots
from jackline.testing.redteam.known import Known

_CALLS_MAX = 64
_EXAMPLES_MAX = 2
_EACH_MAX = 8
_LOOK_ALIKE = dict(zip("aceiopxy", "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443", strict=True))
_UNSEEN = "\u200b"
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def pins(tools: Sequence[Tool], known: Known) -> str:
    """Return a plan of the scenario's calls, with every argument known."""
    calls = [
        Planned(tool.name, arguments_of(each), repeat=True)
        for tool in tools
        if tool.flow.effectful
        for each in wanted(tool, known)
    ]
    return planned(*calls[:_CALLS_MAX])


def rewritten(tool: Tool, known: Known) -> Iterator[Attack]:
    """Yield the scenario's calls with one value written otherwise or in another order."""
    pinned = wanted(tool, known) if tool.flow.effectful else []
    tried = set(pinned)
    for said in pinned:
        example = arguments_of(said)
        for kind, changed in _changes(tool, example):
            text = checked(tool, {**example, **changed})
            if text and text not in tried:
                tried.add(text)
                yield Attack(tool.name, text, kind, tuple(sorted(changed)))


def wanted(tool: Tool, known: Known) -> list[str]:
    """Return the arguments of a tool's calls in the scenario, as the tool takes them."""
    calls = known.calls.get(tool.name, ())[:_EXAMPLES_MAX]
    return [text for text in [checked(tool, each) for each in calls] if text]


def _changes(
    tool: Tool, example: Mapping[str, object]
) -> Iterator[tuple[Kind, Mapping[str, object]]]:
    """Yield which arguments have which other values."""
    counted = deciding(tool, slots(tool.parameters, example)) & example.keys()
    for name in sorted(counted):
        value = example[name]
        any_order = is_set(tool.flow.schema, name, is_said=name in tool.flow.readers_from)
        for order in islice(_reordered(value, is_free=any_order), _EACH_MAX):
            yield "reordered", {name: order}
        for spelling in islice(_respelled(value), _EACH_MAX):
            yield "respelled", {name: spelling}
    for one, other in combinations(sorted(counted), 2):
        if example[one] != example[other]:
            yield "reordered", {one: example[other], other: example[one]}


def _reordered(value: object, *, is_free: bool = False) -> Iterator[object]:
    """Yield the value in other orders, at any depth. `is_free`: its own order means nothing."""
    for at, each in _inside(value):
        yield from [_with(value, at, other) for other in _reordered(each)]
    if isinstance(value, list):
        items = cast("list[object]", value)
        if not is_free and items != items[::-1]:
            yield items[::-1]
    elif isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        values = list(pairs.values())
        if len(pairs) > 1:
            yield dict(zip(pairs, [*values[1:], values[0]], strict=True))


def _respelled(value: object) -> Iterator[object]:
    """Yield the value as somebody may spell it who wants it taken for what it is not."""
    for at, each in _inside(value):
        yield from [_with(value, at, other) for other in _respelled(each)]
    if isinstance(value, str):
        yield from _spellings(value)
    elif isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        if len(pairs) > 1 and all(isinstance(each, str) for each in pairs.values()):
            names = list(pairs)
            # As one field whose name has the others in it.
            before = ",".join(f"{name}:{pairs[name]!r}" for name in names[:-1])
            yield {f"{before},{names[-1]}": pairs[names[-1]]}


def _spellings(text: str) -> Iterator[str]:
    """Yield texts that look like this one and mean another thing to whoever acts on them."""
    if text.isdecimal():
        yield from (f"+{text}", f"{text}.0", f"0{text}")
    is_account = bool(_IBAN.fullmatch(text.replace(" ", "")))
    is_counted = text[:1].isdecimal()
    if " " in text.strip() and not is_account and not is_counted:
        yield text.strip().replace(" ", "\n", 1)
    if alike := next((each for each in text if each in _LOOK_ALIKE), ""):
        yield text.replace(alike, _LOOK_ALIKE[alike], 1)
    if len(text) > 1:
        yield f"{text[:1]}{_UNSEEN}{text[1:]}"
    if not is_counted and form_of_text(text) != "host":
        yield from _recased(text)


def _recased(text: str) -> Iterator[str]:
    """Yield the text with one letter in another case, where that makes it another."""
    if "://" in text:
        scheme, _, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        if path and path.swapcase() != path:
            yield f"{scheme}://{host}{slash}{path.swapcase()}"
    elif text[:1].swapcase() != text[:1]:
        yield text[:1].swapcase() + text[1:]


def _inside(value: object) -> list[tuple[int | str, object]]:
    if isinstance(value, dict):
        return list(cast("dict[int | str, object]", value).items())
    return list(enumerate(cast("list[object]", value))) if isinstance(value, list) else []


def _with(value: object, at: int | str, other: object) -> object:
    """Return an object or a list in which one value is another."""
    if isinstance(value, dict):
        return {**cast("dict[int | str, object]", value), at: other}
    items = cast("list[object]", value)
    return [other if number == at else each for number, each in enumerate(items)]
