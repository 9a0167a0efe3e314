"""Where an attacker's words can stand: each text in what tools return, or say of their failure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Literal, cast

import msgspec

from jackline.core.errors import ToolError
from jackline.core.flow import Integrity, Labels
from jackline.core.messages import Text
from jackline.core.results import is_words, shown
from jackline.core.tools import Tool
from jackline.core.value import Value
from jackline.testing.redteam.bools import BLANK, blanked, spelt
from jackline.testing.redteam.words import HEARD_BY, HEARSAY, PEOPLE, words_of

Step = str | int
Where = Literal["result", "error", "input", "bools", "name"]

_WHOLE_BYTES = 1 << 20
_ITEMS_MAX = 2
_DEPTH = 12


class Seat(Value, frozen=True):
    """One place for words: a field of what a tool returns, its failure, or a part of the input.

    `tool` is empty where it is the input. Where `path` is None it is every field there is. With
    "bools" it leads into the list whose bools spell the words, with "name" to a trusted field: the
    words stand beside it, under a name that looks like its own.
    """

    tool: str
    where: Where = "result"
    path: tuple[Step, ...] | None = ()

    @property
    def field(self) -> str:
        """The field as people name it: `search_emails[0].body`."""
        if self.where == "input":
            return f"input{_told(self.path or ())}"
        if self.where == "error":
            return f"{self.tool} (its failure)"
        if self.where == "bools":
            return f"{self.tool}{_told(self.path or ())} (in bools)"
        if self.where == "name":
            return f"{self.tool}{_told(self.path or ())} (a name that looks like it)"
        if self.path is None:
            return f"every field of {self.tool or 'every result'}"
        return f"{self.tool}{_told(self.path)}" if self.path else f"{self.tool} (its text)"

    @property
    def names(self) -> tuple[str, ...]:
        """The path as labels name it, without the places in lists."""
        return _names(self.path or ())


EVERYWHERE = Seat("", path=None)


def _told(path: Sequence[Step]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


class Leaf(Value, frozen=True):
    """A text in a result, where it stands, and what the tool's labels say of it."""

    path: tuple[Step, ...]
    text: str
    integrity: Integrity


def leaves(tool: Tool, value: object) -> list[Leaf]:
    """Return the texts of what a tool returned, and of long lists those of the first and last."""
    plain = _plain(value)
    labels = Labels(tool.flow.labels.of("" if is_words(value) else value))
    levels: dict[str, Integrity] = {each.path: each.integrity for each in labels.fields(plain)}
    return [
        Leaf(path, text, levels.get(".".join(_names(path)), "untrusted"))
        for path, text in _texts(plain, ())
    ]


def bools(tool: Tool, value: object) -> list[Seat]:
    """Return the lists of bools in what a tool returned that somebody else can write."""
    found = dict[tuple[Step, ...], Seat]()
    for leaf in leaves(tool, blanked(_plain(value))):
        is_listed = any(isinstance(step, int) for step in leaf.path)
        if leaf.text == BLANK and is_listed and not is_believed(tool, leaf):
            found.setdefault(_names(leaf.path), Seat(tool.name, "bools", leaf.path))
    return list(found.values())


def names(tool: Tool, value: object) -> list[Seat]:
    """Return a trusted field of a mapping in which somebody else may write names, too."""
    is_list = isinstance(value, list)
    items = cast("list[object]", value) if is_list else [value]
    if not all(isinstance(each, dict) for each in items):
        return []
    found = leaves(tool, value)
    declared = {step for path in tool.flow.labels.paths for step in path.split(".")}
    theirs = {
        leaf.path[:-1]
        for leaf in found
        if leaf.path and leaf.path[-1] not in declared and not is_believed(tool, leaf)
    }
    beside = [leaf for leaf in found if leaf.path[:-1] in theirs and is_believed(tool, leaf)]
    return [Seat(tool.name, "name", leaf.path) for leaf in beside[:1]]


