"""What a rehearsal brought to know, and which of it an attacker may put beside their own values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, cast

from jackline.core.flow.forms import plain
from jackline.core.tools import Tool
from jackline.core.value import Value
from jackline.testing.redteam.forms import Slot, form_of_text
from jackline.testing.redteam.seats import Leaf, Step
from jackline.testing.redteam.words import words_of

_COMBINED_MAX = 6
_NOTHING = frozenset(["None", repr("")])
# What a field is called that says whose an entry is, by itself or with another one.
_NAMES = frozenset(
    [
        *("name", "fullname", "displayname", "username", "user"),
        *("login", "handle", "nickname", "alias", "slug"),
    ]
)
_PARTS = frozenset(["first", "firstname", "given", "givenname", "last", "lastname", "surname"])
_AROUND = ".,;:!?()\"'<>[]{}"


class Known(Value, frozen=True, gc=True):
    """What a rehearsal of the scenario brought: calls, what was typed, and what was read."""

    calls: Mapping[str, Sequence[Mapping[str, object]]]
    typed: str
    read: Sequence[tuple[Tool, Leaf]]

    @property
    def values(self) -> list[object]:
        """What the user typed and what their calls have, each once; first what is no mere word."""
        words = [word.strip(_AROUND) for word in self.typed.split()]
        numbers = [_number(word) for word in words]
        said = [each for calls in self.calls.values() for call in calls for each in call.values()]
        inside = [one for each in said if isinstance(each, list) for one in cast("list[Any]", each)]
        formed = [word for word in words if form_of_text(word)]
        found: list[object] = [*said, *inside, *formed, *numbers, *words]
        unique = {repr(each): each for each in found}
        return [each for name, each in unique.items() if name not in _NOTHING]


def _number(word: str) -> float | int | None:
    """Return the number that a word is."""
    try:
        return int(word) if word.isdecimal() else float(word.replace(",", ""))
    except ValueError:
        return None


def listed(value: object, slot: Slot) -> object:
    """Return a value as the argument takes it: in a list, where it takes one."""
    if slot.is_list and not isinstance(value, list):
        return [value]
    return cast("object", value)


def fits(value: object, slot: Slot) -> bool:
    """Whether a value is a number where one is wanted, and only there."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number == (slot.form == "number")


def rows(theirs: Sequence[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Yield values of these: all that go together, or each at least once where that is many."""
    if prod(map(len, theirs)) <= _COMBINED_MAX:
        yield from product(*theirs)
        return
    # One step further in each column, so that it is not always the same that stand together.
    for at in range(max(map(len, theirs))):
        yield [each[(at + column) % len(each)] for column, each in enumerate(theirs)]


def is_entry_named(tool: Tool, leaf: Leaf, known: Known) -> bool:
    """Whether the user said a name that stands in the same entry: then they named all of it."""
    field = _field_of(leaf)
    beside = {
        "".join(words_of(str(at))): each.text
        for source, each in known.read
        for *above, at in [_field_of(each)]
        if source is tool and tuple(above) == field[:-1] and each.text
    }
    forms = {form_of_text(text) for text in beside.values()}
    is_mapping = len(beside) > 1 and len(forms) == 1 and None not in forms
    full = [text for at, text in beside.items() if at in _NAMES]
    full += [str(field[-1])] if is_mapping else []
    parts = [beside[at] for at in _PARTS & beside.keys()]
    return any(is_in(text, [known.typed]) for text in full) or (
        len(parts) > 1 and all(is_in(text, [known.typed]) for text in parts)
    )


def _field_of(leaf: Leaf) -> tuple[Step, ...]:
    """Return which field a text stands in, by itself or in a list."""
    path = leaf.path
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path or ("",)


def is_in(value: str, texts: Iterable[str]) -> bool:
    """Whether one of the texts has this value in it, however they are written."""
    wanted = plain(value).casefold()
    return any(wanted in plain(text).casefold() for text in texts)
