"""Rows made up from `phrases/`: attacks, alone and inside of what they come in, and benign texts.

A kind is a symbol of the grammar: `attack.leak`, `benign.email`. The same seed gives the same rows.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.detector.grammar import Grammar, expand, read_grammar
from benchmarks.detector.rows import Row

SOURCE = "generated"
PLACED = ", placed"
"""How the kind of an attack ends that stands in the text of a tool."""
_PHRASES = Path(__file__).parent / "phrases"
_ROWS = {
    "attack.override": 500,
    "attack.leak": 400,
    "attack.important": 300,
    "attack.tool_imitation": 300,
    "benign.email": 300,
    "benign.request": 400,
    "benign.prompt": 400,
    "benign.hard_question": 500,
    "benign.hard_security": 250,
}
_ROWS_OF_A_KIND = 250
_ROWS_OF_A_LANGUAGE = 50
_LANGUAGE_LETTERS = 2
CARRIERS = tuple(f"benign.{kind}" for kind in ("email", "ticket", "log", "code", "json", "web"))
"""What an attack is placed in: what a tool returns, and what a user pastes."""
_ALONE = {"attack.override": 0.7, "attack.leak": 0.8, "attack.roleplay": 0.9, "attack.social": 0.7}


def generate(seed: int = 1) -> Sequence[Row]:
    """Return all made-up rows, each text once."""
    grammar = read_grammar(sorted(_PHRASES.glob("*.txt")))
    draw = random.Random(seed)
    found: dict[str, Row] = {}
    for kind in sorted(name for name in grammar if name.startswith(("attack.", "benign."))):
        label = int(kind.startswith("attack."))
        make = _attack if label else _benign
        for _ in range(_count(kind)):
            text, where = make(grammar, kind, draw)
            found.setdefault(text, Row(text, label, SOURCE, kind + where, "own"))
    return list(found.values())


def _count(kind: str) -> int:
    short = len(kind.partition(".")[2]) == _LANGUAGE_LETTERS
    return _ROWS.get(kind, _ROWS_OF_A_LANGUAGE if short else _ROWS_OF_A_KIND)


def _attack(grammar: Grammar, kind: str, draw: random.Random) -> tuple[str, str]:
    """Return an attack, and how its kind ends: alone, or placed in a page."""
    text = expand(grammar, kind, draw)
    text = text[:1].upper() + text[1:]
    if draw.random() < _ALONE.get(kind, 0.35):
        return text, ""
    carrier = _page(grammar, draw)
    cut = draw.choice([0, len(carrier), _space(carrier, draw)])
    before, after = draw.choices(" \n", k=2)
    return f"{carrier[:cut]}{before}{text}{after}{carrier[cut:]}".strip(), PLACED


def _benign(grammar: Grammar, kind: str, draw: random.Random) -> tuple[str, str]:
    text = expand(grammar, kind, draw)
    if kind not in CARRIERS or draw.random() < 0.8:
        return text, ""
    return f"{text}\n\n{_page(grammar, draw)}", ""


def _page(grammar: Grammar, draw: random.Random) -> str:
    """Return one to three texts of tools, below each other."""
    kinds = draw.choices(CARRIERS, k=draw.choice([1, 1, 2, 3]))
    return "\n".join(expand(grammar, kind, draw) for kind in kinds)


def _space(text: str, draw: random.Random) -> int:
    """Return the place of a space in the text."""
    return text.find(" ", draw.randrange(len(text))) + 1
