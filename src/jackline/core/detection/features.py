"""What the classifier sees of a text: hashed words, pairs of words and pieces of words.

Case and the amount of white space make no difference. The hash is CRC-32, so that a text has the
same features in every process and on every platform (Python's own hash is salted).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

WORD_BUCKETS = 1 << 16
PIECE_BUCKETS = 1 << 15
BUCKETS = WORD_BUCKETS + PIECE_BUCKETS
LENGTHS = (12, 36, 108)
"""How many words a window may have. The shortest finds a sentence in a page of something else."""

_WORD, _PAIR, _OVER_ONE, _PIECE = 1, 2, 3, 4  # where each kind of feature begins its hash
_CHARACTERS_MAX = 16  # of a word; a longer one is cut, so that a blob without spaces has windows
_PIECE_CHARACTERS = 4
_WIDE_FROM = 0x2E80  # the first of the scripts in which one or two characters are a word


class Features(NamedTuple):
    """The features of a text, in its order. Word `n` has those from `ends[n]` to `ends[n + 1]`."""

    words: Sequence[str]
    buckets: Sequence[int]
    ends: Sequence[int]


class Window(NamedTuple):
    """Neighbouring words: the first, and the one after the last."""

    start: int
    end: int


def _plain_marks() -> Mapping[int, str]:
    """Return what digits, and marks beyond ASCII, are read as: one character for one."""
    spaces = dict.fromkeys([*range(0x2000, 0x2070), *range(0x3000, 0x3020), 0xA0, 0xA1, 0xBF], " ")
    quotes = dict.fromkeys(map(ord, "“”„«»「」『』"), '"') | {0x2018: "'", 0x2019: "'"}
    stops = {ord("…"): ".", ord("。"): "."}
    wide = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # fullwidth forms of ASCII
    digits = dict.fromkeys(map(ord, "123456789"), "0")  # which number it is says nothing
    return spaces | quotes | stops | wide | digits


def _spaced_marks() -> Mapping[int, str]:
    """Return what each mark of ASCII is read as: a word if it can mean something, or space."""
    spaces = {number: " " for number in range(128) if not chr(number).isalnum()}
    return spaces | {ord(mark): f" {mark} " for mark in "<>[]{}#|!?.:\"'"}


_PLAIN, _SPACED = _plain_marks(), _spaced_marks()


def plain(text: str) -> str:
    """Return `text` in lower case and with plain marks, in which its words can be found."""
    return text.lower().translate(_PLAIN)


def words_of(text: str) -> list[str]:
    """Return the words and the marks that can mean something, in lower case, cut where long."""
    found = plain(text).translate(_SPACED).split()
    if max(map(len, found), default=0) <= _CHARACTERS_MAX:
        return found
    return [
        word[at : at + _CHARACTERS_MAX]
        for word in found
        for at in range(0, len(word), _CHARACTERS_MAX)
    ]


def features_of(text: str) -> Features:
    """Return the features of `text`, in time linear in its length."""
    words = words_of(text)
    buckets, ends = list[int](), [0]
    before = after_next = 0
    for word in words:
        code = word.encode("utf-8", "replace")
        buckets += (
            crc32(code, _WORD) % WORD_BUCKETS,
            crc32(code, before) % WORD_BUCKETS,
            crc32(code, after_next) % WORD_BUCKETS,
        )
        after_next, before = crc32(before.to_bytes(4), _OVER_ONE), crc32(code, _PAIR)
        if len(code) >= _PIECE_CHARACTERS:
            buckets += _pieces(word, code)
        ends.append(len(buckets))
    return Features(words, buckets, ends)


def _pieces(word: str, code: bytes) -> list[int]:
    """Return the buckets of what a word is made of."""
    if word.isascii():
        whole = b" %b " % code
        return [
            WORD_BUCKETS + crc32(whole[at : at + _PIECE_CHARACTERS], _PIECE) % PIECE_BUCKETS
            for at in range(len(whole) - _PIECE_CHARACTERS + 1)
        ]
    size = 2 if ord(word[0]) >= _WIDE_FROM else _PIECE_CHARACTERS
    padded = f" {word} "
    return [
        WORD_BUCKETS
        + crc32(padded[at : at + size].encode("utf-8", "replace"), _PIECE) % PIECE_BUCKETS
        for at in range(len(padded) - size + 1)
    ]


def windows_of(count: int) -> list[Window]:
    """Return the windows of a text of so many words, each a quarter of its length further on."""
    found = list[Window]()
    for length in LENGTHS:
        step = length // 4
        starts = range(0, max(count - length + step, 1), step)
        found += [Window(start, min(start + length, count)) for start in starts]
        if count <= length:
            break
    return found
