"""Measure the classifier: `python -m benchmarks.detector.evaluate --data FOLDER`.

Writes docs/detector.json and docs/detector.md, once without the folder's rows (which anybody can
repeat) and once with them (which is what the shipped weights have learnt from).
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.detector.card import card
from benchmarks.detector.figures import f1, share
from benchmarks.detector.folds import grouped
from benchmarks.detector.generated import SOURCE
from benchmarks.detector.rows import KEPT, Row, read
from benchmarks.detector.train import (
    SHIPPED,
    Trained,
    digest,
    limit_of,
    rows_of,
    trained,
)
from jackline.core.detection.linear import Linear

DOCS = Path(__file__).parents[2] / "docs"
FIGURES = DOCS / "detector.json"
CARD = DOCS / "detector.md"
_SAMPLE = ("Hello David, the quarterly report is ready. Could you ask Ana for the totals? " * 7)[
    :500
]
_REPEATS = 200

Figures = dict[str, Any]  # as it stands in JSON


def unseen(found: Trained) -> Figures:
    """Return figures of rows whose source the head that judged them never saw."""
    rows, margins = found.rows, found.margins
    groups = grouped(rows, margins)
    limit = limit_of(rows, margins)
    hard = {key: ms for key, ms in groups.items() if not key[2] and "hard" in key[1]}
    given = {key: ms for key, ms in groups.items() if key[0] != SOURCE}
    return {
        "groups": [
            {"source": source, "kind": kind, "label": label} | _share(over, limit)
            for (source, kind, label), over in groups.items()
        ],
        "all": _summary(groups, limit),
        "all_given": _summary(given, limit),
        "hard_benign": _share([m for ms in hard.values() for m in ms], limit),
    }


def of_shipped(head: Linear, rows: Sequence[Row]) -> Figures:
    """Return how many rows of each group the head flags, most of which it has learnt from."""
    probabilities = [head.score(row.text).probability for row in rows]
    return {
        "/".join(map(str, key)): sum(p >= head.scale.threshold for p in found)
        for key, found in grouped(rows, probabilities).items()
    }


def _summary(groups: Mapping[tuple[str, str, int], Sequence[float]], limit: float) -> Figures:
    attacks = [m for key, ms in groups.items() if key[2] for m in ms]
    benign = [m for key, ms in groups.items() if not key[2] for m in ms]
    found, alarms = (sum(m > limit for m in ms) for ms in (attacks, benign))
    return {
        "recall": _share(attacks, limit),
        "false_positives": _share(benign, limit),
        "f1": f1(found, len(attacks), alarms),
    }


def _share(margins: Sequence[float], limit: float) -> Figures:
    return share(sum(margin > limit for margin in margins), len(margins))._asdict()


def _cpu_ms(head: Linear) -> float:
    """Return the least CPU time of one text of 500 characters, in milliseconds."""
    least = float("inf")
    for _ in range(_REPEATS):
        began = time.process_time_ns()
        head.score(_SAMPLE)
        least = min(least, time.process_time_ns() - began)
    return round(least / 1e6, 2)


def measured(found: Trained) -> Figures:
    """Return what is to be known of a head, and of the rows that it has learnt from."""
    licences = Counter((row.source, row.license, row.label) for row in found.rows)
    return {
        "weights": digest(found.head.to_bytes()),
        "threshold": found.head.scale.threshold,
        "rows": [
            {"source": source, "license": licence, "label": label, "n": n}
            for (source, licence, label), n in sorted(licences.items())
        ],
        "unseen": unseen(found),
    }


def main() -> None:
    """Write the figures and the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of all rows")
    given = parser.parse_args()
    kept, whole = trained(rows_of()), trained(rows_of(given.data))
    shipped = Linear.of(SHIPPED.read_bytes())
    if shipped.to_bytes() != whole.head.to_bytes():
        parser.error("the shipped weights are others than these rows give: train first.")
    figures = {
        "characters": len(_SAMPLE),
        "cpu_ms": _cpu_ms(shipped),
        "bytes": SHIPPED.stat().st_size,
        "shipped": measured(whole),
        "kept": measured(kept),
        "flagged_of_kept": of_shipped(shipped, read(KEPT)),
    }
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    CARD.write_text(card(figures), encoding="utf-8")
    print(f"{FIGURES} and {CARD} are written: {figures['cpu_ms']} ms CPU for 500 characters")


if __name__ == "__main__":
    main()
