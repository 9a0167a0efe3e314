"""What users and tenants may spend in a day, from the command line, wherever it is kept."""

import json
from pathlib import Path

import pytest
from tests.cli.terminal import jackline

SHOP = """
from jackline import Agent, Budget
from jackline.core.budget import Price, Terms
from jackline.core.events import Usage
from jackline.testing import ScriptedModel

model = ScriptedModel(
    ["Hello."], terms=Terms("metered", Price("1.00", "10.00")), usage=Usage(100, 400)
)
support = Agent(
    "support", model, max_tokens=512,
    budget=Budget(user_usd_per_day="0.006", tenant_usd_per_day="0.02"),
)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.verify)])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    url = "sqlite:///jackline.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "jackline.toml").write_text(f'app = "shop:support"\nstore = "{url}"\n')
    return tmp_path


def run(folder: Path, session: str, user: str = "ann") -> str:
    """Return how a turn ended."""
    done = jackline(folder, "run", "hi", "--session", session, "--user", user, "--json")
    told = json.loads(done.stdout.splitlines()[-1])
    return f"{told['type']} {told.get('code', '')}".strip()


def test_a_day_s_limit_stops_its_user_and_no_other_until_somebody_lifts_it(folder: Path) -> None:
    assert run(folder, "s1") == "turn.completed"
    assert run(folder, "s2") == "turn.stopped budget"
    assert run(folder, "s3", "bob") == "turn.completed"
    told = json.loads(jackline(folder, "budget", "--json").stdout)["accounts"]
    assert [(each["name"].rpartition("/")[0], each["spent"], each["limit"]) for each in told] == [
        ("tenant", 8_200, 20_000),
        ("user/ann", 4_100, 6_000),
        ("user/bob", 4_100, 6_000),
    ]
    ann = told[1]["name"]
    raised = jackline(folder, "raise", "--account", ann, "--limit", "usd=1")
    assert "lower keep it" in raised.stdout
    assert run(folder, "s4") == "turn.stopped budget", "the agent's own limit is lower"
    lifted = jackline(folder, "raise", "--account", ann, "--limit", "usd=none")
    assert "any amount" in lifted.stdout
    assert run(folder, "s5") == "turn.completed"


@pytest.mark.verify
def test_what_turns_used_is_told_by_user_agent_and_day(folder: Path) -> None:
    for session, user in (("s1", "ann"), ("s2", "bob")):
        assert run(folder, session, user) == "turn.completed"

    def sums(by: str, user: str = "eve") -> dict[str, tuple[int, int]]:
        who = ("--user", user, "--role", "viewer") if user == "eve" else ("--user", user)
        told = json.loads(jackline(folder, "budget", "--by", by, "--json", *who).stdout)
        return {each["key"]: (each["turns"], each["cost"]) for each in told["sums"]}

    assert sums("user") == {"ann": (1, 4_100), "bob": (1, 4_100)}
    assert sums("user", "ann") == {"ann": (1, 4_100)}
    assert sums("agent") == {"support": (2, 8_200)}
    assert sum(turns for turns, _ in sums("day").values()) == 2
    assert "$0.0041" in jackline(folder, "budget", "--by", "user", "--user", "ann").stdout
