"""`jackline cancel`: end the open turn of a session."""

import asyncio
from typing import Annotated

import typer

from jackline.cli.opened import looking
from jackline.cli.options import Exit, Json, Session, Where
from jackline.cli.show import print_json
from jackline.core.errors import NotFoundError
from jackline.ports import Receipt


def cancel(
    where: Where,
    *,
    session: Session,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.")] = "",
    as_json: Json = False,
) -> int:
    """End the open turn of a session. What runs is cancelled, and what came of it is kept.

    Whoever drives the agent ends it; if nobody does, the next to drive will.
    """
    receipt = asyncio.run(_cancel(where, session, reason))
    if as_json:
        print_json({"seq": receipt.seq, "turn": receipt.turn})
    else:
        typer.echo(f"Turn {receipt.turn} of {session} is to be cancelled.")
    return Exit.OK


async def _cancel(where: Where, name: str, reason: str) -> Receipt:
    async with looking(where.settings()) as look:
        session = look.id(name)
        turn = (await look.sessions.state(session, look.user)).turn
        if turn is None:
            raise NotFoundError(f"Session {name!r} has no open turn.")
        receipt = await look.sessions.cancel(session, look.user, reason, turn=turn.id)
        if receipt.turn != turn.id:
            raise NotFoundError(f"Turn {turn.id} of {name!r} has just ended by itself.")
        return receipt
