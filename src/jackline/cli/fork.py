"""`jackline fork`: copy a session."""

import asyncio
from typing import Annotated

import typer

from jackline.cli.opened import looking
from jackline.cli.options import Exit, Json, Session, Where
from jackline.cli.show import print_json


def fork(
    where: Where,
    *,
    session: Session,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the copy. Without: a new one.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Copy a session up to the end of its last turn, to go on from there in another way.

    The copy spends from a budget of its own.
    """
    copy = asyncio.run(_fork(where, session, name))
    if as_json:
        print_json({"session": copy})
    else:
        typer.echo(copy)
    return Exit.OK


async def _fork(where: Where, source: str, name: str) -> str:
    async with looking(where.settings()) as look:
        return (await look.sessions.fork(look.id(source), look.user, name)).name
