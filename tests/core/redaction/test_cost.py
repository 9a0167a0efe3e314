"""G10: what a redactor does grows as the text does. Work is counted, not timed."""

import sys
from collections.abc import Sequence
from types import FrameType

import pytest

from jackline.core.redaction import Redactor, Stream, links_allowed, links_stream
from jackline.core.redaction.policy import Redacted
from jackline.core.redaction.sight import Match, Sight
from jackline.core.redaction.stream import STEP

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
    "ping=",
    "ping='/a ",
    "content=0;",
    "content='&#48; ",
    "srcdoc=",
    "='https:\n",
    '="h\n',
    '("http: ',
    "=&quot;https: ",
    "](    ",
    "](\u2003",
    "image-set(",
    "image-set('",
    "&quot;",
    "&#40;/",
    "&a",
    "\\a ",
    '"\\',
    "(a\\",
    "*/'",
    "https://a\u3002'",
    "пароль: ",
    "4111 1111 ",
    "4111%20",
    "4&nbsp;",
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


class Undecided:
    """Takes whatever comes for the beginning of something, and never finds it."""

    reach, hold_back = 8, 100

    def __init__(self) -> None:
        self.looks = 0

    def matches(self, seen: Sight, at: int, upto: int) -> Sequence[Match]:
        del seen, at, upto
        self.looks += 1
        return ()

    def open(self, seen: Sight) -> int:
        return max(0, len(seen.plain) - self.hold_back)


def test_what_may_always_go_on_is_looked_through_in_steps_and_not_for_every_letter() -> None:
    search = Undecided()
    stream, text = Stream(search, Redacted), "a" * (10 * STEP + search.hold_back)
    out = ""
    for letter in text:
        out += stream.feed(letter)
        assert stream.held < search.hold_back + STEP
    assert search.looks == 10
    assert out + stream.finish() == text


def test_links_within_a_link_are_not_read_again() -> None:
    """What is dear is the reading of a URL that some thousand others begin in."""
    nested = '"' + "![](" * 480 + '" '
    assert calls_of(nested, 3000) < 100_000
