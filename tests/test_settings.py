"""Settings: who says what wins, and who said it."""

import os
from pathlib import Path

import pytest

from jackline.core.errors import DefinitionError, InputError
from jackline.opening import Surroundings
from jackline.settings import read_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("JACKLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_word_everything_has_a_default() -> None:
    read = read_settings()
    assert read.settings.store == "sqlite:///jackline.db"
    assert set(read.origins.values()) == {"default"}
    assert read.settings.identity.id == "local"


def test_a_lease_is_as_long_on_the_command_line_as_in_a_program() -> None:
    assert read_settings().settings.lease_s == Surroundings().lease_s == 4


def test_an_option_wins_over_the_environment_and_that_over_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "jackline.toml").write_text('user = "file"\ntenant = "file"\nstore = "memory://"\n')
    monkeypatch.setenv("JACKLINE_USER", "variable")
    monkeypatch.setenv("JACKLINE_TENANT", "variable")
    read = read_settings({"user": "option", "tenant": None})
    assert (read.settings.user, read.origins["user"]) == ("option", "an option")
    assert (read.settings.tenant, read.origins["tenant"]) == ("variable", "JACKLINE_TENANT")
    assert (read.settings.store, read.origins["store"]) == ("memory://", "jackline.toml")


def test_roles_are_a_list_in_the_file_and_names_with_commas_in_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "jackline.toml").write_text('roles = ["a", "b"]\n')
    assert read_settings().settings.identity.roles == {"a", "b"}
    monkeypatch.setenv("JACKLINE_ROLES", "support, approver")
    assert read_settings().settings.roles == ("support", "approver")


def test_a_variable_that_is_empty_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKLINE_STORE", "")
    read = read_settings()
    assert read.origins["store"] == "default"


def test_variables_that_nobody_asked_for_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKLINE_STOER", "x")
    assert read_settings().strange == ("JACKLINE_STOER",)


def test_a_user_that_can_be_nobody_is_refused() -> None:
    settings = read_settings({"user": "a/b"}).settings
    with pytest.raises(InputError, match="names nobody"):
        assert settings.identity


def test_a_table_says_which_roles_include_which(folder: Path) -> None:
    (folder / "jackline.toml").write_text(
        'approve_own = true\n[access]\nsupport = ["user", "approver"]\n'
    )
    settings = read_settings().settings
    assert settings.access == {"support": ("user", "approver")}
    assert settings.approve_own
    (folder / "jackline.toml").write_text('[access]\nsupport = ["aprover"]\n')
    with pytest.raises(DefinitionError, match="'aprover', which is no role: did you mean 'appr"):
        read_settings()


def test_nobody_approves_what_they_asked_for_themselves_unless_it_is_said() -> None:
    assert not read_settings().settings.approve_own
