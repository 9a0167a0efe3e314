"""What becomes of an agent under the rules of operators: it may less, and never more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from hashlib import sha256

import msgspec

from jackline.core.agent import Agent, Budget, Limits
from jackline.core.budget import exact
from jackline.core.errors import DefinitionError
from jackline.core.flow import From, Integrity, ToolFlow, suffices
from jackline.core.flow.shapes import properties_of
from jackline.core.permit.rules import Authority, Bounds, Rule, fits, is_exact, lowest
from jackline.core.tools import Tool

_MADE_MAX = 1_024
_Key = tuple[str, str, frozenset[str]]
_NO_ROLES: frozenset[str] = frozenset()
_BUDGETS = {
    "usd": "per_turn",
    "session_usd": "per_session",
    "user_usd_per_day": "user_per_day",
    "tenant_usd_per_day": "tenant_per_day",
}


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """The rules of those who run agents. `digest` tells their text from any other."""

    rules: Sequence[Rule] = ()
    digest: str = ""
    authority: Authority | None = None
    _made: dict[_Key, tuple[Agent, Agent]] = field(
        init=False, repr=False, default_factory=dict[_Key, tuple[Agent, Agent]]
    )

    def tightened(self, agent: Agent, tenant: str, roles: AbstractSet[str]) -> Agent:
        """Return the agent as it may work for users of a tenant with these roles.

        It has the agent's name and version, and the tools that it decides by: what runs are the
        agent's own.
        """
        if not self.rules and self.authority is None:
            return agent
        key = agent.name, tenant, frozenset(roles)
        before, made = self._made.get(key, (None, agent))
        if before is not agent:
            made = self._tightened(agent, tenant, roles)
            if len(self._made) >= _MADE_MAX:
                self._made.clear()
            self._made[key] = agent, made
        return made

    def bounds(self, agent: str, tenant: str, roles: AbstractSet[str]) -> Bounds:
        """Return what is said of an agent as it works for such users."""
        rules = tuple([rule for rule in self.rules if rule.fits(agent, tenant, roles)])
        return Bounds(agent, tenant, self.digest, rules, lowest(rules), self.authority)

    def flows(self, agent: Agent, tenant: str) -> Mapping[str, ToolFlow]:
        """Return how an agent's calls are judged for whoever of a tenant is judged strictest."""
        rules = [
            rule
            for rule in self.rules
            if rule.is_of_flow and fits(rule.agents, agent.name) and fits(rule.tenants, tenant)
        ]
        if not rules:
            return agent.flows
        found = {
            each.name: tightened_flow(each.flow, [r for r in rules if fits(r.tools, each.name)])
            for each in agent.tools
        }
        return {} if all(flow.is_harmless for flow in found.values()) else found

    def _tightened(self, agent: Agent, tenant: str, roles: AbstractSet[str]) -> Agent:
        bounds = self.bounds(agent.name, tenant, roles)
        made = replace(
            agent,
            limits=_limits(agent.limits, bounds.caps),
            budget=_budget(agent.budget, bounds.caps),
            tools=[_tool(each, bounds) for each in agent.tools],
        )
        object.__setattr__(made, "bounds", bounds)
        return made

    def check(self, agents: Iterable[Agent]) -> None:
        """Raise `DefinitionError` for the first problem that these agents have with the rules."""
        if problem := next(self.problems(agents), None):
            raise DefinitionError(problem)

    def problems(self, agents: Iterable[Agent]) -> Iterator[str]:
        """Yield what would loosen, or cannot hold, in sentences that say what would be right."""
        for agent in agents:
            for rule in self.rules:
                if not fits(rule.agents, agent.name):
                    continue
                yield from _loosened_limits(rule, agent)
                for tool in agent.tools:
                    if is_exact(rule.tools, tool.name):
                        yield from _loosened_flow(rule, tool)
            yield from _without_models(self.rules, agent)

    def idle(self, agents: Sequence[Agent]) -> Iterator[str]:
        """Yield which rules are about nothing that these agents have."""
        for rule in self.rules:
            meant = [each for each in agents if fits(rule.agents, each.name)]
            if not meant:
                yield f"Rule {rule.name!r} is about no agent of this app: {', '.join(rule.agents)}."
                continue
            tools = [tool for each in meant for tool in each.tools if fits(rule.tools, tool.name)]
            if rule.is_of_calls and not tools:
                yield f"Rule {rule.name!r} is about no tool of its agents: {', '.join(rule.tools)}."
            for name in rule.critical:
                if tools and not any(name in properties_of(tool.flow.schema) for tool in tools):
                    yield f"Rule {rule.name!r} is about no argument of its tools: {name}."


