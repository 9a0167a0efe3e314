import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackline.core.errors import DefinitionError
from jackline.core.events import Decision, Finding, Gate
from jackline.core.guards import (
    ALLOW,
    GATES,
    NOBODY,
    Audience,
    DenyList,
    Guard,
    MaximumSize,
    Secrets,
    Unguarded,
    Verdict,
    fitted,
    judge,
    stacked,
    strictest,
)
from jackline.runtime.guards import Gate as Stream

DECISIONS: tuple[Decision, ...] = ("allow", "flag", "redact", "ask", "block")
# Characters whose lower case is longer, or depends on what stands beside them, are among them.
TEXT = st.text("abAB i\u0307\u03a3\u03c3\u03c2\u0130\u00df", max_size=40)
WORDS = st.lists(
    st.text("abi\u03a3\u03c3\u03c2\u0130", min_size=1, max_size=3), min_size=1, max_size=3
)


class Says:
    """Decides the same whatever it sees."""

    gates: frozenset[Gate] = frozenset(GATES)
    hold_back: int | None = 0

    def __init__(self, verdict: object, name: str = "says") -> None:
        self.name = name
        self.verdict = verdict
        self.seen: list[str] = []

    def judge(self, gate: Gate, text: str) -> Verdict:
        assert gate in GATES
        self.seen.append(text)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict  # pyright: ignore[reportReturnType] - guards are somebody else's


@given(st.lists(st.sampled_from(DECISIONS), max_size=5))
def test_the_strictest_verdict_wins(decisions: list[Decision]) -> None:
    guards = [Says(Verdict(each, text="x"), f"g{n}") for n, each in enumerate(decisions)]
    _, said = judge(guards, "input", "text", "r1")
    assert [each.decision for each in said] == [each for each in decisions if each != "allow"]
    winner = strictest(said)
    if winner is None:
        assert set(decisions) <= {"allow"}
    else:
        assert winner.decision == max(decisions, key=DECISIONS.index)
        assert winner.subject == "r1"


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(
    "broken",
    [
        ValueError("no"),
        RecursionError(),
        None,
        "block",
        Verdict("deny"),  # pyright: ignore[reportArgumentType] - that is what is wrong with it
        Verdict("flag", 7),  # pyright: ignore[reportArgumentType] - as above
        Verdict("flag", "\ud800"),
        Verdict("redact", text=b"bytes"),  # pyright: ignore[reportArgumentType] - as above
        Verdict("flag", findings=(Finding("x", "1", 2),)),  # pyright: ignore[reportArgumentType] - as above
    ],
    ids=repr,
)
def test_a_guard_that_fails_blocks_where_something_would_go_out(gate: Gate, broken: object) -> None:
    text, (said,) = judge([Says(broken)], gate, "text", "r1")
    assert said.decision == ("block" if gate in {"call", "output"} else "flag")
    assert said.reason.startswith("the guard failed: ")
    assert text == "text"


def test_what_one_guard_redacts_the_next_does_not_see() -> None:
    last = Says(ALLOW)
    guards: list[Guard] = [
        DenyList(["one"], decision="redact"),
        DenyList(["two"], decision="redact"),
        last,
    ]
    text, said = judge(guards, "output", "one two three", "k")
    assert text == "[redacted] [redacted] three"
    assert last.seen == [text]
    assert len(said) == 2


def test_a_guard_stands_only_at_its_gates() -> None:
    guard = DenyList(["x"], gates=["call"])
    assert judge([guard], "input", "x", "") == ("x", ())
    assert judge([guard], "call", "x", "")[1]


def test_what_is_redacted_without_a_text_is_gone() -> None:
    assert judge([Says(Verdict("redact"))], "output", "x", "")[0] == ""


def lower(text: str) -> str:
    return text.lower().replace("\u03c2", "\u03c3")


@given(TEXT, WORDS)
def test_of_denied_words_none_is_left(text: str, words: list[str]) -> None:
    verdict = DenyList(words, decision="redact").judge("output", text)
    denied = any(lower(word) in lower(text) for word in words)
    assert (verdict.decision == "redact") == denied
    if denied:
        assert verdict.text is not None
        kept = verdict.text.split("[redacted]")
        assert not any(lower(word) in lower(piece) for word in words for piece in kept[:1])
        for finding in verdict.findings:
            assert 0 <= finding.start < finding.end <= len(text)
        rest = verdict.text.replace("[redacted]", "")
        assert len(rest) < len(text)


def test_overlapping_words_are_redacted_as_one() -> None:
    verdict = DenyList(["aba", "bab"], decision="redact").judge("output", "xababx aba")
    assert verdict.text == "x[redacted]x [redacted]"
    assert [(f.start, f.end) for f in verdict.findings] == [(1, 5), (7, 10)]


@pytest.mark.parametrize("gate", GATES)
def test_what_is_too_large_is_blocked_where_it_comes_in_and_cut_where_it_is_read(
    gate: Gate,
) -> None:
    guard = MaximumSize(10)
    assert guard.judge(gate, "x" * 10) is ALLOW
    verdict = guard.judge(gate, "x" * 11)
    assert verdict.decision == ("block" if gate in {"input", "call"} else "redact")
    assert verdict.text == (None if gate in {"input", "call"} else "x" * 10)
    assert "11 characters" in verdict.reason


@pytest.mark.parametrize(
    "words", ["secret", [], [""], ["", ""]], ids=["a str", "none", "empty", "empties"]
)
def test_a_deny_list_is_a_list_of_words(words: list[str]) -> None:
    with pytest.raises(DefinitionError, match="wants a list of words"):
        DenyList(words)


