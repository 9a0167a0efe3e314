"""Cedar decides about calls, where operators want it to: it can only refuse."""

from pathlib import Path
from typing import Any

import pytest
from tests.core.permit.rules import agent, rights, ruled

from jackline.adapters.cedar import Cedar
from jackline.adapters.policies import read_policy
from jackline.core.errors import DefinitionError, InputError
from jackline.core.permit.rules import Request

pytest.importorskip("cedarpy", reason="the extra cedar is not installed")

ALL = "permit(principal, action, resource);\n"
DEAR = """
@id("dear-refunds")
forbid(principal, action == Action::"refund", resource)
when { context.cents > 1000 } unless { principal in Role::"lead" };
"""


def asked(tool: str = "refund", arguments: Any = None, **changes: Any) -> Request:
    fields: dict[str, Any] = {
        "user": "ann",
        "roles": frozenset({"support"}),
        "tenant": "acme",
        "agent": "support",
        "tool": tool,
        "arguments": {"cents": 5_000} if arguments is None else arguments,
        **changes,
    }
    return Request(**fields)


def test_a_call_that_is_permitted_and_not_forbidden_is_not_refused() -> None:
    cedar = Cedar(ALL + DEAR)
    assert cedar.refuses(asked(arguments={"cents": 1_000})) == ""
    assert cedar.refuses(asked("look", {})) == ""
    assert cedar.refuses(asked(roles=frozenset({"lead", "x"}))) == ""


def test_a_call_that_is_forbidden_is_refused_by_the_name_of_the_policy() -> None:
    assert Cedar(ALL + DEAR).refuses(asked()) == "dear-refunds"
    assert Cedar(ALL + "forbid(principal, action, resource);").refuses(asked()) == "policy1"


def test_what_nothing_permits_is_refused() -> None:
    only = 'permit(principal, action == Action::"look", resource);'
    assert Cedar(only).refuses(asked()) == "nothing permits it"
    assert Cedar(only).refuses(asked("look", {})) == ""


@pytest.mark.parametrize(
    ("condition", "refused"),
    [
        ('principal == User::"acme/ann"', True),
        ('principal == User::"globex/ann"', False),
        ('principal in Tenant::"acme"', True),
        ('principal in Tenant::"globex"', False),
        ('principal in Role::"support"', True),
        ('principal in Role::"lead"', False),
        ('principal.tenant == "acme" && principal.id == "ann"', True),
        ('principal.roles.contains("support")', True),
        ('resource == Agent::"support"', True),
        ('resource == Agent::"billing"', False),
        ('action == Action::"refund"', True),
    ],
)
def test_policies_speak_of_users_roles_tenants_agents_and_tools(
    condition: str, *, refused: bool
) -> None:
    cedar = Cedar(f"{ALL}forbid(principal, action, resource) when {{ {condition} }};")
    assert bool(cedar.refuses(asked())) is refused


@pytest.mark.parametrize(
    ("arguments", "condition", "refused"),
    [
        ({"x": 1.5}, 'context.x.greaterThan(decimal("1.4"))', True),
        ({"x": 1.5}, 'context.x.greaterThan(decimal("1.6"))', False),
        ({"x": None}, "context has x", False),
        ({"x": [1, None, 2]}, "context.x.contains(2)", True),
        ({"x": {"y": {"z": "deep"}}}, 'context.x.y.z == "deep"', True),
        ({"x": True}, "context.x", True),
        ({"x": 'a"b\n::'}, 'context.x like "a*::"', True),
    ],
)
def test_arguments_are_the_context(
    arguments: dict[str, Any], condition: str, *, refused: bool
) -> None:
    cedar = Cedar(f"{ALL}forbid(principal, action, resource) when {{ {condition} }};")
    assert bool(cedar.refuses(asked(arguments=arguments))) is refused


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"cents": "many"},
        {"cents": 1.00001},
        {"cents": 1e300},
        {"cents": 1 << 70},
        {"cents": {"__entity": {"type": "User", "id": "x"}}},
        {"cents": 1, "x": [{"__extn": {"fn": "decimal", "arg": "1.0"}}]},
    ],
    ids=str,
)
def test_what_cannot_be_evaluated_is_not_permitted(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Cedar"):
        Cedar(ALL + DEAR).refuses(asked(arguments=arguments))


def test_a_number_that_cedar_has_not_is_no_hindrance_where_nobody_asks_for_it() -> None:
    arguments = {"cents": 1, "latitude": 52.5200066, "id": 1 << 80}
    assert Cedar(ALL + DEAR).refuses(asked(arguments=arguments)) == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("permit(", "no Cedar policies: unexpected end of input"),
        ("permit(principal, action, resource) when { context.x > };", "no Cedar policies"),
        ("", "There is no Cedar policy, so every call would be refused"),
        ("permit(principal == ?principal, action, resource);", "There is no Cedar policy"),
    ],
)
def test_a_text_that_is_no_policy_is_refused_at_the_start(text: str, told: str) -> None:
    with pytest.raises(DefinitionError, match="Cedar") as raised:
        Cedar(text)
    assert told in str(raised.value)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    (tmp_path / "roles.cedar").write_text(ALL + DEAR)
    path = tmp_path / "policy.toml"
    path.write_text('cedar = "roles.cedar"\n[[rule]]\ntool = "send"\ndeny = true\n')
    return path


def test_a_policy_names_its_cedar_file_beside_it(policy: Path) -> None:
    rules = read_policy(policy)
    dear = '{"cents":5000,"order":"7"}'
    refused = ruled(rights(agent(), "support", rules=rules), "refund", dear)
    assert (refused.decision, refused.code) == ("refuse", "policy")
    assert rules.authority is not None
    assert refused.by == (f"cedar/{rules.authority.digest}/dear-refunds",)
    assert "lead" not in refused.text
    asks = ruled(rights(agent(), "lead", rules=rules), "refund", dear)
    assert asks.decision == "ask", "Cedar permits, and lets nothing pass that the tool asks about"
    cheap = ruled(rights(agent(), rules=rules), "refund")
    assert cheap.rules == ("tool.allow", "tool.approve", f"cedar/{rules.authority.digest}")
    assert ruled(rights(agent(), rules=rules), "send").code == "policy"


def test_a_cedar_file_that_is_wrong_or_absent_is_told_with_its_name(policy: Path) -> None:
    file = policy.parent / "roles.cedar"
    file.write_text("permit(")
    with pytest.raises(DefinitionError, match=r"roles\.cedar: These are no Cedar policies"):
        read_policy(policy)
    file.unlink()
    with pytest.raises(DefinitionError, match=r"roles\.cedar' cannot be read"):
        read_policy(policy)
