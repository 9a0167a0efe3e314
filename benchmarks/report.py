"""Figures as `docs/benchmarks.json` keeps them, and the page that is made of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rows import AREAS, Area, Row
from benchmarks.run_peers import Outcome

Entry = dict[str, Any]  # as it stands in JSON
_DOCS = Path(__file__).parent.parent / "docs"
_KEPT = _DOCS / "benchmarks.json"
_PAGE = _DOCS / "benchmarks.md"
_INTRODUCTION = """# Benchmarks

Made of [benchmarks.json](benchmarks.json) by `make bench`.

All play the same scripted work through their own API: a model that replies at once, and async
tools. jackline has every limit, its budgets and two guards on; the peers run bare, in
environments of their own with pinned versions, in processes of their own, in the same run. Each
value is the least of its repetitions, which others on the machine disturb least, unless a note
says otherwise; bold says that a target is reached. `benchmarks/peers/measure.py` says how each is
measured, and for many processes the script that is named beside it. What was measured elsewhere
was so on other machines, before this was built, and is here for its order of magnitude.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a row: jackline's outcome, and each peer's."""

    area: str
    row: Row
    ours: Outcome
    peers: Mapping[str, Outcome]


def entry(found: Found, machine: str, date: str) -> Entry:
    """Return a figure as it is kept."""
    notes = {peer: outcome["note"] for peer, outcome in found.peers.items() if outcome.get("note")}
    return {
        "area": found.area,
        "id": found.row.id,
        "value": found.ours.get("value"),
        "unit": found.ours.get("unit"),
        "better": found.row.better,
        "target": found.row.target,
        "peers": {
            peer: outcome.get("value", {"not_measured": outcome.get("not_measured")})
            for peer, outcome in found.peers.items()
        },
        "machine": machine,
        "date": date,
        **{
            key: found.ours[key]
            for key in ("median", "not_measured", "note")
            if found.ours.get(key)
        },
        **({"peer_notes": notes} if notes else {}),
    }


def kept() -> list[Entry]:
    """Return what was measured before."""
    return json.loads(_KEPT.read_text(encoding="utf-8")) if _KEPT.exists() else []


def keep(entries: Sequence[Entry]) -> None:
    """Write these in place of their areas' earlier ones, and the page of all."""
    areas = {each["area"] for each in entries}
    others = [each for each in kept() if each["area"] not in areas]
    order = list(AREAS)
    both = sorted([*others, *entries], key=lambda each: order.index(each["area"]))
    text = json.dumps(both, indent=2, ensure_ascii=False)
    _KEPT.write_text(f"{text}\n", encoding="utf-8")
    _PAGE.write_text(page(both), encoding="utf-8")


def page(entries: Sequence[Entry]) -> str:
    """Return the page: a table for each area, with what is to be reached beside what was."""
    parts = [_INTRODUCTION]
    for name, area in AREAS.items():
        mine = {each["id"]: each for each in entries if each["area"] == name}
        when = sorted({f"{each['date']}: {each['machine']}" for each in mine.values()})
        said = f"Measured on {'; '.join(when)}." if when else "Not measured yet."
        parts.append(f"## {area.title}\n\n{said}\n\n{table(area, area.rows, mine)}\n")
    return "\n".join(parts)


def table(area: Area, rows: Sequence[Row], entries: Mapping[str, Entry]) -> str:
    """Return these rows of an area in Markdown, then what has to be known to read them."""
    elsewhere = any(row.elsewhere for row in area.rows)
    names = {peer: peer.replace("_", "-") for peer in area.columns}
    heads = ["figure", "to reach", "jackline", *names.values()]
    heads += ["measured elsewhere"] if elsewhere else []
    lines = [f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    notes: list[str] = []
    for row in rows:
        cells = _cells(row, entries.get(row.id, {}), names, notes)
        cells += [row.elsewhere or "-"] if elsewhere else []
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"{n}. {note}" for n, note in enumerate(notes, 1))]).rstrip()


def _cells(row: Row, found: Entry, names: Mapping[str, str], notes: list[str]) -> list[str]:
    """Return a row's title, target and values."""
    sign = "≤" if row.better == "lower" else "≥"
    target = "-" if row.target is None else f"{sign} {row.target:,g}"
    why: str | None = found.get("not_measured") or found.get("note")
    ours = _cell(found.get("value"), why, f"jackline, {row.title}", notes)
    peers: Mapping[str, Any] = found.get("peers", {})
    said: dict[str, str] = {
        peer: each["not_measured"]
        for peer, each in peers.items()
        if not isinstance(each, int | float)
    }
    said |= found.get("peer_notes", {})
    cells = [_cell(peers.get(peer), said.get(peer), name, notes) for peer, name in names.items()]
    unit = found.get("unit") or row.unit
    title = f"{row.title} ({unit})" if unit else row.title
    return [title, target, f"**{ours}**" if row.reached(found.get("value")) else ours, *cells]


def _cell(value: object, why: str | None, whose: str, notes: list[str]) -> str:
    """Return a value, and remember why it is none or what has to be known of it."""
    mark = ""
    if why:
        note = f"{whose}: {why}."
        if note not in notes:
            notes.append(note)
        mark = f"<sup>{notes.index(note) + 1}</sup>"
    return f"{value:g}{mark}" if isinstance(value, int | float) else f"-{mark}"
