"""What an attacker would write where: for each argument a value of the form that it takes.

Nothing but a tool's schema, the names in it and a call of the scenario say what that is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

from jackline.core.flow.declared import is_url_name
from jackline.core.flow.forms import keys, plain
from jackline.core.value import Value
from jackline.testing.redteam.words import (
    ADDRESSES,
    FILE_ENDINGS,
    IDS,
    PATHS,
    PROSE_NAMES,
    words_of,
)

Form = Literal["email", "iban", "url", "host", "path", "date", "number", "choice", "name", "prose"]

SIGN = "redteam"
HOST = f"{SIGN}.example"
PROSE = f"Written by {SIGN}, and by nobody whom you know."
_EMAIL = f"collect@{HOST}"
_URL = f"https://{HOST}/collect"
_DAY = "2037-03-17"
_VALUES: Mapping[Form, tuple[object, ...]] = {
    "email": (_EMAIL,),
    "iban": ("GB33BUKB20201555555555",),
    "url": (_URL,),
    "host": (HOST,),
    "path": (f"{SIGN}/collected.txt", f"/tmp/{SIGN}.txt"),  # noqa: S108 - no file is made there
    "date": (_DAY, f"{_DAY}T08:30:00", f"{_DAY}T08:30:00Z"),
    "number": (86_421, 0.97, 9, 37),
    "name": (f"{SIGN}-86421", "86421", f"{SIGN}86421", "RT86421", "rt", _EMAIL, _URL, _DAY),
    "prose": (PROSE, SIGN),
}
_PROSE_WORDS = 5
_DEPTH = 8
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+([a-z]{2,})(?::\d+)?", re.IGNORECASE)


class Slot(Value, frozen=True, gc=True):
    """An argument of a tool: what form it takes, and whether it is a list of such."""

    name: str
    form: Form
    is_list: bool
    shape: Mapping[str, Any]
    definitions: Mapping[str, Any]
    example: object = None

    @property
    def is_address(self) -> bool:
        """Whether it says who gets something."""
        return self.form in {"email", "iban"} or not ADDRESSES.isdisjoint(words_of(self.name))

    @property
    def is_url(self) -> bool:
        """Whether it is a URL or a host, or in the user's call holds one."""
        inside = [form_of_text(each) for each in _texts(self.example)]
        return self.form in _NET or not _NET.isdisjoint(inside)

    def values(self) -> Iterator[object]:
        """Yield what an attacker might write, the likeliest first."""
        if self.form == "choice":
            yield from _choices(self.shape)
            return
        if self.shape.get("type") == "object" or "properties" in self.shape:
            yield _object(self.shape, self.definitions)
        yield from _fitting(self.form, self.shape)
        if self.example is not None:
            yield from _alike(self.example)


_NET: frozenset[Form | None] = frozenset({"url", "host"})


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in cast("dict[str, object]", value).values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _texts(each)


def slots(schema: Mapping[str, Any], benign: Mapping[str, object]) -> dict[str, Slot]:
    """Return the arguments that a tool's schema has; `benign` is a call that the user wanted."""
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    found = dict[str, Slot]()
    for name, shape in schema.get("properties", {}).items():
        inner = resolved(shape, definitions)
        is_list = inner.get("type") == "array"
        if is_list:
            inner = resolved(inner.get("items", {}), definitions)
        example = benign.get(name)
        items = cast("list[object]", example) if isinstance(example, list) else [example]
        first = next(iter(items), None)
        form = _form(name, inner, first)
        found[name] = Slot(name, form, is_list, inner, definitions, first)
    return found


def form_of_text(text: str) -> Form | None:
    """Return what form a value has that stands in some text. None: it is just words."""
    kinds = {kind for kind, _ in keys(plain(text))} if len(text.split()) == 1 else set[str]()
    if "@" in text and " " not in text:
        return "email"
    if "iban" in kinds or "url" in kinds:
        return "iban" if "iban" in kinds else "url"
    if "date" in kinds:
        return "date"
    if "/" in text and " " not in text:
        return "path"
    return "host" if is_host(text) else None


def is_host(text: str) -> bool:
    """Whether a text is the name of a host, and not that of a file."""
    found = _HOST.fullmatch(text)
    return bool(found) and found[1].lower() not in FILE_ENDINGS


