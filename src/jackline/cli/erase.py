"""`jackline erase`: erase what was said in sessions."""

import asyncio
import sys
from typing import Annotated

import typer

from jackline.cli.opened import looking
from jackline.cli.options import Exit, Json, Where
from jackline.cli.show import count, print_json
from jackline.core.errors import CallerError, InputError
from jackline.settings import Settings


def erase(
    *,
    session: Annotated[str, typer.Option(metavar="NAME", help="This session.")] = "",
    user: Annotated[str, typer.Option(metavar="NAME", help="All sessions of this user.")] = "",
    tenant: Annotated[
        str, typer.Option(metavar="NAME", help="All of this tenant, or where to look.")
    ] = "",
    store: Annotated[
        str | None, typer.Option(metavar="URL", help="Where they are. [setting: store]")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> int:
    """Erase what was said in a session, or in all of a user or a tenant, for good.

    Forks and artifacts are erased, too, and who drives is stopped. What remains are tombstones,
    the money, and for 30 days hashes of request ids.
    """
    if not (session or user or tenant):
        raise InputError("Say what to erase: --session, --user or --tenant.")
    settings = Where(store=store, tenant=tenant or None).settings()
    whose = f" of {user}" if user else ""
    what = f"session {session}{whose}" if session else f"all sessions{whose}"
    erased = asyncio.run(_erase(settings, user, session, None if yes else what))
    if as_json:
        print_json({"erased": erased})
    else:
        typer.echo(f"Erased {count(erased, 'session')}.")
    return Exit.OK


async def _erase(settings: Settings, user: str, session: str, ask: str | None) -> int:
    async with looking(settings) as look:
        tenant = look.user.tenant
        if ask is not None and not _confirmed(f"Erase {ask} in tenant {tenant}, for good?"):
            return 0
        return await look.store.erase(tenant, user or None, session or None)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise CallerError(f"{question} Nobody is here to say so: give --yes.")
    return typer.confirm(question)
