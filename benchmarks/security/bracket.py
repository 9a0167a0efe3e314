"""What was replayed and trained, as figures: `python -m benchmarks.security.bracket`.

`make bench-security` replays, in an environment of its own, and keeps what came of it in
`figures.json`; `docs/detector.json` is the classifier's. Prints one line of JSON.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.security.table import FIGURES

Entry = dict[str, Any]  # as it stands in JSON
_ROOT = Path(__file__).parent.parent.parent
_DIRECTORY, _LAUNDERED, _TEXT = "directory", "laundered", "text"
_PERCENT = 100


def outcomes() -> Mapping[str, Entry]:
    """Return each figure by its name. Of several settings it is the worst."""
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))
    detector = json.loads((_ROOT / "docs/detector.json").read_text(encoding="utf-8"))
    return {
        "undefended": _attacks(kept["undefended_attack_success"], kept["tool_pairs"]),
        **_attacked(kept["rows"]),
        **_alone(kept["rows"]),
        "questions_a_turn": {
            "value": kept["conversations"]["questions_per_turn"],
            "unit": "a turn",
            "note": f"{kept['conversations']['turns']} turns",
        },
        "flow_us": {"value": max(kept["us_per_call_on_10_kb"].values()), "unit": "µs a call"},
        **_found(detector),
    }


def _attacked(rows: Sequence[Entry]) -> Mapping[str, Entry]:
    """Return how many attacks have success."""
    alone = [row for row in rows if not row["a_person_approves_everything"]]
    approved = [row for row in rows if row["a_person_approves_everything"]]

    def worst(plans: str, place: str) -> Entry:
        met = [row for row in _of(alone, plans) if row["attackers_values_in"] == place]
        most = max(met, key=lambda row: row["attack_success"])
        return _attacks(most["attack_success"], most["pairs"])

    return {
        "attacks": worst("abc", _TEXT),
        "attacks_adversarial": _share(worst("d", _TEXT)),
        "attacks_directory": worst("abc", _DIRECTORY),
        "attacks_directory_adversarial": _share(worst("d", _DIRECTORY)),
        "attacks_laundered": worst("abcd", _LAUNDERED),
        "attacks_approved": _attacks(
            max(row["attack_success"] for row in approved), approved[0]["pairs"]
        ),
    }


def _alone(rows: Sequence[Entry]) -> Mapping[str, Entry]:
    """Return how much is done without a question, and how many questions the rest takes."""
    plain = [
        row
        for row in rows
        if row["attackers_values_in"] == _TEXT and not row["a_person_approves_everything"]
    ]

    def figure(plan: str, labels: str, name: str) -> float:
        (row,) = [row for row in _of(plain, plan) if row["labels"] == labels]
        return row[name]

    def share(plan: str, labels: str) -> Entry:
        value = round(_PERCENT * figure(plan, labels, "autonomous_acceptance"), 1)
        return {"value": value, "unit": "%"}

    def questions(labels: str) -> Entry:
        asked = figure("c", labels, "questions_per_attacked_task")
        value = round(figure("c", labels, "questions_per_benign_task"), 2)
        return {"value": value, "unit": "a task", "note": f"{asked:g} in an attacked one"}

    least = min(row["acceptance_with_questions"] for row in plain)
    return {
        "alone_b": share("b", "default"),
        "alone_c": share("c", "default"),
        "alone_c_tuned": share("c", "tuned"),
        "asking": {"value": round(_PERCENT * least, 1), "unit": "%"},
        "questions": questions("default"),
        "questions_tuned": questions("tuned"),
    }


def _found(detector: Entry) -> Mapping[str, Entry]:
    """Return what the classifier finds of sources that it has not seen, and what for nothing."""
    unseen = detector["shipped"]["unseen"]
    kinds = {
        "detector_recall": (unseen["all_given"]["recall"], "attacks of sources left out"),
        "detector_false": (unseen["all_given"]["false_positives"], "benign texts"),
        "detector_hard": (unseen["hard_benign"], "benign texts with an attack's words"),
    }
    return {
        name: {
            "value": round(_PERCENT * each["rate"], 1),
            "unit": "%",
            "note": f"{each['n']:,} {what}; 95 %: {each['low']:.1%} to {each['high']:.1%}",
        }
        for name, (each, what) in kinds.items()
    }


def _of(rows: Iterable[Entry], plans: str) -> Iterator[Entry]:
    """Yield the rows of plans, which have a letter each."""
    for row in rows:
        if row["plan"][1] in plans:
            yield row


def _attacks(count: int, pairs: int) -> Entry:
    return {"value": count, "unit": f"of {pairs}"}


def _share(attacks: Entry) -> Entry:
    pairs = int(attacks["unit"].removeprefix("of "))
    value = round(_PERCENT * attacks["value"] / pairs, 1)
    return {"value": value, "unit": "%", "note": f"{attacks['value']} of {pairs}"}


if __name__ == "__main__":
    print(json.dumps(outcomes()))
