"""What a person types: bytes of a terminal become keys, and keys a line, pastes told apart."""

import codecs
from dataclasses import dataclass, field
from typing import Literal

from jackline.cli.show import exact
from jackline.core.messages import Pasted

Name = Literal[
    "enter", "leave", "backspace", "delete", "left", "right", "home", "end", "up", "down",
    "kill_left", "kill_right", "kill_word",
]  # fmt: skip
PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
_BEGIN, _END = "\x1b[200~", "\x1b[201~"
_CHIP_MAX = 40

_CONTROLS: dict[str, Name] = {
    "\r": "enter", "\n": "enter", "\x04": "leave", "\x7f": "backspace", "\x08": "backspace",
    "\x01": "home", "\x05": "end", "\x02": "left", "\x06": "right", "\x10": "up", "\x0e": "down",
    "\x15": "kill_left", "\x0b": "kill_right", "\x17": "kill_word",
}  # fmt: skip
_SEQUENCES: dict[str, Name] = {
    "A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end",
    "1~": "home", "7~": "home", "4~": "end", "8~": "end", "3~": "delete",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is no character."""

    name: Name


class Keys:
    """Reads keys from bytes, however these are cut. A paste is one key: all of it, or not yet."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str | Pasted | Key]:
        """Return the keys that are complete now."""
        self._rest += self._decoder.decode(data)
        keys: list[str | Pasted | Key] = []
        while self._rest:
            length, key = _first(self._rest)
            if not length:
                break
            self._rest = self._rest[length:]
            if key is not None:
                keys.append(key)
        return keys


def _first(text: str) -> tuple[int, str | Pasted | Key | None]:
    """Return the first key and its length. 0: it is not complete. None: it means nothing here."""
    if text[0] != "\x1b":
        name = _CONTROLS.get(text[0])
        if name:
            return 1, Key(name)
        return 1, text[0] if text[0].isprintable() or text[0] == "\u200d" else None
    if text.startswith(_BEGIN):
        end = text.find(_END)
        if end < 0:
            return 0, None
        pasted = text[len(_BEGIN) : end].replace("\r\n", "\n").replace("\r", "\n")
        return end + len(_END), Pasted(pasted) if pasted else None
    return _sequence(text)


def _sequence(text: str) -> tuple[int, Key | None]:
    if len(text) == 1:
        return 0, None
    if text[1] not in "[O":
        return 2, None
    for at in range(2, len(text)):
        if "@" <= text[at] <= "~":
            name = _SEQUENCES.get(text[2 : at + 1])
            return at + 1, Key(name) if name else None
    return 0, None


@dataclass(slots=True)
class Draft:
    """A line that is being written: characters and pastes, and where the next one goes."""

    atoms: list[str | Pasted] = field(default_factory=list[str | Pasted])
    at: int = 0

    @classmethod
    def of(cls, text: str) -> "Draft":
        """Return a draft of this text, to be changed."""
        return cls(list(text), len(text))

    def take(self, key: str | Pasted | Key) -> None:
        """Change the line as the key says."""
        if isinstance(key, Key):
            self._edit(key.name)
        else:
            self.atoms.insert(self.at, key)
            self.at += 1

    def _edit(self, name: Name) -> None:
        at, end = self.at, len(self.atoms)
        starts = {"left": max(0, at - 1), "home": 0, "right": min(end, at + 1), "end": end}
        removed = {
            "backspace": (max(0, at - 1), at),
            "delete": (at, at + 1),
            "kill_left": (0, at),
            "kill_right": (at, end),
            "kill_word": (self._word(), at),
        }
        if name in starts:
            self.at = starts[name]
        elif name in removed:
            first, last = removed[name]
            del self.atoms[first:last]
            self.at = first

    def _word(self) -> int:
        """Return where the word before the cursor begins."""
        at = self.at
        while at and self.atoms[at - 1] == " ":
            at -= 1
        while at and self.atoms[at - 1] != " ":
            at -= 1
        return at

    def shown(self, end: int | None = None) -> str:
        """Return what a terminal shows of it, up to an atom."""
        return "".join(map(_shown, self.atoms[:end]))

    def parts(self) -> list[str | Pasted]:
        """Return typed text and pastes, in their order."""
        parts: list[str | Pasted] = []
        for atom in self.atoms:
            if isinstance(atom, str) and parts and isinstance(parts[-1], str):
                parts[-1] += atom
            else:
                parts.append(atom)
        return parts


def _shown(atom: str | Pasted) -> str:
    if isinstance(atom, str):
        return atom
    lines = atom.text.count("\n") + 1
    if lines > 1 or len(atom.text) > _CHIP_MAX:
        return f"[pasted: {lines} lines, {len(atom.text):,} characters]"
    return f"[pasted: {exact(atom.text)}]"
