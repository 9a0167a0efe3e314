"""`jackline events`: what happened in a session."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jackline.cli.opened import Look, looking
from jackline.cli.options import Exit, Json, Where
from jackline.cli.show import console, span
from jackline.cli.timeline import Line, Timeline, Tone
from jackline.core.budget import dollars
from jackline.core.errors import NotFoundError
from jackline.core.events import Record, SessionId
from jackline.interfaces.wire import event_json
from jackline.ports import Listing

STYLES: dict[Tone, str] = {
    "plain": "",
    "quiet": "dim",
    "good": "green",
    "bad": "red",
    "asks": "yellow",
    "head": "bold",
}
_SHOWN_S = 0.005


def events(
    where: Where,
    *,
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="Its name. Without: the latest.")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    whole: Annotated[bool, typer.Option("--whole", help="Shorten nothing.")] = False,
    as_json: Json = False,
) -> int:
    """Show what happened in a session, as a timeline. Times count from the start of a turn.

    With --json each line is an event as it is on the wire, with its position (seq) and its time
    (at).
    """
    out = console()
    timeline = Timeline(whole=whole)
    asyncio.run(_show(where, session, out, None if as_json else timeline, follow=follow))
    return Exit.OK


async def _show(
    where: Where, name: str, out: Console, timeline: Timeline | None, *, follow: bool
) -> None:
    async with looking(where.settings()) as look:
        session = look.id(name) if name else await latest(look)
        async with aclosing(_records(look, session, follow=follow)) as records:
            async for record in records:
                if timeline is None:
                    typer.echo(event_json(record))
                    continue
                for line in timeline.lines(record):
                    show(out, line)


_ROWS = 1_000


async def latest(look: Look) -> SessionId:
    """Return the session in which something happened last."""
    rows = await look.sessions.listed(look.user, Listing(limit=_ROWS))
    if not rows:
        raise NotFoundError(f"There is no session of {look.user.id!r}.")
    return max(rows, key=lambda row: row.updated_at).id


async def _records(look: Look, session: SessionId, *, follow: bool) -> AsyncGenerator[Record]:
    await look.sessions.row(session, look.user, "see")
    if not follow:
        for record in await look.store.read(session):
            yield record
        return
    async with aclosing(look.sessions.subscribe(session, look.user)) as news:
        async for record in news:
            if isinstance(record, Record):
                yield record


def show(out: Console, line: Line) -> None:
    """Print a line of a timeline: position, time, who, what, and what it took."""
    if not line.seq:
        out.print(Text(line.what, "dim"))
        return
    if line.tone == "head":
        out.print()
    text = Text(line.what, STYLES[line.tone])
    took = [dollars(line.cost)] if line.cost else []
    took += [span(line.seconds)] if line.seconds >= _SHOWN_S else []
    text.append(f"  {' · '.join(took)}" if took else "", "dim")
    who = Text(line.who, "dim" if line.tone == "quiet" else STYLES[line.tone])
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_column(width=4, justify="right", style="dim")
    row.add_column(width=8, justify="right", style="dim", no_wrap=True)
    row.add_column(width=14, overflow="fold")
    row.add_column(overflow="fold")
    row.add_row(str(line.seq) if line.time else "", line.time, who, text)
    out.print(row, soft_wrap=False)
