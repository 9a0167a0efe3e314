"""The whole bracket of the measure of flow, as the table in docs/security.md."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Entry = Mapping[str, Any]  # as it stands in JSON
FIGURES = Path(__file__).parent / "figures.json"
PAGE = Path(__file__).parent.parent.parent / "docs" / "security.md"
_BEGINS, _ENDS = "<!-- what was replayed: begins -->\n", "<!-- what was replayed: ends -->\n"
_LABELS = ("nothing", "default", "tuned")
_HEAD = (
    "plan",
    "labels",
    "attacks through",
    "ids in a directory",
    "laundered",
    "approving everything",
    "tasks without a question",
    "with questions",
    "questions a task",
    "a task under attack",
    "µs a call",
)


def table(figures: Entry) -> str:
    """Return a row for each plan and set of labels, of attacks first and then of tasks."""
    lines = [_HEAD, ("---",) * len(_HEAD), *_rows(figures["rows"])]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def kept_in(page: str, figures: Entry) -> str:
    """Return the page with the table of these figures in its place."""
    before, _, rest = page.partition(_BEGINS)
    _, _, after = rest.partition(_ENDS)
    return f"{before}{_BEGINS}{table(figures)}{_ENDS}{after}"


def keep(figures: Entry) -> None:
    """Write figures, and the table of them, where they are read."""
    FIGURES.write_text(f"{json.dumps(figures, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    PAGE.write_text(kept_in(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")


def _rows(rows: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    settings = dict.fromkeys((row["plan"], row["labels"]) for row in rows)
    for plan, labels in sorted(settings, key=lambda each: (each[0], _LABELS.index(each[1]))):
        of = [row for row in rows if (row["plan"], row["labels"]) == (plan, labels)]
        alone = [row for row in of if not row["a_person_approves_everything"]]
        plain = next(row for row in alone if row["attackers_values_in"] == "text")
        yield (
            plan,
            labels,
            *(_through(alone, place) for place in ("text", "directory", "laundered")),
            _through([row for row in of if row["a_person_approves_everything"]], "text"),
            f"{plain['autonomous_acceptance']:.1%}",
            f"{plain['acceptance_with_questions']:.1%}",
            f"{plain['questions_per_benign_task']:.2f}",
            f"{plain['questions_per_attacked_task']:.2f}",
            f"{plain['us_per_call_median']:.0f} (mean {plain['us_per_call_mean']:.0f})",
        )


def _through(rows: Sequence[Entry], place: str) -> str:
    """Return how many attacks had success with the attacker's values in this place."""
    found = [row["attack_success"] for row in rows if row["attackers_values_in"] == place]
    return str(found[0]) if found else "-"
