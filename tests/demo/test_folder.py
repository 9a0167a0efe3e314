"""The demo makes its folder anew, and touches nothing that is not its own."""

from pathlib import Path

import pytest

from jackline.core.errors import InputError, StoreError
from jackline.demo.folder import demo_folder


def test_what_an_earlier_run_left_is_gone(tmp_path: Path) -> None:
    with demo_folder(tmp_path / "demo") as folder:
        folder.shop.mkdir()
        folder.journal.write_text("old")
        (folder.shop / "sent.jsonl").write_text("old")
    with demo_folder(tmp_path / "demo") as folder:
        assert not folder.journal.exists()
        assert not folder.shop.exists()


def test_a_folder_with_somebody_elses_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds 'thesis\\.txt'"), demo_folder(tmp_path):
        raise AssertionError("it was given")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["shop", "thesis.txt"]


def test_a_folder_in_which_a_demo_runs_is_refused(tmp_path: Path) -> None:
    with demo_folder(tmp_path / "demo") as folder:
        folder.journal.write_text("live")
        with pytest.raises(InputError, match="Another demo runs"), demo_folder(folder.path):
            raise AssertionError("it was given")
        assert folder.journal.read_text() == "live"


def test_what_cannot_be_a_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")
    with pytest.raises(StoreError, match="cannot use"), demo_folder(tmp_path / "demo"):
        raise AssertionError("it was given")


def test_a_link_to_elsewhere_is_removed_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("mine")
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "shop").symlink_to(elsewhere)
    with demo_folder(tmp_path / "demo") as folder:
        assert not folder.shop.exists()
    assert (elsewhere / "kept").read_text() == "mine"
