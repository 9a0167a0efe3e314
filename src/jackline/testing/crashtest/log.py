"""What happened, told outside of the journal: synced line by line, so that no death loses any."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from jackline.core.value import Value

What = Literal[
    "commit", "call", "asked", "acknowledged", "returned", "waits", "error", "struck", "fenced"
]
Side = Literal["", "before", "during", "after"]


class Entry(Value, frozen=True):
    """Something that a process did. `life` counts the processes of a run, from 1.

    Where it has a `point` the process may die there: `after commit claim`. In each run of a
    scenario the same thing has the same point.

    - `commit`: `name` is the kind and what is written, `keys` the calls that it gave a result.
      What a driver has written has its `epoch`, and `at`, the database's time.
    - `call`: a tool is invoked; `name` is the key of the call.
    - `asked`: a model is asked; `name` is the key, `text` why no provider would take that.
    - `acknowledged`: an input was; `name` is its request id.
    - `returned`: as the process began to drive, the journal had results of the calls `keys`.
    - `waits`: nothing can happen for `name` seconds.
    - `error`: the process found something wrong, `text`.
    - `struck`: it ends or is stopped here: of those who say so of one number, `name`, the first.
      `pid` is its own where it is stopped until somebody else drives.
    - `fenced`: the store has refused `name`, as somebody else drives.
    """

    life: int
    what: What
    name: str = ""
    side: Side = ""
    text: str = ""
    keys: tuple[str, ...] = ()
    point: str = ""
    epoch: int = 0
    at: float = 0.0
    pid: int = 0


_DECODER = msgspec.json.Decoder(Entry)


class Log:
    """A file that only grows. What was written is on the disk when `write` returns.

    Any number of processes write to it, and all of them read the same order.
    """

    def __init__(self, path: Path, life: int) -> None:
        self.life = life
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        self._read_bytes = 0

    def write(self, entry: Entry) -> None:
        """Add an entry. From any thread."""
        os.write(self._file, msgspec.json.encode(entry) + b"\n")
        os.fsync(self._file)

    def news(self) -> Sequence[Entry]:
        """Return what was written since this was last asked, by anybody. From one thread."""
        size = os.fstat(self._file).st_size
        data = os.pread(self._file, size - self._read_bytes, self._read_bytes)
        whole = data[: data.rfind(b"\n") + 1]  # Of a line that is being written there is less.
        self._read_bytes += len(whole)
        return [_DECODER.decode(line) for line in whole.splitlines()]


def entries(path: Path) -> Sequence[Entry]:
    """Return what was written, oldest first."""
    if not path.exists():
        return []
    return [_DECODER.decode(line) for line in path.read_bytes().splitlines()]
