"""Files for tools whose paths come from a model: nothing outside of one folder is reached.

Each part of a path is opened by itself, below the one before, and none may be a link: so it does
not matter what somebody puts in its place meanwhile (CWE-22, CWE-59, CWE-367).
"""

import os
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from jackline.core.errors import DefinitionError, ToolError
from jackline.core.flow import From
from jackline.core.tools import Tool, tool
from jackline.core.value import Value

_READ_BYTES = 1 << 20
_WRITE_BYTES = 16 << 20
_ENTRIES_MAX = 1_000
_PARTS_MAX = 64
_NAME_BYTES = 255
_PERMISSIONS = 0o777  # What a model has written runs with nobody else's rights.
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Entry(Value, frozen=True):
    """What stands in a folder. Of a folder the size says nothing."""

    name: str
    is_folder: bool
    size_bytes: int


class Folder:
    """One folder and what is below it. All of its methods block, and raise `ToolError`."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).resolve()
        if not self.root.is_dir():
            raise DefinitionError(f"{root} is no folder: name one that is there.")

    def read(self, path: str, limit_bytes: int = _READ_BYTES) -> bytes:
        """Return a file's content. One that is larger than `limit_bytes` is refused."""
        with self._parent(path) as (parent, name), _told(path):
            file = os.open(
                name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent
            )
            with os.fdopen(file, "rb") as opened:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise ToolError(f"{path} is no file.")
                data = opened.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise ToolError(f"{path} has more than {limit_bytes} bytes.")
        return data

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place of what is there, whole or not at all. Its folder has to exist.

        Nobody may read, write or run it who could not before; of a new one the umask decides.
        """
        if len(data) > _WRITE_BYTES:
            raise ToolError(f"{len(data)} bytes are more than the {_WRITE_BYTES} of a file.")
        with self._parent(path) as (parent, name), _told(path):
            old = None
            with suppress(FileNotFoundError):
                old = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if not stat.S_ISREG(old.st_mode):
                    raise ToolError(f"{path} is no file.")
            new = f".{token_hex(8)}.new"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(new, flags, 0o600 if old else 0o666, dir_fd=parent)
            try:
                with os.fdopen(file, "wb") as opened:
                    if old:
                        _own_like(file, old)
                    opened.write(data)
                    opened.flush()
                    os.fsync(file)
                os.rename(new, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                with suppress(OSError):
                    os.unlink(new, dir_fd=parent)
                raise

    def list(self, path: str = "") -> Sequence[Entry]:
        """Return what stands in a folder, links left out, by name; at most a thousand.

        What of a name is no UTF-8 is U+FFFD.
        """
        with self._opened(_parts(path) if path else []) as folder, _told(path):
            found = list[Entry]()
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        continue
                    if len(found) == _ENTRIES_MAX:
                        raise ToolError(
                            f"{path or 'The folder'} has more than {_ENTRIES_MAX} entries."
                        )
                    size = entry.stat(follow_symlinks=False).st_size
                    name = os.fsencode(entry.name).decode("utf-8", "replace")
                    found.append(Entry(name, entry.is_dir(follow_symlinks=False), size))
        return sorted(found, key=lambda entry: entry.name)

    @contextmanager
    def _parent(self, path: str) -> Generator[tuple[int, str]]:
        """Open the folder that the path is in."""
        *parts, name = _parts(path)
        with self._opened(parts) as parent:
            yield parent, name

    @contextmanager
    def _opened(self, parts: Sequence[str]) -> Generator[int]:
        folder = os.open(self.root, _DIRECTORY)
        try:
            for part in parts:
                with _told("/".join(parts)):
                    below = os.open(part, _DIRECTORY, dir_fd=folder)
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)


def _own_like(file: int, old: os.stat_result) -> None:
    """Give a file, which is its owner's alone yet, to those who have had the old one."""
    with suppress(PermissionError):
        os.fchown(file, old.st_uid, old.st_gid)
    mode = stat.S_IMODE(old.st_mode) & _PERMISSIONS
    is_theirs = os.fstat(file).st_gid == old.st_gid
    os.fchmod(file, mode if is_theirs else mode & ~stat.S_IRWXG)


@contextmanager
def _told(path: str) -> Generator[None]:
    """Say to the model what an error of the file system means."""
    try:
        yield
    except FileNotFoundError:
        raise ToolError(f"There is no {path}.") from None
    except OSError as error:
        raise ToolError(f"{path} cannot be used: {error.strerror or error}.") from error


def _parts(path: str) -> list[str]:
    """Return the parts of a path below the folder. Raises `ToolError` where it may lead out."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or "\\" in path or "\0" in path or not parts:
        raise ToolError(f"{path!r} is no path below the folder: write it as in notes/today.txt.")
    try:
        longest = max(len(part.encode()) for part in parts)
    except UnicodeEncodeError:
        raise ToolError(f"{path!r} is no path: it is no Unicode.") from None
    if len(parts) > _PARTS_MAX or longest > _NAME_BYTES:
        raise ToolError("The path is too long.")
    return parts


def files(root: str | Path, *, writes: bool = False) -> list[Tool]:
    """Return tools that list and read text files below `root`, and write them where `writes`."""
    folder = Folder(root)

    @tool(effect="read")
    def list_files(folder_path: str = "") -> Sequence[Entry]:
        """List a folder.

        Args:
            folder_path: Which one; empty is the topmost.
        """
        return folder.list(folder_path)

    @tool(effect="read")
    def read_file(path: str) -> str:
        """Read a text file.

        Args:
            path: Where it is, as in notes/today.txt.
        """
        try:
            return folder.read(path).decode()
        except UnicodeDecodeError:
            raise ToolError(f"{path} is no text.") from None

    # Whoever reads a file again reads what anybody may have written: its text decides nothing.
    @tool(effect="idempotent", critical={"path": From("user")})
    def write_file(path: str, text: str) -> None:
        """Write a text file, in place of what is there.

        Args:
            path: Where it is to be, as in notes/today.txt. Its folder has to exist.
            text: What is to be in it.
        """
        folder.write(path, text.encode("utf-8", "replace"))

    return [list_files, read_file, write_file] if writes else [list_files, read_file]
