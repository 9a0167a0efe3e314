"""`jackline workers`: who drives, and what waits."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from jackline.cli.opened import Look, looking
from jackline.cli.options import Exit, Json, Where
from jackline.cli.show import console, count, print_json, print_table, span
from jackline.cli.signals import signals
from jackline.core.value import Value
from jackline.ports import Listing, SessionRow, Waiting, WorkerRow

_WATCH_S = 1.0
_LISTED_MAX = 1_000
_HEADS = ("worker", "state", ">drives", "serves")
_WAITING_HEADS = ("waits: agent", "version", ">sessions", ">longest", "served")
_CLEAR = "\x1b[H\x1b[2J"


class Seen(Value, frozen=True):
    """Who drives and what waits, at one moment; `driven`: the user's sessions, by worker."""

    workers: Sequence[WorkerRow]
    waiting: Sequence[Waiting]
    driven: Mapping[str, Sequence[str]] | None = None


def workers(
    where: Where,
    *,
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Name the user's sessions that each drives.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again each second, till Ctrl-C.")] = False,
    as_json: Json = False,
) -> int:
    """Show who drives, who was lost, what waits and for how long, and whether anybody serves it.

    Workers and what waits for them are counted over all tenants. In a file it is known who
    drives, but not who else is there.
    """
    asyncio.run(_looked(where, as_json=as_json, sessions=sessions, watch=watch))
    return Exit.OK


async def _looked(where: Where, *, as_json: bool, sessions: bool, watch: bool) -> None:
    left = asyncio.Event()
    async with looking(where.settings()) as look:
        if not watch:
            _show(await _seen(look, sessions=sessions), as_json=as_json)
            return
        with signals(lambda _: left.set()):
            while not left.is_set():
                seen = await _seen(look, sessions=sessions)
                if not as_json and console().is_terminal:
                    typer.echo(_CLEAR, nl=False)
                _show(seen, as_json=as_json)
                await _passed(left)


async def _passed(left: asyncio.Event) -> None:
    """Return after a while, or when somebody wants to leave."""
    try:
        async with asyncio.timeout(_WATCH_S):
            await left.wait()
    except TimeoutError:
        return


async def _seen(look: Look, *, sessions: bool) -> Seen:
    listing = Listing(limit=_LISTED_MAX)
    driven = by_worker(await look.sessions.listed(look.user, listing)) if sessions else None
    return Seen(await look.store.workers(), await look.store.waiting(), driven)


def by_worker(rows: Sequence[SessionRow]) -> Mapping[str, list[str]]:
    """Return the names of the sessions that each worker drives."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.state == "driven":
            found.setdefault(row.worker, []).append(row.id.name)
    return found


def _show(seen: Seen, *, as_json: bool) -> None:
    if as_json:
        print_json(seen)
        return
    if seen.workers:
        driven, heads = seen.driven, _HEADS if seen.driven is None else (*_HEADS, "sessions")
        print_table(heads, [_cells(row, driven) for row in seen.workers])
    else:
        typer.echo("Nobody drives.")
    if seen.waiting:
        print_table(_WAITING_HEADS, [_waits(row) for row in seen.waiting])
    else:
        typer.echo("Nothing waits for a worker.")


def state(row: WorkerRow) -> str:
    """Return how a worker is."""
    if not row.alive:
        return f"dead, silent for {span(row.silent_s or 0.0)}"
    return "drains" if row.draining else "alive"


def _cells(row: WorkerRow, driven: Mapping[str, Sequence[str]] | None) -> tuple[str, ...]:
    serves = ", ".join(f"{agent} {version}" for agent, version in sorted(row.serves.items()))
    of = "" if row.slots is None else f" of {row.slots}"
    cells = (row.name, state(row), f"{row.driven}{of}", serves or "-")
    return cells if driven is None else (*cells, ", ".join(driven.get(row.name, ())))


def _waits(row: Waiting) -> tuple[str, ...]:
    served = {True: "yes", False: "by nobody", None: "-"}[row.served]
    return (row.agent, row.version or "any", str(row.count), span(row.longest_s), served)


def findings(seen: Seen) -> tuple[Sequence[str], Sequence[str]]:
    """Return which workers were lost, and what waits for a version that nobody serves."""
    lost = [
        f"{row.name} is {state(row)}: start another, unless one has taken its place"
        for row in seen.workers
        if not row.alive
    ]
    unserved = [
        f"{count(row.count, 'session')} of {row.agent} {row.version}".rstrip()
        + f", for up to {span(row.longest_s)}: no worker that is alive serves that"
        for row in seen.waiting
        if row.served is False
    ]
    return lost, unserved
