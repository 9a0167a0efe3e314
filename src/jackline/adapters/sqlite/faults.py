"""What SQLite's errors mean for whoever runs jackline: one sentence each, that says what to do."""

import sqlite3
from pathlib import Path

from jackline.core.errors import StoreError

_PRIMARY = 0xFF  # The rest of a code says more than anybody could act upon.
_SENTENCES = {
    sqlite3.SQLITE_FULL: "The disk that holds {path} is full, or the file has reached its limit: "
    "make room. Nothing was lost.",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: let this user write the file and its "
    "folder.",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged: stop all that use it, keep a copy, and restore a "
    "backup.",
    sqlite3.SQLITE_NOTADB: "{path} is not a SQLite database: name another file.",
    sqlite3.SQLITE_BUSY: "{path} was locked by another process for too long: see which one has "
    "it open.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: its folder has to exist, and this user "
    "has to be allowed to write there.",
    sqlite3.SQLITE_IOERR: "Reading or writing {path} failed ({name}): check the disk.",
}


def store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return what to tell the operator, in one sentence."""
    sentence = _SENTENCES.get(code(error), "{path} cannot be used: {error}.")
    name = getattr(error, "sqlite_errorname", "")
    return StoreError(sentence.format(path=path, name=name, error=error))


def code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 where the error is the module's own."""
    full: int = getattr(error, "sqlite_errorcode", 0)
    return full & _PRIMARY
