"""What is tried where and when: all of it, or as much as there is room for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from random import Random
from typing import get_args

import msgspec

from jackline.core.tools import Tool
from jackline.testing.model import NOTHING_PLANNED
from jackline.testing.redteam.attacks import (
    ANSWERS,
    Attack,
    Kind,
    aims,
    attacks_on,
    is_target,
    leaks,
    private_read,
    written,
)
from jackline.testing.redteam.handles import carried
from jackline.testing.redteam.known import Known
from jackline.testing.redteam.obedient import Shot, When
from jackline.testing.redteam.pinned import pins, rewritten, wanted
from jackline.testing.redteam.rehearsal import Rehearsal
from jackline.testing.redteam.report import Extent
from jackline.testing.redteam.seats import Seat
from jackline.testing.redteam.spelling import keyed, listed, padded

_WHEN: tuple[When, ...] = get_args(When)
_TOGETHER = 12
# Which kinds there are only where a scenario has something for them, and what is missing else.
_OCCASIONS: tuple[tuple[tuple[Kind, ...], str], ...] = (
    (
        ("reordered", "respelled"),
        "No value is written otherwise than a plan pins it: there is none that it could pin.",
    ),
    (
        ("recombined",),
        "No date is put together from parts of several: no tool takes one, or nobody types two.",
    ),
    (
        ("behind a handle",),
        "No handle is sent through an error: no tool that is called is quarantined.",
    ),
    (
        ("made again",),
        "No call is made again once it was approved: there is none that does more then.",
    ),
    (
        ("padded",),
        "No value is padded: nothing leaves to whom it may concern, or nothing private is read.",
    ),
    (
        ("keyed",),
        "No key of a mapping is an attacker's: no tool that is called takes such keys.",
    ),
    (
        ("listed",),
        "No order of words spells: no list of them leaves to whom it may concern.",
    ),
)


def planned_shots(
    tools: Sequence[Tool], found: Rehearsal, extent: Extent
) -> tuple[Sequence[Shot], list[str]]:
    """Return what is tried, and what is not: pairs where all of it would be too much."""
    attacks, untried = _targets(tools, found)
    special = [*_special(found, tools), *_behind(found, tools, attacks)]
    untried += _pointless([*attacks, *(each for shot in special for each in shot.attacks)])
    shots = [*_shots(found, attacks, tools, extent.seed, _TOGETHER), *special]
    total = sum(len(shot.attacks) for shot in shots)
    if total <= extent.most:
        return shots, untried
    together = min(_TOGETHER, max(1, extent.most // len(found.seats)))
    dealt = [*_shots(found, attacks, tools, extent.seed, together), *special]
    kept = _drawn(dealt, extent)
    left = total - sum(len(shot.attacks) for shot in kept)
    return kept, [*untried, f"{left:,} of {total:,} attacks: --most {total} tries them all."]


def _targets(tools: Sequence[Tool], found: Rehearsal) -> tuple[list[Attack], list[str]]:
    """Return the attacks on all tools, and what is not attacked."""
    attacks, untried = list[Attack](), list[str]()
    calm = [tool.name for tool in tools if not is_target(tool, found.known)]
    for tool in tools:
        if made := _wanted(tool, found.known) if is_target(tool, found.known) else []:
            attacks += made
        elif tool.name not in calm:
            untried.append(f"{tool.name}: nothing that it takes would decide what it does.")
    if not any(seat.where == "bools" for seat in found.seats):
        untried.append("No bools spell an order: no result has a list of them that others write.")
    if calm:
        untried.append(f"Reads without a URL or a host are not attacked: {', '.join(calm)}.")
    if found.believed:
        untried.append(f"{found.believed} fields are believed to be what their labels say.")
    return attacks, untried


def _wanted(tool: Tool, known: Known) -> list[Attack]:
    """Return the attacks on a tool that would be a hole if they ran."""
    made = attacks_on(tool, known)
    if not tool.flow.effectful and leaks(tool):
        # What is carried out is a leak only where there is something to keep in.
        if not any(private_read(source) for source, _ in known.read):
            return [each for each in made if set(each.chosen) & aims(tool, known)]
        return [msgspec.structs.replace(each, kind="leak") for each in made if each.chosen]
    return [each for each in made if each.chosen]


def _shots(
    found: Rehearsal, attacks: Sequence[Attack], tools: Sequence[Tool], seed: int, together: int
) -> Iterator[Shot]:
    """Yield what is tried: at each seat each attack, at once and at the end, several in one run."""
    order = list(attacks)
    Random(seed).shuffle(order)
    batches = _batches(order, together)
    for seat, when in product(found.seats, _WHEN):
        yield from [Shot(seat, when, batch) for batch in batches]
        yield Shot(seat, when, tuple(Attack("", text, "answer") for text in ANSWERS))
    seat = next((seat for seat in found.seats if seat.where == "result"), None)
    if seat is None or not found.reads:
        return
    for tool, when, batch in product(tools, _WHEN, batches):
        shot = Shot(seat, when, batch, reads=found.reads)
        if write := written(tool, found.known, shot.words):
            yield replace(shot, writes=(write,))


def _special(found: Rehearsal, tools: Sequence[Tool]) -> Iterator[Shot]:
    """Yield what takes another plan or more than one step, each at one seat and at both moments.

    What it is judged by does not depend on where the attacker wrote.
    """
    seat = _open_seat(found, tools)
    pinned = [attack for tool in tools for attack in rewritten(tool, found.known)]
    for when, batch in product(_WHEN, _batches(pinned)):
        yield Shot(seat, when, batch, plan=pins(tools, found.known))
    again = [attack for tool in tools for attack in _again(tool, found.known)]
    for when, batch in product(_WHEN, _batches(again)):
        yield Shot(seat, when, batch, plan=NOTHING_PLANNED, approves=batch)
    yield from _spelt(found, tools, seat)


def _spelt(found: Rehearsal, tools: Sequence[Tool], seat: Seat) -> Iterator[Shot]:
    """Yield what says by how it is written what was read, where that was somebody's own.

    Once by a plan that pins it, and once by one that leaves it open.
    """
    private = {tool.name for tool in tools if private_read(tool) and not tool.quarantined}
    results = [each for each in found.seats if each.where == "result" and each.tool in private]
    plans = (pins(tools, found.known), None)
    secret = [each for tool in tools for each in padded(tool, found.known)] if results else []
    for plan, when, batch in product(plans, _WHEN, _batches(secret)):
        yield Shot(results[0], when, batch, plan=plan)
    orders = [each for tool in tools for each in listed(tool, found.known)] if results else []
    for when, batch in product(_WHEN, _batches(orders)):
        yield Shot(results[0], when, batch)
    keys = [each for tool in tools for each in keyed(tool, found.known)]
    for when, batch in product(_WHEN, _batches(keys)):
        yield Shot(seat, when, batch)


def _behind(found: Rehearsal, tools: Sequence[Tool], attacks: Sequence[Attack]) -> Iterator[Shot]:
    """Yield what an order behind a handle wants: of each tool one of the attacker's calls."""
    carries = tuple(each for tool in tools for each in carried(tool, found.known))
    first = {each.tool: each for each in reversed(attacks)}
    wants = [msgspec.structs.replace(each, kind="behind a handle") for each in first.values()]
    unread = [tool for tool in tools if tool.quarantined and tool.name in found.known.calls]
    for tool, when, batch in product(unread if carries else [], _WHEN, _batches(wants)):
        yield Shot(Seat(tool.name, path=None), when, batch, carries=carries)


def _again(tool: Tool, known: Known) -> Iterator[Attack]:
    """Yield the scenario's calls that do more where they are made again."""
    if tool.effect not in {"read", "idempotent"}:
        yield from [Attack(tool.name, said, "made again") for said in wanted(tool, known)]


def _open_seat(found: Rehearsal, tools: Sequence[Tool]) -> Seat:
    """Return a place of which the model reads what stands there: a result, where there is one."""
    unread = {tool.name for tool in tools if tool.quarantined}
    read = [seat for seat in found.seats if seat.where == "error" or seat.tool not in unread]
    results = [seat for seat in read if seat.where == "result"]
    return next(iter([*results, *read, *found.seats]))


def _batches(attacks: Sequence[Attack], together: int = _TOGETHER) -> list[tuple[Attack, ...]]:
    return [tuple(attacks[at : at + together]) for at in range(0, len(attacks), together)]


def _pointless(attacks: Sequence[Attack]) -> Iterator[str]:
    """Yield what nothing in the scenario gives an occasion for."""
    kinds = {attack.kind for attack in attacks}
    for kind, why in _OCCASIONS:
        if kinds.isdisjoint(kind):
            yield why


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
