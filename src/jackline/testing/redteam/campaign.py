"""Attacks an agent in all the ways that its scenario shows, and says what closes each hole."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from random import Random
from typing import Any, get_args

import msgspec

from jackline.core import events as e
from jackline.core.errors import CallerError
from jackline.core.inputs import Upload
from jackline.core.messages import Pasted, Text
from jackline.core.tools import Tool
from jackline.core.value import Value
from jackline.ports import Clock, Model
from jackline.testing.crashtest.life import models
from jackline.testing.model import ScriptedModel
from jackline.testing.recording import by_input, recorded
from jackline.testing.redteam.attacks import (
    ANSWERS,
    Attack,
    Known,
    attacks_on,
    is_target,
    leaks,
    private_read,
    written,
)
from jackline.testing.redteam.closing import changes
from jackline.testing.redteam.run import Outcome, Ran, Shot, When, fired, parts_of, rehearsed
from jackline.testing.redteam.seats import EVERYWHERE, Leaf, Seat, is_believed, leaves
from jackline.testing.scenario import Scenario

Progress = Callable[[int, int], None]
WHEN: tuple[When, ...] = get_args(When)
_TOGETHER = 12
_LINKS = "links"  # The guard that looks at what answers link to.
_CHANGES_MAX = 24


class ScenarioError(CallerError):
    """The scenario does not even come to its end where nobody attacks, or shows nothing."""

    code = "scenario"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is tried: at most so many attacks, and for at most so long."""

    most: int = 2_000
    seed: int = 0
    timeout_s: float = 300.0


