"""What figures are made of: intervals, rates at a threshold, F1, a calibration."""

from collections.abc import Sequence
from math import exp, sqrt
from typing import NamedTuple

_95_PERCENT = 1.959964
_NEWTON_STEPS = 30


class Share(NamedTuple):
    """How many of `n`, as a rate with its 95 % interval (Wilson, 1927)."""

    flagged: int
    n: int
    rate: float
    low: float
    high: float


class Calibration(NamedTuple):
    """What turns a margin into a probability: 1 / (1 + exp(-(slope * margin + offset)))."""

    slope: float
    offset: float


def share(flagged: int, n: int) -> Share:
    """Return the rate of `flagged` in `n`, and the interval that it lies in."""
    if not n:
        return Share(0, 0, 0.0, 0.0, 1.0)
    rate, square = flagged / n, _95_PERCENT**2
    middle = (rate + square / (2 * n)) / (1 + square / n)
    half = _95_PERCENT * sqrt(rate * (1 - rate) / n + square / (4 * n * n)) / (1 + square / n)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(flagged, n, *(round(value, 4) for value in (rate, low, high)))


def threshold_at(benign: Sequence[float], false_positives: float) -> float:
    """Return the least score above which lie at most so many of the benign ones."""
    ordered = sorted(benign, reverse=True)
    return ordered[int(len(ordered) * false_positives)]


def f1(found: int, attacks: int, false_alarms: int) -> float:
    """Return the harmonic mean of precision and recall."""
    return round(2 * found / (found + attacks + false_alarms), 4) if found else 0.0


def calibrated(margins: Sequence[float], labels: Sequence[int]) -> Calibration:
    """Return the logistic regression of `labels` on `margins`, by Newton's method (Platt, 1999)."""
    slope, offset = 1.0, 0.0
    for _ in range(_NEWTON_STEPS):
        g0 = g1 = h00 = h01 = h11 = 1e-9
        for margin, label in zip(margins, labels, strict=True):
            p = 1 / (1 + exp(-max(-30.0, min(30.0, slope * margin + offset))))
            weight = max(p * (1 - p), 1e-6)
            g0, g1 = g0 + p - label, g1 + (p - label) * margin
            h00, h01, h11 = h00 + weight, h01 + weight * margin, h11 + weight * margin * margin
        determinant = h00 * h11 - h01 * h01
        slope -= (h00 * g1 - h01 * g0) / determinant
        offset -= (h11 * g0 - h01 * g1) / determinant
    return Calibration(round(slope, 4), round(offset, 4))