def test_a_guard_that_could_not_be_enforced_cannot_be_made() -> None:
    with pytest.raises(DefinitionError, match="knows the decisions"):
        DenyList(["x"], decision="deny")  # pyright: ignore[reportArgumentType] - that is what is wrong
    with pytest.raises(DefinitionError, match="and the gates"):
        DenyList(["x"], gates=["door"])  # pyright: ignore[reportArgumentType] - as above
    with pytest.raises(DefinitionError, match="knows the decisions"):
        DenyList(["x"], decision="allow")
    with pytest.raises(DefinitionError, match="nothing through"):
        MaximumSize(0)


GUARDS = st.lists(
    st.one_of(
        st.builds(DenyList, WORDS, decision=st.sampled_from(["redact", "flag"])),
        st.builds(MaximumSize, st.integers(1, 30)),
        st.just(Says(ALLOW)),
    ),
    max_size=3,
)


@given(GUARDS, st.lists(st.text("ab \u03a3\u03c3\u03c2\u0130", max_size=6), max_size=8))
def test_what_streams_is_a_beginning_of_what_is_judged_for_every_chunking(
    guards: list[Guard], chunks: list[str]
) -> None:
    text = "".join(chunks)
    passed, said = judge(guards, "output", text, "")
    stream = Stream(guards)
    out = "".join(stream.feed(chunk) for chunk in chunks)
    assert passed.startswith(out)
    out += stream.finish()
    assert passed.startswith(out)
    if not said:
        assert out == text


@given(st.lists(st.text("ab", max_size=6), max_size=8))
def test_a_guard_that_must_see_the_whole_lets_nothing_stream(chunks: list[str]) -> None:
    guard = Says(ALLOW)
    guard.hold_back = None
    stream = Stream([guard, MaximumSize()])
    assert not any(stream.feed(chunk) for chunk in chunks)
    assert stream.finish() == ""


def test_a_letter_whose_lower_case_depends_on_what_follows_is_denied_in_either() -> None:
    for denied in ("\u03c3", "\u03c2", "\u03a3"):
        verdict = DenyList([denied], decision="redact").judge("output", "a\u03a3 a\u03a3a")
        assert verdict.text == "a[redacted] a[redacted]a"


def test_without_guards_text_streams_as_it_comes() -> None:
    stream = Stream([DenyList(["x"], gates=["input"])])
    assert [stream.feed("ab"), stream.feed("c"), stream.finish()] == ["ab", "c", ""]


def test_a_size_holds_for_all_that_was_said_and_not_for_each_piece() -> None:
    stream = Stream([MaximumSize(8)])
    assert [stream.feed("12345"), stream.feed("67890"), stream.feed("x")] == ["12345", "", ""]


class Watches:
    """Allows all, and counts how often the text that it is shown has moved in memory."""

    name = "watches"
    gates: frozenset[Gate] = frozenset(["output"])
    hold_back = 0

    def __init__(self) -> None:
        self.moves = 0
        self._at = 0

    def judge(self, gate: Gate, text: str) -> Verdict:
        assert gate == "output"
        self.moves += id(text) != self._at
        self._at = id(text)
        return ALLOW


def test_a_long_reply_is_not_copied_with_each_of_its_pieces() -> None:
    guard, pieces = Watches(), 20_000
    stream = Stream([guard, MaximumSize()])
    out = "".join(stream.feed("piece\N{EURO SIGN}") for _ in range(pieces))
    assert out == "piece\N{EURO SIGN}" * pieces
    assert guard.moves < pieces // 10


def test_a_guard_of_the_stack_is_replaced_by_its_first_namesake_alone() -> None:
    small, smaller, denied = MaximumSize(9), MaximumSize(5), DenyList(["x"])
    assert stacked([Secrets(), MaximumSize()], [denied, small, smaller])[1:] == (
        small,
        denied,
        smaller,
    )


def test_what_is_not_in_the_stack_cannot_be_taken_away() -> None:
    gone = Unguarded("maximum_size", reason="Its tools cut what they return.")
    (left,) = stacked([MaximumSize()], [gone])
    assert left is gone
    assert left.judge("input", "x" * 2_000_000) is ALLOW
    for guards in ([Unguarded("size", reason="Why.")], [gone, gone]):
        with pytest.raises(DefinitionError, match="takes nothing away"):
            stacked([MaximumSize()], guards)
    for reason in ("", "  ", None):
        with pytest.raises(DefinitionError, match="wants a reason"):
            Unguarded("links", reason=reason)  # pyright: ignore[reportArgumentType] - as it says


class Fits:
    """Denies what its audience's tenant is named."""

    name = "fits"
    gates = frozenset(GATES)
    hold_back = 0
    judge = DenyList(["nobody"]).judge

    def fit(self, audience: Audience) -> Guard:
        return DenyList([audience.tenant or "nobody"])


class Unfit(Fits):
    """Cannot say for whom it judges."""

    def fit(self, audience: Audience) -> Guard:
        raise ValueError(audience)


def test_a_guard_judges_for_whom_it_is_fitted_to_and_others_do_not_care() -> None:
    denied = DenyList(["x"])
    first, second = fitted([denied, Fits()], Audience("acme"))
    assert first is denied
    assert second.judge("output", "acme").decision == "block"
    assert Secrets().judge("input", "acme") is ALLOW
    assert not NOBODY.named("https://a.example")


@pytest.mark.parametrize("gate", GATES)
def test_a_guard_that_cannot_be_fitted_fails_when_it_is_asked(gate: Gate) -> None:
    guards = fitted([Unfit()], NOBODY)
    _, (said,) = judge(guards, gate, "hello", "k")
    assert said.guard == "fits"
    assert said.decision == ("block" if gate in {"call", "output"} else "flag")
    assert guards[0].hold_back is None
