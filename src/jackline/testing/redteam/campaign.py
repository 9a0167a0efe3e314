"""Attacks an agent in all the ways that its scenario shows, and says what closes each hole."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, get_args

import msgspec

from jackline.core.tools import Tool
from jackline.ports import Clock, Model
from jackline.testing.crashtest.life import models
from jackline.testing.model import ScriptedModel
from jackline.testing.recording import by_input, recorded
from jackline.testing.redteam.attacks import Attack
from jackline.testing.redteam.closing import Change, changes
from jackline.testing.redteam.obedient import Shot
from jackline.testing.redteam.rehearsal import Rehearsal, lacking, seen
from jackline.testing.redteam.report import Entry, Extent, Report
from jackline.testing.redteam.run import Outcome, Ran, fired, rehearsed
from jackline.testing.redteam.seats import EVERYWHERE, Leaf, Seat, bools, leaves, names
from jackline.testing.redteam.shots import planned_shots
from jackline.testing.scenario import Scenario, ScenarioError

Progress = Callable[[int, int], None]
_CHANGES_MAX = 24
_PAIRS_MAX = 48
_NO_TIME = "there was no time left (--timeout)."


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
        began, limit_s = self.clock(), self.extent.timeout_s
        found = await self._rehearse()
        shots, untried = planned_shots(self.scenario.agent.tools, found, self.extent)
        self.total = sum(len(shot.attacks) for shot in shots)
        outcomes, late, unreached, unmade = list[tuple[Shot, Attack, Outcome]](), 0, set[str](), 0
        for shot in shots:
            if self.clock() >= began + limit_s:
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
        closed = await self._closed(holes, began + 2 * limit_s)
        unclosed = sum(_alike(shot, attack) not in closed for shot, attack in holes)
        untried += [f"What closes {unclosed:,} attacks: {_NO_TIME}"] if unclosed else []
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
            _tried(outcomes),
            self.clock() - began,
            late,
        )

    def _tell(self, more: int) -> None:
        self.done += more
        self.progress(self.done, self.total)

    async def _rehearse(self) -> Rehearsal:
        """Run the scenario without an attacker, and see what there is."""
        scenario = self.scenario
        scripted = scenario.model()
        heard = list[tuple[Tool, list[Leaf], list[Seat]]]()
        self.scripted = scripted or models(scenario)[0]
        ran = await rehearsed(
            scenario,
            self.scripted,
            lambda tool, value: heard.append(
                (tool, leaves(tool, value), [*bools(tool, value), *names(tool, value)])
            ),
        )
        if why := ran.ended or lacking(ran.records):
            raise ScenarioError(f"Scenario {scenario.name!r} fails without an attacker: {why}")
        if scripted is None:
            self.scripted = ScriptedModel(by_input(recorded(ran.records)))
        found = seen(scenario, ran, heard)
        if not found.seats:
            raise ScenarioError(
                f"Scenario {scenario.name!r} reads nothing that anybody else could have written: "
                "have it call a tool that returns text."
            )
        return found

    async def _closed(
        self, holes: Sequence[tuple[Shot, Attack]], until: float
    ) -> Mapping[tuple[object, ...], tuple[str, str]]:
        """Return what closes each hole; `until` says when there is no time left to try.

        Where an attacker wrote everywhere, or had it written down, that is what closed it before:
        to try would not tell there which of the fields it was.
        """
        closed = dict[tuple[object, ...], tuple[str, str]]()
        chosen = dict[str, set[str]]()
        for _, attack in holes:
            chosen.setdefault(attack.tool, set()).update(attack.chosen)
        wanted = dict[tuple[object, ...], tuple[str, str]]()
        for shot, attack in sorted(holes, key=lambda hole: _is_vague(hole[0])):
            key, wish = _alike(shot, attack), _wish(attack)
            if _is_vague(shot) and wish in wanted:
                closed[key] = wanted[wish]
            elif key not in closed and self.clock() < until:
                closed[key] = await self._closing(shot, attack, sorted(chosen[attack.tool]))
            if key in closed:
                wanted.setdefault(wish, closed[key])
        return closed

    async def _closing(self, shot: Shot, attack: Attack, chosen: Sequence[str]) -> tuple[str, str]:
        """Return the first declaration with which this attack gets no further, and whose it is.

        `chosen` are all arguments of the tool that some attack chose: what is advised
        closes them at once. Where there is none, that of two is tried, of which each alone is not
        enough.
        """
        alone = replace(shot, attacks=(attack,))
        wide = msgspec.structs.replace(attack, chosen=tuple(chosen))
        agent, first = self.scenario.agent, list[tuple[Change, Ran]]()
        ran = await fired(self.scenario, self.scripted, alone, agent)
        for change in islice(changes(agent, wide, alone, ran.records), _CHANGES_MAX):
            first.append((change, await fired(self.scenario, self.scripted, alone, change.made)))
            if _is_closed(first[-1][1]):
                return change.line, change.declared_by
        pairs = (
            (one, two) for one, ran in first for two in changes(one.made, wide, alone, ran.records)
        )
        for one, two in islice(pairs, _PAIRS_MAX):
            if _is_closed(await fired(self.scenario, self.scripted, alone, two.made)):
                return _both(one, two)
        return "", ""


def attack(scenario: Scenario, extent: Extent, progress: Progress, clock: Clock) -> Report:
    """Attack an agent by its scenario, and report what got through.

    Tools run with the scenario's dependencies alone. Raises `ScenarioError` where the scenario
    fails by itself, or brings nothing that an attacker could have written.
    """
    return asyncio.run(Campaign(scenario, extent, progress, clock).run())


def _is_closed(ran: Ran) -> bool:
    """Whether the attack of this run was made, and got no further."""
    return ran.reached and ran.outcomes.get(0) in {"asked", "refused"}


def _both(one: Change, two: Change) -> tuple[str, str]:
    """Return two changes as their author writes them, of which the second was made on the first."""
    if one.declared_by == two.declared_by and one.option == two.option:
        return two.line, two.declared_by
    lines = "\n".join(f"{each.line}  # in {each.declared_by}" for each in (one, two))
    return lines, " and ".join(dict.fromkeys([one.declared_by, two.declared_by]))


def _is_vague(shot: Shot) -> bool:
    """Whether the attacker's words stand in more than one place."""
    return shot.seat == EVERYWHERE or bool(shot.writes)


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
    return Entry(
        attack.tool,
        arguments,
        shot.seat.field,
        shot.when,
        attack.words,
        attack.chosen,
        declaration,
        declared_by,
        _kind(shot, attack),
    )


def _kind(shot: Shot, attack: Attack) -> str:
    if shot.seat.where == "bools":
        return f"{attack.kind}, in bools"
    if shot.seat.where == "name":
        return f"{attack.kind}, by its name"
    return f"{attack.kind}, laundered" if shot.writes else attack.kind


def _tried(outcomes: Sequence[tuple[Shot, Attack, Outcome]]) -> Mapping[str, int]:
    """Return how many attacks of each kind were made, those read back again apart."""
    made = [_kind(shot, attack) for shot, attack, outcome in outcomes if outcome != "unmade"]
    return Counter(sorted(made))


def _left_out(late: int, unreached: set[str], unmade: int) -> list[str]:
    told = list[str]()
    if late:
        told.append(f"{late:,} attacks: {_NO_TIME}")
    if unreached:
        told.append(f"What stands in {', '.join(sorted(unreached))} never reached the model.")
    if unmade:
        told.append(f"{unmade:,} attacks were made in vain: the turn had ended by then.")
    return told


def now() -> float:
    """Return the time on a clock that only goes forward."""
    return time.monotonic()  # noqa: TID251 - here the clock is chosen
