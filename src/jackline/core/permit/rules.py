"""What operators say of calls, beside what the code says: rules, which can only take away."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase
from typing import Any, Protocol

from jackline.core.flow import Integrity
from jackline.core.value import Value

_ALL = ("*",)
_SPECIAL = frozenset("*?[")
_NOBODY: frozenset[str] = frozenset()


class Rule(Value, frozen=True):
    """One thing that operators say, of the calls and turns that it fits.

    `agents`, `tools`, `tenants` and `roles` are globs; a user is meant who has one of the roles.
    `deny` and `approve` are sentences, which may be empty; None: not said. `budget` is in
    micro-dollars.
    """

    name: str
    agents: tuple[str, ...] = _ALL
    tools: tuple[str, ...] = _ALL
    tenants: tuple[str, ...] = _ALL
    roles: tuple[str, ...] = ()
    deny: str | None = None
    approve: str | None = None
    require_roles: frozenset[str] = _NOBODY
    outbound: bool = False
    critical: Mapping[str, Integrity] = {}
    limits: Mapping[str, float] = {}
    budget: Mapping[str, int] = {}
    forbid_models: tuple[str, ...] = ()

    def fits(self, agent: str, tenant: str, roles: AbstractSet[str]) -> bool:
        """Whether it is about this agent, working for such a user."""
        if self.roles and not any(fits(self.roles, role) for role in roles):
            return False
        return fits(self.agents, agent) and fits(self.tenants, tenant)

    @property
    def is_of_calls(self) -> bool:
        """Whether it says something of calls, and not only of turns."""
        permits = self.deny is None and self.approve is None and not self.require_roles
        return not permits or self.is_of_flow

    @property
    def is_of_flow(self) -> bool:
        """Whether it says where arguments have to come from, or that a tool speaks to others."""
        return self.outbound or bool(self.critical)


def fits(globs: Iterable[str], name: str) -> bool:
    """Whether one of the globs is about this name."""
    return any(fnmatchcase(name, glob) for glob in globs)


def is_exact(globs: Iterable[str], name: str) -> bool:
    """Whether one of the globs is this name itself: whoever wrote it meant this and no other."""
    return any(glob == name and _SPECIAL.isdisjoint(glob) for glob in globs)


class Request(Value, frozen=True, gc=True):
    """A call that an authority is asked about. `arguments` are as the tool will get them."""

    user: str
    roles: frozenset[str]
    tenant: str
    agent: str
    tool: str
    arguments: Mapping[str, Any]


class Authority(Protocol):
    """Somebody else who decides about calls, at once and without I/O. It can only refuse."""

    @property
    def digest(self) -> str:
        """Tells what it goes by from all else."""
        ...

    def refuses(self, request: Request) -> str:
        """Return the rule by which the call is refused, or nothing. What it raises refuses, too."""
        ...


class Bounds(Value, frozen=True, gc=True):
    """What operators say of one agent, as it works for users of one tenant with these roles.

    `caps` are the most that limits may be, by name and in the units of a session's own, whatever
    somebody raises them to.
    """

    agent: str
    tenant: str
    policy: str
    rules: tuple[Rule, ...]
    caps: Mapping[str, float]
    authority: Authority | None = None

    def of(self, tool: str) -> list[Rule]:
        """Return the rules about calls of this tool."""
        return [rule for rule in self.rules if rule.is_of_calls and fits(rule.tools, tool)]

    def forbids(self, model: str) -> bool:
        """Whether this model may not be asked."""
        return any(fits(rule.forbid_models, model) for rule in self.rules)

    def named(self, rule: Rule) -> str:
        """Return a rule as the journal names it: with the policy that it stands in."""
        return f"policy/{self.policy}/{rule.name}"


def lowest(rules: Iterable[Rule]) -> dict[str, float]:
    """Return the lowest of what the rules say, for each limit and budget that they speak of."""
    found: dict[str, float] = {}
    for rule in rules:
        for name, most in (*rule.limits.items(), *rule.budget.items()):
            found[name] = min(most, found.get(name, most))
    return found