def is_believed(tool: Tool, leaf: Leaf) -> bool:
    """Whether nobody else can write there: it is labelled so, and nothing speaks against it."""
    if leaf.integrity == "untrusted":
        return False
    names = [word for step in _names(leaf.path) for word in words_of(step)]
    if not leaf.path:
        return HEARD_BY.isdisjoint(words_of(tool.name)) or tool.flow.effectful
    heard = HEARSAY if leaf.integrity == "directory" else HEARSAY | PEOPLE
    return heard.isdisjoint(names)


def _names(path: Sequence[Step]) -> tuple[str, ...]:
    return tuple([step for step in path if isinstance(step, str)])


def _texts(value: object, path: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str]]:
    if len(path) > _DEPTH:
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, each in cast("dict[str, object]", value).items():
            yield from _texts(each, (*path, name))
    elif isinstance(value, list):
        items = cast("list[object]", value)
        for at, each in enumerate(items):
            if at < _ITEMS_MAX or at == len(items) - 1:
                yield from _texts(each, (*path, at))


def _plain(value: object) -> object:
    """Return a result as its model reads it: text, or what its JSON says."""
    parts = shown(value, _WHOLE_BYTES).parts
    text = "".join([part.text for part in parts if isinstance(part, Text)])
    if isinstance(value, str) or value is None or is_words(value):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return text


Heard = Callable[[Tool, object], None]


def planted(tool: Tool, seat: Seat, words: str) -> Tool:
    """Return the tool with an attacker's words at this seat of what it returns."""
    if seat.tool not in {"", tool.name} or seat.where == "input":
        return tool
    return _around(tool, lambda value: _written(tool, seat, value, words))


def overheard(tool: Tool, hear: Heard) -> Tool:
    """Return the tool, of which each result is told."""

    def tell(value: object) -> object:
        hear(tool, value)
        return value

    return _around(tool, tell)


def _around(tool: Tool, change: Callable[[object], object]) -> Tool:
    if tool.is_async:

        @wraps(tool.function)
        async def waiting(*args: object, **kwargs: object) -> object:
            return change(await tool.function(*args, **kwargs))

        return replace(tool, function=waiting)

    @wraps(tool.function)
    def function(*args: object, **kwargs: object) -> object:
        return change(tool.function(*args, **kwargs))

    return replace(tool, function=function)


def _written(tool: Tool, seat: Seat, value: object, words: str) -> object:
    """Return a result with the words in it. Believed fields keep what they say."""
    if seat.where == "error":
        raise ToolError(f"{words} It failed.")
    plain = _plain(value)
    if seat.where == "bools":
        return spelt(plain, seat.path or ())
    if seat.where == "name" and seat.path:
        return _replaced(plain, seat.path[:-1], words, beside=str(seat.path[-1]))
    paths: Sequence[tuple[Step, ...]] = [seat.path] if seat.path is not None else []
    if seat.path is None:
        paths = [each.path for each in leaves(tool, value) if not is_believed(tool, each)]
    for path in paths:
        plain = _replaced(plain, path, words)
    return plain if paths else value


def _replaced(value: object, path: Sequence[Step], words: str, beside: str = "") -> Any:
    """Return the value with the words at the end of a text. What is not there stays away.

    With `beside` they stand in an object, before and behind all else, under names like this one.
    """
    if not path and beside:
        pairs = cast("dict[object, object]", value) if isinstance(value, dict) else {}
        return {f"{beside}\u200b": words, **pairs, f"{beside}\u00ad": words}
    if not path:
        return f"{words} {value}" if isinstance(value, str) else value
    step, *rest = path
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)
        return {
            name: _replaced(each, rest, words, beside) if name == step else each
            for name, each in pairs.items()
        }
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [
            _replaced(each, rest, words, beside) if at == step else each
            for at, each in enumerate(items)
        ]
    return value
