"""The law of redaction: a text in pieces is redacted as the whole is, whatever the pieces are."""

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.core.redaction.fragments import JWT, PEM, WHOLE, chunks, text

from jackline.core.redaction import Policy, Redactor, Rule, Stream, secrets_handled, secrets_stream
from jackline.core.redaction.kinds import ALL, KINDS
from jackline.core.redaction.policy import Redacted
from jackline.core.redaction.search import Search
from jackline.core.redaction.sight import Sight, sight
from jackline.core.redaction.stream import redacted, spans

KEY = b"a key of this test"
TEXTS, CHUNKINGS = 2500, 20


def streamed(stream: Stream, pieces: Sequence[str]) -> str:
    return "".join([*map(stream.feed, pieces), stream.finish()])


def broken(redactor: Redactor, seeds: Sequence[int]) -> Iterator[tuple[str, list[str]]]:
    """Return each text, and its pieces, with which the law does not hold."""
    for seed in seeds:
        draw = random.Random(seed)
        whole = text(draw)
        wanted = redactor.redact(whole)
        for _ in range(CHUNKINGS):
            pieces = chunks(draw, whole)
            if streamed(redactor.stream(), pieces) != wanted:
                yield whole, pieces


# Together 50,000 chunkings, in parts so that several processes can share them.
@pytest.mark.parametrize("part", range(5))
def test_a_text_in_pieces_is_redacted_as_the_whole_is(part: int) -> None:
    seeds = range(part * TEXTS // 5, (part + 1) * TEXTS // 5)
    assert list(broken(Redactor(), seeds)) == []


@pytest.mark.soak
def test_a_million_chunkings_change_nothing() -> None:
    assert list(broken(Redactor(), range(TEXTS, TEXTS + 1_000_000 // CHUNKINGS))) == []


class OneTooEarly(Search):
    """Thinks that what has begun began one character later: it is let out too early."""

    def open(self, seen: Sight) -> int:
        return min(super().open(seen) + 1, len(seen.plain))


def test_a_redactor_that_lets_go_one_character_too_early_breaks_the_law() -> None:
    search, caught = OneTooEarly(ALL), 0
    for seed in range(50):
        draw = random.Random(seed)
        whole = text(draw)
        wanted = redacted(whole, spans(search, whole), Redacted)
        caught += any(
            streamed(Stream(search, Redacted), chunks(draw, whole)) != wanted
            for _ in range(CHUNKINGS)
        )
    assert caught > 10


@pytest.mark.parametrize("whole", WHOLE)
def test_each_place_to_cut_and_each_length_gives_the_same(whole: str) -> None:
    redactor = Redactor()
    said = f"well, {whole} and {whole}. "
    wanted = redactor.redact(said)
    assert wanted.count("[redacted:") >= 2
    for cut in range(len(said)):
        assert streamed(redactor.stream(), [said[:cut], said[cut:]]) == wanted
    for length in range(1, 9):
        pieces = [said[at : at + length] for at in range(0, len(said), length)]
        assert streamed(redactor.stream(), pieces) == wanted


POLICY = Policy(
    (Rule("mask", ("pii",)), Rule("allow", ("jwt", "password")), Rule("tokenise", ("secret",)))
)


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.text(max_size=8), st.sampled_from(WHOLE)), max_size=6).map("".join),
    st.lists(st.integers(0, 300), max_size=12),
)
@example("\ud800@\udc00.de password: \ud83d\ude00\udfff", [3, 4, 20])
def test_no_text_breaks_it_whatever_becomes_of_what_is_found(whole: str, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    for redactor in (Redactor(), Redactor(POLICY, key=KEY)):
        assert streamed(redactor.stream(), pieces) == redactor.redact(whole)
    assert streamed(secrets_stream(KEY), pieces) == secrets_handled(whole, KEY)


@settings(max_examples=100)
@given(st.integers(0, 1 << 32))
def test_no_more_is_held_back_than_the_longest_match_and_what_stands_around_it(seed: int) -> None:
    draw = random.Random(seed)
    whole = text(draw) * draw.choice((1, 1, 5))
    redactor = Redactor()
    stream, given_out = redactor.stream(), 0
    for piece in chunks(draw, whole):
        given_out += len(piece)
        stream.feed(piece)
        assert stream.held <= redactor.hold_back


@pytest.mark.parametrize("word", ["Hello", "and so on", "thirteen", "naïve", "中文"])
def test_words_go_out_as_soon_as_a_space_follows(word: str) -> None:
    stream = Redactor().stream()
    assert stream.feed("well, ") == "well, "
    assert stream.feed(word + " ") == word + " "
    assert stream.held == 0


def test_signs_that_begin_nothing_go_out_at_once() -> None:
    stream = Redactor().stream()
    for sign in "中文字符。、\n ;😀":
        assert stream.feed(sign) == sign


LONG_PEM = PEM.replace("MIIE", "MIIE" * 2000)


@pytest.mark.parametrize("length", [1, 7, 64, 1000])
@pytest.mark.parametrize("long", [LONG_PEM, JWT * 20, "token=" + "aB3" * 400, "ghp_" + "aB3" * 400])
def test_a_secret_of_any_length_is_taken_out_and_not_kept_meanwhile(long: str, length: int) -> None:
    stream, said = Redactor().stream(), f"a {long} b"
    out = ""
    for at in range(0, len(said), length):
        out += stream.feed(said[at : at + length])
        assert stream.kept <= 2 * Redactor().hold_back
    out += stream.finish()
    assert out == Redactor().redact(said)
    assert out.startswith("a ")
    assert out.endswith(" b")
    assert "aB3" not in out
    assert "MIIE" not in out


@pytest.mark.parametrize("after", ["", "MIIE\n", "MIIE\n-----END PRIVATE"])
def test_a_key_without_an_end_is_taken_out_to_the_end_of_the_text(after: str) -> None:
    said = "a -----BEGIN PRIVATE KEY-----\n" + after
    assert Redactor().redact(said) == "a [redacted:private-key]"
    assert streamed(Redactor().stream(), list(said)) == "a [redacted:private-key]"


def test_a_key_without_an_end_takes_no_more_than_the_longest_key() -> None:
    said = "-----BEGIN PRIVATE KEY-----" + "x y " * 8000
    rest = Redactor().redact(said)
    taken_out = len(said) - len(rest) + len("[redacted:private-key]")
    assert taken_out == len("-----BEGIN PRIVATE KEY-----") + (1 << 14)
    for length in (100, 4096, 30_000):
        pieces = [said[at : at + length] for at in range(0, len(said), length)]
        assert streamed(Redactor().stream(), pieces) == rest


def test_a_match_is_no_longer_than_its_kind_declares_unless_it_goes_on_to_a_terminator() -> None:
    search = Search(ALL)
    for seed in range(600):
        seen = sight(text(random.Random(seed)))
        for match in search.matches(seen, 0, len(seen.text)):
            assert match.end - match.start <= KINDS[match.kind].longest, match


def test_a_match_depends_on_no_more_than_it_declares() -> None:
    search = Search(ALL)
    for seed in range(400):
        draw = random.Random(seed)
        whole = text(draw)
        longest, reach = search.hold_back - search.reach, search.reach
        for kind, start, end in spans(search, whole):
            if end - start > longest:
                continue
            left, right = max(0, start - reach), min(len(whole), start + longest + reach)
            other = " " * 70 + whole[left:right]
            if left or right < len(whole):
                moved = 70 + start - left
                found = [match for match in spans(search, other) if match.start == moved]
                assert [(match.kind, match.end - match.start) for match in found] == [
                    (kind, end - start)
                ], (whole, kind)
