"""`jackline migrate`: bring the store's schema up to date."""

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from jackline.adapters.sqlite.migrate import bring_up_to_date, connect_to_read, pending
from jackline.adapters.urls import is_postgres
from jackline.cli.opened import existing_store
from jackline.cli.options import Exit, Json, Where
from jackline.cli.show import print_json
from jackline.core.errors import CallerError
from jackline.opening import on_postgres


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
    settings = where.settings()
    if is_postgres(settings.store):
        place, missing = _server(settings.store, check=check)
    elif path := existing_store(settings):
        place, missing = str(path), _file(path, check=check)
    else:
        raise CallerError("This store has no schema of its own to bring up to date.")
    if as_json:
        print_json({"pending" if check else "applied": missing})
    elif not missing:
        typer.echo(f"{place} is up to date.")
    else:
        typer.echo(f"{place} {'lacks' if check else 'now has'} {', '.join(missing)}.")
    return Exit.FAILED if check and missing else Exit.OK


def _file(path: Path, *, check: bool) -> list[str]:
    with closing(connect_to_read(path)) as database:
        missing = pending(database, path)
    if not check:
        bring_up_to_date(path, time.clock_gettime(time.CLOCK_REALTIME))
    return [step.name for step in missing]


def _server(url: str, *, check: bool) -> tuple[str, list[str]]:
    with on_postgres():
        from jackline.adapters.postgres import address  # noqa: PLC0415 - as there
        from jackline.adapters.postgres import migrate as steps  # noqa: PLC0415 - as above

        if not check:
            return address.place(url), [step.name for step in steps.bring_up_to_date(url)]
        with closing(steps.connect(url)) as database:
            missing = steps.pending(database, address.place(url))
        return address.place(url), [step.name for step in missing]
