"""Which commands there are. Only the one that is asked for is imported."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from jackline.cli.options import command

COMMANDS = {
    "new": "Write an agent project that runs as it stands.",
    "demo": "Watch an agent be killed, resume, ask, and stop at its budget.",
    "chat": "Talk to an agent.",
    "run": "Run one turn, and print what came of it.",
    "serve": "Serve agents over HTTP.",
    "worker": "Drive what is due, until told to end.",
    "workers": "Show who drives, and what waits.",
    "sessions": "List sessions.",
    "events": "Show what happened in a session.",
    "approve": "Answer what an agent asks of a person.",
    "cancel": "End the open turn of a session.",
    "resume": "Go on where a turn waits, was stopped or failed.",
    "raise": "Let a session, or an account, go further.",
    "fork": "Copy a session up to the end of its last turn.",
    "budget": "Show where the money went.",
    "policy": "Check what operators' rules make of each tool, or explain a call.",
    "keys": "Make, list and revoke the keys that programs show to a server.",
    "doctor": "Check the store, the settings and this machine.",
    "erase": "Erase what was said in sessions.",
    "migrate": "Bring the store's schema up to date.",
    "crashtest": "Kill an agent at every boundary, and see what that costs.",
    "redteam": "Attack an agent with a model that obeys whatever it reads.",
}

_EPILOG = (
    "Exit codes: 0 it went well, 1 it did not, 2 the request is wrong, 3 somebody who runs "
    "jackline must act, 4 it waits for a person."
)


def program(arguments: Sequence[str]) -> typer.Typer:
    """Return the program, with the command that `arguments` begin with, and the others by name."""
    asked = next((word for word in arguments if not word.startswith("-")), "")
    app = typer.Typer(
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog=_EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_jackline)
    for name, promise in COMMANDS.items():
        function = _loaded(name) if name == asked else _unloaded
        app.command(name, short_help=promise)(function)
    return app


def _loaded(name: str) -> Callable[..., Any]:
    module = import_module(f"jackline.cli.{_python_name(name)}")
    return command(getattr(module, _python_name(name)))


def _python_name(name: str) -> str:
    """Return a command's name as Python takes it: `raise` is a word of its own there."""
    return "raise_limits" if name == "raise" else name.replace("-", "_")


def _unloaded() -> None:
    """Stand for a command that was not asked for."""
    raise AssertionError("only the command that was asked for is run")


def _shown(wanted: bool) -> None:  # noqa: FBT001 - typer passes it so
    if not wanted:
        return
    from importlib.metadata import (  # noqa: PLC0415 - a third of what the list of commands costs
        PackageNotFoundError,
        version,
    )

    try:
        typer.echo(f"jackline {version('jackline')}")
    except PackageNotFoundError:
        typer.echo("jackline, not installed")
    raise typer.Exit


def _jackline(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_shown, is_eager=True, help="Say which this is.")
    ] = False,
) -> None:
    """The production runtime for AI agents."""
