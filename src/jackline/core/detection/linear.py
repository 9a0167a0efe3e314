"""A linear head over hashed features: what was learnt, as bytes, and what it says of a text.

TF-IDF (Salton and Buckley, 1988) over hashed features (Weinberger and others, 2009) of a window,
divided by its length, times a weight for each bucket. All sums are of integers, so that the
score of a text is the same everywhere.
"""

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from math import exp, sqrt
from struct import Struct
from typing import NamedTuple, Self

from jackline.core.detection.features import (
    BUCKETS,
    Features,
    Window,
    features_of,
    plain,
    windows_of,
)

CHARACTERS_MAX = 1 << 16
"""How much of a text is read. What is longer has not been judged, and `Score.whole` says so."""
SMOOTHING = 40_000
"""Added to each window's squared length: a few words alone prove little."""

_MAGIC = b"jackline-linear-1\n"
_HEAD = Struct("<5d")
_DIGEST_BYTES = 16


class Score(NamedTuple):
    """How likely a text instructs the model, and where: characters `start` to `end`.

    The place is the window that says most, of all windows; `whole` False: what follows the first
    `CHARACTERS_MAX` characters was not read.
    """

    probability: float
    start: int
    end: int
    whole: bool = True


class Scale(NamedTuple):
    """What turns a window's sum into a probability, and from which one on a text is flagged."""

    step: float
    bias: float
    slope: float
    offset: float
    threshold: float


class Linear:
    """What was learnt: for each bucket a weight and how rare it is, as small integers."""

    def __init__(self, weights: Sequence[int], rarity: Sequence[int], scale: Scale) -> None:
        assert len(weights) == len(rarity) == BUCKETS, "a head has one weight for each bucket"
        self.scale = scale
        self._weights = array("b", weights)
        self._rarity = array("B", rarity)
        self._votes = array("i", [w * r for w, r in zip(weights, rarity, strict=True)])
        self._lengths = array("i", [r * r for r in rarity])

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return what `data` holds. Raises `ValueError` where it is damaged, or something else."""
        body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        size = len(_MAGIC) + _HEAD.size + 2 * BUCKETS
        if len(body) != size or not body.startswith(_MAGIC) or _digest(body) != digest:
            raise ValueError("these are no weights of this version of the classifier")
        at = len(_MAGIC) + _HEAD.size
        scale = Scale(*_HEAD.unpack(body[len(_MAGIC) : at]))
        return cls(memoryview(body)[at : at + BUCKETS].cast("b"), body[at + BUCKETS :], scale)

    def to_bytes(self) -> bytes:
        """Return what `of` reads."""
        body = _MAGIC + _HEAD.pack(*self.scale) + self._weights.tobytes() + self._rarity.tobytes()
        return body + _digest(body)

    def score(self, text: str) -> Score:
        """Return what the window says that says most, in time linear in what is read of `text`."""
        read = text[:CHARACTERS_MAX]
        features = features_of(read)
        margin, window = self.strongest(features)
        start, end = _place(read, features.words, window)
        return Score(self.probability(margin), start, end, len(read) == len(text))

    def strongest(self, features: Features) -> tuple[float, Window]:
        """Return the greatest sum of any window, and that window: the first of equals."""
        votes = [0, *accumulate(map(self._votes.__getitem__, features.buckets))]
        lengths = [0, *accumulate(map(self._lengths.__getitem__, features.buckets))]
        best, found = float("-inf"), Window(0, 0)
        for window in windows_of(len(features.words)):
            first, last = features.ends[window.start], features.ends[window.end]
            length = sqrt(lengths[last] - lengths[first] + SMOOTHING)
            margin = (votes[last] - votes[first]) / length
            if margin > best:
                best, found = margin, window
        return best * self.scale.step + self.scale.bias, found

    def probability(self, margin: float) -> float:
        """Return the calibrated probability (Platt, 1999), to six digits on every platform."""
        exponent = -(self.scale.slope * margin + self.scale.offset)
        return round(1 / (1 + exp(max(-60.0, min(60.0, exponent)))), 6)


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST_BYTES).digest()


def _place(text: str, words: Sequence[str], window: Window) -> tuple[int, int]:
    """Return the characters that a window covers; all, where lower case has another length."""
    lower = plain(text)
    if len(lower) != len(text):
        return 0, len(text)
    start = at = 0
    for number, word in enumerate(words[: window.end]):
        found = lower.index(word, at)
        if number == window.start:
            start = found
        at = found + len(word)
    return start, at
