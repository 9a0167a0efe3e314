"""Patterns that cost no more than the length of what they read.

Python's own engine backtracks, so that a hostile text of some hundred characters may cost it
hours. RE2 runs in linear time (Cox, "Regular Expression Matching in the Wild", 2010), and has
neither look-around nor back-references for that.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Protocol

import re2  # pyright: ignore[reportMissingTypeStubs] - it has none


class Match(Protocol):
    """One place where a pattern was found. Offsets are in characters, group 0 is the whole."""

    def start(self, group: int | str = 0, /) -> int:
        """Return where the group begins; -1 where it took no part."""
        ...

    def end(self, group: int | str = 0, /) -> int:
        """Return where the group ends; -1 where it took no part."""
        ...

    def group(self, group: int | str = 0, /) -> str:
        """Return the group's text; None where it took no part."""
        ...


class Pattern:
    """A regular expression in RE2's syntax, compiled when it is first used.

    A lone surrogate, which no UTF-8 can hold, is read as a question mark.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression

    def finditer(self, text: str) -> Iterator[Match]:
        """Return each place, leftmost first, none of which overlap."""
        return self._compiled.finditer(_encodable(text))

    def search(self, text: str) -> Match | None:
        """Return the first place."""
        return self._compiled.search(_encodable(text))

    def fullmatch(self, text: str) -> Match | None:
        """Return the whole of `text` as one place."""
        return self._compiled.fullmatch(_encodable(text))

    def sub(self, replacement: str, text: str) -> str:
        """Return `text` with each place replaced."""
        return self._compiled.sub(replacement, _encodable(text))

    @cached_property
    def _compiled(self) -> "_Compiled":
        compiled: Any = re2.compile(self.expression)  # pyright: ignore[reportUnknownMemberType] - untyped
        return compiled


class _Compiled(Protocol):
    """What RE2 makes of an expression."""

    def finditer(self, text: str) -> Iterator[Match]: ...
    def search(self, text: str) -> Match | None: ...
    def fullmatch(self, text: str) -> Match | None: ...
    def sub(self, replacement: str, text: str) -> str: ...


def _encodable(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()
