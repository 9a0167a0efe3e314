"""What happened, told outside of the journal: synced line by line, so that no death loses any."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from jackline.core.value import Value

What = Literal["commit", "call", "asked", "acknowledged", "returned", "waits", "error"]
Side = Literal["", "before", "during", "after"]


class Entry(Value, frozen=True):
    """Something that a process did. `life` counts the processes of a run, from 1.

    Where it has a `point` the process may die there: `after commit claim`. In each run of a
    scenario the same thing has the same point.

    - `commit`: `name` is the kind and what is written, `keys` the calls that it gave a result.
    - `call`: a tool is invoked; `name` is the key of the call.
    - `asked`: a model is asked; `name` is the key, `text` why no provider would take that.
    - `acknowledged`: an input was; `name` is its request id.
    - `returned`: as the process started, the journal had results of the calls `keys`.
    - `waits`: nothing can happen for `name` seconds.
    - `error`: the process found something wrong, `text`.
    """

    life: int
    what: What
    name: str = ""
    side: Side = ""
    text: str = ""
    keys: tuple[str, ...] = ()
    point: str = ""


_DECODER = msgspec.json.Decoder(Entry)


class Log:
    """A file that only grows. What was written is on the disk when `write` returns."""

    def __init__(self, path: Path, life: int) -> None:
        self.life = life
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, entry: Entry) -> None:
        """Add an entry. From any thread."""
        os.write(self._file, msgspec.json.encode(entry) + b"\n")
        os.fsync(self._file)


def entries(path: Path) -> Sequence[Entry]:
    """Return what was written, oldest first."""
    if not path.exists():
        return []
    return [_DECODER.decode(line) for line in path.read_bytes().splitlines()]
