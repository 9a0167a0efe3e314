"""`jackline run`: one turn."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from jackline.cli.opened import chosen, driving, with_model
from jackline.cli.options import Exit, Json, Record, Where
from jackline.cli.recording import keep, recording
from jackline.cli.references import is_reference, load_app
from jackline.cli.show import console
from jackline.cli.turns import Answer, Lines, Screen, Turns, View
from jackline.core.agent import Agent
from jackline.core.app import App
from jackline.core.errors import InputError
from jackline.runtime.submission import Submission
from jackline.settings import Settings


def run(  # noqa: PLR0913 - the options of a command
    where: Where,
    *,
    app: Annotated[
        str, typer.Argument(metavar="MODULE:NAME", help="The agents. [setting: app]")
    ] = "",
    said: Annotated[
        str, typer.Argument(metavar="INPUT", help="What is said to it. Without: stdin.")
    ] = "",
    agent: Annotated[str, typer.Option(metavar="NAME", help="Which, where there are more.")] = "",
    session: Annotated[str, typer.Option(metavar="NAME", help="Without: a new one.")] = "",
    model: Annotated[str, typer.Option(metavar="NAME", help="Another model: provider:name.")] = "",
    record: Record = "",
    as_json: Json = False,
) -> int:
    """Say one thing to an agent, and print its answer.

    Ctrl-C cancels the turn, a second one leaves it to go on later, as SIGTERM does. Exit codes:
    0 completed, 1 failed, stopped or cancelled, 2 the request is wrong, 3 somebody who runs
    jackline must act, 4 it waits for a person.

    --record writes down what the model has said in the session, for a test that asks no model:
    @scenario(…, record="FILE").
    """
    settings = where.settings()
    if app and not said and settings.app and not is_reference(app):
        app, said = "", app
    served = with_model(load_app(app or settings.app), model)
    if not said or said == "-":
        said = _stdin()
    view, file = fitting_view(as_json=as_json), recording(record)
    to_say = (chosen(served, agent), session, said)
    return asyncio.run(_run(settings, served, to_say, view, file))


def fitting_view(*, as_json: bool) -> View:
    """Return how a turn is shown: to a program, a person or a pipe."""
    if as_json:
        return Lines()
    return Screen(console()) if sys.stdout.isatty() else Answer()


def _stdin() -> str:
    if sys.stdin.isatty():
        raise InputError('Say something: jackline run MODULE:NAME "input", or pipe it in.')
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise InputError("The input is no UTF-8 text.") from None


async def _run(
    settings: Settings, app: App, said: tuple[Agent, str, str], view: View, file: Path | None
) -> Exit:
    agent, name, text = said
    user = settings.identity
    async with driving(settings, app) as runtime:
        session = await runtime.sessions.open(agent.name, user, name)
        receipt = await runtime.sessions.submit(session, user, Submission(text))
        turn = receipt.turn or receipt.seq
        followed = await Turns(runtime, user, view).follow(session, turn)
        if file:
            await keep(runtime, session, file, view, followed.exit)
        if followed.exit in {Exit.TERMINATED, Exit.INTERRUPTED}:
            view.note(f"To go on: jackline resume {session.name}")
        return followed.exit
