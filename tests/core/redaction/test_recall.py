"""How much is found, and how much of what is found is there, on texts that were made for it."""

import random
from collections import Counter

from benchmarks.security.decoys import DECOYS
from benchmarks.security.personal_data import MAKES, sample

from jackline.core.redaction.kinds import ALL, SECRETS
from jackline.core.redaction.search import Search
from jackline.core.redaction.stream import spans

RECALL = {"email": 1.0, "iban": 1.0, "ip": 1.0, "key": 1.0, "card": 0.96, "phone": 0.75}
PRECISION = 0.99


def test_of_personal_data_in_many_languages_enough_is_found_and_little_else() -> None:
    search, planted, found, right = Search(ALL), Counter[str](), Counter[str](), Counter[str]()
    hit = Counter[str]()
    for seed in range(1200):
        made = sample(random.Random(seed), MAKES, DECOYS)
        taken = spans(search, made.text)
        covered = {place for span in taken for place in range(span.start, span.end)}
        for kind, start, end in made.planted:
            planted[kind] += 1
            hit[kind] += covered.issuperset(range(start, end))
        for kind, start, end in taken:
            name = "key" if kind in SECRETS else kind
            found[name] += 1
            right[name] += any(p.start < end and start < p.end for p in made.planted)
    assert min(planted.values()) > 200
    recall = {kind: hit[kind] / planted[kind] for kind in RECALL}
    assert all(recall[kind] >= least for kind, least in RECALL.items()), recall
    precision = {kind: right[kind] / found[kind] for kind in RECALL}
    assert min(precision.values()) >= PRECISION, precision
    assert right.total() / found.total() >= PRECISION
