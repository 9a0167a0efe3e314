"""A committed plan: the effectful calls that a request needs, said before anything is read.

A plan is a value, made by a model that has seen trusted text only. What it knows is pinned: a
later call is a planned one if it has these values and no others. What it does not know yet is a
hole, and only a hole may be filled from what is read.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

import msgspec

from jackline.core.flow.declared import ToolFlow
from jackline.core.flow.forms import NUMBERS, trimmed, value_keys
from jackline.core.flow.shapes import completed, is_set, properties_of, written_out
from jackline.core.value import Value

CALLS_MAX = 64
_DEPTH = 64


class Planned(Value, frozen=True):
    """A call that the request needs: what is known of its arguments, and which are not known yet.

    With `repeat` it may be made any number of times.
    """

    tool: str
    known: Mapping[str, Any] = {}
    unknown: frozenset[str] = frozenset()
    repeat: bool = False


class Plan(Value, frozen=True):
    """The effectful calls of one turn."""

    calls: tuple[Planned, ...] = ()

    def match(
        self, flow: ToolFlow, arguments: Mapping[str, object], spent: Collection[int] = ()
    ) -> int | None:
        """Return which planned call this is, of those that are not spent. None: none of them.

        Of several it is the one that pins the most: what leaves more open fits other calls, too.
        """
        fitting = [
            at
            for at, planned in enumerate(self.calls)
            if (planned.repeat or at not in spent)
            and planned.tool == flow.name
            and _fits(planned, flow, arguments)
        ]
        return max(fitting, key=lambda at: len(self.calls[at].known), default=None)


def plan_schema(tools: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the JSON schema that a planning model's answer is bound to.

    `tools` are the schemas of the arguments. Each is named: providers take an object whose
    properties are left open for one that has none.
    """
    calls = [_call_schema(name, tools[name]) for name in sorted(tools)]
    items = {"type": "array", "items": {"anyOf": calls}, "maxItems": CALLS_MAX}
    return _object({"calls": items}, ["calls"])


def _call_schema(tool: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a planned call. What has no end can only be left open."""
    properties = properties_of(schema)
    written = {name: written_out(properties[name], schema.get("$defs", {})) for name in properties}
    known = {name: shape for name, shape in written.items() if shape is not None}
    names = {"type": "string"} | ({"enum": list(properties)} if properties else {})
    said = {"description": "Arguments that the request says word for word."}
    looked_up = {"description": "Arguments that have to be looked up first."}
    call = {
        "tool": {"type": "string", "enum": [tool]},
        "known": _object(known, []) | said,
        "unknown": {"type": "array", "items": names} | looked_up,
        "repeat": {"type": "boolean", "description": "Whether it is made more than once."},
    }
    return _object(call, ["tool", "known", "unknown"])


def _object(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    bounds = {"required": required, "additionalProperties": False}
    return {"type": "object", "properties": dict(properties), **bounds}


def plan_of(text: str, flows: Mapping[str, ToolFlow]) -> Plan | None:
    """Return the plan that a model wrote. None: it is none, and nothing is planned.

    A call of what is no effectful tool is left out: it needs no plan.
    """
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except (msgspec.MsgspecError, RecursionError):
        return None
    if len(plan.calls) > CALLS_MAX or any(_is_deep(each.known) for each in plan.calls):
        return None
    return Plan(tuple([each for each in plan.calls if _is_effectful(flows.get(each.tool))]))


def _is_effectful(flow: ToolFlow | None) -> bool:
    return flow is not None and flow.effectful


def _is_deep(value: object) -> bool:
    """Whether a value is nested deeper than any argument may be."""
    level = [value]
    for _ in range(_DEPTH):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _fits(planned: Planned, flow: ToolFlow, arguments: Mapping[str, object]) -> bool:
    made, pinned = completed(flow.schema, arguments), completed(flow.schema, planned.known)
    for name, value in pinned.items():
        any_order = is_set(flow.schema, name, is_said=name in flow.readers_from)
        if name not in made or not same(made[name], value, in_order=not any_order):
            return False
    return all(
        name in planned.known or name in planned.unknown or is_default(flow, name, value)
        for name, value in arguments.items()
        if name in flow.critical
    )


def is_default(flow: ToolFlow, name: str, value: object) -> bool:
    """Whether nobody chose this value: it is what the tool takes where nothing is said."""
    return name in flow.defaults and flow.defaults[name] == value


def same(one: object, other: object, *, in_order: bool = True) -> bool:
    """Whether two values are one and the same, however a date, a URL or an account is written.

    Without `in_order` a list may be in any order; lists inside it may not.
    """
    lists = [cast("list[object]", each) for each in (one, other) if isinstance(each, list)]
    if not in_order and len(lists) == 2:  # noqa: PLR2004 - both
        return sorted(map(_canonical, lists[0])) == sorted(map(_canonical, lists[1]))
    return one == other or _canonical(one) == _canonical(other)


def _canonical(value: object) -> str:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return f"{{{','.join(sorted(f'{name!r}:{_canonical(each)}' for name, each in items))}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_canonical, cast('list[object]', value)))}]"
    if isinstance(value, bool) or value is None:
        return str(value)
    wanted, exact = value_keys(value), trimmed(str(value))
    if not wanted or (isinstance(value, str) and wanted[0][0] in NUMBERS and wanted[0][1] != exact):
        return repr(exact)
    return repr([("number" if kind in NUMBERS else kind, key) for kind, key in wanted])
