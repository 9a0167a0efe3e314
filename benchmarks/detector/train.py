"""Train the classifier that is shipped: `python -m benchmarks.detector.train --data FOLDER`.

Without `--data` it learns from the rows that are kept here and the made-up ones alone. The same
rows give the same bytes on any machine. Nothing is fetched, and nothing but Python is needed.
"""

import argparse
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from benchmarks.detector.figures import calibrated, threshold_at
from benchmarks.detector.folds import learnt, margins_of
from benchmarks.detector.generated import SOURCE, generate
from benchmarks.detector.learn import Settings
from benchmarks.detector.rows import KEPT, Row, read, union
from jackline.core.detection.linear import Linear

FALSE_POSITIVES = 0.01
_ROOT = Path(__file__).parents[2]
SHIPPED = _ROOT / "src" / "jackline" / "core" / "detection" / "weights.bin"


class Trained(NamedTuple):
    """A calibrated head, and what heads that never saw a row's source say of each row."""

    head: Linear
    rows: Sequence[Row]
    margins: Sequence[float]


def rows_of(data: Path | None = None) -> Sequence[Row]:
    """Return all rows to learn from, in order: those kept here, those in `data`, made up."""
    return union(read(KEPT), read(data) if data else (), generate())


def trained(rows: Sequence[Row], settings: Settings | None = None) -> Trained:
    """Return what the rows teach, with a threshold that one benign text in a hundred exceeds.

    Calibration and threshold are of texts whose source was unknown, as users' texts are.
    """
    settings = settings or Settings()
    margins = margins_of(rows, settings)
    given = _given(rows, margins)
    slope, offset = calibrated([m for m, _ in given], [label for _, label in given])
    head = learnt(rows, settings)
    head.scale = head.scale._replace(slope=slope, offset=offset)
    limit = head.probability(limit_of(rows, margins))
    # The limit itself is still a benign text's.
    head.scale = head.scale._replace(threshold=round(limit + 1e-6, 6))
    return Trained(head, rows, margins)


def limit_of(rows: Sequence[Row], margins: Sequence[float]) -> float:
    """Return the margin that one benign text in a hundred exceeds, of those not made up here."""
    benign = [margin for margin, label in _given(rows, margins) if not label]
    return threshold_at(benign, FALSE_POSITIVES)


def _given(rows: Sequence[Row], margins: Sequence[float]) -> Sequence[tuple[float, int]]:
    """Return margin and label of each row that was not made up here.

    Made-up kinds have one hand and no proportions: what share of them is flagged says little.
    """
    pairs = zip(rows, margins, strict=True)
    return [(margin, row.label) for row, margin in pairs if row.source != SOURCE]


def digest(data: bytes) -> str:
    """Return what names these bytes."""
    return blake2b(data, digest_size=16).hexdigest()


def main() -> None:
    """Write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder of JSONL files with more rows")
    parser.add_argument("--output", type=Path, default=SHIPPED)
    given = parser.parse_args()
    rows = rows_of(given.data)
    data = trained(rows).head.to_bytes()
    given.output.write_bytes(data)
    print(f"{given.output}: {len(data):,} bytes, {digest(data)}, from {len(rows):,} rows")


if __name__ == "__main__":
    main()
