"""What a value is made of: the elements of its lists and objects, and where in it they stand."""

from collections.abc import Set as AbstractSet
from typing import cast

Path = tuple[str, ...]


def elements(value: object, names: AbstractSet[str] = frozenset()) -> list[object]:
    """Return what a value is made of: elements of lists, values of objects, and their keys.

    Keys that are among `names` were written down by the tool's author, and nobody chose them.
    """
    return [each for _, each in leaves(value, names)]


def leaves(value: object, names: AbstractSet[str] = frozenset()) -> list[tuple[Path, object]]:
    """Return the elements of a value, each with the fields that lead to it from there.

    All elements of a list have one path, as their order is nobody's choice.
    """
    found, stack = list[tuple[Path, object]](), [(Path(), value)]
    while stack:
        path, each = stack.pop()
        if isinstance(each, list | tuple):
            stack += [(path, inner) for inner in reversed(cast("list[object]", each))]
        elif isinstance(each, dict):
            pairs = cast("dict[str, object]", each)
            found += [((*path, "#"), name) for name in pairs if name not in names]
            stack += [((*path, f".{name}"), inner) for name, inner in reversed(pairs.items())]
        else:
            found.append((path, each))
    return found
