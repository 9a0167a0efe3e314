"""Guards that filter let a stream go on, without what they took out of it."""

import random
from collections.abc import Sequence

import pytest
from tests.core.redaction.fragments import chunks, text

from jackline.core.events import Gate as Where
from jackline.core.guards import DenyList, Filter, Filtering, Guard, MaximumSize, judge
from jackline.core.redaction import Canary, Policy, Redactor, Rule
from jackline.runtime.guards import Gate

CANARY = Canary(b"eight by")
MASKS = Redactor(Policy((Rule("mask", ("pii",)),)))


def streamed(guards: Sequence[Guard], pieces: Sequence[str]) -> tuple[str, str]:
    """Return what went out before the end, and what with it."""
    gate = Gate(guards)
    before = "".join(map(gate.feed, pieces))
    return before, before + gate.finish()


def test_a_redactor_filters() -> None:
    assert isinstance(Redactor(), Filtering)
    assert not isinstance(DenyList(["x"]), Filtering)


def test_a_stream_goes_on_behind_what_was_redacted() -> None:
    gate = Gate([Redactor()])
    assert gate.feed("Write to ann@exam") == "Write to "
    assert gate.feed("ple.com or ") == "[redacted:email] or "
    assert gate.feed("call") == ""
    assert gate.finish() == "call"


@pytest.mark.parametrize(
    "guards",
    [
        [Redactor()],
        [MASKS, Redactor()],
        [MaximumSize(), Redactor(), CANARY],
        [DenyList(["ann", "1"], decision="redact"), Redactor()],
        [Redactor(), DenyList(["[redacted:e", "a"], decision="redact"), MASKS],
        [Redactor(), DenyList(["sk-", "1"])],
        [MaximumSize(30), Redactor(), MaximumSize(20)],
    ],
    ids=lambda guards: " ".join(guard.name for guard in guards),
)
def test_what_streams_through_filters_is_a_beginning_of_what_is_judged(guards: list[Guard]) -> None:
    through = 0
    for seed in range(150):
        draw = random.Random(seed)
        said = text(draw).replace("\ud83d", "")
        passed, judged = judge(guards, "output", said, "")
        before, out = streamed(guards, chunks(draw, said))
        assert passed.startswith(out)
        assert out.startswith(before)
        if all(each.guard == "redactor" for each in judged):
            assert out == passed
            through += bool(judged)
    assert through or len(guards) > 1


class Breaks:
    """A guard whose filter fails, at once or later."""

    name = "breaks"
    gates: frozenset[Where] = frozenset(["output"])
    hold_back = 0
    judge = Redactor().judge

    def __init__(self, fed: int) -> None:
        self.fed = fed

    def stream(self) -> Filter:
        if not self.fed:
            raise ValueError("no")
        return self

    def feed(self, delta: str) -> str:
        self.fed -= 1
        if not self.fed:
            raise ValueError("no more")
        return delta

    def finish(self) -> str:
        return "rest"


@pytest.mark.parametrize(("fed", "out"), [(0, ""), (1, ""), (2, "a, "), (9, "a, b, c, rest")])
def test_nothing_more_goes_out_once_a_filter_has_failed(fed: int, out: str) -> None:
    before, after = streamed([Breaks(fed), Redactor()], ["a, ", "b, ", "c, "])
    assert before == out.removesuffix("rest")
    assert after == out
