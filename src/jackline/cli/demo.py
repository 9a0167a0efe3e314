"""`jackline demo`: the same shop assistant in a naive loop and on jackline, killed in both."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from jackline.cli.events import show
from jackline.cli.options import Exit, Json, called
from jackline.cli.show import print_json
from jackline.cli.timeline import Timeline
from jackline.core.events import Record
from jackline.demo.act_three import LOCAL
from jackline.demo.play import Played, play
from jackline.demo.stage import Nobody, Somebody, Stage, make_console


def demo(
    *,
    folder: Annotated[
        Path, typer.Option(metavar="PATH", help="Where it leaves what it did.")
    ] = Path("jackline-demo"),
    model: Annotated[
        str, typer.Option(metavar="PROVIDER:NAME", help="The real model of the last act.")
    ] = "local",
    seed: Annotated[
        int,
        typer.Option(metavar="N", help="Where in the payment the worker dies, without a terminal."),
    ] = 0,
    as_json: Json = False,
) -> int:
    """Show what a crash, a loop and a crafted mail do to a naive loop, and to jackline.

    Takes under a minute, without a key or a network: the model is scripted, and at the end a
    small real one. Exit code 1: a guarantee did not hold. 3: the real model could not be asked.
    """
    console = make_console(is_json=as_json)
    live = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    stage = Stage(console, Somebody(console) if live else Nobody(), is_live=live, command=called())
    timeline = Timeline()
    _check(model)

    def tell(record: Record) -> None:
        for line in timeline.lines(record):
            show(console, line)

    played = asyncio.run(play(stage, folder, model, tell, seed=seed))
    if as_json:
        print_json(played)
    return exit_code(played)


def _check(model: str) -> None:
    """Raise `DefinitionError` where there is no such model: before anything is played."""
    from jackline.adapters.models import resolve  # noqa: PLC0415 - it takes time to import

    if model != LOCAL:
        _ = resolve(model).terms


def exit_code(played: Played) -> Exit:
    """Return what a run of the demo comes to: what broke weighs more than what is missing."""
    if not played.held:
        return Exit.FAILED
    return Exit.OPERATOR if played.real and played.real.problem else Exit.OK
