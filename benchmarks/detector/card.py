"""The page that says what the classifier is: card.md, filled with its figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PAGE = Path(__file__).with_suffix(".md")


def card(figures: Mapping[str, Any]) -> str:
    """Return the page."""
    shipped, kept = figures["shipped"], figures["kept"]
    return _PAGE.read_text(encoding="utf-8").format(
        bytes=figures["bytes"],
        cpu_ms=figures["cpu_ms"],
        characters=figures["characters"],
        threshold=shipped["threshold"],
        figures=_figures(shipped),
        kept_figures=_figures(kept),
        rows=_rows(shipped["rows"]),
        weights=shipped["weights"],
        kept=kept["weights"],
    )


def _figures(measured: Mapping[str, Any]) -> str:
    unseen = measured["unseen"]
    every, given = unseen["all"], unseen["all_given"]
    lines = ["| | recall at 1 % | F1 there | false positives |", "|---|---|---|---|"]
    for name, part in (("all", every), ("without those made up here", given)):
        recall, alarms = _rate(part["recall"]), _rate(part["false_positives"])
        lines.append(f"| {name} | {recall} | {part['f1']:.2f} | {alarms} |")
    lines.append(f"| hard benign | | | {_rate(unseen['hard_benign'])} |")
    lines += ["", "| source | kind | | n | flagged |", "|---|---|---|---|---|"]
    for group in sorted(unseen["groups"], key=lambda group: -group["label"]):
        what = "attack" if group["label"] else "benign"
        line = f"| {group['source']} | {group['kind']} | {what} | {group['n']} | {_rate(group)} |"
        lines.append(line)
    return "\n".join(lines)


def _rows(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| source | licence | | rows |", "|---|---|---|---|"]
    for row in rows:
        what = "attack" if row["label"] else "benign"
        lines.append(f"| {row['source']} | {row['license']} | {what} | {row['n']} |")
    return "\n".join(lines)


def _rate(share: Mapping[str, Any]) -> str:
    return f"{share['rate']:.1%} ({share['low']:.1%} to {share['high']:.1%})"
