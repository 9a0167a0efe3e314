r"""A grammar of texts: symbols with alternatives, from which a seed makes a text.

    @greeting
    (Hello|Hi) {name},

A line that begins with @ names a symbol, the lines below it are its alternatives. `{symbol}` is
replaced by one of its alternatives, `(one|other)` by one of the two, and `\n` is a new line. A
line that begins with # is a remark.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Grammar = Mapping[str, Sequence[str]]

_SYMBOL = re.compile(r"\{([a-z_.0-9]+)\}")
_CHOICE = re.compile(r"\(([^()|]*(?:\|[^()|]*)+)\)")


def read_grammar(paths: Iterable[Path]) -> Grammar:
    """Return the symbols of all these files. Raises `ValueError` where one is unknown."""
    found: dict[str, list[str]] = {}
    symbol = ""
    for path in paths:
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.startswith("@"):
                symbol = line[1:].strip()
                found.setdefault(symbol, [])
            elif line.strip() and not line.startswith("#"):
                found[symbol].append(line)
    named = {name for lines in found.values() for line in lines for name in _SYMBOL.findall(line)}
    if unknown := sorted(named - set(found)):
        raise ValueError(f"the grammar names symbols that it does not have: {', '.join(unknown)}")
    return found


def expand(grammar: Grammar, symbol: str, draw: random.Random) -> str:
    """Return one of the texts that `symbol` stands for."""
    text = draw.choice(grammar[symbol])
    while match := _SYMBOL.search(text):
        part = expand(grammar, match[1], draw)
        text = text[: match.start()] + part + text[match.end() :]
    while match := _CHOICE.search(text):
        text = text[: match.start()] + draw.choice(match[1].split("|")) + text[match.end() :]
    return text.replace("\\n", "\n")