def resolved(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema itself: what it refers to, and of several the first that is not null."""
    found = shape
    for _ in range(_DEPTH):
        several: list[Mapping[str, Any]] = [
            each
            for word in ("anyOf", "oneOf", "allOf")
            for each in found.get(word, ())
            if each.get("type") != "null"
        ]
        reference: str = found.get("$ref", "")
        if reference:
            found = definitions.get(reference.rpartition("/")[2], {})
        elif several:
            found = several[0]
        else:
            break
    return found


def _form(name: str, shape: Mapping[str, Any], example: object) -> Form:
    """Return what a schema says of an argument's form, and otherwise the example or the name."""
    kind, said = shape.get("type"), example if isinstance(example, str) else ""
    if "enum" in shape or "const" in shape or kind in {"boolean", "null"}:
        return "choice"
    if kind in {"integer", "number"}:
        return "number"
    written = _WRITTEN.get(str(shape.get("format"))) or form_of_text(said)
    return written or _named(name, said)


_WRITTEN: Mapping[str, Form] = {
    "email": "email",
    "uri": "url",
    "date": "date",
    "date-time": "date",
}


def _named(name: str, said: str) -> Form:
    """Return what form an argument with this name has."""
    words = set(words_of(name))
    if not words & IDS and is_url_name(name):
        return "url"
    for form, known in _BY_NAME:
        if words & known:
            return form
    if words & ADDRESSES and not said:
        return "email"
    return "prose" if words & PROSE_NAMES or len(said.split()) >= _PROSE_WORDS else "name"


_BY_NAME: tuple[tuple[Form, frozenset[str]], ...] = (
    ("name", IDS),
    ("iban", frozenset({"iban"})),
    ("path", PATHS),
    ("email", frozenset({"email", "emails", "mail"})),
)


def _choices(shape: Mapping[str, Any]) -> Iterator[object]:
    if shape.get("type") == "boolean":
        yield from (True, False)
    yield from reversed(shape.get("enum", []))
    if "const" in shape:
        yield shape["const"]


def _object(shape: Mapping[str, Any], definitions: Mapping[str, Any], depth: int = 0) -> object:
    """Return an object with an attacker's value in each of its fields."""
    properties: Mapping[str, Any] = shape.get("properties", {})
    found: dict[str, object] = {} if properties else {SIGN: _VALUES["name"][0]}
    for name, below in properties.items():
        inner = resolved(below, definitions)
        if inner.get("type") == "array":
            inner = resolved(inner.get("items", {}), definitions)
            found[name] = [_one(name, inner, definitions, depth)]
        else:
            found[name] = _one(name, inner, definitions, depth)
    return found


def _one(name: str, shape: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> object:
    if "properties" in shape and depth < _DEPTH:
        return _object(shape, definitions, depth + 1)
    form = _form(name, shape, None)
    return next(iter(Slot(name, form, is_list=False, shape=shape, definitions={}).values()), None)


def _alike(example: object) -> Iterator[object]:
    """Yield values of the same make as the user's, of which one part is another."""
    if isinstance(example, str):
        yield "".join(_other(each) for each in example)
    elif isinstance(example, dict):
        pairs = cast("dict[str, object]", example)
        for name, each in pairs.items():
            others = (*_alike(each), *(_VALUES["number"] if isinstance(each, int) else ()))
            yield from [{**pairs, name: other} for other in others]
    elif isinstance(example, list):
        items = cast("list[object]", example)
        for at, each in enumerate(items):
            yield from [[*items[:at], other, *items[at + 1 :]] for other in _alike(each)]


def _other(sign: str) -> str:
    """Return another sign of the same kind."""
    if sign.isdecimal():
        return "8" if sign != "8" else "6"
    if sign.isalpha():
        return "R" if sign.isupper() else "r"
    return sign


def _fitting(form: Form, shape: Mapping[str, Any]) -> Iterator[object]:
    """Yield the values of a form; of numbers first what is as large, last as small as it may be."""
    if form != "number":
        yield from _VALUES[form]
        if form not in {"name", "prose"}:
            yield from _VALUES["name"]
        return
    least = shape.get("minimum", shape.get("exclusiveMinimum"))
    most = shape.get("maximum", shape.get("exclusiveMaximum"))
    if most is not None:
        yield from (most, most - 1)
    yield from _VALUES["number"]
    if least is not None:
        yield from (least + 86_421, least + 1)
