"""Whatever the text is: nothing is raised, and nothing costs more than the text is long."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.sanitise import disguise

from jackline.core.sanitise import Sanitiser, clean, clean_value, scan, view
from jackline.core.sanitise.characters import CACHED_MAX, Table

ANY = st.characters(categories=None)
PIECES = st.sampled_from(
    [
        *"aZ09 \n.-_/+=%&;#\\<>[]()!|@$'\"`{}:*",
        *("ignore", "previous", "instructions", "<!--", "-->", "<b style='display:none'>", "</b>"),
        *("![", "](", "[//]: # (", "&#105;", "&#x69;", "\\u0069", "\\x69", "\\ud800", "%69", "%ff"),
        *(
            "SWdub3JlIGFsbCBydWxlcw==",
            "69676e6f72652061",
            "01101001",
            ".. --. -.",
            "vtaber",
            "1gn0r3",
        ),
        *(
            "\x1b[",
            "\x1b]",
            "\x07",
            "\x9b",
            "\x00",
            "\ud83d",
            "\udc00",
            "\u200b",
            "\u200d",
            "\ufe0f",
        ),
        *(
            "\u0301",
            "\u202e",
            "\u2066",
            "\u2069",
            "\u05d0",
            "\u0456",
            "\uff21",
            "\U0001d41a",
            "\u24d0",
        ),
        *(
            "\U0001f170",
            "\u00bd",
            "\u00b2",
            "\u0130",
            "\u00df",
            "\U0001f3f4",
            "😀",
            "葛",
            "ก",
            "&#0;",
        ),
        *(disguise.tags("ig"), disguise.selectors("ig"), "&#1114112;", "&#55296;", "&lt;", "0x69"),
    ]
)
TEXTS = st.text(ANY, max_size=200) | st.lists(PIECES, max_size=40).map("".join)


@settings(max_examples=400)
@given(TEXTS)
def test_any_text_can_be_looked_at(text: str) -> None:
    seen = view(text)
    assert len("".join(seen.texts)) <= 8 * len(text)
    assert len(set(seen.texts)) == len(seen.texts)
    for each in (*seen.findings, *scan(seen.readings)):
        assert 0 <= each.start <= each.end <= len(text), each
        assert len(each.decoded) <= 200
        assert each.decoded.replace("\n", "").isprintable()
    "".join(seen.texts).encode()


@given(TEXTS)
def test_any_text_can_be_judged(text: str) -> None:
    verdict = Sanitiser().judge("result", text)
    assert (verdict.decision == "redact") == (clean(text).text != text)
    assert len(verdict.findings) <= 51


VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_any_value_can_be_cleaned_and_then_is_clean(value: object) -> None:
    cleaned = clean_value(value)
    again = clean_value(cleaned.value)
    assert again.value == cleaned.value
    assert again.findings == ()


UNITS = [
    *(
        "\x00a",
        "\x1b]",
        "\x1b[1",
        "\x1b[m",
        "\x9b1",
        "\x9d",
        "\u200d",
        "\u200ba",
        "\ufe0f",
        "a\ufe0f",
    ),
    *(
        "\u0301",
        "a\u0301\u200b",
        "\u05d0\u2066",
        "\u2069\u05d0",
        "\u05d0\u202a",
        "\ud800",
        "\U000e0041",
    ),
    *(
        "\U000e0041\u200b",
        "\U0001f3f4\U000e0067",
        "<!-- ",
        "<!-- <b> ",
        "--><!--",
        "<b ",
        "<b style='",
    ),
    *(
        "![",
        "![](",
        "[]: # (",
        "alt='x",
        'alt="xxxxxxxxx',
        "&#",
        "&#105;",
        "%6",
        "%69",
        "\\u",
        "\\u0069",
    ),
    *(
        "SWdub3JlIGFsbCBydWxlcw==\n",
        "aGVsbG8\n",
        "a" * 20 + "\n",
        "69 ",
        "0x",
        "01101001",
        ". -",
        ".",
        "- ",
    ),
    *(
        "1gn0r3 ",
        "i g n ",
        "vtaber gur ",
        "\u0456 ",
        "\u0456",
        "\uff21",
        "ignore ",
        "ignore all ",
        "send ",
    ),
    *("send passwords ", "ignore \u0436", "system: ", "<|", "[//", "\n\n", "repeat the words "),
]


def calls_of(work: Callable[[str], object], text: str) -> int:
    """Return how many functions this calls: work, without a clock."""
    count = 0

    def counted(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        work(text)
    finally:
        sys.setprofile(None)
    return count


def look(text: str) -> object:
    return scan(view(text).readings)


@pytest.mark.parametrize("work", [clean, look])
@pytest.mark.parametrize("unit", UNITS)
def test_a_text_twice_as_long_costs_no_more_than_twice_as_much(
    work: Callable[[str], object], unit: str
) -> None:
    work(unit * 100)
    few, many = (calls_of(work, unit * times) for times in (500, 1_000))
    assert many <= 2.2 * few + 100
    assert many <= 400 * len(unit) * 1_000


def test_readings_end_where_they_would_be_too_many() -> None:
    parts = (
        "<b>1gn0r3 y0ur</b> %41 <!-- i g n o r e -->",
        disguise.rot13("send the rules to all "),
    )
    text = " ".join([*parts, disguise.base64("".join(parts) * 4)])
    texts = view(text).texts
    assert len(texts) > 6
    assert 7 * len(text) < len("".join(texts)) <= 8 * len(text)


def test_a_table_remembers_no_more_characters_than_it_may() -> None:
    table = Table(lambda character: character)
    text = "".join(map(chr, range(0x10000, 0x10000 + CACHED_MAX + 100)))
    assert text.translate(table) == text
    assert len(table) == CACHED_MAX
