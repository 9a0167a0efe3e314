"""How many transactions are committed to a SQLite file, whoever writes it.

They are counted in the write-ahead log (https://www.sqlite.org/fileformat2.html, section 4),
so no driver has to be asked. A reader holds its snapshot meanwhile: it keeps the log from being
reset, and costs the writers something. So commits are counted apart from time.
"""

import sqlite3
import struct
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct(">8xI4x8s8x")
_FRAME = struct.Struct(">4xI8s8x")


class NotCountableError(Exception):
    """The file has no write-ahead log to count commits in."""


class _Log(NamedTuple):
    salt: bytes
    commits: int


async def commits(database: Path, work: Callable[[], Awaitable[None]]) -> int:
    """Return how many transactions that changed something `work` commits to `database`.

    The file exists already. Raises `NotCountableError` if it is not in WAL mode.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        (mode,) = reader.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            raise NotCountableError(f"the journal mode is {mode}, not wal")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        before = _read(database)
        await work()
        after = _read(database)
    # A snapshot taken while the log was wholly checkpointed lets the next writer start it anew.
    return after.commits - (before.commits if before.salt == after.salt else 0)


def _read(database: Path) -> _Log:
    """Return the generation of the log of `database` and the commits in it."""
    log = database.with_name(f"{database.name}-wal").read_bytes()
    if len(log) < _HEADER.size:
        return _Log(b"", 0)
    page_bytes, salt = _HEADER.unpack_from(log)
    count = 0
    for at in range(_HEADER.size, len(log), _FRAME.size + page_bytes):
        pages_after_commit, frame_salt = _FRAME.unpack_from(log, at)
        if frame_salt != salt:
            break
        count += pages_after_commit > 0
    return _Log(salt, count)
