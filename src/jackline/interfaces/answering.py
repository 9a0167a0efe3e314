"""Who may answer what an agent asks, whichever way the answer comes."""

from dataclasses import dataclass

from jackline.core.errors import ForbiddenError, StaleError
from jackline.core.events import InputRequested, SessionId
from jackline.interfaces.identity import Caller
from jackline.interfaces.service import Service
from jackline.ports import Receipt


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no to the question whose call has this `digest`. Other `arguments` are JSON."""

    question: int
    digest: str
    approved: bool
    arguments: str | None = None
    reason: str = ""


async def check_answer(
    service: Service, caller: Caller, session: SessionId, answer: Answer
) -> InputRequested:
    """Return the question, which the caller may answer so.

    Raises `NotFoundError` where there is none for them, `ForbiddenError` where they may not
    answer it, and `StaleError` where it is about another call.
    """
    row = await service.sessions.row(session, caller.user, "answer")
    if row.user == caller.user.id and not service.approve_own:
        raise ForbiddenError("Who asked for something does not approve it: somebody else has to.")
    caller.check("say" if row.user == caller.user.id else "answer")
    asked = await service.sessions.asked(session, answer.question)
    if asked.digest != answer.digest:
        raise StaleError(f"Question {answer.question} is about another call: look at it again.")
    return asked


async def give_answer(
    service: Service, caller: Caller, session: SessionId, answer: Answer
) -> Receipt:
    """Answer a question, once. Raises what `check_answer` raises, and `StaleError` for a repeat."""
    await check_answer(service, caller, session, answer)
    return await service.sessions.answer(
        session,
        answer.question,
        caller.user,
        approved=answer.approved,
        arguments=answer.arguments,
        reason=answer.reason,
    )
