"""Each field of a tool's result with a label of its own: what no one labelled is untrusted."""

from collections.abc import Iterator, Mapping
from typing import cast

from jackline.core.errors import DefinitionError
from jackline.core.flow.extraction import Handle
from jackline.core.flow.labels import LEVELS, Integrity, worse
from jackline.core.value import Value, replace

NAME = "(name)"
"""What the path of a field's name ends with, where that is data."""
_ANY = "*"
_DEPTH = 64
_EMPTY: tuple[object, ...] = ([], {}, ())
EITHER_MAX = 16
"""How much that says one thing of two may be read, untrusted, of one sealed result or by itself."""


class Field(Value, frozen=True):
    """One text, number or name within a result.

    Fields of one `record` stood in the same object. `is_either` is what says one thing of two.
    """

    path: str
    text: str
    integrity: Integrity
    record: int
    is_either: bool = False


class _Node(Value, frozen=True):
    """What the paths say of a place; `worst` is the worst that they say of it or of below it."""

    label: Integrity | None
    below: Mapping[str, "_Node"]
    worst: Integrity


class _Place(Value, frozen=True, gc=True):
    """A value within a result, and what the label of all around it is."""

    path: str
    value: object
    node: _Node | None
    above: Integrity = "untrusted"
    record: int = 0


class Labels:
    """Which field of a result comes from where.

    Paths are names with dots between them, lists are passed through, and `*` is any name. What
    stands under a labelled name has its label. Names as data, as in `{"a hotel": 4.2}`, are
    labelled like what they name. A text where paths lead further is the worst of what they lead
    to: all of that may stand in it.
    """

    def __init__(self, paths: Mapping[str, Integrity]) -> None:
        for path, level in paths.items():
            if level not in LEVELS[:-1]:
                raise DefinitionError(
                    f"labels says {path!r} is from {level!r}; say one of {', '.join(LEVELS[:-1])}."
                )
            if not all(path.split(".")):
                raise DefinitionError(f"labels has no path like {path!r}: write 'name.name'.")
        self.paths = dict(paths)
        root = _node({tuple(path.split(".")): level for path, level in paths.items()})
        self._top = _Place("", None, root, paths.get(_ANY, "untrusted"))
        self._whole: Integrity = _text_label(self._top)

    def fields(self, value: object) -> Iterator[Field]:
        """Yield each field of a result that is made of JSON's values.

        A bool, nothing or what is empty says one thing of two, and is a field only where many of
        them can spell a text: inside a result, and of whoever could write it.
        """
        records, stack = 0, [replace(self._top, value=value)]
        while stack:
            place = stack.pop()
            label = _label(place)
            if _is_either(place.value):
                label = _text_label(place)
                if label == "untrusted" and place.value is not value:
                    yield Field(place.path, str(place.value), label, place.record, is_either=True)
            elif isinstance(place.value, dict):
                records += 1
                inner = list(_inside(place, label, records))
                for name, is_named, each in inner:
                    if not is_named:
                        yield Field(_joined(place.path, NAME), name, each.above, records)
                stack += [each for _, _, each in reversed(inner)]
            elif isinstance(place.value, list | tuple):
                items = cast("list[object]", place.value)
                stack += [replace(place, value=item) for item in reversed(items)]
            else:
                yield Field(place.path, str(place.value), _text_label(place), place.record)

    def eithers(self, value: object) -> int:
        """Return how much in a result says one thing of two and nobody vouches for.

        One is no text, and many can spell any, whether in one result or in one after the other.
        """
        if _is_either(value):
            return int(self._whole == "untrusted")
        return sum(each.is_either for each in self.fields(value))

    def sealed(self, value: object, source: int) -> object:
        """Return a result of JSON's values with handles in place of all that is untrusted.

        Names of fields that are data go with what they name, under `*`. How many elements a list
        has, and which they are, may be read where each holds something that is trusted: a list
        that holds nothing of the kind is one text. Of bools, and what else says one thing of two,
        a few may be read where the tool names their fields.
        """
        if isinstance(value, dict | list):
            place = replace(self._top, value=cast("object", value), above="untrusted")
            return _Sealing(source).value(place, is_named=True)[0]
        is_free = _is_either(value) or self._whole != "untrusted"
        return value if is_free else str(Handle(source))

    def of(self, result: object) -> dict[str, Integrity]:
        """Return the paths that hold of this result, as they are journaled with it.

        Mere text is the worst of what they say: words that look like an object are still words,
        and all of its fields may stand in them.
        """
        if isinstance(result, str):
            return {_ANY: self._whole} if _ANY in self.paths else {}
        return self.paths


