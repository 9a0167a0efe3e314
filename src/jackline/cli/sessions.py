"""`jackline sessions`: which there are."""

import asyncio
import time
from typing import Annotated

import typer

from jackline.cli.opened import looking
from jackline.cli.options import Exit, Json, Where
from jackline.cli.show import print_json, print_table, span
from jackline.core.budget import dollars
from jackline.ports import Listing, SessionRow

_HEADS = ("session", "agent", "user", "state", ">turn", ">cost", "asks", "updated")


def sessions(
    where: Where,
    *,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="At most so many, latest opened first.")
    ] = 50,
    waiting: Annotated[bool, typer.Option("--waiting", help="Those that ask a person.")] = False,
    as_json: Json = False,
) -> int:
    """List the user's sessions, latest opened first; of all users to who may see them.

    A turn's name is its position in the session's journal, and a question's, too.
    """
    rows, user = asyncio.run(_listed(where, limit, waiting=waiting))
    if as_json:
        for row in rows:
            print_json(_plain(row))
    elif rows:
        now = time.clock_gettime(time.CLOCK_REALTIME)
        print_table(_HEADS, [_cells(row, now) for row in rows])
    else:
        which = "waits for a person" if waiting else "is there"
        typer.echo(f"No session of {user} {which}.", err=True)
    return Exit.OK


async def _listed(where: Where, limit: int, *, waiting: bool) -> tuple[list[SessionRow], str]:
    async with looking(where.settings()) as look:
        rows = await look.sessions.listed(look.user, Listing(waiting=waiting, limit=limit))
        return rows, str(look.user.id)


def _cells(row: SessionRow, now: float) -> tuple[str, ...]:
    return (
        row.id.name,
        row.agent,
        row.user,
        row.state,
        str(row.turn or ""),
        dollars(row.spent),
        ", ".join(map(str, row.questions)),
        f"{span(now - row.updated_at)} ago",
    )


def _plain(row: SessionRow) -> dict[str, object]:
    return {
        "session": row.id.name,
        "tenant": row.id.tenant,
        "agent": row.agent,
        "user": row.user,
        "state": row.state,
        "turn": row.turn,
        "spent": row.spent,
        "held": row.held,
        "questions": row.questions,
        "updated_at": row.updated_at,
        "worker": row.worker,
        "events": row.head,
    }
