"""What agents ask of people: the inbox, and answers."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from jackline.interfaces.http import acts, cursors
from jackline.interfaces.http.asking import Anybody, Known, Name, Reader, Served, session_of
from jackline.interfaces.http.bodies import POSITION_MAX, AnswerAsked
from jackline.interfaces.http.replies import json
from jackline.interfaces.http.shapes import RECEIPT, Inbox, Question, answers, asked_of, receipt_of
from jackline.ports import Listing

router = APIRouter(tags=["questions"], route_class=Known)
PageSize = Annotated[int, Query(ge=1, le=1_000)]
PageCursor = Annotated[str, Query(max_length=400)]
Number = Annotated[int, Path(ge=1, le=POSITION_MAX, description="The position that asked it.")]


@router.get("/questions", responses=answers(200, Inbox))
async def list_questions(
    service: Served, caller: Reader, limit: PageSize = 50, cursor: PageCursor = ""
) -> Response:
    """List what is asked now, in one's own sessions, or in all to who may see them.

    The questions of at most `limit` sessions, the latest opened first; `next` is the `cursor` that
    goes on to the older ones.
    """
    listing = Listing(waiting=True, limit=limit)
    rows, goes_on = await cursors.page(service, caller, listing, cursor)
    found: list[Question] = []
    for row in rows:
        waiting = await service.sessions.questions(row.id, caller.user)
        found += [asked_of(row, number, asked) for number, asked in waiting.items()]
    return json(Inbox(tuple(found), goes_on))


@router.get("/sessions/{session}/questions", responses=answers(200, Inbox))
async def session_questions(session: Name, service: Served, caller: Reader) -> Response:
    """List what a session asks now."""
    row = await service.sessions.row(session_of(caller, session), caller.user, "see")
    waiting = await service.sessions.questions(row.id, caller.user)
    return json(Inbox(tuple(asked_of(row, each, asked) for each, asked in waiting.items())))


@router.post("/sessions/{session}/questions/{question}", status_code=202, responses=RECEIPT)
async def answer_question(
    session: Name, question: Number, body: AnswerAsked, service: Served, caller: Anybody
) -> Response:
    """Approve or decline a call, once.

    The answer holds for the call whose digest it names, or for what `arguments` make of it.
    """
    name = session_of(caller, session)
    receipt = await acts.answer(service, caller, name, question, body)
    return json(receipt_of(name, receipt), 202)
