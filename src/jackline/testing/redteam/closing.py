"""The smallest declaration that closes a hole: found by trying one change after another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from jackline.core import events as e
from jackline.core.agent import Agent
from jackline.core.errors import DefinitionError
from jackline.core.flow import Declared, From, Integrity, Labels, flow_of
from jackline.core.flow.fields import NAME
from jackline.core.flow.labels import LEVELS
from jackline.core.messages import Text
from jackline.core.tools import Tool
from jackline.core.value import Value
from jackline.testing.redteam.attacks import Attack, Kind, pretends
from jackline.testing.redteam.forms import slots
from jackline.testing.redteam.obedient import MARK, Shot
from jackline.testing.redteam.seats import Seat

_USER = From("user")
_LINKS = "links"


class Change(Value, frozen=True, gc=True):
    """One other declaration: whose it is, as its author has to write it, and the agent with it."""

    declared_by: str
    line: str
    made: Agent

    @property
    def option(self) -> str:
        """What of the declaration is another one: `labels`, for one."""
        return self.line.partition("=")[0]


class _Source(Value, frozen=True):
    """A field of a tool's result that an attacker's value was found in, which vouched for it.

    `is_theirs`: the attacker's own words stand in it, so that anybody may write there.
    """

    tool: str
    path: str
    integrity: Integrity
    is_theirs: bool


def changes(
    agent: Agent, attack: Attack, shot: Shot, records: Sequence[e.Record]
) -> Iterator[Change]:
    """Yield what may close the hole, the smallest first. `records` are of a run that it is in."""
    if not attack.tool:
        # What is left is the guard that every agent has where it names none.
        guards = [guard for guard in agent.guards if guard.name != _LINKS]
        line = f"guards=[…]  # without the one that is named {_LINKS!r}"
        yield Change(agent.name, line, replace(agent, guards=guards, version="redteam"))
        return
    sources = _sources(records, shot)
    for made, line in _tools(agent, attack, shot, sources):
        tools = [made if each.name == made.name else each for each in agent.tools]
        yield Change(made.name, line, replace(agent, tools=tools, version="redteam"))


def _tools(
    agent: Agent, attack: Attack, shot: Shot, sources: Sequence[_Source]
) -> Iterator[tuple[Tool, str]]:
    tool, seat = agent.by_name[attack.tool], shot.seat
    if pretends(tool):
        yield from _effect(tool)
    if attack.kind in _OUT:
        yield from _outbound(tool)
    yield from _critical(tool, attack)
    if seat.tool:
        yield from _labels(agent.by_name[seat.tool], seat)
    for source in sources:
        yield from _lowered(agent.by_name[source.tool], source)
    named = [*(name for name, _ in shot.reads), *(each.tool for each in shot.carries)]
    read = named if seat.tool else list(agent.by_name)
    for name in dict.fromkeys(read):
        yield from _all_labels(agent.by_name[name])
    yield from _outbound(tool)
    yield from _effect(tool)
    yield from _raised(tool, attack)


_OUT: frozenset[Kind] = frozenset({"unnamed", "leak"})


def _critical(tool: Tool, attack: Attack) -> Iterator[tuple[Tool, str]]:
    """Have the user decide what anybody may decide now."""
    anybody = From("untrusted")
    floors = {name: tool.flow.critical.get(name, anybody) for name in attack.chosen}
    left = {name: floor for name, floor in floors.items() if floor.level == "untrusted"}
    if left:
        critical = {**tool.flow.critical, **dict.fromkeys(left, _USER)}
        endorsed = [f"endorse({floor.reason!r})" for floor in left.values() if floor.reason]
        without = f"  # instead of {', '.join(endorsed)}" if endorsed else ""
        yield from _made(tool, f"critical={_shown(critical)}{without}", critical=critical)


def _raised(tool: Tool, attack: Attack) -> Iterator[tuple[Tool, str]]:
    """Have the user decide what a system or a directory may decide now."""
    for name in attack.chosen:
        floor = tool.flow.critical.get(name)
        if floor and floor.level in {"system", "directory"}:
            critical = {**tool.flow.critical, name: _USER}
            yield from _made(tool, f"critical={_shown(critical)}", critical=critical)


def _labels(tool: Tool, seat: Seat) -> Iterator[tuple[Tool, str]]:
    """Say of the field where the attacker wrote that anybody may write there."""
    paths = tool.flow.labels.paths
    if not paths:
        return
    path = ".".join(seat.names) or "*"
    yield from _labelled(tool, {**paths, path: "untrusted"})


def _sources(records: Sequence[e.Record], shot: Shot) -> Sequence[_Source]:
    """Return which fields vouched for what the attacker chose, by the verdict of the last call."""
    (attack,) = shot.attacks
    started = [each.event for each in records if isinstance(each.event, e.ToolStarted)]
    names = {each.key: each.name for each in started}
    returned = {each.seq: each.event for each in records if isinstance(each.event, e.ToolReturned)}
    verdict = next((each.flow for each in reversed(started) if each.name == attack.tool), None)
    found = dict[_Source, None]()
    for origin in verdict.origins if verdict else ():
        result = returned.get(origin.source)
        if result and origin.standing == "found" and origin.argument in attack.chosen:
            tool = names[result.key]
            path = origin.where.removeprefix(tool).removeprefix(", ")
            found[_Source(tool, path, origin.integrity, _has_order(result, path))] = None
    return list(found)


def _has_order(result: e.ToolReturned, path: str) -> bool:
    """Whether the attacker's own words stand in this field of a result."""
    for text in [part.text for part in result.parts if isinstance(part, Text)]:
        try:
            fields = list(Labels(result.labels).fields(msgspec.json.decode(text)))
        except msgspec.MsgspecError:
            return MARK in text
        if any(each.path == path and MARK in each.text for each in fields):
            return True
    return False


