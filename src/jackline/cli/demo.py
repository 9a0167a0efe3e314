"""`jackline demo`: the same shop assistant in a naive loop and on jackline, killed in both."""

import asyncio
import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from jackline.adapters.urls import without_secrets
from jackline.cli.events import show
from jackline.cli.options import Exit, Json, called
from jackline.cli.show import print_json
from jackline.cli.signals import signals
from jackline.cli.timeline import Timeline
from jackline.core.errors import InputError
from jackline.core.events import Record
from jackline.demo.act_three import LOCAL
from jackline.demo.cluster import USER, Clustered, cluster
from jackline.demo.database import database
from jackline.demo.folder import demo_folder
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
    with_workers: Annotated[
        bool, typer.Option("--cluster", help="Instead: two workers, of which one is killed.")
    ] = False,
    store: Annotated[
        str,
        typer.Option(metavar="URL", help="A Postgres for --cluster. Without: one of its own."),
    ] = "",
    as_json: Json = False,
) -> int:
    """Show what a crash, a loop and a crafted mail do to a naive loop, and to jackline.

    Takes under a minute, without a key or a network: the model is scripted, and at the end a
    small real one. Exit code 1: a guarantee did not hold. 3: the real model could not be asked.
    """
    if store and not with_workers:
        raise InputError("--store is for --cluster: the demo has a file of its own.")
    console = make_console(is_json=as_json)
    live = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    person = Somebody(console) if live else Nobody()
    stage = Stage(console, person, live, called(), called(absolute=True))
    if with_workers:
        return _clustered(stage, folder, store, as_json=as_json)
    timeline = Timeline()
    _check(model)

    def tell(record: Record) -> None:
        for line in timeline.lines(record):
            show(console, line)

    played = asyncio.run(play(stage, folder, model, tell, seed=seed))
    if as_json:
        print_json(played)
    return exit_code(played)


def _clustered(stage: Stage, path: Path, store: str, *, as_json: bool) -> Exit:
    async def played() -> Clustered | None:
        task = asyncio.current_task()
        assert task is not None, "it runs in a loop"

        def end(_: signal.Signals) -> None:
            task.cancel()

        with signals(end):
            try:
                return await cluster(stage, folder, url)
            except asyncio.CancelledError:
                return None  # All that was started has ended by now.

    with demo_folder(path) as folder, database(store) as url:
        found = asyncio.run(played())
    if found is None:
        return Exit.TERMINATED
    if as_json:
        print_json(found)
    elif store:
        where = f"--tenant {USER.tenant} --store {shlex.quote(without_secrets(store))}"
        stage.say("\nLook inside:")
        line = f"    {stage.command} events {found.session} {where}"
        stage.console.print(line, soft_wrap=True, markup=False)
    return Exit.OK if found.held else Exit.FAILED


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
