"""Rules, agents and calls for the tests of what operators say."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from jackline.core.agent import Agent
from jackline.core.events import Principal
from jackline.core.permit.overlay import Overlay
from jackline.core.permit.reading import read
from jackline.core.permit.rules import Request, Rule
from jackline.core.permit.verdict import Rights, Ruling, judge
from jackline.core.tools import Tool, tool

STRICTNESS = {"allow": 0, "ask": 1, "refuse": 2}
NAMES = ("look", "refund", "secrets", "send")
ROLES = ("support", "trainee", "lead", "admin")
TENANTS = ("acme", "globex")


@tool(effect="read")
async def look(place: str = "") -> str:
    """Look somewhere."""
    return place


@tool(
    effect="once",
    allow=lambda arguments: arguments["cents"] <= 10_000 or "refunds end at 10000 cents",
    approve=lambda arguments: arguments["cents"] > 1_000,
)
async def refund(order: str, cents: int) -> str:
    """Pay back."""
    return f"{order}: {cents}"


@tool(effect="read", roles={"admin", "lead"})
async def secrets() -> str:
    """Read what few may."""
    return "…"


@tool(effect="once", approve=True)
async def send(to: str, text: str = "", *, urgent: bool = False) -> str:
    """Send."""
    return f"{to}: {text} {urgent}"


TOOLS = (look, refund, secrets, send)
CALLS = {
    "look": ["{}", '{"place":"here"}'],
    "refund": [
        '{"cents":1,"order":"7"}',
        '{"cents":5000,"order":"7"}',
        '{"cents":99999,"order":"7"}',
    ],
    "secrets": ["{}"],
    "send": ['{"text":"","to":"a","urgent":false}'],
}


class Refuses:
    """An authority that refuses some tools, and cannot answer about others."""

    digest = "00000001"

    def __init__(self, *tools: str, fails: tuple[str, ...] = ()) -> None:
        self.tools = tools
        self.fails = fails
        self.asked: list[Request] = []

    def refuses(self, request: Request) -> str:
        self.asked.append(request)
        if request.tool in self.fails:
            raise ValueError("cannot say")
        return "closed" if request.tool in self.tools else ""


def agent(name: str = "support", tools: tuple[Tool, ...] = TOOLS, **changes: Any) -> Agent:
    """Return an agent that has them."""
    return Agent(name, "openai:gpt-5.4-mini", tools=tools, **changes)


def overlay(text: str) -> Overlay:
    """Return the rules of a text that has nothing wrong with it."""
    said = read(text)
    assert said.problems == []
    return Overlay(said.rules, said.digest)


def rights(who: Agent, *roles: str, tenant: str = "acme", rules: Overlay | None = None) -> Rights:
    """Return what a user with these roles may do through an agent."""
    if rules:
        who = rules.tightened(who, tenant, frozenset(roles))
    return Rights(who.by_name, Principal("ann", frozenset(roles)), who.bounds)


def ruled(held: Rights, name: str, arguments: str | None = None) -> Ruling:
    """Return what becomes of a call."""
    return judge(held, name, CALLS[name][0] if arguments is None else arguments)


def _some(names: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    globs = (*names, "*", "s*", "?ook", "[rs]e*", "nobody")
    return st.lists(st.sampled_from(globs), min_size=1, max_size=3)


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Mapping[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_SELECTED = {
    "agents": _some(("support", "billing")).map(tuple),
    "tenants": _some(TENANTS).map(tuple),
    "roles": _some(ROLES).map(tuple),
}
_LEVELS = st.sampled_from(["system", "directory", "user", "developer"])
OF_CALLS = _optional(
    **_SELECTED,
    tools=_some(NAMES).map(tuple),
    deny=st.sampled_from(["", "Ask the desk."]),
    approve=st.sampled_from(["", "It is dear."]),
    require_roles=st.frozensets(st.sampled_from(ROLES), min_size=1),
    outbound=st.booleans(),
    critical=st.dictionaries(st.sampled_from(["to", "text", "urgent", "order"]), _LEVELS),
)
OF_TURNS = _optional(
    **_SELECTED,
    limits=_optional(tool_calls=st.integers(1, 99), driven_s=st.floats(0.1, 999.0)),
    budget=_optional(usd=st.integers(1, 2_000_000), user_usd_per_day=st.integers(1, 9_000_000)),
    forbid_models=st.sampled_from([("anthropic:*",), ("openai:gpt-4*",)]),
)
RULES = st.lists(st.one_of(OF_CALLS, OF_TURNS), max_size=5).map(
    lambda bodies: [Rule(f"rule-{n}", **body) for n, body in enumerate(bodies)]
)


def _overlay(rules: list[Rule], refused: list[str]) -> Overlay:
    return Overlay(rules, "0a1b2c3d", Refuses(*refused) if refused else None)


OVERLAYS = st.builds(_overlay, RULES, st.lists(st.sampled_from(NAMES), max_size=2))
ANY_CALL = st.sampled_from([(name, each) for name, calls in CALLS.items() for each in calls])
