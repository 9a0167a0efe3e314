"""May this call be made: user, agent, tool and operators together."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.permit.rules import (
    ANY_CALL,
    OVERLAYS,
    ROLES,
    STRICTNESS,
    TENANTS,
    TOOLS,
    Refuses,
    agent,
    look,
    overlay,
    refund,
    rights,
    ruled,
    secrets,
    send,
)

from jackline.core.agent import Agent
from jackline.core.errors import DefinitionError
from jackline.core.events import Principal
from jackline.core.permit.overlay import Overlay
from jackline.core.permit.verdict import Rights, Ruling, attenuate, barred, judge
from jackline.core.tools import Tool, tool
from jackline.core.value import replace


def test_a_call_that_no_rule_speaks_of_is_allowed_without_a_word() -> None:
    assert ruled(rights(agent()), "look") == Ruling()


def test_a_role_opens_a_tool_and_the_journal_is_told_that_it_was_asked_for() -> None:
    assert ruled(rights(agent(), "lead"), "secrets") == Ruling(rules=("tool.roles",))


def test_a_refusal_tells_what_may_be_done_instead_and_nothing_of_who_else_may() -> None:
    found = ruled(rights(agent(), "trainee"), "secrets")
    assert (found.decision, found.code, found.by) == ("refuse", "forbidden", ("tool.roles",))
    assert found.text == (
        "The user may not use secrets. For them you may use: look, refund, send. Or tell them "
        "what you cannot do."
    )
    assert not any(role in found.text for role in ("admin", "lead"))


def test_where_no_tool_is_open_the_model_is_told_to_say_so() -> None:
    found = ruled(rights(agent(tools=(secrets,))), "secrets")
    assert found.text.endswith("None of your tools is theirs to use: tell them what you cannot do.")


def test_of_many_tools_a_dozen_is_named() -> None:
    def named(name: str) -> Tool:
        @tool(effect="read", name=name)
        async def made() -> str:
            """Do it."""
            return name

        return made

    many = tuple(named(f"t{number}") for number in range(13))
    assert "t11 and others." in ruled(rights(agent(tools=(*many, secrets))), "secrets").text
    assert "t11." in ruled(rights(agent(tools=(*many[:12], secrets))), "secrets").text


def test_what_an_agent_does_not_list_it_may_not_use() -> None:
    found = barred(rights(agent(tools=(look,))), "send")
    assert found is not None
    assert (found.code, found.by) == ("forbidden", ("agent.tools",))


@pytest.mark.parametrize(
    ("cents", "decision", "text"),
    [
        (1_000, "allow", ""),
        (1_001, "ask", "refund needs approval"),
        (10_001, "refuse", "refunds end at 10000 cents. Call it otherwise, or ask the user."),
    ],
)
def test_a_tool_s_own_predicates_decide_by_its_arguments(
    cents: int, decision: str, text: str
) -> None:
    found = ruled(rights(agent()), "refund", f'{{"cents":{cents},"order":"7"}}')
    assert found.decision == decision
    assert found.text.endswith(text)
    assert (found.by or found.rules)[0] == {"ask": "tool.approve"}.get(decision, "tool.allow")


def test_a_predicate_that_fails_or_says_nothing_closes_the_tool() -> None:
    def fails(_: dict[str, Any]) -> bool:
        raise KeyError("cents")

    def says(what: Any) -> Callable[[dict[str, Any]], Any]:
        return lambda _: what

    for allow, told in (
        (fails, "the allow predicate of pick failed, KeyError"),
        (says(None), "not with these arguments"),
        (says(1), "not with these arguments"),
        (says(""), "not with these arguments"),
        (says(what=False), "not with these arguments"),
    ):

        @tool(effect="read", allow=allow)
        async def pick() -> str:
            """Pick."""
            return ""

        found = judge(rights(agent(tools=(pick,))), "pick", "{}")
        assert (found.decision, found.code) == ("refuse", "disallowed")
        assert told in found.text


def test_a_predicate_is_a_plain_function() -> None:
    async def later(_: dict[str, Any]) -> bool:
        return True

    async def pick() -> str:
        """Pick."""
        return ""

    for wrong in (True, later):
        with pytest.raises(DefinitionError, match="allow wants a def"):
            tool(effect="read", allow=wrong)(pick)  # pyright: ignore[reportArgumentType] - that is what is wrong


def test_operators_deny_a_tool_in_their_own_words() -> None:
    rules = overlay('[[rule]]\nname = "desk"\ntool = "refund"\ndeny = "The desk does that."')
    found = ruled(rights(agent(), rules=rules), "refund")
    assert (found.decision, found.code) == ("refuse", "policy")
    assert found.by == (f"policy/{rules.digest}/desk",)
    assert found.text.startswith("The user may not use refund: The desk does that. For them you ")
    silent = overlay('[[rule]]\ntool = "refund"\ndeny = true')
    text = ruled(rights(agent(), rules=silent), "refund").text
    assert text.startswith("The user may not use refund, by the operator's policy. For them")


def test_operators_ask_for_a_role_beside_the_tool_s_own() -> None:
    rules = overlay('[[rule]]\ntool = "secrets"\nrequire_roles = ["cleared"]')
    assert ruled(rights(agent(), "cleared", rules=rules), "secrets").code == "forbidden"
    found = ruled(rights(agent(), "admin", rules=rules), "secrets")
    assert (found.code, "cleared" in found.text) == ("policy", False)
    both = ruled(rights(agent(), "admin", "cleared", rules=rules), "secrets")
    assert both == Ruling(rules=("tool.roles", f"policy/{rules.digest}/rule-1"))


def test_operators_ask_a_person_and_every_reason_is_told() -> None:
    rules = overlay(
        '[[rule]]\ntool = "s*"\napprove = "It leaves the house."\n'
        '[[rule]]\ntool = "send"\napprove = true'
    )
    found = ruled(rights(agent(), rules=rules), "send")
    assert found.decision == "ask"
    assert found.text == (
        "send needs approval; send needs approval by the operator's policy: It leaves the house."
    )
    names = [f"policy/{rules.digest}/rule-{number}" for number in (1, 2)]
    assert found.by == found.rules == ("tool.approve", *names)
    bare = overlay('[[rule]]\ntool = "look"\napprove = true')
    asked = ruled(rights(agent(), rules=bare), "look")
    assert asked.text == "look needs approval by the operator's policy"


def test_an_authority_refuses_by_its_rule_or_has_had_its_say() -> None:
    authority = Refuses("send", fails=("look",))
    rules = Overlay((), "0a1b2c3d", authority)
    held = rights(agent(), "lead", rules=rules)
    found = ruled(held, "send")
    assert (found.decision, found.by) == ("refuse", ("cedar/00000001/closed",))
    assert "with other arguments it may not." in found.text
    allowed = ruled(held, "refund")
    assert (allowed.decision, allowed.rules[-1]) == ("allow", "cedar/00000001")
    request = authority.asked[-1]
    assert (request.user, request.tenant, request.agent) == ("ann", "acme", "support")
    assert (request.tool, dict(request.arguments)) == ("refund", {"cents": 1, "order": "7"})
    closed = ruled(held, "look")
    assert closed.decision == "refuse"
    assert closed.by == ("cedar/00000001/not judged, ValueError: cannot say",)
    assert "cannot say" not in closed.text


@given(OVERLAYS, st.sampled_from(TENANTS), st.frozensets(st.sampled_from(ROLES)), ANY_CALL)
def test_an_overlay_never_lets_more_pass(
    rules: Overlay, tenant: str, roles: frozenset[str], call: tuple[str, str]
) -> None:
    without = ruled(rights(agent(), *roles), *call)
    under = ruled(rights(agent(), *roles, tenant=tenant, rules=rules), *call)
    assert STRICTNESS[under.decision] >= STRICTNESS[without.decision]


@given(OVERLAYS, st.frozensets(st.sampled_from(ROLES)), ANY_CALL)
def test_what_operators_say_of_one_tenant_changes_nothing_for_another(
    rules: Overlay, roles: frozenset[str], call: tuple[str, str]
) -> None:
    acme = [replace(rule, tenants=("acme",)) for rule in rules.rules]
    walled = Overlay(acme, rules.digest)
    without = ruled(rights(agent(), *roles), *call)
    assert ruled(rights(agent(), *roles, tenant="globex", rules=walled), *call) == without


def held_by(who: Agent, roles: frozenset[str], rules: Overlay) -> Rights:
    bound = rules.tightened(who, "acme", roles)
    return Rights(bound.by_name, Principal("ann", roles), bound.bounds)


@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from(TOOLS)), st.frozensets(st.sampled_from(ROLES)), OVERLAYS),
        min_size=2,
        max_size=4,
    ),
    ANY_CALL,
)
def test_a_child_never_may_what_its_parent_may_not(
    line: list[tuple[set[Tool], frozenset[str], Overlay]], call: tuple[str, str]
) -> None:
    (tools, roles, rules), *children = line
    held = held_by(agent("billing", tuple(tools)), roles, rules)
    for tools, roles, rules in children:
        child = attenuate(held, held_by(agent("support", tuple(tools)), roles, rules))
        parents = STRICTNESS[ruled(held, *call).decision]
        assert STRICTNESS[ruled(child, *call).decision] >= parents
        held = child


def test_a_child_has_its_own_limits_and_those_of_all_above_it() -> None:
    top = rights(agent("top", (look, send)), "lead")
    middle = attenuate(top, rights(agent("middle", (look, refund)), "lead"))
    low = rights(agent("low", (look, refund, send, secrets)), "admin")
    child = attenuate(middle, low)
    assert ruled(child, "look").decision == "allow"
    for name in ("refund", "send", "secrets"):
        assert ruled(child, name).by == ("agent.tools",)
    assert attenuate(top, child).parent == attenuate(top, middle)


def test_a_parent_judges_its_child_s_call_by_its_own_tool_of_that_name() -> None:
    @tool(effect="once", name="refund")
    async def lax(order: str, cents: int, why: str = "") -> str:
        """Pay back anything."""
        return f"{order} {cents} {why}"

    parent = rights(agent(tools=(refund,)))
    child = attenuate(parent, rights(agent("child", (lax,))))
    large = judge(child, "refund", '{"cents":99999,"order":"7","why":""}')
    assert large.decision == "refuse", "the parent's tool takes no such argument"
    assert large.code == "arguments"
    plain = attenuate(rights(agent(tools=(refund, send))), rights(agent("child", TOOLS)))
    assert ruled(plain, "refund", '{"cents":99999,"order":"7"}').code == "disallowed"
    asked = ruled(plain, "refund", '{"cents":5000,"order":"7"}')
    assert (asked.decision, asked.text) == ("ask", "refund needs approval")
    assert ruled(plain, "send").text == "send needs approval"
