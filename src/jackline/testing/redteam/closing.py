"""The smallest declaration that closes a hole: found by trying one change after another."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jackline.core.agent import Agent
from jackline.core.errors import DefinitionError
from jackline.core.flow import Declared, From, Integrity, flow_of
from jackline.core.tools import Tool
from jackline.core.value import Value
from jackline.testing.redteam.attacks import Attack, Kind, pretends
from jackline.testing.redteam.forms import slots
from jackline.testing.redteam.obedient import Shot
from jackline.testing.redteam.seats import Seat

_USER = From("user")
_LINKS = "links"


class Change(Value, frozen=True, gc=True):
    """One other declaration: whose it is, as its author has to write it, and the agent with it."""

    declared_by: str
    line: str
    made: Agent


def changes(agent: Agent, attack: Attack, shot: Shot) -> Iterator[Change]:
    """Yield what may close the hole, the smallest first."""
    if not attack.tool:
        # What is left is the guard that every agent has where it names none.
        guards = [guard for guard in agent.guards if guard.name != _LINKS]
        line = f"guards=[…]  # without the one that is named {_LINKS!r}"
        yield Change(agent.name, line, replace(agent, guards=guards, version="redteam"))
        return
    for made, line in _tools(agent, attack, shot):
        tools = [made if each.name == made.name else each for each in agent.tools]
        yield Change(made.name, line, replace(agent, tools=tools, version="redteam"))


def _tools(agent: Agent, attack: Attack, shot: Shot) -> Iterator[tuple[Tool, str]]:
    tool, seat = agent.by_name[attack.tool], shot.seat
    if pretends(tool):
        yield from _effect(tool)
    if attack.kind in _OUT:
        yield from _outbound(tool)
    yield from _critical(tool, attack)
    if seat.tool:
        yield from _labels(agent.by_name[seat.tool], seat)
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
    labels: Mapping[str, Integrity] = {**paths, path: "untrusted"}
    yield from _made(tool, f"labels={dict(labels)!r}".replace("'", '"'), labels=labels)


def _all_labels(tool: Tool) -> Iterator[tuple[Tool, str]]:
    if tool.flow.labels.paths:
        yield from _made(tool, 'labels={"*": "untrusted"}', labels={"*": "untrusted"})


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
