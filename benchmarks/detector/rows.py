"""The rows that train and measure: those that are kept here, those in a folder, those made up."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

KEPT = Path(__file__).parent / "data"


Group = tuple[str, str, int]
"""A source, a kind and a label: what figures are given for."""


class Row(NamedTuple):
    """A text, whether it is an attack (1) or not (0), where it comes from, and of what kind."""

    text: str
    label: int
    source: str
    kind: str
    license: str

    @property
    def group(self) -> Group:
        """Return the group it belongs to."""
        return self.source, self.kind, self.label


def read(folder: Path) -> Sequence[Row]:
    """Return the rows of the JSONL files in `folder`, in the order of their names."""
    return [
        Row(*(entry[field] for field in Row._fields))
        for path in sorted(folder.glob("*.jsonl"))
        for entry in map(json.loads, path.read_text(encoding="utf-8").strip().split("\n"))
    ]


def union(*parts: Iterable[Row]) -> Sequence[Row]:
    """Return all rows once: of equal texts the first."""
    found: dict[str, Row] = {}
    for part in parts:
        for row in part:
            found.setdefault(row.text, row)
    return list(found.values())
