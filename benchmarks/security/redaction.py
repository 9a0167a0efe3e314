"""Measure the redactor: `python -m benchmarks.security.redaction` prints one line of JSON.

Chat of 1 MiB in which one character in a hundred is personal comes in chunks of 4 KiB, and the
same in pieces of five characters; then what is found of personal data, and what of that is some,
with the interval of Wilson at 95 %. Times are of the processor, the best of five.
"""

import json
import random
import time
from collections import Counter
from typing import NamedTuple

from benchmarks.detector.figures import share
from benchmarks.security.decoys import DECOYS
from benchmarks.security.personal_data import MAKES, sample
from jackline.core.redaction import SECRETS, Redactor
from jackline.core.redaction.kinds import ALL
from jackline.core.redaction.search import Search
from jackline.core.redaction.stream import spans

_LENGTH, _CHUNK, _DELTA, _SHORT = 1 << 20, 4096, 5, 100_000
_RUNS, _SAMPLES = 5, 6000
_WORDS = (
    "the of and to in a is that for it was on are as with his they at be this from I have or by "
    "one had not but what all were when we there can an your which their said if do will each "
    "about how up out them then she many some so these would other into has more her two like "
    "him see time could no make than first been its who now people my made over did down only"
)


def chat(draw: random.Random, length: int) -> str:
    """Return sentences, some with a date, a price or an order, and one part in 100 personal."""
    words, pieces, size, personal = _WORDS.split(), list[str](), 0, 0
    while size < length:
        said = " ".join(draw.choices(words, k=draw.randint(5, 15))).capitalize() + ". "
        if draw.random() < 0.1:
            said += f"About {draw.choice(DECOYS)(draw)}. "
        if personal * 100 < size:
            made = draw.choice(list(MAKES.values()))(draw)
            said, personal = f"{said}So {made} then. ", personal + len(made)
        pieces.append(said)
        size += len(said)
    return "".join(pieces)[:length]


def seconds(redactor: Redactor, text: str, length: int) -> float:
    """Return how long a text in pieces of this length takes."""
    best = float("inf")
    for _ in range(_RUNS):
        stream = redactor.stream()
        begun = time.process_time()
        for at in range(0, len(text), length):
            stream.feed(text[at : at + length])
        stream.finish()
        best = min(best, time.process_time() - begun)
    return best


class Tally(NamedTuple):
    """Of each kind: how many were planted, and found; how many were taken out, and rightly."""

    planted: Counter[str]
    found: Counter[str]
    taken: Counter[str]
    right: Counter[str]


def tallied(samples: int) -> Tally:
    """Count what is found in so many samples, and how much of what is found is there."""
    search, tally = Search(ALL), Tally(Counter(), Counter(), Counter(), Counter())
    for seed in range(samples):
        made = sample(random.Random(seed), MAKES, DECOYS)
        spotted = spans(search, made.text)
        covered = {place for span in spotted for place in range(span.start, span.end)}
        for kind, start, end in made.planted:
            tally.planted[kind] += 1
            tally.found[kind] += covered.issuperset(range(start, end))
        for kind, start, end in spotted:
            name = "key" if kind in SECRETS else kind
            tally.taken[name] += 1
            tally.right[name] += any(each.start < end and start < each.end for each in made.planted)
    return tally


def found() -> dict[str, dict[str, object]]:
    """Return how much of each kind is found, and how much of what is found is some."""
    tally = tallied(_SAMPLES)
    recall = {kind: share(tally.found[kind], tally.planted[kind]) for kind in MAKES}
    precision = {kind: share(tally.right[kind], tally.taken[kind]) for kind in MAKES}
    least = min(precision, key=lambda kind: precision[kind].rate)
    kinds = {f"recall_{kind}": recall[kind] for kind in MAKES} | {"precision": precision[least]}
    return {
        f"pii_{name}": {
            "value": each.rate,
            "unit": "",
            "note": f"{each.n:,}; 95 %: {each.low:g} to {each.high:g}",
        }
        for name, each in kinds.items()
    }


def main() -> None:
    """Print what was measured."""
    draw, redactor = random.Random(1), Redactor()
    text = chat(draw, _LENGTH)
    megabytes_s = _LENGTH / 1e6 / seconds(redactor, text, _CHUNK)
    delta_s = seconds(redactor, text[:_SHORT], _DELTA) / (_SHORT / _DELTA)
    figures = {
        "redaction_mb_s": {"value": round(megabytes_s, 2), "unit": "MB/s"},
        "redaction_delta": {
            "value": round(delta_s * 1e6, 2),
            "unit": "µs",
            "note": f"at most {redactor.hold_back} characters are held back",
        },
        **found(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
