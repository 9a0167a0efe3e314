"""Which rows are kept from a model that is to be judged by them: whole sources, never single rows.

A made-up kind is a source of its own where the others share no phrase with it; as some do, half
of the kinds are kept back together. The kinds that attacks are placed in are kept back with those
attacks, or a model would know them around attacks only. Made-up attacks that came with the
development data stand in texts of another source, so that both are kept back at once.
"""

from collections.abc import Mapping, Sequence

from benchmarks.detector.generated import CARRIERS, PLACED, SOURCE
from benchmarks.detector.learn import Example, Learner, Settings, examples_of, rarity_of
from benchmarks.detector.rows import Group, Row
from jackline.core.detection.linear import Linear

_MADE_UP_FOLDS = 2
_PAGES = f"{SOURCE} pages"
_TOGETHER = {"jackline-templates": "BIPIA", "jackline-templates/agent": "jackline-agent"}


def folds_of(rows: Sequence[Row]) -> Sequence[str]:
    """Return the fold of each row."""
    kinds = sorted({row.kind.removesuffix(PLACED) for row in rows if row.source == SOURCE})
    made_up = {kind: f"{SOURCE} {at % _MADE_UP_FOLDS + 1}" for at, kind in enumerate(kinds)}
    made_up |= dict.fromkeys(CARRIERS, _PAGES)
    return [
        made_up[row.kind.removesuffix(PLACED)]
        if row.source == SOURCE
        else _TOGETHER.get(row.source, row.source.split("/")[0])
        for row in rows
    ]


def learnt(rows: Sequence[Row], settings: Settings) -> Linear:
    """Return a head that has learnt from all rows, not calibrated yet."""
    return _learnt(examples_of(rows), settings)


def margins_of(rows: Sequence[Row], settings: Settings) -> Sequence[float]:
    """Return what a head that never saw a row's source says of it, for each row."""
    examples, folds = examples_of(rows), folds_of(rows)
    margins: dict[int, float] = {}
    for fold in sorted(set(folds)):
        others = [
            example
            for example, row, its in zip(examples, rows, folds, strict=True)
            if its != fold and not (fold == _PAGES and row.kind.endswith(PLACED))
        ]
        head = _learnt(others, settings)
        for at, its in enumerate(folds):
            if its == fold:
                margins[at] = head.strongest(examples[at].features)[0]
    return [margins[at] for at in range(len(rows))]


def _learnt(examples: Sequence[Example], settings: Settings) -> Linear:
    learner = Learner(rarity_of(examples), settings)
    learner.learn(examples)
    return learner.head()


def grouped(rows: Sequence[Row], margins: Sequence[float]) -> Mapping[Group, Sequence[float]]:
    """Return the margins of each group, the groups in order."""
    found: dict[Group, list[float]] = {}
    for row, margin in zip(rows, margins, strict=True):
        found.setdefault(row.group, []).append(margin)
    return dict(sorted(found.items()))