def _lowered(tool: Tool, source: _Source) -> Iterator[tuple[Tool, str]]:
    """Say one level less of the field, then of all that has its level, and so on downwards.

    A directory is one as a whole: with fields of it that are the user's, nobody is named by them.
    """
    paths = tool.flow.labels.paths
    below = LEVELS[: LEVELS.index(source.integrity)]
    for level in below[:1] if source.is_theirs else reversed(below):
        if level != "directory" and not source.path.endswith(NAME):
            yield from _labelled(tool, {**paths, source.path or "*": level})
        same = [path for path, was in paths.items() if was == source.integrity]
        yield from _labelled(tool, {**paths, **dict.fromkeys(same, level)})


def _all_labels(tool: Tool) -> Iterator[tuple[Tool, str]]:
    if tool.flow.labels.paths:
        yield from _labelled(tool, {"*": "untrusted"})


def _labelled(tool: Tool, labels: Mapping[str, Integrity]) -> Iterator[tuple[Tool, str]]:
    yield from _made(tool, f"labels={dict(labels)!r}".replace("'", '"'), labels=labels)


def _outbound(tool: Tool) -> Iterator[tuple[Tool, str]]:
    """Say that it carries out what it is given, and which argument says to whom."""
    if tool.flow.outbound and tool.flow.readers_from:
        return
    found = slots(tool.parameters, {})
    for name, slot in found.items():
        if slot.is_address and name not in tool.flow.readers_from:
            yield from _made(tool, f'readers_from="{name}"', readers_from=(name,), outbound=True)
    if not tool.flow.outbound:
        yield from _made(tool, "outbound=True", outbound=True)


def _effect(tool: Tool) -> Iterator[tuple[Tool, str]]:
    """Say that it does something."""
    if tool.effect != "read":
        return
    try:
        flow = flow_of(tool.name, "once", tool.parameters, declared(tool, critical=None))
    except DefinitionError:
        return
    yield replace(tool, effect="once", flow=flow, retries=0), 'effect="once"'


def declared(tool: Tool, **changed: Any) -> Declared:
    """Return what a tool declares, with what is changed of it."""
    flow = tool.flow
    said: dict[str, Any] = {
        "outbound": flow.outbound,
        "critical": flow.critical,
        "readers_from": flow.readers_from,
        "labels": flow.labels.paths,
        "readers": flow.readers,
    }
    return Declared(**(said | changed))


def _made(tool: Tool, line: str, **changed: Any) -> Iterator[tuple[Tool, str]]:
    flow = flow_of(tool.name, tool.effect, tool.parameters, declared(tool, **changed))
    yield replace(tool, flow=flow), line


def _shown(critical: Mapping[str, From]) -> str:
    """Return floors as Python."""
    told = list[str]()
    for name, floor in critical.items():
        if floor.level == "untrusted" and floor.reason:
            told.append(f'"{name}": endorse("{floor.reason}")')
        else:
            extracted = ", extracted=True" if floor.extracted else ""
            told.append(f'"{name}": From("{floor.level}"{extracted})')
    return f"{{{', '.join(told)}}}"
