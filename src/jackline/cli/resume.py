"""`jackline resume`: go on where a turn waits, was stopped or failed."""

import asyncio
from pathlib import Path

from jackline.app import Runtime
from jackline.cli.opened import chosen, driving, looking
from jackline.cli.options import AppName, Exit, Json, Record, Session, Where
from jackline.cli.recording import keep, recording
from jackline.cli.references import load_app
from jackline.cli.run import fitting_view
from jackline.cli.turns import Turns, View
from jackline.core.app import App
from jackline.core.errors import CallerError
from jackline.core.events import SessionId, TurnCompleted
from jackline.core.session import Session as State
from jackline.core.user import User
from jackline.runtime.inputs import checked_name
from jackline.settings import Settings


def resume(
    where: Where,
    *,
    session: Session,
    app: AppName = "",
    record: Record = "",
    as_json: Json = False,
) -> int:
    """Drive a session here until its turn ends, and print the turn like `run` does.

    Turns that were queued behind it follow. A turn that was set aside is tried again. Where the
    last one was stopped, failed or was cancelled a new one goes on with what it left: raise the
    limit first that it had reached.
    """
    settings = where.settings()
    served = load_app(app or settings.app)
    view, file = fitting_view(as_json=as_json), recording(record)
    return asyncio.run(_resume(settings, served, session, view, file))


async def _resume(settings: Settings, app: App, name: str, view: View, file: Path | None) -> Exit:
    user = settings.identity
    session = SessionId(user.tenant, checked_name(name))
    async with looking(settings) as look:
        row = await look.sessions.row(session, user)
    chosen(app, row.agent)
    async with driving(settings, app) as runtime:
        turn, code = await _turn(runtime, session, user, row.turn), Exit.OK
        while code in {Exit.OK, Exit.FAILED}:
            code = (await Turns(runtime, user, view).follow(session, turn)).exit
            left = (await runtime.sessions.state(session, user)).turn
            if left is None or left.id == turn:
                break
            turn = left.id
        if file:
            await keep(runtime, session, file, view, code)
        return code


async def _turn(runtime: Runtime, session: SessionId, user: User, before: int | None) -> int:
    """Return the turn that goes on: `before`, if it was open and may have ended meanwhile."""
    state = await runtime.sessions.state(session, user)
    if before is not None and not _is_set_aside(state):
        return before
    if state.turn is None and isinstance(state.ended, TurnCompleted | None):
        raise CallerError(f"The last turn of {session.name!r} is complete: there is nothing to do.")
    if state.turn is None or _is_set_aside(state):
        receipt = await runtime.sessions.go_on(session, user)
        return receipt.turn or receipt.seq
    return state.turn.id


def _is_set_aside(state: State) -> bool:
    pause = state.turn.pause if state.turn else None
    return bool(pause and pause.is_set_aside)
