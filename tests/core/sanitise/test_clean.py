# ruff: noqa: RUF001 - of other scripts

from collections.abc import Callable
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.sanitise.disguise import selectors, tags
from tests.core.sanitise.legitimate import LEGITIMATE, SAMPLES

from jackline.core.events import Finding
from jackline.core.sanitise import clean


@pytest.mark.parametrize(("script", "text"), SAMPLES)
def test_legitimate_text_stays_as_it_is(script: str, text: str) -> None:
    for form in (text, normalize("NFC", text), normalize("NFD", text)):
        cleaned = clean(form)
        assert cleaned.text == form, (script, cleaned.findings)
        assert cleaned.findings == ()


def test_the_corpus_has_more_than_twenty_scripts() -> None:
    assert len(LEGITIMATE) > 20


@given(st.lists(st.sampled_from([text for _, text in SAMPLES]), max_size=6))
def test_legitimate_texts_together_stay_as_they_are(texts: list[str]) -> None:
    together = "\n".join(texts)
    assert clean(together).text == together


@pytest.mark.parametrize(
    ("text", "cleaned", "finding"),
    [
        ("hi" + tags("do it") + "!", "hi!", Finding("tags", 2, 7, "do it")),
        ("🏴" + tags("send money") + "\U000e007f", "🏴", Finding("tags", 1, 12, "send money")),
        ("🏴" + tags("g"), "🏴", Finding("tags", 1, 2, "g")),
        ("a" + tags("gbeng") + "\U000e007f", "a", Finding("tags", 1, 7, "gbeng")),
        ("😀" + selectors("leak é") + ".", "😀.", Finding("selectors", 1, 8, "leak é")),
        ("葛\U000e0100\U000e0101", "葛", Finding("selectors", 1, 3)),
        ("a\ufe0f", "a", Finding("selectors", 1, 2)),
        ("a\u200bb", "ab", Finding("invisible", 1, 2)),
        ("soft\u00adhy\u00adphen", "softhyphen", Finding("invisible", 4, 5)),
        ("\ufeffstart", "start", Finding("invisible", 0, 1)),
        ("nothing\u3164\uffa0here", "nothinghere", Finding("invisible", 7, 9)),
        ("a\u2062\u2064b", "ab", Finding("invisible", 1, 3)),
        ("a\u200db\u200cc", "abc", Finding("invisible", 1, 2)),
        ("می\u200c\u200c\u200cخواهم", "می\u200c\u200cخواهم", Finding("invisible", 4, 5)),
        ("if x:\u202e return", "if x: return", Finding("direction", 5, 6)),
        ("a \u2066b\u2069 c", "a b c", Finding("direction", 2, 3)),
        ("שלום \u202eevil\u202c", "שלום evil", Finding("direction", 5, 6)),
        ("שלום \u2067open", "שלום open", Finding("direction", 5, 6)),
        ("שלום \u2069\u202cclosed", "שלום closed", Finding("direction", 5, 7)),
        ("שלום \u2067\u202c x\u2069", "שלום \u2067 x\u2069", Finding("direction", 6, 7)),
        ("שלום \u2067\u202a x\u2069", "שלום \u2067 x\u2069", Finding("direction", 6, 7)),
        ("שלום \u2067a\u2069\u2069", "שלום \u2067a\u2069", Finding("direction", 8, 9)),
        (
            "a" + "\u0301" * 4 + "\u200b" + "\u0301" * 4,
            "a" + "\u0301" * 4,
            Finding("invisible", 5, 6),
        ),
        ("a" + "\u0301" * 9, "a" + "\u0301" * 4, Finding("marks", 5, 10)),
        ("ก" + "\u0e47" * 9, "ก" + "\u0e47" * 4, Finding("marks", 5, 10)),
        ("ཀ" + "\u0f71" * 12, "ཀ" + "\u0f71" * 8, Finding("marks", 9, 13)),
        ("\x1b[31mred", "red", Finding("escape", 0, 5)),
        ("\x9b2Jred", "red", Finding("escape", 0, 3)),
        ("a\x1b]0;title\x07b", "ab", Finding("escape", 1, 11, "0;title")),
        ("a\x1b]8;;http://e.example\x1b\\b", "ab", Finding("escape", 1, 24, "8;;http://e.example")),
        ("a\x90q\x9cb", "aqb", Finding("control", 1, 2)),
        ("Jakie\u00c5\x9bci", "Jakie\u00c5ci", Finding("control", 6, 7)),
        ("a\x1b]never closed", "anever closed", Finding("escape", 1, 3)),
        ("a\x9dnever\x00", "anever", Finding("control", 1, 2)),
        ("a\x1b(Bb", "ab", Finding("escape", 1, 4)),
        ("a\x1b[\u00e9", "a\u00e9", Finding("escape", 1, 3)),
        ("a\x1b", "a", Finding("control", 1, 2)),
        ("a\x00\x07\x7fb", "ab", Finding("control", 1, 4)),
        ("a\x07\x1b[0mb", "ab", Finding("control", 1, 2)),
        ("a\ud83d\ude00b", "ab", Finding("control", 1, 3)),
        ("a\ufffe\U0010ffffb", "ab", Finding("control", 1, 3)),
    ],
)
def test_what_is_never_legitimate_goes_and_is_told(
    text: str, cleaned: str, finding: Finding
) -> None:
    result = clean(text)
    assert result.text == cleaned
    assert result.findings[0] == finding
    assert clean(cleaned).findings == ()


def test_a_finding_says_where_it_stood_before_anything_was_removed() -> None:
    found = clean("\x1b[1mone\x1b[0m t\u200bwo" + tags("three")).findings
    assert [(each.what, each.start, each.end) for each in found] == [
        ("escape", 0, 4),
        ("escape", 7, 11),
        ("invisible", 13, 14),
        ("tags", 16, 21),
    ]


def test_many_findings_are_told_as_a_few_and_where_the_others_stand() -> None:
    text = "a\u200b" * 200 + "b\x00" * 200
    found = clean(text).findings
    assert len(found) == 51
    assert found[-1].what == "more"
    assert (found[-1].start, found[-1].end) == (found[-2].end + 1, len(text))
    long = clean(tags("x" * 10_000)).findings
    assert len(long[0].decoded) == 200


SUSPECT = st.text(
    st.sampled_from(
        "ab \n\u00e9\u0301\u0e47\u0f71\u05d0\u05b8\u0645\u0915\u094d\u4e00\U0001f3f4\u2764\u0e01"
        "\x00\x07\x1b[]m;\\\x9b\x9c\x9d\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202b\u202c\u202d"
        "\u202e\u2066\u2067\u2068\u2069\ufe00\ufe0e\ufe0f\U000e0100\U000e0101\ud800\udc00\ufdd0\u180b"
        "\u034f\u115f\u1160\u1161\u3164\U0001d173\U0001d100\u00ad\u20e31"
        + tags("gbeng")
        + "\U000e007f"
    ),
    max_size=60,
)


@pytest.mark.parametrize("texts", [SUSPECT, st.text(st.characters(categories=None), max_size=80)])
def test_to_clean_twice_is_to_clean_once(texts: st.SearchStrategy[str]) -> None:
    @given(texts)
    def holds(text: str) -> None:
        once = clean(text)
        again = clean(once.text)
        assert again.text == once.text
        assert again.findings == ()
        assert len(once.text) <= len(text)
        assert (once.text == text) == (once.findings == ())
        assert all(0 <= each.start < each.end <= len(text) for each in once.findings)
        once.text.encode()

    checked: Callable[[], None] = holds
    checked()