class Entry(Value, frozen=True):
    """One attack: which call with which arguments, and where the attacker had written.

    Of what got through `declaration` is the line that closes it, in `declared_by`, a tool.
    """

    tool: str
    arguments: Mapping[str, Any]
    field: str
    when: str
    wrote: str
    chosen: tuple[str, ...] = ()
    declaration: str = ""
    declared_by: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all attacks. `untried` says in sentences what was not tried, and why."""

    attacks: int
    through: Sequence[Entry]
    asked: Sequence[Entry]
    refused: Sequence[Entry]
    fields: int
    untried: Sequence[str]
    seconds: float

    def as_json(self) -> bytes:
        """Return it as `--json` prints it."""
        return msgspec.json.encode(
            {
                "attacks": self.attacks,
                "through": self.through,
                "asked": self.asked,
                "refused": self.refused,
                "untried": self.untried,
            }
        )


@dataclass(slots=True)
class _Rehearsal:
    """What a run without an attacker shows."""

    known: Known
    seats: list[Seat]
    believed: int
    reads: tuple[tuple[str, str], ...]
    answers: bool


@dataclass(slots=True)
class Campaign:
    """An attack on one scenario."""

    scenario: Scenario
    extent: Extent
    progress: Progress
    clock: Clock
    scripted: Model = field(init=False)
    done: int = 0
    total: int = 0

    async def run(self) -> Report:
        """Attack, and report. Raises `ScenarioError` where there is nothing to attack."""
        began = self.clock()
        found = await self._rehearse()
        shots, untried = self._planned(found)
        self.total = sum(len(shot.attacks) for shot in shots)
        outcomes, late, unreached, unmade = list[tuple[Shot, Attack, Outcome]](), 0, set[str](), 0
        for shot in shots:
            if self.clock() - began > self.extent.timeout_s:
                late += len(shot.attacks)
                continue
            ran = await fired(self.scenario, self.scripted, shot, self.scenario.agent)
            self._tell(len(shot.attacks))
            if not ran.reached:
                unreached.add(shot.seat.field)
                continue
            for at, attack in enumerate(shot.attacks):
                outcome = ran.outcomes.get(at, "unmade")
                unmade += outcome == "unmade"
                outcomes.append((shot, attack, outcome))
        untried += _left_out(late, unreached, unmade)
        entries = {outcome: list[Entry]() for outcome in get_args(Outcome)}
        holes = [(shot, attack) for shot, attack, outcome in outcomes if outcome == "through"]
        closed = await self._closed(holes)
        for shot, attack, outcome in outcomes:
            line, tool = closed.get(_alike(shot, attack), ("", ""))
            entries[outcome].append(_entry(shot, attack, line, tool))
        return Report(
            len(outcomes) - len(entries["unmade"]),
            entries["through"],
            entries["asked"],
            entries["refused"],
            len(found.seats),
            untried,
            self.clock() - began,
        )

    def _tell(self, more: int) -> None:
        self.done += more
        self.progress(self.done, self.total)

    async def _rehearse(self) -> _Rehearsal:
        """Run the scenario without an attacker, and see what there is."""
        scenario = self.scenario
        scripted = scenario.model()
        heard = list[tuple[Tool, list[Leaf]]]()
        self.scripted = scripted or models(scenario)[0]
        ran = await rehearsed(
            scenario, self.scripted, lambda tool, value: heard.append((tool, leaves(tool, value)))
        )
        if ran.ended:
            raise ScenarioError(
                f"Scenario {scenario.name!r} fails without an attacker: {ran.ended}"
            )
        if lacking := _lacking(ran.records):
            raise ScenarioError(f"Scenario {scenario.name!r} runs no tool: {lacking}")
        if scripted is None:
            self.scripted = ScriptedModel(by_input(recorded(ran.records)))
        return _seen(scenario, ran, heard)

    def _planned(self, found: _Rehearsal) -> tuple[list[Shot], list[str]]:
        """Return what is tried, and what is not: pairs where all of it would be too much."""
        agent = self.scenario.agent
        if not found.seats:
            raise ScenarioError(
                f"Scenario {self.scenario.name!r} reads nothing that anybody else could have "
                "written: have it call a tool that returns text."
            )
        attacks, untried = _targets(agent.tools, found)
        shots = list(_shots(found, attacks, agent.tools, self.extent.seed, _TOGETHER))
        total = sum(len(shot.attacks) for shot in shots)
        if total <= self.extent.most:
            return shots, untried
        few = max(1, self.extent.most // len(found.seats))
        together = min(_TOGETHER, few)
        shots = list(_shots(found, attacks, agent.tools, self.extent.seed, together))
        kept = _drawn(shots, self.extent)
        left = total - sum(len(shot.attacks) for shot in kept)
        untried.append(f"{left:,} of {total:,} attacks: --most {total} tries them all.")
        return kept, untried

    async def _closed(
        self, holes: Sequence[tuple[Shot, Attack]]
    ) -> Mapping[tuple[object, ...], tuple[str, str]]:
        """Return what closes each hole. Where an attacker wrote everywhere it is what did before.

        To try what closes it would not tell there which of the fields it was.
        """
        closed = dict[tuple[object, ...], tuple[str, str]]()
        wanted = dict[tuple[object, ...], tuple[str, str]]()
        for shot, attack in sorted(holes, key=lambda hole: hole[0].seat == EVERYWHERE):
            key, wish = _alike(shot, attack), _wish(attack)
            if shot.seat == EVERYWHERE and wish in wanted:
                closed[key] = wanted[wish]
            elif key not in closed:
                closed[key] = await self._closing(shot, attack)
            wanted[wish] = closed[key]
        return closed

    async def _closing(self, shot: Shot, attack: Attack) -> tuple[str, str]:
        """Return the first declaration with which this attack gets no further, and whose it is."""
        agent = self.scenario.agent
        alone = Shot(shot.seat, shot.when, (attack,), shot.writes, shot.reads)
        for change in islice(changes(agent, attack, shot), _CHANGES_MAX):
            ran = await fired(self.scenario, self.scripted, alone, change.made)
            if ran.reached and ran.outcomes.get(0) in {"asked", "refused"}:
                return change.line, change.declared_by
        return "", ""


def attack(scenario: Scenario, extent: Extent, progress: Progress, clock: Clock) -> Report:
    """Attack an agent by its scenario, and report what got through.

    Tools run with the scenario's dependencies alone. Raises `ScenarioError` where the scenario
    fails by itself, or brings nothing that an attacker could have written.
    """
    return asyncio.run(Campaign(scenario, extent, progress, clock).run())


def _lacking(records: Sequence[e.Record]) -> str:
    """Return why no tool could run, or nothing."""
    for record in records:
        if isinstance(record.event, e.ToolFailed) and record.event.code == "dependencies":
            return record.event.text
    return ""


def _seen(scenario: Scenario, ran: Ran, heard: Sequence[tuple[Tool, list[Leaf]]]) -> _Rehearsal:
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
    read = [(tool, leaf) for tool, each in heard for leaf in each]
    open_ = [(tool, leaf) for tool, leaf in read if not is_believed(tool, leaf)]
    found = dict.fromkeys(Seat(tool.name, path=leaf.path) for tool, leaf in open_)
    failing = dict.fromkeys(Seat(tool.name, "error") for tool, _ in heard)
    seats = [*_inputs(scenario), *found, *failing]
    seats += [EVERYWHERE] if len(found) > 1 else []
    typed = "\n".join(_typed(scenario))
    believed = len({(tool.name, leaf.path) for tool, leaf in read}) - len(found)
    known = Known(calls, typed, read)
    return _Rehearsal(known, seats, believed, tuple(reads), _LINKS in ran.guards)


def _inputs(scenario: Scenario) -> Iterator[Seat]:
    for number, say in enumerate(scenario.turns):
        for at, part in enumerate(parts_of(say)):
            if isinstance(part, Pasted) or (isinstance(part, Upload) and not part.is_image):
                yield Seat("", "input", (number, at))


def _typed(scenario: Scenario) -> Iterator[str]:
    for say in scenario.turns:
        for part in parts_of(say):
            if isinstance(part, str | Text):
                yield part if isinstance(part, str) else part.text


def _targets(tools: Sequence[Tool], found: _Rehearsal) -> tuple[list[Attack], list[str]]:
    """Return the attacks on all tools, and what is not attacked."""
    attacks, untried = list[Attack](), list[str]()
    calm = [tool.name for tool in tools if not is_target(tool)]
    for tool in tools:
        if made := _wanted(tool, found.known) if is_target(tool) else []:
            attacks += made
        elif tool.name not in calm:
            untried.append(f"{tool.name}: nothing that it takes would decide what it does.")
    if calm:
        untried.append(f"Mere reads are not attacked: {', '.join(calm)}.")
    if not found.answers:
        untried.append("Links in answers: no guard of the agent looks at them.")
    if found.believed:
        untried.append(f"{found.believed} fields are believed to be what their labels say.")
    return attacks, untried


def _wanted(tool: Tool, known: Known) -> list[Attack]:
    """Return the attacks on a tool that would be a hole if they ran."""
    made = attacks_on(tool, known)
    if not tool.flow.effectful and leaks(tool):
        # What is carried out is a leak only where there is something to keep in.
        if not any(private_read(source) for source, _ in known.read):
            return [each for each in made if set(each.chosen) & tool.flow.critical.keys()]
        return [msgspec.structs.replace(each, kind="leak") for each in made if each.chosen]
    return [each for each in made if each.chosen]


def _shots(
    found: _Rehearsal, attacks: Sequence[Attack], tools: Sequence[Tool], seed: int, together: int
) -> Iterator[Shot]:
    """Yield what is tried: at each seat each attack, at once and at the end, several in one run."""
    order = list(attacks)
    Random(seed).shuffle(order)
    batches = [tuple(order[at : at + together]) for at in range(0, len(order), together)]
    for seat, when in product(found.seats, WHEN):
        yield from [Shot(seat, when, batch) for batch in batches]
        if found.answers:
            yield Shot(seat, when, tuple(Attack("", text, "answer") for text in ANSWERS))
    seat = next((seat for seat in found.seats if seat.where == "result"), None)
    if seat is None or not found.reads:
        return
    for tool, when, batch in product(tools, WHEN, batches):
        shot = Shot(seat, when, batch, reads=found.reads)
        if write := written(tool, found.known, shot.words):
            yield replace(shot, writes=(write,))


def _drawn(shots: list[Shot], extent: Extent) -> list[Shot]:
    """Return as many as are wanted: first each seat with each attack, at one moment or the other.

    Where that is too much, too, some are drawn, so that each seat has its turn.
    """
    halved = [shot for at, shot in enumerate(_by_pair(shots)) if at % 2 == 0]
    kept, count = list[Shot](), 0
    for shot in _dealt(halved, Random(extent.seed)):
        if count + len(shot.attacks) <= extent.most:
            kept.append(shot)
            count += len(shot.attacks)
    return kept


def _by_pair(shots: Sequence[Shot]) -> Iterator[Shot]:
    """Yield both moments of a pair of seat and attacks beside each other, and turned about."""
    pairs = dict[tuple[object, ...], list[Shot]]()
    for shot in shots:
        key = (shot.seat, shot.attacks, bool(shot.writes))
        pairs.setdefault(key, []).append(shot)
    for at, pair in enumerate(pairs.values()):
        yield from (pair if at % 2 else pair[::-1])


def _dealt(shots: Sequence[Shot], random: Random) -> Iterator[Shot]:
    """Yield one of each seat, then another of each."""
    seats = dict[Seat, list[Shot]]()
    for shot in shots:
        seats.setdefault(shot.seat, []).append(shot)
    for each in seats.values():
        random.shuffle(each)
    while seats:
        for seat in list(seats):
            yield seats[seat].pop()
            if not seats[seat]:
                del seats[seat]


def _wish(attack: Attack) -> tuple[object, ...]:
    return attack.tool, attack.chosen, attack.kind


def _alike(shot: Shot, attack: Attack) -> tuple[object, ...]:
    """Return what attacks have in common that one declaration closes."""
    seat, launders = shot.seat, bool(shot.writes)
    return (*_wish(attack), seat.tool, seat.where, seat.names, launders)


def _entry(shot: Shot, attack: Attack, declaration: str, declared_by: str) -> Entry:
    arguments: dict[str, Any] = (
        msgspec.json.decode(attack.arguments) if attack.tool else {"text": attack.arguments}
    )
    field, wrote = shot.seat.field, attack.words
    return Entry(
        attack.tool, arguments, field, shot.when, wrote, attack.chosen, declaration, declared_by
    )


def _left_out(late: int, unreached: set[str], unmade: int) -> list[str]:
    told = list[str]()
    if late:
        told.append(f"{late:,} attacks: there was no time left (--timeout).")
    if unreached:
        told.append(f"What stands in {', '.join(sorted(unreached))} never reached the model.")
    if unmade:
        told.append(f"{unmade:,} attacks were made in vain: the turn had ended by then.")
    return told


def now() -> float:
    """Return the time on a clock that only goes forward."""
    return time.monotonic()  # noqa: TID251 - here the clock is chosen
