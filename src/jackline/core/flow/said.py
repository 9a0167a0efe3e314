"""What a user has said in one text, as the names of those who stand in a directory are said.

A name of several words names wherever it stands, letters' case aside. One of a single word may be
any word of a request (`bill`, `will`, `all`), so that it names only where it is said as a name:
behind `@`, alone in quotes, or in the very case that it has, if that is a name's: with a capital
that no sentence begins with, or in a script without case.
"""

import re
from collections.abc import Iterable
from itertools import accumulate

from jackline.core.flow.alignment import Quotes, occurrences
from jackline.core.flow.effort import Effort
from jackline.core.flow.forms import plain
from jackline.core.value import Value

_BEFORE_CHARS = 8
# What stands before a word that no sentence begins with: another word, or a list that goes on.
_GOES_ON = re.compile(r"(?:[^\W\d_]|[,;&\u3001\uff0c]) ?\Z")
_MARKS = "*_~"
_NEXT = re.compile(r" (?!I\b)([^\W\d_])")
_LAST = re.compile(r"([^\W\d_][\w'\u2019-]*)(\.?) \Z")
_LAST_CHARS = 40
_TITLE = re.compile(
    r"(?i:dr|frau|herr|madame?|miss|mme|monsieur|m[rsx]|mrs|prof(?:essor)?|se\xf1ora?|signora?|sir|sra?)"
)
# Scripts in which a family's name and a given one may have no space between them. Korean has one
# between words, so that what stands on its two sides in a sentence is no name.
_HAN = "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SOLID = rf"[{_HAN}\uac00-\ud7af]"
_GAP = re.compile(rf"(?<=[{_HAN}]) (?=[{_HAN}])")
_GAP_OF_NAME = re.compile(rf"(?<={_SOLID}) (?={_SOLID})")


def without_gaps(name: str) -> str:
    """Return a name without the spaces that may be left out of it."""
    return name if name.isascii() else _GAP_OF_NAME.sub("", name)


class Spelling(Value, frozen=True):
    """A name in one of the ways to say it: `written` as it is, and `text` without case."""

    text: str
    written: str

    @property
    def is_word(self) -> bool:
        """Whether it may be a word of any sentence."""
        return " " not in self.text and self.text[:1] != "@"

    @property
    def is_capitalised(self) -> bool:
        """Whether it has a capital where its script has case."""
        return self.written[0].isalpha() and self.written[0] == self.written[0].title()


class Said:
    """A text that a user typed, which is read once."""

    def __init__(self, text: str) -> None:
        lines = [_GAP.sub("", bare) for line in text.splitlines() if (bare := plain(line))]
        self._text = " ".join(lines)
        self._folded = self._text.casefold()
        self._quotes = Quotes(self._folded)
        self._starts = frozenset(accumulate((len(each) + 1 for each in lines), initial=0))
        # Some letters are several without case, as `ß` is `ss`.
        self._places = [at for at, sign in enumerate(self._text) for _ in sign.casefold()]

    def names(self, name: Spelling, effort: Effort, longer: Iterable[str] = ()) -> bool:
        """Whether a name is said here, and not only as a part of these longer ones."""
        rest = self._folded
        for each in longer:
            if effort.find(each, rest) >= 0:
                rest = rest.replace(each, "x" * len(each))
        found = occurrences(name.text, rest, self._quotes, effort)
        return any(
            not self._is_part(name, start) and (not name.is_word or self._is_meant(name, start))
            for start in found
        )

    def _is_part(self, name: Spelling, start: int) -> bool:
        """Whether a capital beside a name says that it is one of more words than these.

        Who read the shorter one alone is no reason to take it for the whole: a model chooses whom
        it looks up.
        """
        if name.text[:1] == "@":
            return False
        first, last = self._places[start], self._places[start + len(name.text) - 1] + 1
        after = _NEXT.match(self._text, last)
        if after and after.group(1).isupper() and after.start(1) not in self._starts:
            return True
        before = self._text[max(0, first - _LAST_CHARS) : first]
        word = None if first in self._starts else _LAST.search(before)
        if word is None or not word.group(1)[0].isupper():
            return False
        if _TITLE.fullmatch(word.group(1)):
            return name.is_word
        at = first - len(before) + word.start()
        return not word.group(2) and at not in self._starts and self._goes_on(at)

    def _is_meant(self, name: Spelling, start: int) -> bool:
        """Whether a word is said as a name there."""
        end = start + len(name.text)
        if self._quotes.hold(start, end):
            return True
        first, last = self._places[start], self._places[end - 1] + 1
        if self._text[first:last] != name.written or not name.is_capitalised:
            return False
        return not name.written[0].istitle() or self._goes_on(first)

    def _goes_on(self, first: int) -> bool:
        """Whether a word goes on with a sentence, as far as that is certain."""
        before = self._text[max(0, first - _BEFORE_CHARS) : first]
        bare = before.rstrip(_MARKS)
        begins = first - len(before) + len(bare) in self._starts
        return not begins and bool(_GOES_ON.search(bare))
