"""What callers do in a session, by whatever road: each with the rights that it takes."""

import json

from jackline.core.errors import InputError
from jackline.core.events import SessionId
from jackline.interfaces.answering import Answer, give_answer
from jackline.interfaces.http.bodies import AnswerAsked, CancelAsked
from jackline.interfaces.identity import Caller
from jackline.interfaces.service import Service
from jackline.ports import Receipt, SessionRow


async def answer(
    service: Service, caller: Caller, session: SessionId, question: int, said: AnswerAsked
) -> Receipt:
    """Approve or decline the call whose digest the answer names, or what its arguments make of it.

    Raises `ForbiddenError` where it is one's own and nobody may say yes to that.
    """
    arguments = None if said.arguments is None else _json(said.arguments)
    told = Answer(question, said.digest, said.approved, arguments, said.reason)
    return await give_answer(service, caller, session, told)


def _json(arguments: dict[str, object]) -> str:
    """Return arguments as they were sent. What JSON cannot say would become something else."""
    try:
        text = json.dumps(arguments, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        raise InputError("The arguments are no JSON: NaN, Infinity or half a character.") from None
    except RecursionError:
        raise InputError("The arguments are nested too deep to be said again.") from None
    return text


async def cancel(
    service: Service, caller: Caller, session: SessionId, asked: CancelAsked
) -> Receipt:
    """End the open turn. What came of what runs is kept."""
    await operated(service, caller, session)
    return await service.sessions.cancel(session, caller.user, asked.reason, turn=asked.turn)


async def resume(service: Service, caller: Caller, session: SessionId, request_id: str) -> Receipt:
    """Go on with a turn that is paused, or where the last one was stopped or failed."""
    await operated(service, caller, session)
    return await service.sessions.go_on(session, caller.user, request_id)


async def operated(service: Service, caller: Caller, session: SessionId) -> SessionRow:
    """Return a session that is the caller's own, or theirs to operate.

    Raises `NotFoundError` for others, and `ForbiddenError` where a scope narrows it away.
    """
    row = await service.sessions.row(session, caller.user, "operate")
    caller.check("say" if row.user == caller.user.id else "operate")
    return row
