"""A path that a model names stays below the folder."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jackline import DefinitionError, ToolError
from jackline.tools.files import Entry, Folder, files


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "outside.txt").write_text("secret")
    root = tmp_path / "root"
    (root / "notes").mkdir(parents=True)
    (root / "notes" / "today.txt").write_text("hi")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (root / "up").symlink_to(tmp_path)
    return Folder(root)


OUTSIDE = [
    "../outside.txt",
    "notes/../../outside.txt",
    "/etc/passwd",
    "link.txt",
    "up/outside.txt",
    "notes/..",
    "..",
    "",
    ".",
    "notes\\..\\..\\outside.txt",
    "outside.txt\0",
    "\udcff",
    "a/" * 100,
    "n" * 300,
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_is_read_or_written(folder: Folder, path: str) -> None:
    with pytest.raises(ToolError):
        folder.read(path)
    with pytest.raises(ToolError):
        folder.write(path, b"mine")
    if path not in {"", "."}:
        with pytest.raises(ToolError):
            folder.list(path)
    assert (folder.root.parent / "outside.txt").read_text() == "secret"


def test_what_is_inside_is_read_listed_and_written_whole(folder: Folder) -> None:
    assert folder.read("./notes//today.txt") == b"hi"
    folder.write("notes/new.txt", b"mine")
    folder.write("notes/today.txt", b"changed")
    listed = [Entry("new.txt", is_folder=False, size_bytes=4)]
    assert folder.list("notes") == [*listed, Entry("today.txt", is_folder=False, size_bytes=7)]
    assert [entry.name for entry in folder.list()] == ["notes"], "links are none of ours"


def test_a_name_that_is_no_text_hides_no_other(folder: Folder) -> None:
    Path(os.fsdecode(os.fsencode(folder.root) + b"/not-\xe9.txt")).write_text("x")
    assert [entry.name for entry in folder.list()] == ["not-\ufffd.txt", "notes"]


def test_what_could_not_be_written_leaves_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(ToolError):
        folder.write("notes/new.txt", b"x")
    assert [entry.name for entry in folder.list("notes")] == ["today.txt"]


def test_what_stands_under_a_new_file_s_name_is_left_alone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever guessed the name has put a link there that leads outside."""

    def guessed(_: int) -> str:
        return "guessed"

    monkeypatch.setattr("jackline.tools.files.token_hex", guessed)
    Path(folder.root, ".guessed.new").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(ToolError):
        folder.write("new.txt", b"x")
    assert (tmp_path / "outside.txt").read_text() == "secret"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444])
def test_what_is_replaced_is_read_by_nobody_else(folder: Folder, mode: int) -> None:
    path = folder.root / "notes" / "today.txt"
    path.chmod(mode)
    folder.write("notes/today.txt", b"changed")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"changed", mode)


def test_what_runs_with_its_owner_s_rights_does_not_once_it_is_replaced(folder: Folder) -> None:
    path = folder.root / "notes" / "today.txt"
    path.chmod(0o4755)
    folder.write("notes/today.txt", b"changed")
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


def test_nobody_else_reads_what_is_being_written(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.root / "notes" / "today.txt").chmod(0o600)
    seen = list[int]()

    def sync(file: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(file).st_mode))

    monkeypatch.setattr(os, "fsync", sync)
    folder.write("notes/today.txt", b"changed")
    assert seen == [0o600]


def test_a_group_that_cannot_be_kept_reads_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.root / "notes" / "today.txt"
    path.chmod(0o664)
    there = os.stat

    def elsewhere(*args: Any, **options: Any) -> Any:
        found = there(*args, **options)
        return SimpleNamespace(st_mode=found.st_mode, st_uid=found.st_uid, st_gid=found.st_gid + 1)

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "stat", elsewhere)
    monkeypatch.setattr(os, "fchown", refused)
    folder.write("notes/today.txt", b"changed")
    monkeypatch.undo()
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_a_new_file_is_as_the_umask_says(folder: Folder, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        folder.write("notes/new.txt", b"mine")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder.root / "notes" / "new.txt").stat().st_mode) == mode


def test_what_is_no_file_is_not_read(folder: Folder) -> None:
    os.mkfifo(folder.root / "pipe")
    for path in ("notes", "pipe"):
        with pytest.raises(ToolError):
            folder.read(path)
        with pytest.raises(ToolError):
            folder.write(path, b"")
    with pytest.raises(ToolError, match=r"There is no absent\.txt"):
        folder.read("absent.txt")
    with pytest.raises(ToolError):
        folder.list("notes/today.txt")


def test_what_is_too_large_is_refused(folder: Folder) -> None:
    with pytest.raises(ToolError, match="more than 1 bytes"):
        folder.read("notes/today.txt", limit_bytes=1)
    with pytest.raises(ToolError, match="of a file"):
        folder.write("large.txt", bytes((16 << 20) + 1))
    for number in range(1001):
        (folder.root / f"{number}.txt").touch()
    with pytest.raises(ToolError, match="more than 1000 entries"):
        folder.list()


def test_a_folder_that_was_swapped_for_a_link_leads_nowhere(folder: Folder) -> None:
    (folder.root / "notes").rename(folder.root / "old")
    (folder.root / "notes").symlink_to(folder.root.parent)
    with pytest.raises(ToolError):
        folder.read("notes/outside.txt")


def test_the_tools_say_what_they_do(folder: Folder) -> None:
    assert [made.name for made in files(folder.root)] == ["list_files", "read_file"]
    effects = {made.name: made.effect for made in files(folder.root, writes=True)}
    assert effects["write_file"] == "idempotent"
    with pytest.raises(DefinitionError, match="is no folder"):
        files(folder.root / "absent")
