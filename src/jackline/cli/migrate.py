"""`jackline migrate`: bring the store's schema up to date."""

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from jackline.adapters.sqlite.migrate import bring_up_to_date, connect_to_read, pending
from jackline.cli.opened import existing_store
from jackline.cli.options import Exit, Json, Where
from jackline.cli.show import print_json
from jackline.core.errors import CallerError


def migrate(
    where: Where,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 where it is behind.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Bring the store's schema up to date, while nobody else writes.

    A process that drives does so at its start, too.
    """
    path = existing_store(where.settings())
    if path is None:
        raise CallerError("This store has no schema of its own to bring up to date.")
    missing = _pending(path)
    if not check:
        bring_up_to_date(path, time.clock_gettime(time.CLOCK_REALTIME))
    if as_json:
        print_json({"pending" if check else "applied": missing})
    elif not missing:
        typer.echo(f"{path} is up to date.")
    else:
        typer.echo(f"{path} {'lacks' if check else 'now has'} {', '.join(missing)}.")
    return Exit.FAILED if check and missing else Exit.OK


def _pending(path: Path) -> list[str]:
    with closing(connect_to_read(path)) as database:
        return [step.name for step in pending(database, path)]
