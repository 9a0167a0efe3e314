"""`jackline policy`: what operators' rules make of each tool, and why a call was let or not."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from jackline.adapters import policies
from jackline.cli.explanation import Explanation, explained
from jackline.cli.opened import looking
from jackline.cli.options import AppName, Exit, Json, Where, called
from jackline.cli.references import load_app
from jackline.cli.show import clean, count, print_json
from jackline.core.agent import Agent, Limits
from jackline.core.budget import dollars
from jackline.core.errors import DefinitionError, InputError
from jackline.core.permit.overlay import Overlay
from jackline.core.permit.reading import Text
from jackline.core.tools import Tool
from jackline.core.user import User
from jackline.core.value import Value
from jackline.settings import Settings

_MONEY = {
    "usd": "per_turn",
    "session_usd": "per_session",
    "user_usd_per_day": "user_per_day",
    "tenant_usd_per_day": "tenant_per_day",
}


class Effective(Value, frozen=True, omit_defaults=False):
    """What holds for calls of a tool. `roles`: one of each of them is needed."""

    tool: str
    effect: str
    denied: bool
    roles: Sequence[Sequence[str]]
    approval: Literal["never", "by arguments", "always"]
    predicate: bool
    outbound: bool
    critical: Mapping[str, str]
    rules: Sequence[str]


class Bound(Value, frozen=True, omit_defaults=False):
    """What holds for an agent: limits as numbers, budgets in micro-dollars, None for no limit."""

    agent: str
    limits: Mapping[str, float | None]
    budget: Mapping[str, int | None]
    lowered: Sequence[str]
    forbidden_models: Sequence[str]
    tools: Sequence[Effective]


class Checked(Value, frozen=True, omit_defaults=False):
    """A policy, what is wrong with it, what it is about in vain, and what it makes of agents."""

    policy: str
    digest: str
    cedar: str
    rules: int
    tenant: str
    roles: Sequence[str]
    problems: Sequence[str]
    idle: Sequence[str]
    agents: Sequence[Bound]


def policy(
    where: Where,
    *,
    what: Annotated[Literal["check", "explain"], typer.Argument(metavar="check|explain")],
    session: Annotated[str, typer.Argument(metavar="SESSION", show_default=False)] = "",
    call: Annotated[str, typer.Argument(metavar="CALL", show_default=False)] = "",
    app: AppName = "",
    as_json: Json = False,
) -> int:
    """Check what operators' rules make of each agent and tool, or explain one call.

    `check` reads the policy and the app, tells all that is wrong, and what holds for users of
    --tenant with --role. `explain SESSION CALL` tells from the journal why a call was allowed,
    asked about or refused, rule by rule; CALL is its key, its tool, or the position of an event.
    Exit codes: 0 well, 1 a rule is about nothing that there is, 2 the policy or the request is
    wrong.
    """
    if what == "explain":
        if not session or not call:
            raise InputError(
                "Say which call: jackline policy explain SESSION CALL, where CALL is a tool's "
                "name, a key like turn/2/model/0/tool/0, or the position of an event."
            )
        return asyncio.run(_explain(where, session, call, as_json=as_json))
    if session:
        raise InputError("A check is of all calls: jackline policy check.")
    settings = where.settings()
    reference = app or settings.app
    agents = load_app(reference).agents if reference else ()
    checked = _checked(settings, agents)
    if as_json:
        print_json(checked)
    else:
        _print(checked, settings, has_app=bool(reference))
    if checked.problems:
        return Exit.CALLER
    return Exit.FAILED if checked.idle else Exit.OK


def _checked(settings: Settings, agents: Sequence[Agent]) -> Checked:
    overlay, problems = _read(settings)
    user = settings.identity
    problems += overlay.problems(agents)
    # What was refused holds nowhere, so there is nothing to tell of what it makes of agents.
    held = () if problems else agents
    return Checked(
        settings.policy,
        overlay.digest,
        overlay.authority.digest if overlay.authority else "",
        len(overlay.rules),
        user.tenant,
        sorted(user.roles),
        problems,
        list(overlay.idle(held)) if held else [],
        [_bound(overlay, agent, user) for agent in held],
    )


def _read(settings: Settings) -> tuple[Overlay, list[str]]:
    """Return the rules, as far as they can be read, and all that is wrong with them."""
    if not settings.policy:
        return policies.NO_POLICY, []
    path = Path(settings.policy)
    said: Text = policies.read_text(path)
    try:
        return policies.overlay(path, said), list(said.problems)
    except DefinitionError as error:
        return Overlay(said.rules, said.digest), [*said.problems, str(error)]


def _bound(overlay: Overlay, agent: Agent, user: User) -> Bound:
    bound = overlay.tightened(agent, user.tenant, user.roles)
    limits = {name: getattr(bound.limits, name) for name in Limits.__slots__}
    budget = {name: getattr(bound.budget, own) for name, own in _MONEY.items()}
    before = {name: getattr(agent.limits, name) for name in Limits.__slots__}
    before |= {name: getattr(agent.budget, own) for name, own in _MONEY.items()}
    lowered = [name for name, most in (limits | budget).items() if most != before[name]]
    models = [each if isinstance(each, str) else each.terms.model for each in agent.models]
    forbidden = [name for name in models if bound.bounds and bound.bounds.forbids(name)]
    tools = [_effective(tool, bound) for tool in bound.tools]
    return Bound(agent.name, limits, budget, lowered, forbidden, tools)


def _effective(tool: Tool, agent: Agent) -> Effective:
    rules = agent.bounds.of(tool.name) if agent.bounds else []
    approval: Literal["never", "by arguments", "always"] = "never"
    if tool.approve is True or any(rule.approve is not None for rule in rules):
        approval = "always"
    elif tool.approve:
        approval = "by arguments"
    roles = [tool.roles, *(rule.require_roles for rule in rules)]
    return Effective(
        tool.name,
        tool.effect,
        any(rule.deny is not None for rule in rules),
        [sorted(each) for each in roles if each],
        approval,
        tool.allow is not None,
        tool.flow.outbound,
        {name: floor.level for name, floor in tool.flow.critical.items()},
        [rule.name for rule in rules],
    )


def _print(checked: Checked, settings: Settings, *, has_app: bool) -> None:
    for problem in checked.problems or checked.idle:
        typer.echo(f"jackline: {clean(problem)}", err=True)
    if checked.problems:
        return
    if checked.policy:
        cedar = f", Cedar {checked.cedar}" if checked.cedar else ""
        rules = count(checked.rules, "rule")
        typer.echo(f"{clean(checked.policy)}: {rules}, digest {checked.digest}{cedar}.")
    else:
        typer.echo("There is no policy: what the code says holds. (setting: policy)")
    if not has_app:
        typer.echo("No app was named, so rules were not held against agents: give --app.")
        return
    roles = ", ".join(checked.roles) or "no roles"
    typer.echo(f"For users of tenant {clean(settings.tenant)} with {clean(roles)}:")
    for bound in checked.agents:
        _print_bound(bound)
    told = called()
    typer.echo(f"\nFor others: {told} policy check --tenant NAME --role NAME")


def _print_bound(bound: Bound) -> None:
    typer.echo(f"\nAgent {bound.agent}")
    most = {**bound.limits, **{name: _usd(usd) for name, usd in bound.budget.items()}}
    shown = [f"{name} {_shown(value)}" for name, value in most.items() if name in bound.lowered]
    if shown:
        typer.echo(f"lowered to: {', '.join(shown)}")
    if bound.forbidden_models:
        typer.echo(f"forbidden models: {', '.join(bound.forbidden_models)}")
    for tool in bound.tools:
        for line in _lines(tool):
            typer.echo(clean(line))


def _lines(tool: Effective) -> Iterator[str]:
    """Yield what holds for calls of a tool, in words."""
    who = " and ".join(" or ".join(each) for each in tool.roles)
    who = "denied" if tool.denied else f"for {who}" if who else "for all"
    allow = ", where its predicate allows it" if tool.predicate else ""
    yield f"  {tool.tool} ({tool.effect}): {who}{allow}, approval {tool.approval}"
    critical = ", ".join(f"{name} from {level}" for name, level in tool.critical.items())
    told = ["outbound"] if tool.outbound else []
    told += [f"critical: {critical}"] if critical else []
    if told:
        yield f"      {'; '.join(told)}"
    if tool.rules:
        yield f"      by rules: {', '.join(tool.rules)}"


def _usd(amount: int | None) -> str | None:
    return None if amount is None else dollars(amount)


def _shown(value: float | str | None) -> str:
    return "none" if value is None else str(value)


async def _explain(where: Where, name: str, call: str, *, as_json: bool) -> Exit:
    async with looking(where.settings()) as look:
        session = look.id(name)
        row = await look.sessions.row(session, look.user, "see")
        found = explained(await look.store.read(session), call)
    if as_json:
        told = {"session": name, "tenant": session.tenant, "agent": row.agent}
        print_json({**told, **found.as_json})
    else:
        _print_explained(found, name, row.agent)
    return Exit.OK


def _print_explained(found: Explanation, session: str, agent: str) -> None:
    typer.echo(f"{clean(found.tool)} in session {session}, agent {agent}: {found.verdict}.")
    typer.echo(f"{found.key}, for {clean(found.whom)}.")
    for step in found.steps:
        typer.echo(f"{step.seq:>5}  {clean(step.text)}")
        for line in step.lines:
            typer.echo(f"         {clean(line)}")
