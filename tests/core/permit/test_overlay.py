"""What becomes of an agent under the rules of operators."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.permit.rules import (
    OVERLAYS,
    ROLES,
    TENANTS,
    TOOLS,
    agent,
    look,
    overlay,
    refund,
    send,
)

from jackline.core.agent import Agent, Budget, Limits
from jackline.core.budget import Price, Terms
from jackline.core.errors import DefinitionError
from jackline.core.flow import Declared, From, endorse, flow_of, suffices
from jackline.core.permit.overlay import Overlay, tightened_flow
from jackline.core.permit.rules import Rule
from jackline.core.tools import tool as made_of

NOBODY = frozenset[str]()


def tightened(text: str, who: Agent | None = None, tenant: str = "acme", *roles: str) -> Agent:
    return overlay(text).tightened(who or agent(), tenant, frozenset(roles))


def test_without_rules_the_agent_is_the_agent_itself() -> None:
    who = agent()
    assert Overlay().tightened(who, "acme", NOBODY) is who


def test_an_agent_is_bound_once_for_each_tenant_and_set_of_roles() -> None:
    rules, who = overlay("[[rule]]\nlimits = { tool_calls = 1 }"), agent()
    made = rules.tightened(who, "acme", NOBODY)
    assert rules.tightened(who, "acme", NOBODY) is made
    assert rules.tightened(who, "globex", NOBODY) is not made
    assert rules.tightened(who, "acme", frozenset({"lead"})) is not made
    assert rules.tightened(agent(), "acme", NOBODY) is not made, "another agent of that name"


def test_what_is_remembered_of_tenants_has_a_bound() -> None:
    rules, who = overlay("[[rule]]\nlimits = { tool_calls = 1 }"), agent()
    first = rules.tightened(who, "0", NOBODY)
    for number in range(1, 1_024):
        rules.tightened(who, str(number), NOBODY)
    assert rules.tightened(who, "0", NOBODY) is first
    rules.tightened(who, "one more", NOBODY)
    assert rules.tightened(who, "0", NOBODY) is not first


def test_a_bound_agent_keeps_name_version_and_tools() -> None:
    who = agent()
    made = tightened("[[rule]]\nlimits = { tool_calls = 1 }", who)
    assert (made.name, made.version, list(made.tools)) == (who.name, who.version, list(who.tools))
    assert made.tools_digest == who.tools_digest


def test_limits_and_budgets_are_lowered_and_never_raised() -> None:
    text = (
        "[[rule]]\nlimits = { tool_calls = 60, model_calls = 5, driven_s = 0.5 }\n"
        'budget = { usd = "0.05", session_usd = 9, user_usd_per_day = 1 }\n'
        "[[rule]]\nlimits = { model_calls = 7 }\nbudget = { usd = 0.07 }"
    )
    made = tightened(text)
    assert made.limits == Limits(model_calls=5, driven_s=0.5)
    assert made.budget == Budget(usd=Decimal("0.05"), user_usd_per_day=Decimal(1))
    assert made.bounds is not None
    assert made.bounds.caps["usd"] == 50_000
    unlimited = agent(limits=Limits(tool_calls=None), budget=Budget(usd=None, session_usd=None))
    assert tightened(text, unlimited).limits.tool_calls == 60
    assert tightened(text, unlimited).budget.session_usd == 9


@pytest.mark.parametrize(
    ("selected", "bound"),
    [
        ('agent = "support"', True),
        ('agent = "s*t"', True),
        ('agent = ["billing", "support"]', True),
        ('agent = "billing"', False),
        ('tenant = "acme"', True),
        ('tenant = "acm?"', True),
        ('tenant = "Acme"', False),
        ('tenant = "globex"', False),
        ('role = "lead"', True),
        ('role = ["x", "le*"]', True),
        ('role = "admin"', False),
        ('agent = "support"\ntenant = "globex"\nrole = "lead"', False),
        ("", True),
    ],
)
def test_a_rule_is_about_those_whom_it_names(selected: str, *, bound: bool) -> None:
    text = f"[[rule]]\n{selected}\nlimits = {{ tool_calls = 1 }}"
    made = tightened(text, None, "acme", "lead", "support")
    assert (made.limits.tool_calls == 1) is bound


def test_models_are_forbidden_by_globs() -> None:
    bounds = tightened('[[rule]]\nforbid_models = ["openai:gpt-4*", "local"]').bounds
    assert bounds is not None
    assert bounds.forbids("openai:gpt-4-mini")
    assert not bounds.forbids("openai:gpt-5")


def test_a_tool_whose_flow_is_tightened_is_another_version_for_approvals() -> None:
    plain = tightened('[[rule]]\ntool = "send"\napprove = true').by_name["send"]
    assert plain.version == send.version
    outbound = tightened('[[rule]]\ntool = "send"\noutbound = true').by_name["send"]
    critical = tightened('[[rule]]\ntool = "send"\ncritical = { to = "user" }').by_name["send"]
    assert len({send.version, outbound.version, critical.version}) == 3
    again = tightened('[[rule]]\nname = "x"\ntool = "se*"\noutbound = true').by_name["send"]
    assert again.version == outbound.version, "the same is asked for"


FLOW = flow_of("send", "once", send.parameters)
READ = flow_of("send", "read", send.parameters)


def test_flow_is_tightened_and_never_loosened() -> None:
    rules = [
        Rule("a", outbound=True),
        Rule("b", critical={"urgent": "user", "to": "system", "nothing": "user"}),
    ]
    made = tightened_flow(FLOW, rules)
    assert made.outbound
    assert made.critical == {"to": From("user"), "text": From("user"), "urgent": From("user")}
    assert (made.carriers, made.own) == (FLOW.carriers, FLOW)
    read = tightened_flow(READ, [Rule("c", critical={"text": "directory"})])
    assert (read.critical, read.outbound) == ({"text": From("directory")}, False)
    assert read.carriers == READ.carriers
    assert tightened_flow(FLOW, [Rule("d", critical={"to": "system"})]) is FLOW


def test_what_the_code_endorsed_operators_may_close_again() -> None:
    floors = {"to": endorse("harmless"), "text": From("user", extracted=True)}
    flow = flow_of("send", "once", send.parameters, Declared(critical=floors))
    made = tightened_flow(flow, [Rule("a", critical={"to": "directory", "text": "system"})])
    assert made.critical == {"to": From("directory"), "text": From("user")}


@given(OVERLAYS, st.sampled_from(TENANTS), st.frozensets(st.sampled_from(ROLES)))
def test_under_any_rules_every_limit_and_floor_is_as_low_or_as_high(
    rules: Overlay, tenant: str, roles: frozenset[str]
) -> None:
    who = agent(limits=Limits(tool_calls=50), budget=Budget(user_usd_per_day=3))
    made = rules.tightened(who, tenant, roles)
    for name in Limits.__slots__:
        assert getattr(made.limits, name) <= getattr(who.limits, name)
    for name in ("per_turn", "per_session", "user_per_day"):
        assert getattr(made.budget, name) <= getattr(who.budget, name)
    for tool in TOOLS:
        flow = tool.flow
        bound = tightened_flow(flow, made.bounds.of(tool.name) if made.bounds else ())
        assert bound.outbound >= flow.outbound
        assert bound.carriers == flow.carriers
        for name, floor in flow.critical.items():
            assert suffices(bound.critical[name].level, floor.level)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'agent = "support"\nlimits = { tool_calls = 51 }',
            "Rule 'rule-1' sets tool_calls = 51 for support, which has 50: a policy only tightens",
        ),
        ('agent = "support"\nbudget = { usd = 1 }', "sets usd = 1 for support, which has 0.5"),
        (
            'tool = "send"\ncritical = { to = "system" }',
            "its code asks for 'user': a policy only tightens. To loosen it write critical=",
        ),
        (
            'tool = "send"\ncritical = { too = "user" }',
            "Rule 'rule-1' makes 'too' critical, and send takes to, text, urgent.",
        ),
        (
            'forbid_models = ["openai:*"]',
            "Every model of support is forbidden (openai:gpt-5.4-mini): give it another, or",
        ),
    ],
)
def test_what_would_loosen_or_cannot_hold_is_refused_in_a_sentence(text: str, told: str) -> None:
    rules = overlay(f"[[rule]]\n{text}")
    with pytest.raises(DefinitionError) as raised:
        rules.check([agent("billing", ()), agent()])
    problems = list(rules.problems([agent()]))
    assert str(raised.value) in [*problems, *rules.problems([agent("billing", ())])]
    assert told in problems[0]


@pytest.mark.parametrize(
    "text",
    [
        "limits = { tool_calls = 51 }\nbudget = { usd = 9 }",
        'agent = "sup*"\nlimits = { tool_calls = 51 }',
        'agent = "support"\nlimits = { tool_calls = 50 }\nbudget = { tenant_usd_per_day = 9 }',
        'tool = "s*"\ncritical = { to = "system", too = "user" }',
        'tool = "send"\ncritical = { to = "developer", urgent = "system" }',
        'tool = "absent"\ncritical = { x = "user" }',
        'forbid_models = ["openai:*"]\ntenant = "acme"',
        'forbid_models = ["openai:*"]\nrole = "lead"',
        'agent = "billing"\nlimits = { tool_calls = 51 }\nforbid_models = ["*"]',
    ],
)
def test_what_is_said_of_many_is_a_cap_and_what_is_said_of_some_leaves_others(text: str) -> None:
    overlay(f"[[rule]]\n{text}").check([agent()])


def test_a_tool_without_arguments_has_none_that_are_critical() -> None:
    rules = overlay('[[rule]]\ntool = "secrets"\ncritical = { x = "user" }')
    assert "secrets takes no arguments" in next(rules.problems([agent()]))


def test_a_model_that_is_given_whole_is_known_by_its_terms() -> None:
    class Whole:
        terms = Terms("dear", Price(1, 1))

        async def stream(self) -> None:
            """Say nothing."""

    who = Agent("support", Whole())
    assert list(overlay('[[rule]]\nforbid_models = "cheap"').problems([who])) == []
    assert "(dear)" in next(overlay('[[rule]]\nforbid_models = "de*"').problems([who]))


def test_rules_about_nothing_are_told() -> None:
    rules = overlay(
        '[[rule]]\nname = "a"\nagent = "bookkeeping"\ndeny = true\n'
        '[[rule]]\nname = "b"\ntool = "refnud"\ndeny = true\n'
        '[[rule]]\nname = "c"\ntool = "ref*"\ndeny = true\n'
        "[[rule]]\nlimits = { tool_calls = 1 }"
    )
    assert list(rules.idle([agent()])) == [
        "Rule 'a' is about no agent of this app: bookkeeping.",
        "Rule 'b' is about no tool of its agents: refnud.",
    ]
    assert len(list(rules.idle([agent(tools=(refund,))]))) == 2


def test_what_operators_say_of_flow_is_what_calls_are_judged_by() -> None:
    rules, who = (
        overlay('[[rule]]\ntool = "look"\ntenant = "acme"\ncritical = { place = "user" }'),
        agent(tools=(look,)),
    )
    assert who.flows == {"look": look.flow}
    assert not look.flow.is_judged
    made = rules.tightened(who, "acme", NOBODY)
    assert made.by_name["look"].flow.critical == {"place": From("user")}
    assert rules.flows(who, "acme") == made.flows
    assert made.flows.keys() == {"look"}
    assert rules.flows(who, "globex") == who.flows
    assert overlay('[[rule]]\ntool = "x"\noutbound = true').flows(who, "acme") == who.flows


def test_who_has_tools_that_can_do_no_harm_is_judged_by_nothing() -> None:
    def count() -> int:
        """Count."""
        return 1

    who = agent(tools=(made_of(effect="read")(count),))
    assert who.flows == {}
    rules = overlay('[[rule]]\ntool = "count"\ncritical = { place = "user" }')
    assert rules.flows(who, "acme") == {}
    assert overlay("[[rule]]\noutbound = true").flows(who, "acme").keys() == {"count"}
