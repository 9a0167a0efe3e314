"""What a person types becomes a line, however the bytes are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jackline.cli.keyboard import Draft, Key, Keys
from jackline.core.messages import Pasted

TYPED = "hé\x1b[D\x1b[200~one\r\ntwo\x03\x1b[201~\x7f\x1bx\x1b[3~🙂\r".encode()


def keys(*pieces: bytes) -> list[str | Pasted | Key]:
    reader = Keys()
    return [key for piece in pieces for key in reader.feed(piece)]


def line(typed: str) -> Draft:
    draft = Draft()
    for key in keys(typed.encode()):
        draft.take(key)
    return draft


@given(st.lists(st.integers(0, len(TYPED))))
def test_keys_do_not_depend_on_how_the_bytes_are_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TYPED)]
    pieces = [TYPED[a:b] for a, b in pairwise(edges)]
    assert keys(*pieces) == keys(TYPED)


def test_a_paste_is_one_key_with_the_lines_that_it_has() -> None:
    assert keys(b"\x1b[200~a\rb\r\nc\x1b[201~") == [Pasted("a\nb\nc")]
    assert keys(b"\x1b[200~a\r") == []


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_without_an_error(data: bytes) -> None:
    draft = Draft()
    for key in keys(data):
        draft.take(key)
        assert 0 <= draft.at <= len(draft.atoms)


def test_a_line_is_edited_as_terminals_do() -> None:
    assert line("helo\x1b[Dl").shown() == "hello"
    assert line("one two\x17").shown() == "one "
    assert line("one two\x01\x0b").shown() == ""
    assert line("one\x15two").shown() == "two"
    assert line("abc\x01\x1b[3~").shown() == "bc"


def test_a_paste_is_one_piece_of_the_line() -> None:
    draft = line("see \x1b[200~a\nb\x1b[201~ ok")
    assert draft.shown() == "see [pasted: 2 lines, 3 characters] ok"
    assert draft.parts() == ["see ", Pasted("a\nb"), " ok"]
    assert line("see \x1b[200~a\nb\x1b[201~\x7f").parts() == ["see "]
    assert line("\x1b[200~a\x1b[31mb\x1b[201~").shown() == "[pasted: a\\u001b[31mb]"
