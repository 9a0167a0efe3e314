"""What the docs say of policies can be copied."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from jackline.adapters.cedar import Cedar
from jackline.adapters.policies import read_policy
from jackline.core.permit.reading import read

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs/policy.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)[number]


def test_the_policy_of_the_docs_says_all_that_can_be_said() -> None:
    said = read(block("toml", 1))
    assert said.problems == []
    assert said.cedar == "roles.cedar"
    assert [rule.name for rule in said.rules] == [
        "trainees-ask",
        "desk",
        "money",
        "outside",
        "cheap",
    ]
    used = {
        name
        for rule in said.rules
        for name in rule.__struct_fields__
        if getattr(rule, name) != getattr(type(rule)("x"), name)
    }
    assert used == set(said.rules[0].__struct_fields__)


@pytest.mark.skipif(not find_spec("cedarpy"), reason="the extra cedar is not installed")
def test_the_cedar_policies_of_the_docs_are_some() -> None:
    assert Cedar(block("cedar")).digest


def test_the_policy_of_the_examples_holds() -> None:
    assert len(read_policy(ROOT / "examples/policy.toml").rules) == 2