def _limits(limits: Limits, caps: Mapping[str, float]) -> Limits:
    lower = {
        name: caps[name]
        for name in Limits.__slots__
        if name in caps and _is_above(getattr(limits, name), caps[name])
    }
    return replace(limits, **lower) if lower else limits


def _budget(budget: Budget, caps: Mapping[str, float]) -> Budget:
    lower = {
        name: exact(int(caps[name]))
        for name, own in _BUDGETS.items()
        if name in caps and _is_above(getattr(budget, own), caps[name])
    }
    return replace(budget, **lower) if lower else budget


def _is_above(limit: float | None, cap: float) -> bool:
    return limit is None or limit > cap


def _tool(tool: Tool, bounds: Bounds) -> Tool:
    """Return the tool that calls are decided by.

    Where operators say more of its flow than the code does it is another version: a person who
    approved a call before has not seen what is asked for now.
    """
    rules = [rule for rule in bounds.of(tool.name) if rule.is_of_flow]
    if not rules:
        return tool
    said = [(rule.outbound, rule.critical) for rule in rules]
    body = msgspec.json.encode((tool.version, said), order="sorted")
    flow = tightened_flow(tool.flow, rules)
    return replace(tool, flow=flow, version=sha256(body).hexdigest()[:16])


def tightened_flow(flow: ToolFlow, rules: Iterable[Rule]) -> ToolFlow:
    """Return how calls are judged by flow where operators ask for more than the code does.

    An argument that the code leaves free may be made critical, and a floor higher. One that can
    hold what was read still can: a floor says who may decide it, and not who may read it.
    """
    critical, outbound = dict(flow.critical), flow.outbound
    for rule in rules:
        outbound = outbound or rule.outbound
        for name, level in rule.critical.items():
            if name in properties_of(flow.schema):
                critical[name] = _floor(critical.get(name), level)
    if outbound == flow.outbound and critical == flow.critical:
        return flow
    return msgspec.structs.replace(flow, outbound=outbound, critical=critical, own=flow)


def _floor(own: From | None, level: Integrity) -> From:
    """Return the higher floor. What operators name does not come from an extraction."""
    if own is None or not suffices(own.level, level):
        return From(level)
    return From(own.level, reason=own.reason)


def _loosened_limits(rule: Rule, agent: Agent) -> Iterator[str]:
    if not is_exact(rule.agents, agent.name):
        return
    own: dict[str, float | None] = {
        name: getattr(agent.limits, name) for name in Limits.__slots__ if name in rule.limits
    }
    own |= {name: getattr(agent.budget, each) for name, each in _BUDGETS.items()}
    for name, most in (*rule.limits.items(), *rule.budget.items()):
        has = own[name]
        if has is not None and most > has:
            shown = (exact(int(most)), exact(int(has))) if name in _BUDGETS else (most, has)
            yield (
                f"Rule {rule.name!r} sets {name} = {shown[0]} for {agent.name}, which has "
                f"{shown[1]}: a policy only tightens. Give at most that, or leave it out, and "
                "raise the limit in the agent's code."
            )


def _loosened_flow(rule: Rule, tool: Tool) -> Iterator[str]:
    flow = tool.flow
    properties = tool.parameters.get("properties", {})
    for name, level in rule.critical.items():
        floor = flow.critical.get(name)
        if name not in properties:
            takes = ", ".join(properties) or "no arguments"
            yield f"Rule {rule.name!r} makes {name!r} critical, and {tool.name} takes {takes}."
        elif floor and not suffices(level, floor.level):
            yield (
                f"Rule {rule.name!r} lets {name!r} of {tool.name} come from {level!r}, and its "
                f"code asks for {floor.level!r}: a policy only tightens. To loosen it write "
                f'critical={{"{name}": endorse("reason")}} or From("{level}") in the code.'
            )


def _without_models(rules: Iterable[Rule], agent: Agent) -> Iterator[str]:
    """Yield that an agent has no model left, for anybody."""
    always = [rule for rule in rules if rule.fits(agent.name, "*", _NO_ROLES)]
    always = [rule for rule in always if "*" in rule.tenants and not rule.roles]
    names = [each if isinstance(each, str) else each.terms.model for each in agent.models]
    if all(any(fits(rule.forbid_models, name) for rule in always) for name in names):
        yield (
            f"Every model of {agent.name} is forbidden ({', '.join(names)}): give it another, or "
            "forbid fewer."
        )
