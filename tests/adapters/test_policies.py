"""Policies that name what is not installed."""

import sys
from pathlib import Path

import pytest

from jackline.adapters.policies import read_policy
from jackline.core.errors import DefinitionError


def test_without_the_extra_a_policy_in_cedar_is_refused_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "roles.cedar").write_text("permit(principal, action, resource);")
    path = tmp_path / "policy.toml"
    path.write_text('cedar = "roles.cedar"')
    monkeypatch.setitem(sys.modules, "cedarpy", None)
    with pytest.raises(DefinitionError, match=r"pip install 'jackline\[cedar\]'"):
        read_policy(path)
