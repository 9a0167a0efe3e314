"""The demo's folder: made anew by each run, and nothing else is touched."""

import fcntl
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jackline.core.errors import InputError, StoreError

_LOCK = ".jackline-demo"
_OWN = (_LOCK, "naive", "shop", "workers.log", "naive.jsonl", "payments.jsonl")
_JOURNAL = "jackline.db"


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a run of the demo leaves what it did."""

    path: Path

    @property
    def journal(self) -> Path:
        """The database with all that happened in the second and third act."""
        return self.path / _JOURNAL

    @property
    def store(self) -> str:
        """The journal as commands name it."""
        return f"sqlite:///{self.journal}"

    @property
    def shop(self) -> Path:
        """The shop that works with jackline."""
        return self.path / "shop"

    @property
    def naive(self) -> Path:
        """The shop that works with the naive loop."""
        return self.path / "naive"

    @property
    def log(self) -> Path:
        """What processes complained of."""
        return self.path / "workers.log"


@contextmanager
def demo_folder(path: Path) -> Generator[Folder]:
    """Give an empty folder of the demo's; what an earlier run left there is deleted.

    Raises `InputError` where there are other files in it, or another demo runs there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        names = {each.name for each in path.iterdir()}
        if others := sorted(name for name in names if not _is_own(name)):
            raise InputError(
                f"{path} holds {others[0]!r}, which is not the demo's: name a new --folder."
            )
        with (path / _LOCK).open("a") as lock:
            _take(lock.fileno(), path)
            for name in names - {_LOCK}:
                _delete(path / name)
            yield Folder(path)
    except OSError as error:
        raise StoreError(f"The demo cannot use {path}: {error.strerror}.") from error


def _is_own(name: str) -> bool:
    return name in _OWN or name.startswith(_JOURNAL)


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"Another demo runs in {path}: name another --folder.") from None


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
