"""No password is shown with a store's URL."""

import pytest

from jackline.adapters.urls import is_postgres, without_secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///jackline.db", "sqlite:///jackline.db"),
        ("postgresql://ann@db:5432/jackline", "postgresql://ann@db:5432/jackline"),
        ("postgresql://ann:pw@db:5432/jackline", "postgresql://ann:…@db:5432/jackline"),
        ("postgresql://ann:p:w@db/j", "postgresql://ann:…@db/j"),
        ("postgresql://db/j?user=ann&password=pw&x=1", "postgresql://db/j?user=ann&password=…&x=1"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def test_both_names_of_its_scheme_are_postgres() -> None:
    assert is_postgres("postgresql://db/j")
    assert is_postgres("postgres://db/j")
    assert not is_postgres("sqlite:///postgres.db")