def _label(place: _Place) -> Integrity:
    return (place.node.label if place.node else None) or place.above


def _text_label(place: _Place) -> Integrity:
    """Return the label of a text that all may stand in of which paths speak from here on."""
    return worse(_label(place), place.node.worst) if place.node else place.above


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _inside(place: _Place, label: Integrity, record: int) -> Iterator[tuple[str, bool, _Place]]:
    """Yield what an object holds: the name, whether a path names it, and where that stands."""
    below: Mapping[str, _Node] = place.node.below if place.node else {}
    wild = below.get(_ANY)
    around = (wild.label if wild else None) or label
    for key, value in cast("dict[object, object]", place.value).items():
        name = str(key)
        node = below.get(name) or wild
        path = _joined(place.path, name)
        yield name, name in below, _Place(path, value, node, around, record)


def _is_either(value: object) -> bool:
    """Whether a value is a bool, nothing, or a list or an object that is empty."""
    return value is None or isinstance(value, bool) or value in _EMPTY


class _Sealing:
    """What may be read of one result, looked into as deep as labels go, and no deeper.

    Each value comes with whether there is anything in it that is trusted.
    """

    def __init__(self, source: int) -> None:
        self._source = source
        self._free = EITHER_MAX

    def value(
        self, place: _Place, depth: int = 0, *, is_named: bool = False
    ) -> tuple[object, bool]:
        """Return what may be read of a value. `is_named`: a path leads to just this one."""
        value, handle = place.value, self._handle(place)
        if depth > _DEPTH:
            return handle, False
        label = _text_label(place)
        if label == "untrusted" and _is_either(value):
            if not is_named or not self._free:
                return handle, False
            self._free -= 1
            return value, False
        if isinstance(value, list):
            return self._list(place, _label(place), depth)
        if isinstance(value, dict):
            return self._object(place, _label(place), depth)
        return (handle, False) if label == "untrusted" else (value, True)

    def _list(self, place: _Place, label: Integrity, depth: int) -> tuple[object, bool]:
        items = enumerate(cast("list[object]", place.value))
        places = [replace(place, value=e, path=_joined(place.path, str(n))) for n, e in items]
        shown = [(each, *self.value(each, depth + 1)) for each in places]
        if label != "untrusted":
            return [each for _, each, _ in shown], True
        if not any(holds for _, _, holds in shown):
            return self._handle(place), False
        return [each if holds else self._handle(at) for at, each, holds in shown], True

    def _object(self, place: _Place, label: Integrity, depth: int) -> tuple[object, bool]:
        inner = list(_inside(place, label, 0))
        read = {
            name: self.value(each, depth + 1, is_named=is_named)
            for name, is_named, each in inner
            if is_named or each.above != "untrusted"
        }
        shown = {name: each for name, (each, _) in read.items()}
        holds = any(trusted for _, trusted in read.values())
        if len(shown) == len(inner):
            return shown, holds
        handle = self._handle(place)
        return ({**shown, _ANY: handle} if shown else handle), holds

    def _handle(self, place: _Place) -> str:
        return str(Handle(self._source, place.path))


def _node(paths: Mapping[tuple[str, ...], Integrity], depth: int = 0) -> _Node | None:
    if not paths or depth > _DEPTH:
        return None
    names = {path[0] for path in paths if path}
    below = {
        name: _node({path[1:]: level for path, level in paths.items() if path[:1] == (name,)})
        for name in names
    }
    inner = {name: node for name, node in below.items() if node}
    worst = min(paths.values(), key=LEVELS.index)
    return _Node(paths.get(()), inner, worst)
