"""`jackline new`: write an agent project that runs as it stands."""

import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from jackline.cli import project
from jackline.cli.options import Exit, Json, called
from jackline.cli.show import print_json
from jackline.core.errors import ConflictError, InputError

_FILES = ("agent.py", "scenario.py", "jackline.toml")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The folder to make.")],
    *,
    as_json: Json = False,
) -> int:
    """Write an agent project of three files: an agent with tools, a scenario and settings.

    It runs as it stands: a script stands in for the model, so no key is needed. Nothing is ever
    overwritten.
    """
    folder = Path(name)
    if not name.strip() or "\0" in name:
        raise InputError("Give the project a name, like: jackline new support")
    there = [each for each in _FILES if (folder / each).exists()]
    if there:
        raise ConflictError(f"There is a file {folder / there[0]} already: choose another name.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in _FILES:
            with (folder / each).open("x", encoding="utf-8") as file:
                file.write(_text(each))
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}.") from None
    if as_json:
        print_json({"folder": str(folder), "files": _FILES})
        return Exit.OK
    is_here = folder.resolve() == Path.cwd()
    typer.echo(f"Wrote {', '.join(_FILES)}{'' if is_here else f' to {folder}'}. Try:\n")
    if not is_here:
        typer.echo(f"  cd {shlex.quote(str(folder))}")
    command = called(absolute=True)
    typer.echo(f"  {command} chat                              # say: Refund order 7")
    typer.echo(f"  {command} events                            # what happened")
    typer.echo(f"  {command} crashtest scenario:refund_an_order")
    typer.echo(f"  {command} redteam scenario:refund_an_order")
    return Exit.OK


def _text(name: str) -> str:
    """Return a file of the project. In its own folder its modules have short names."""
    text = (files(project) / name).read_text(encoding="utf-8")
    return text.replace("from jackline.cli.project.", "from ")
