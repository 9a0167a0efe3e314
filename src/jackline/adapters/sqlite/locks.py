"""Whose turn it is to write: processes that share a file take turns, group by group."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from jackline.core.errors import StoreError

Pause = Callable[[float], object]

_PAUSE_S = 0.001


class Turns:
    """A lock on a file that excludes other processes, and lets each have its turn.

    SQLite has locks of its own. This one is held for every write and every checkpoint, too, as
    libraries before 3.51.3 may lose a write when another process resets the log (see
    https://sqlite.org/wal.html, "The WAL-reset bug"). Whoever waits holds the gate meanwhile, so
    that a process with much to write cannot overtake it again and again.
    """

    def __init__(self, path: Path, pause: Pause, timeout_s: float) -> None:
        self._path = path
        self._pause = pause
        self._timeout_s = timeout_s
        self._gate = _open(path.with_name(f"{path.name}-gate"))
        self._lock = _open(path.with_name(f"{path.name}-lock"))

    def __enter__(self) -> None:
        """Hold the lock. Raises `StoreError` where others keep it for too long."""
        left_s = self._wait(self._gate, self._timeout_s)
        try:
            self._wait(self._lock, left_s)
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _wait(self, handle: int, left_s: float) -> float:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if left_s <= 0:
                    raise StoreError(
                        f"{self._path} was locked by another process for {self._timeout_s:g} s: "
                        "see which one has it open."
                    ) from None
                self._pause(_PAUSE_S)
                left_s -= _PAUSE_S
            else:
                return left_s

    def close(self) -> None:
        """Let the files go."""
        os.close(self._gate)
        os.close(self._lock)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}): the database's folder has to exist, and "
            "this user has to be allowed to write there."
        ) from error
