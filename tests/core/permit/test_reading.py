"""How operators write their rules, and each thing that may be wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackline.core.permit.reading import BYTES_MAX, read
from jackline.core.permit.rules import Rule

WHOLE = """
cedar = "roles.cedar"

[[rule]]
name = "trainees"
agent = ["support", "bill*"]
tool = "refund*"
tenant = "acme"
role = ["trainee", "temp*"]
deny = "The desk   does that."
approve = true
require_roles = "lead"
outbound = true
critical = { to = "user", order = "system" }

[[rule]]
limits = { tool_calls = 5, driven_s = 1.5 }
budget = { usd = "0.10", session_usd = 1, tenant_usd_per_day = 2.5 }
forbid_models = ["openai:*"]
"""


def test_all_that_can_be_said_is_read() -> None:
    said = read(WHOLE)
    assert said.problems == []
    assert said.cedar == "roles.cedar"
    first, second = said.rules
    assert first == Rule(
        "trainees",
        agents=("support", "bill*"),
        tools=("refund*",),
        tenants=("acme",),
        roles=("trainee", "temp*"),
        deny="The desk does that.",
        approve="",
        require_roles=frozenset({"lead"}),
        outbound=True,
        critical={"to": "user", "order": "system"},
    )
    assert second == Rule(
        "rule-2",
        limits={"tool_calls": 5, "driven_s": 1.5},
        budget={"usd": 100_000, "session_usd": 1_000_000, "tenant_usd_per_day": 2_500_000},
        forbid_models=("openai:*",),
    )


def test_an_empty_policy_says_nothing_and_has_a_digest_of_its_own() -> None:
    assert (read("").rules, read("").problems) == ([], [])
    assert len({read("").digest, read("# ").digest, read(WHOLE).digest}) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rule = [", "It is no TOML"),
        ("a" * (BYTES_MAX + 1), "more than 1,048,576 characters"),
        ("a = " + "[" * 100_000, "It is no TOML"),
        ("x = 1", "'x' is unknown: there are rule and cedar."),
        ("rules = 1", "'rules' is unknown: did you mean 'rule'?"),
        ("allow = 1", "'allow' would loosen. A policy only tightens: leave it out"),
        ("cedar = 1", "cedar wants the name of a file"),
        ('cedar = " "', "cedar wants the name of a file"),
        ("rule = 1", "rule wants tables: write [[rule]] above each, with two brackets"),
        ("[rule]\ndeny = true", "with two brackets"),
        ("rule = [1]", "rule wants tables: write [[rule]] above each."),
    ],
)
def test_what_is_no_policy_is_said_in_a_sentence(text: str, told: str) -> None:
    said = read(text)
    assert not said.rules
    assert told in said.problems[0]
    assert len(said.problems) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "Rule 'rule-1' asks for nothing: say deny, approve, require_roles"),
        ('tool = "x"', "asks for nothing"),
        ("name = 1\ndeny = true", "Rule 1 has the name 1: write at most 64"),
        ('name = ""\ndeny = true', "has the name ''"),
        ('name = "a/b"\ndeny = true', "has the name 'a/b'"),
        (f'name = "{"a" * 65}"\ndeny = true', "has the name 'aaa"),
        ("denny = true", "says 'denny', which is unknown: did you mean 'deny'?"),
        ("quux = true", "which is unknown: there are name, agent, tool, tenant, role, deny"),
        ("allow = true", "Rule 'rule-1' says 'allow'. A policy only tightens"),
        ('endorse = "x"', "says 'endorse'. A policy only tightens"),
        (
            "deny = false",
            "it is false. A policy only tightens: leave it out. What loosens is said in the code.",
        ),
        ('critical = { to = "untrusted" }', 'the code, here by endorse("reason")'),
        ("deny = 1", "deny: 1 is neither true nor a sentence"),
        ('deny = " "', "deny: ' ' is neither true nor a sentence"),
        (f'deny = "{"a" * 501}"', "is neither true nor a sentence"),
        ("approve = false", "approve: it is false. A policy only tightens"),
        ("outbound = false", "outbound: it is false. A policy only tightens"),
        ('outbound = "yes"', "outbound: 'yes' is not true"),
        ("require_roles = []", "require_roles: [] names nothing"),
        ('require_roles = ["a", ""]', "names nothing: write a name, or a list of names"),
        ('deny = true\nagent = ""', "agent: [''] names nothing"),
        ("deny = true\ntool = 1", "tool: 1 names nothing"),
        ("deny = true\ntool = [1]", "tool: [1] names nothing"),
        ("deny = true\ntenant = []", "tenant: [] names nothing"),
        ("deny = true\nrole = {}", "role: {} names nothing"),
        ("critical = {}", "critical: it wants a level for each argument"),
        ('critical = "to"', "critical: it wants a level for each argument"),
        ('critical = { to = "untrusted" }', "to may come from anywhere then. A policy only"),
        ('critical = { to = "users" }', "to = 'users' is no origin: say one of system, directory"),
        ("critical = { to = [] }", "to = [] is no origin"),
        ("limits = 5", "limits: it wants numbers"),
        ("limits = { calls = 5 }", "limits: 'calls' is no limit: did you mean 'tool_calls'?"),
        ("limits = { tool_calls = 0 }", "tool_calls = 0 is no limit: give a finite number above 0"),
        ("limits = { tool_calls = 1.5 }", "tool_calls = 1.5 is no limit"),
        ("limits = { tool_calls = true }", "tool_calls = True is no limit"),
        ("limits = { tool_calls = 'none' }", "tool_calls = 'none' is no limit"),
        ("limits = { driven_s = inf }", "driven_s = inf is no limit"),
        ("limits = { driven_s = nan }", "driven_s = nan is no limit"),
        ("budget = { eur = 1 }", "budget: 'eur' is no budget: there are usd"),
        ("budget = { usd = 0 }", "usd=0 lets nothing run"),
        ("budget = { usd = 'much' }", "'much' is no amount of dollars"),
        ("budget = { usd = true }", "usd = True is no amount of dollars"),
        ("budget = { usd = inf }", "inf is no amount of dollars"),
        ("forbid_models = true", "forbid_models: True names nothing"),
        (
            'tool = "x"\nlimits = { tool_calls = 1 }',
            "sets limits for a tool, and those are of whole",
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_said_in_a_sentence(body: str, told: str) -> None:
    said = read(f"[[rule]]\n{body}\n")
    assert not said.rules
    assert told in said.problems[0]
    assert len(said.problems) == 1


def test_two_rules_of_one_name_would_be_mixed_in_the_journal() -> None:
    said = read('[[rule]]\nname = "a"\ndeny = true\n' * 3)
    assert said.problems == ["Two rules are named 'a': rename one, or the journal mixes them."]


def test_all_that_is_wrong_is_told_at_once() -> None:
    said = read("x = 1\n[[rule]]\ndeny = false\nallow = 1\n[[rule]]\ndenny = true\n")
    assert len(said.problems) == 4


@given(
    st.text()
    | st.sampled_from(["[[rule]]\n", WHOLE]).flatmap(
        lambda whole: st.text().map(lambda text: whole + text)
    )
)
def test_any_text_is_read_or_has_something_wrong_with_it(text: str) -> None:
    said = read(text)
    assert said.problems or all(isinstance(rule, Rule) for rule in said.rules)
