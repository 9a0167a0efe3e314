"""`jackline budget`: where the money went."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated

import typer

from jackline.cli.opened import Look, looking
from jackline.cli.options import AppName, Exit, Json, Where
from jackline.cli.references import load_app
from jackline.cli.show import count, print_json, print_table
from jackline.cli.timeline import limits_told
from jackline.core.access import rights
from jackline.core.agent import Agent
from jackline.core.budget import Account, dollars
from jackline.core.events import (
    HoldUnconfirmed,
    ModelFailed,
    ModelReplied,
    ModelReserved,
    Record,
    SessionForked,
)
from jackline.core.value import Value
from jackline.ports import By, Listing, SessionRow, UsageAsked
from jackline.ports.usage import DAY_S

_ROWS = 1_000


class Spent(Value, frozen=True):
    """What a turn spent on a model. Copied turns of a fork are history: they cost nothing."""

    turn: int
    model: str
    calls: int
    input: int
    output: int
    cost: int
    unconfirmed: int


def budget(
    where: Where,
    *,
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="Its turns. Without: all sessions.")
    ] = "",
    by: Annotated[
        By | None, typer.Option(help="Sums of ended turns: by user, agent, day, or all.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=366, metavar="N", help="With --by: of so many days.")
    ] = 30,
    app: AppName = "",
    as_json: Json = False,
) -> int:
    """Show where the money went: by session and account, or by turn and model of one session.

    Held is the worst case of calls that run now. With --app the limits of its agents are shown.
    With --by: what turns used that ended in the last days (UTC), also of sessions erased since.
    """
    settings = where.settings()
    if by:
        return asyncio.run(_by(where, by, days, as_json=as_json))
    reference = app or settings.app
    agents = list(load_app(reference).agents) if reference else []
    if session:
        return asyncio.run(_of_session(where, session, agents, as_json=as_json))
    return asyncio.run(_of_all(where, agents, as_json=as_json))


async def _by(where: Where, by: By, days: int, *, as_json: bool) -> Exit:
    today = int(time.clock_gettime(time.CLOCK_REALTIME) // DAY_S)
    async with looking(where.settings()) as look:
        own = None if "see" in rights(look.user.roles) else look.user.id
        asked = UsageAsked(by, today - days + 1, today, own)
        found = await look.store.usage(look.user.tenant, asked)
    if as_json:
        print_json({"by": by, "days": days, "sums": found})
        return Exit.OK
    cells = [
        (each.key, f"{each.turns:,}", f"{each.input:,}", f"{each.output:,}", dollars(each.cost))
        for each in found
    ]
    print_table((by, ">turns", ">in", ">out", ">cost"), cells)
    return Exit.OK


async def _of_all(where: Where, agents: list[Agent], *, as_json: bool) -> Exit:
    async with looking(where.settings()) as look:
        rows = await look.sessions.listed(look.user, Listing(limit=_ROWS))
        accounts = await look.store.accounts(look.user.tenant)
    if as_json:
        print_json({"sessions": list(map(_plain, rows)), "accounts": accounts})
        return Exit.OK
    rows.sort(key=lambda row: -row.spent)
    cells = [(r.id.name, r.agent, r.user, dollars(r.spent), dollars(r.held)) for r in rows]
    print_table(("session", "agent", "user", ">spent", ">held"), cells)
    total = sum(row.spent for row in rows)
    typer.echo(f"{count(len(rows), 'session')}: {dollars(total)}.")
    if accounts:
        typer.echo("")
        print_table(("account", ">spent", ">held", ">limit", ">left"), map(_account, accounts))
    _print_limits(agents)
    return Exit.OK


def _plain(row: SessionRow) -> dict[str, object]:
    told = {"session": row.id.name, "agent": row.agent, "user": row.user}
    return {**told, "spent": row.spent, "held": row.held}


def _account(account: Account) -> tuple[str, ...]:
    spent, held = dollars(account.spent), dollars(account.held)
    if account.limit is None:
        return account.name, spent, held, "none", ""
    left = account.limit - account.spent - account.held
    return account.name, spent, held, dollars(account.limit), dollars(left)


def _print_limits(agents: Iterable[Agent]) -> None:
    for agent in agents:
        most = agent.budget
        limits = {
            "a turn": most.per_turn,
            "a session": most.per_session,
            "a user and day": most.user_per_day,
            "a tenant and day": most.tenant_per_day,
        }
        told = [f"{dollars(each)} {what}" for what, each in limits.items() if each is not None]
        typer.echo(f"\nAgent {agent.name} may spend {', '.join(told) or 'any amount'}.")


async def _of_session(where: Where, name: str, agents: list[Agent], *, as_json: bool) -> Exit:
    async with looking(where.settings()) as look:
        session = look.id(name)
        state = await look.sessions.state(session, look.user)
        spent = by_turn_and_model(await _records(look, name))
    if as_json:
        told = {"session": name, "spent": state.money.spent, "held": state.money.held}
        print_json({**told, "raised": state.raised, "turns": spent})
        return Exit.OK
    heads = ("turn", "model", ">calls", ">in", ">out", ">cost", ">unconfirmed")
    print_table(heads, map(_cells, spent))
    held = f", held {dollars(state.money.held)}" if state.money.held else ""
    typer.echo(f"Session {name}: spent {dollars(state.money.spent)}{held}.")
    if state.raised:
        typer.echo(f"Raised: {limits_told(state.raised)}.")
    _print_limits(each for each in agents if state.opened and each.name == state.opened.agent)
    return Exit.OK


async def _records(look: Look, name: str) -> list[Record]:
    return await look.store.read(look.id(name))


def by_turn_and_model(records: Iterable[Record]) -> list[Spent]:
    """Return what was spent, in the order of turns."""
    models: dict[str, str] = {}
    found: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * 5)
    for record in records:
        event = record.event
        if isinstance(event, SessionForked):
            found.clear()
        if isinstance(event, ModelReserved):
            models[event.key] = event.model
        if isinstance(event, ModelReplied | ModelFailed | HoldUnconfirmed):
            sums = found[int(event.key.split("/")[1]), models.get(event.key, "")]
            usage = event.usage if isinstance(event, ModelReplied) else None
            sure = not isinstance(event, HoldUnconfirmed)
            new = (1, usage.input if usage else 0, usage.output if usage else 0, event.cost)
            for at, amount in enumerate((*new, 0 if sure else event.cost)):
                sums[at] += amount
    return [Spent(turn, model, *sums) for (turn, model), sums in sorted(found.items())]


def _cells(spent: Spent) -> tuple[str, ...]:
    numbers = (f"{spent.calls:,}", f"{spent.input:,}", f"{spent.output:,}")
    unsure = dollars(spent.unconfirmed) if spent.unconfirmed else ""
    return str(spent.turn), spent.model, *numbers, dollars(spent.cost), unsure
