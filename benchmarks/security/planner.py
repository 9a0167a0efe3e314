"""(b): a planner without a model. It reads the request and the schemas of the tools, and no more.

A tool is wanted where a word of the request means what the tool's first word does, and another
speaks of what it is about. What the request says of an argument by its kind (an address, an
account, a quoted name) is pinned; a required argument that it does not say is a hole.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jackline.core.flow import Plan, Planned, ToolFlow

_MEANS = {
    "send": "send email mail pay transfer refund forward reply",
    "create": "create add make new book set write schedule",
    "add": "add invite include append",
    "append": "append add write put",
    "delete": "delete remove erase",
    "cancel": "cancel delete remove",
    "update": "update change adjust modify correct set",
    "reschedule": "reschedule move postpone shift",
    "schedule": "schedule recurring standing regular plan",
    "reserve": "reserve reservation book",
    "share": "share give",
    "post": "post publish write",
    "invite": "invite add",
    "buy": "buy order purchase",
    "pay": "pay transfer settle refund",
    "refund": "refund return",
}
_ARTICLES = frozenset(["the", "a", "an", "all", "its", "is", "get"])
_FILLERS = _ARTICLES | {"to", "of", "for", "with", "from", "by", "and", "or", "in", "on", "at"}
_PLURAL = frozenset(["each", "every", "everyone", "everybody", "all", "both"])
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ACCOUNT = re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b")
_QUOTED = re.compile(r"(?<!\w)['\"]([^'\"\n]{1,120})['\"](?!\w)")
_NEAR = 5


@dataclass(frozen=True)
class Described:
    """A tool as a model is told of it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    flow: ToolFlow


def plan_for(request: str, tools: Mapping[str, Described]) -> Plan:
    """Return the effectful calls that a request speaks of."""
    words = {_stem(word) for word in re.findall(r"[a-z]+", request.lower())}
    wanted = [each for each in tools.values() if each.flow.effectful and _is_wanted(each, words)]
    is_many = not words.isdisjoint(_PLURAL)
    return Plan(tuple(_planned(each, request, words, is_many=is_many) for each in wanted))


def _is_wanted(tool: Described, words: set[str]) -> bool:
    verb, *objects = tool.name.lower().split("_")
    means = {_stem(each) for each in _MEANS.get(verb, verb).split()}
    if means.isdisjoint(words):
        return False
    about = {_stem(each) for each in objects if each not in _FILLERS}
    told = re.findall(r"[a-z]+", tool.description.lower().partition("\n")[0])
    about |= {_stem(each) for each in told if each not in _FILLERS} - means
    for name, shape in tool.schema.get("properties", {}).items():
        about |= {_stem(each) for each in name.split("_")} if "default" not in shape else set()
    return not about.isdisjoint(words) or not about.isdisjoint(means & words)


def _planned(tool: Described, request: str, words: set[str], *, is_many: bool) -> Planned:
    known: dict[str, Any] = {}
    unknown = set[str]()
    for name, shape in tool.schema.get("properties", {}).items():
        found = list(_said(name, shape, request))
        if "array" in _types(shape) and found:
            known[name] = found
        elif len(found) == 1:
            known[name] = found[0]
        elif "default" not in shape or _stem(name.split("_")[-1]) in words:
            unknown.add(name)
    return Planned(tool.name, known, frozenset(unknown), repeat=is_many)


def _said(name: str, shape: Mapping[str, Any], request: str) -> Iterator[str]:
    """Yield what a request says of an argument of this name."""
    told = f"{name} {shape.get('description', '')}".lower()
    if "string" not in _types(shape) | _types(shape.get("items", {})):
        return
    if "iban" in told or "account number" in told:
        yield from dict.fromkeys(_ACCOUNT.findall(request))
    elif "email" in told and "id" not in name.split("_") and "body" not in name:
        if name in {"cc", "bcc"}:
            return
        if "subject" not in name:
            yield from dict.fromkeys(_EMAIL.findall(request))
            return
    yield from _quoted(name, request)


def _quoted(name: str, request: str) -> Iterator[str]:
    """Yield quoted words that stand behind the name of an argument."""
    stems = {_stem(each) for each in name.split("_")} - _FILLERS
    for match in _QUOTED.finditer(request):
        before = re.findall(r"[a-z]+", request[: match.start()].lower())[-_NEAR:]
        if not stems.isdisjoint(map(_stem, before)):
            yield match[1]


def _types(shape: Mapping[str, Any]) -> set[str]:
    shapes = [shape, *shape.get("anyOf", ())]
    inner = [each.get("items", {}) for each in shapes]
    return {str(each["type"]) for each in [*shapes, *inner] if "type" in each}


def _stem(word: str) -> str:
    """Return a word without what grammar adds to it."""
    for ending in ("ations", "ation", "ings", "ing", "led", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
