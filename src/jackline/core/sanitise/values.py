"""Structured results of tools: the texts in lists and objects, however deep and many."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import cast

from jackline.core.events import Finding
from jackline.core.sanitise.cleaning import clean
from jackline.core.sanitise.reading import FINDINGS_MAX, MORE
from jackline.core.value import Value, replace

DEPTH_MAX = 64
NODES_MAX = 100_000
CHARACTERS_MAX = 1 << 20
_PATH_CHARACTERS = 200
_CUT = "[left out]"


class CleanedValue(Value, frozen=True, gc=True):
    """A value that may travel on, and what was taken out of it. A finding's `path` says where."""

    value: object
    findings: tuple[Finding, ...] = ()


def clean_value(
    value: object,
    *,
    depth_max: int = DEPTH_MAX,
    nodes_max: int = NODES_MAX,
    characters_max: int = CHARACTERS_MAX,
) -> CleanedValue:
    """Return `value` with each text in it cleaned, names of fields included.

    Lists and tuples become lists, mappings become dicts. What lies deeper than `depth_max`, or
    comes after `nodes_max` values or `characters_max` characters of text, is left out, which is
    found. A name that is another once it is clean is marked, so that nobody takes it for one that
    was written: labels go by names. Where several come to the same they get numbers, too.
    """
    walk = _Walk(depth_max, nodes_max, characters_max)
    cleaned = walk.value(value, "", 0)
    return CleanedValue(cleaned, tuple(walk.findings))


class _Walk:
    def __init__(self, depth_max: int, nodes_max: int, characters_max: int) -> None:
        self.findings = list[Finding]()
        self._depth_max, self._left, self._room = depth_max, nodes_max, characters_max

    def value(self, value: object, path: str, depth: int) -> object:
        """Return one value without what is never legitimate in it."""
        self._left -= 1
        if self._left < 0:
            return self._cut("too_many", path)
        match value:
            case str():
                return self._text(value, path)
            case Mapping() | list() | tuple() if depth >= self._depth_max:
                return self._cut("too_deep", path)
            case Mapping():
                return self._fields(cast("Mapping[object, object]", value), path, depth)
            case list() | tuple():
                return self._items(cast("Sequence[object]", value), path, depth)
            case _:
                return value

    def _items(self, values: Sequence[object], path: str, depth: int) -> list[object]:
        items = list[object]()
        for place, each in enumerate(values):
            items.append(self.value(each, f"{path}[{place}]", depth + 1))
            if self._left < 0:
                break
        return items

    def _fields(
        self, fields: Mapping[object, object], path: str, depth: int
    ) -> dict[object, object]:
        cleaned = dict[object, object]()
        renamed = Counter[str]()
        for name, each in fields.items():
            said = self._text(name, path) if isinstance(name, str) else name
            key = name if said == name else _marked(str(said), fields, renamed)
            cleaned[key] = self.value(each, f"{path}.{key}" if path else str(key), depth + 1)
            if self._left < 0:
                break
        return cleaned

    def _text(self, text: str, path: str) -> str:
        if len(text) > self._room:
            self._tell(Finding("too_large", self._room, len(text), path=path[:_PATH_CHARACTERS]))
            text, self._left = text[: self._room], -1
        self._room -= len(text)
        cleaned = clean(text)
        for each in cleaned.findings:
            self._tell(replace(each, path=path[:_PATH_CHARACTERS]))
        return cleaned.text

    def _cut(self, what: str, path: str) -> str:
        self._tell(Finding(what, path=path[:_PATH_CHARACTERS]))
        return _CUT

    def _tell(self, finding: Finding) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)
        elif self.findings[-1].what != MORE:
            self.findings.append(Finding(MORE))


def _marked(said: str, written: Collection[object], renamed: Counter[str]) -> str:
    """Return what a name is called that said something else, and no other of its object is."""
    while True:
        renamed[said] += 1
        count = renamed[said]
        name = f"{said} [cleaned{f' {count}' if count > 1 else ''}]"
        if name not in written:
            return name
