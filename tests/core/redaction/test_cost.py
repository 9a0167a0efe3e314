"""G10: what a redactor does grows as the text does. Work is counted, not timed."""

import sys
from types import FrameType

import pytest

from jackline.core.redaction import Redactor, links_allowed, links_stream

HOSTILE = (
    "1 ",
    "1",
    "a@",
    "@",
    "(",
    "((1",
    "1.",
    "1:",
    "::1 ",
    "AB12 ",
    "DE89",
    "eyJ",
    "sk-",
    "password:",
    "token=a1 ",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "://a:",
    "http://u:p@",
    "Bearer ",
    "](",
    "https://",
    "![](",
    "![](a",
    '"/',
    "=&",
    "a" * 70,
    "'\"",
    "пароль: ",
    "4111 1111 ",
    "555-234-5678 ",
    "\ud800",
)


def calls_of(text: str, length: int) -> int:
    """Return how many functions redacting it in pieces calls."""
    count = 0

    def counted(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    streams = [Redactor().stream(), links_stream(bool)]
    sys.setprofile(counted)
    try:
        for stream in streams:
            for at in range(0, len(text), length):
                stream.feed(text[at : at + length])
            stream.finish()
        Redactor().redact(text)
        links_allowed(text, bool)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_text_of_twice_the_length_takes_twice_the_work(piece: str) -> None:
    text = piece * (600 // len(piece))
    few, some, many = (calls_of(text * times, 30) for times in (1, 2, 4))
    assert many - some <= 2.2 * (some - few) + 200, (few, some, many)
