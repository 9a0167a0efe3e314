import collections
import datetime as dt
import enum
import itertools
from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from jackline.core.events import Usage
from jackline.core.messages import File, Image, Text
from jackline.core.results import (
    WHOLE_BYTES,
    boundary,
    explained,
    kept,
    shortened,
    shown,
)

PICTURE = Image("a1", "image/png")


class Line(BaseModel):
    item: str
    at: dt.date


@dataclass
class Receipt:
    id: int
    lines: list[Line]


class Size(enum.StrEnum):
    SMALL = "small"


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def text_of(value: object) -> str:
    result = shown(value, 65_536)
    assert not result.problem
    return "".join(part.text for part in result.parts if isinstance(part, Text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (None, "Done."),
        (True, "true"),
        (7, "7"),
        (Size.SMALL, "small"),
        ({"b": 1, "a": [None, "ü"]}, '{"b":1,"a":[null,"ü"]}'),
        (
            Receipt(1, [Line(item="x", at=dt.date(2024, 2, 3))]),
            '{"id":1,"lines":[{"item":"x","at":"2024-02-03"}]}',
        ),
        ([Usage(3, 4)], '[{"input":3,"output":4}]'),
        (Decimal("0.1"), '"0.1"'),
        ([], "[]"),
        (
            {"where": Path("/x"), "n": collections.deque([1])},
            '{"where":"/x","n":[1]}',
        ),
        ((1, 2), "[1,2]"),
        ("half \ud800 a pair", "half ? a pair"),
        (["half \ud800 a pair", {"b\udc00": 1}], '["half ? a pair",{"b?":1}]'),
    ],
)
def test_a_model_reads_text_as_it_is_and_all_else_as_compact_json(value: object, text: str) -> None:
    assert text_of(value) == text


def test_pictures_files_and_texts_stay_what_they_are() -> None:
    file = File("a2", "text/csv")
    assert shown(PICTURE, 1024).parts == (PICTURE,)
    assert shown([Text("see"), PICTURE, file], 1024).parts == (Text("see"), PICTURE, file)
    assert shown([Text("\ud800"), PICTURE], 1024).parts == (Text("?"), PICTURE)


def circle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def endless() -> Generator[int]:
    yield from itertools.count()


async def forgotten() -> None:
    """Nobody awaits this."""


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"abc", "bytes"),
        (bytearray(3), "bytearray"),
        (object(), "object"),
        ({"x": object()}, "object"),
        ([itertools.count()], "count"),
        (endless(), "generator"),
        (forgotten(), "coroutine"),
        (itertools.count(), "count"),
    ],
)
def test_what_is_neither_text_nor_json_is_a_problem_that_names_its_type(
    value: object, name: str
) -> None:
    result = shown(value, 1024)
    assert result.problem == f"it is of type {name}, which is neither text nor JSON"
    assert result.parts == ()


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


@pytest.mark.parametrize("value", [circle(), nested(5_000), {"a": nested(5_000)}])
def test_what_is_nested_too_deeply_is_a_problem_of_its_own(value: object) -> None:
    assert shown(value, 1024).problem == "it is nested too deeply, or contains itself"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.integers(1, 60))
def test_a_head_is_a_prefix_of_whole_characters(text: str, limit: int) -> None:
    result = shown(text, limit)
    (part,) = result.parts
    assert isinstance(part, Text)
    assert text.startswith(part.text)
    if len(text.encode()) <= limit:
        assert (part.text, result.whole) == (text, b"")
    else:
        assert limit - 3 <= len(part.text.encode()) <= limit
        assert result.whole == text.encode()


def test_a_cut_result_says_how_to_read_on() -> None:
    result = shown([PICTURE, Text("ü" * 1000)], 1025)
    how = 'read_result(handle="h1", offset=1024) shows more'
    assert kept(result, "h1") == (
        Text("ü" * 512 + f"\n[The first 1,024 of 2,000 bytes; {how}.]"),
        PICTURE,
    )
    (first, _) = kept(result, "")
    assert isinstance(first, Text)
    assert first.text.endswith("[The first 1,024 of 2,000 bytes; the rest could not be kept.]")


LARGE = ["x" * (WHOLE_BYTES + 1), "ü" * (WHOLE_BYTES // 2 + 1), ["x" * WHOLE_BYTES]]


@pytest.mark.parametrize("value", LARGE, ids=["text", "characters", "json"])
def test_more_than_16_mib_is_a_problem(value: object) -> None:
    told = "it has more than the 16,777,216 bytes that are kept"
    assert shown(value, 1024).problem == told, "its size would be the words of who wrote it"


def test_an_error_is_explained_in_bounded_words() -> None:
    assert explained(ValueError("no")) == "ValueError: no"
    assert explained(KeyError()) == "KeyError."
    assert explained(MuteError()) == "MuteError."
    assert len(explained(ValueError("x" * 10_000))) == 2000
    assert shortened("a\ud800") == "a?"


def test_a_boundary_of_what_is_no_utf8_is_where_one_asked() -> None:
    assert boundary(b"\x80" * 10, 7) == 7
    assert boundary("aü".encode(), 2) == 1
    assert boundary(b"abc", 9) == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [None, -float("inf")]}])
def test_what_is_no_number_in_json_is_a_problem_and_not_null(value: object) -> None:
    problem = "there is NaN or infinity in it, which is no JSON"
    assert shown(value, 1_000).problem == problem
    assert shown({"a": None}, 1_000).parts == (Text('{"a":null}'),)
