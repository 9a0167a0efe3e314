"""`jackline raise`: let a session, or an account, go further."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from jackline.cli.opened import looking
from jackline.cli.options import AppName, Exit, Json, Where
from jackline.cli.references import load_app
from jackline.cli.show import print_json
from jackline.cli.timeline import limits_told
from jackline.core.agent import Agent
from jackline.core.budget import dollars, micro_dollars
from jackline.core.errors import InputError, NotFoundError

_NAMES = ("usd", "session_usd", "driven_s", "model_calls", "tool_calls")
_COUNTS = ("model_calls", "tool_calls")
_NONE = "none"


def raise_limits(
    where: Where,
    *,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its name.")] = "",
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help=f"{', '.join(_NAMES)}; repeatable."),
    ] = None,
    account: Annotated[
        str, typer.Option(metavar="NAME", help="An account instead, as `budget` names it.")
    ] = "",
    app: AppName = "",
    as_json: Json = False,
) -> int:
    """Let a session go further than its agent's limits, or an account spend more.

    jackline raise SESSION --limit usd=1.00 --limit model_calls=50, then jackline resume SESSION.
    For an account: jackline raise --account NAME --limit usd=20. Dollars are in all, not added.
    `none` removes a limit.
    """
    limits = dict(map(_parsed, limit or ()))
    if not limits or bool(session) == bool(account):
        raise InputError("Say what goes further: a SESSION or an --account, and --limit usd=1.00.")
    settings = where.settings()
    if account:
        return asyncio.run(_allow(where, account, limits, as_json=as_json))
    agents = load_app(app or settings.app).agents
    return asyncio.run(_raise(where, session, agents, limits, as_json=as_json))


def _parsed(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not found or name not in _NAMES:
        raise InputError(f"{text!r} is no limit: write NAME=VALUE with one of {', '.join(_NAMES)}.")
    value = value.strip().lower()
    if value != _NONE and not _is_amount(value):
        raise InputError(f"{text!r} lets nothing run: give a number above 0, or none for no limit.")
    if value != _NONE and name in _COUNTS and not value.isdecimal():
        raise InputError(f"{text!r} counts calls: give a whole number, or none for no limit.")
    return name, value


def _is_amount(text: str) -> bool:
    try:
        return 0 < float(text) < float("inf")
    except ValueError:
        return False


async def _raise(
    where: Where, name: str, agents: Sequence[Agent], limits: dict[str, str], *, as_json: bool
) -> Exit:
    async with looking(where.settings(), agents) as look:
        session = look.id(name)
        wanted = {each: None if text == _NONE else text for each, text in limits.items()}
        receipt = await look.sessions.raise_limits(session, look.user, wanted)
        state = await look.sessions.state(session, look.user)
    if as_json:
        print_json({"seq": receipt.seq, "limits": state.raised})
    else:
        told = limits_told(state.raised)
        typer.echo(f"Session {name}: {told}. To go on: jackline resume {name}")
    return Exit.OK


async def _allow(where: Where, account: str, limits: dict[str, str], *, as_json: bool) -> Exit:
    if limits.keys() != {"usd"}:
        raise InputError("An account has one limit: --limit usd=20.")
    amount = None if limits["usd"] == _NONE else micro_dollars(limits["usd"])
    if amount == 0:
        raise InputError(f"usd={limits['usd']} is less than a millionth of a dollar: give more.")
    async with looking(where.settings()) as look:
        known = await look.store.accounts(look.user.tenant, account)
        if not any(each.name == account for each in known):
            raise NotFoundError(f"There is no account {account!r}: `jackline budget` lists them.")
        await look.store.allow(look.user.tenant, account, amount)
    if as_json:
        print_json({"account": account, "limit": amount})
    else:
        most = "any amount" if amount is None else dollars(amount)
        kept = (
            "" if amount is None else " Agents whose own limit is lower keep it: none lifts that."
        )
        typer.echo(f"Account {account} may spend {most}.{kept}")
    return Exit.OK
