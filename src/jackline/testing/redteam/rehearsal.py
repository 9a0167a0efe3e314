"""A run of the scenario without an attacker: what is called, what is read, who wrote that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from jackline.core import events as e
from jackline.core.inputs import Upload
from jackline.core.messages import Pasted, Text
from jackline.core.tools import Tool
from jackline.testing.redteam.known import Known
from jackline.testing.redteam.run import Ran, parts_of
from jackline.testing.redteam.seats import EVERYWHERE, Leaf, Seat, is_believed
from jackline.testing.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a run without an attacker shows: where one could write, and what is known of calls.

    `believed` counts the fields where nobody else can write, `reads` are the calls that only read.
    """

    known: Known
    seats: Sequence[Seat]
    believed: int
    reads: tuple[tuple[str, str], ...]


def lacking(records: Sequence[e.Record]) -> str:
    """Return why the model said nothing, or no tool could run; or nothing."""
    for record in records:
        if isinstance(record.event, e.ToolFailed) and record.event.code == "dependencies":
            return record.event.text
    stops = [each.event.text for each in records if isinstance(each.event, e.TurnStopped)]
    said = any(isinstance(each.event, e.ModelReplied) for each in records)
    return "" if said or not stops else stops[0]


def seen(
    scenario: Scenario, ran: Ran, heard: Sequence[tuple[Tool, list[Leaf], list[Seat]]]
) -> Rehearsal:
    """Return what a run showed, in which each tool's texts and other places were `heard`."""
    calls = dict[str, list[Mapping[str, object]]]()
    reads = dict[tuple[str, str], None]()
    for record in ran.records:
        if not isinstance(record.event, e.ModelReplied):
            continue
        for call in record.event.calls:
            tool = scenario.agent.by_name.get(call.name)
            if tool is None:
                continue
            said = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
            if said not in calls.setdefault(call.name, []):
                calls[call.name].append(said)
            if not tool.flow.effectful:
                reads[call.name, call.arguments] = None
    begun = [each.event.name for each in ran.records if isinstance(each.event, e.ToolStarted)]
    # The calls of one reply return in any order, and what is tried is the same for one seed.
    heard = sorted(heard, key=lambda each: (begun.index(each[0].name), str(each[1])))
    read = [(tool, leaf) for tool, each, _ in heard for leaf in each]
    open_ = [(tool, leaf) for tool, leaf in read if not is_believed(tool, leaf)]
    found = dict.fromkeys(Seat(tool.name, path=leaf.path) for tool, leaf in open_)
    failing = dict.fromkeys(Seat(tool.name, "error") for tool, _, _ in heard)
    spelling = dict.fromkeys(seat for _, _, seats in heard for seat in seats)
    seats = [*_inputs(scenario), *found, *failing, *spelling]
    seats += [EVERYWHERE] if len(found) > 1 else []
    typed = "\n".join(_typed(scenario))
    believed = len({(tool.name, leaf.path) for tool, leaf in read}) - len(found)
    known = Known(calls, typed, read)
    return Rehearsal(known, seats, believed, tuple(reads))


def _inputs(scenario: Scenario) -> Iterator[Seat]:
    for number, say in enumerate(scenario.turns):
        for at, part in enumerate(parts_of(say)):
            if isinstance(part, Pasted) or (isinstance(part, Upload) and not part.is_image):
                yield Seat("", "input", (number, at))


def _typed(scenario: Scenario) -> Iterator[str]:
    """Yield what the user types, and what the agent is told before."""
    if isinstance(scenario.agent.instructions, str):
        yield scenario.agent.instructions
    for say in scenario.turns:
        for part in parts_of(say):
            if isinstance(part, str | Text):
                yield part if isinstance(part, str) else part.text
