"""Learning a linear head, in plain Python, so that the same rows give the same bytes anywhere.

AdaGrad (Duchi and others, 2011) on the modified Huber loss (Zhang, 2004), which takes no
exponential. Of each text the window counts that says most at the time (multiple-instance
learning: Andrews and others, 2002), as it does when the head is used. Floats are added from left
to right (`accumulate`), for `sum` does not do the same in all versions of Python.
"""

import random
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from math import log, sqrt
from typing import NamedTuple

from benchmarks.detector.rows import Row
from jackline.core.detection.features import (
    BUCKETS,
    WORD_BUCKETS,
    Features,
    features_of,
    windows_of,
)
from jackline.core.detection.linear import SMOOTHING, Linear, Scale

_RARITY_STEPS = 24  # a rarity of 1 (in every text) is 24, and the rarest stay below 256
_PIECES_COUNT = 0.5  # there are about four pieces to a word


class Settings(NamedTuple):
    """How long and how hard to learn: 2 `epochs` or more. `seed` is the order of the texts."""

    epochs: int = 5
    rate: float = 0.6
    decay: float = 0.002
    seed: int = 7


class Example(NamedTuple):
    """A text's features, and what it should be: 1 or -1."""

    features: Features
    label: int


class Span(NamedTuple):
    """A window's features, from the first to the one after the last, and the window's length."""

    first: int
    last: int
    length: float


def examples_of(rows: Sequence[Row]) -> Sequence[Example]:
    """Return the rows to learn from."""
    found = list[Example]()
    for row in rows:
        words, buckets, ends = features_of(row.text)
        packed = Features(words, array("I", buckets), array("I", ends))
        found.append(Example(packed, 1 if row.label else -1))
    return found


def rarity_of(examples: Sequence[Example]) -> Sequence[int]:
    """Return how rare each bucket is (inverse document frequency), as small integers."""
    seen = Counter[int]()
    for example in examples:
        seen.update(set(example.features.buckets))
    most = log(1 + len(examples)) + 1
    steps = min(_RARITY_STEPS, 255 / most)
    rarity = list[int]()
    for bucket in range(BUCKETS):
        exact = (log((1 + len(examples)) / (1 + seen[bucket])) + 1) * steps
        rarity.append(round(exact if bucket < WORD_BUCKETS else exact * _PIECES_COUNT))
    return rarity


class Learner:
    """Weights as they are being learnt."""

    def __init__(self, rarity: Sequence[int], settings: Settings) -> None:
        self._settings = settings
        self._rarity = rarity
        self._squares = [value * value for value in rarity]
        self._votes = [0.0] * BUCKETS  # a weight times its rarity: what a feature adds to a sum
        self._seen = [1e-4] * BUCKETS
        self._bias, self._bias_seen = 0.0, 1e-4
        self._sum, self._bias_sum = [0.0] * BUCKETS, 0.0

    def learn(self, examples: Sequence[Example]) -> None:
        """Read all examples `epochs` times, each time in another order.

        What counts is the mean of all but the first time, which depends less on the order.
        """
        spans = [self._spans(example.features) for example in examples]
        order, draw = list(range(len(examples))), random.Random(self._settings.seed)
        for epoch in range(self._settings.epochs):
            draw.shuffle(order)
            for number in order:
                self._step(examples[number], spans[number])
            if epoch:
                self._sum = [a + b for a, b in zip(self._sum, self._votes, strict=True)]
                self._bias_sum += self._bias

    def _spans(self, features: Features) -> Sequence[Span]:
        ends = features.ends
        lengths = [0, *accumulate(map(self._squares.__getitem__, features.buckets))]
        spans = [Span(ends[start], ends[end], 0) for start, end in windows_of(len(ends) - 1)]
        return [
            Span(first, last, sqrt(lengths[last] - lengths[first] + SMOOTHING))
            for first, last, _ in spans
        ]

    def _step(self, example: Example, spans: Sequence[Span]) -> None:
        buckets, votes, rarity = example.features.buckets, self._votes, self._rarity
        sums = [0.0, *accumulate(map(votes.__getitem__, buckets))]
        margin, span = max(((sums[span[1]] - sums[span[0]]) / span[2], span) for span in spans)
        gap = 1 - example.label * (margin + self._bias)
        if gap <= 0:
            return
        slope = -example.label * min(2 * gap, 4.0)
        rate, keep, seen = self._settings.rate, 1 - self._settings.decay, self._seen
        for bucket in buckets[span.first : span.last]:
            part = slope * rarity[bucket] / span.length
            seen[bucket] += part * part
            moved = rate * part * rarity[bucket] / sqrt(seen[bucket])
            votes[bucket] = votes[bucket] * keep - moved
        self._bias_seen += slope * slope
        self._bias -= 0.1 * rate * slope / sqrt(self._bias_seen)

    def head(self) -> Linear:
        """Return what was learnt as small integers, not calibrated yet."""
        times = max(1, self._settings.epochs - 1)
        means = [vote / times / rare for vote, rare in zip(self._sum, self._rarity, strict=True)]
        step = max(map(abs, means)) / 127 or 1.0
        weights = [round(mean / step) for mean in means]
        return Linear(weights, self._rarity, Scale(step, self._bias_sum / times, 1.0, 0.0, 0.5))
