"""Responses: what an agent says and does for a request, as items."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from jackline.core.errors import InputError, StaleError
from jackline.core.events import InputProvided, SessionId, Submitted
from jackline.interfaces.answering import Answer
from jackline.interfaces.http.asking import Anybody, Reader, Served, a_place
from jackline.interfaces.http.replies import EventStream, json
from jackline.interfaces.http.sessions import RequestId
from jackline.interfaces.http.shapes import answers
from jackline.interfaces.openai import ids
from jackline.interfaces.openai.bodies import ResponseAsked
from jackline.interfaces.openai.conversation import Conversation, of_items
from jackline.interfaces.openai.ids import Span
from jackline.interfaces.openai.items import ResponseWriter, response
from jackline.interfaces.openai.refusals import Compatible, ParameterError, accepted
from jackline.interfaces.openai.shapes import ModelResponse
from jackline.interfaces.openai.talking import (
    SessionName,
    Talk,
    checked_free,
    header_of,
    name_of,
)
from jackline.interfaces.openai.telling import found, heard, reply_to, told

router = APIRouter(tags=["openai"], route_class=Compatible)
ResponseId = Annotated[str, Path(max_length=2_000)]
_PAGE = 500


@router.post(
    "/responses",
    responses=answers(200, ModelResponse, stream=True),
    dependencies=[Depends(a_place)],
)
async def create_response(
    body: ResponseAsked,
    request: Request,
    service: Served,
    caller: Anybody,
    request_id: RequestId = "",
    session: SessionName = "",
) -> Response:
    """Say something to an agent, or answer what it asks, and hear what comes of it.

    It goes on where the response `previous_response_id`, or the session that the header names,
    has ended. With `stream` it is told as it comes; whoever leaves finds it under its id.
    """
    body.check()
    said = of_items(body.input, body.instructions)
    if not said.answers:
        caller.check("say")  # Whether somebody may answer, the question says.
    talk = Talk(service, caller, body.model, request_id)
    before, name = body.previous_response_id, name_of(session)
    if before:
        name = await _goes_on(talk, before, name, says=not said.answers)
    span = await _begun(talk, name, said)
    named = SessionId(caller.user.tenant, span.session)
    headers = header_of(span.session)
    with accepted():
        row = await service.sessions.row(named, caller.user, "see")
        reply = reply_to(service, row, span, caller.user)
        if not body.stream:
            await heard(service, row, reply, request.receive)
            return json(response(reply, body.model, before), headers=headers)
    writer = ResponseWriter(body.model, before)
    frames = EventStream(told(service, row, reply, writer), service, caller, writer.drained)
    frames.headers.update(headers)
    return frames


@router.get("/responses/{response_id}", responses=answers(200, ModelResponse))
async def show_response(response_id: ResponseId, service: Served, caller: Reader) -> Response:
    """Show a response as it stands now: also one whose stream was cut off."""
    row, span = await ids.span(service, caller, response_id)
    return json(response(await found(service, row, span, caller.user), row.agent, None))


async def _goes_on(talk: Talk, before: str, name: str, *, says: bool) -> str:
    """Return the session of the response before. Where something is said, it has to be the last.

    A request that is repeated was the one that came after it.
    """
    row, span = await ids.span(talk.service, talk.caller, before)
    if name and name != span.session:
        raise ParameterError(
            "previous_response_id", f"It is not of the session {name[:60]!r} of the header."
        )
    after = span.last
    while says and (page := await talk.service.store.read(row.id, after, _PAGE)):
        for event in [each.event for each in page]:
            if isinstance(event, Submitted) and event.request_id == talk.request_id:
                return span.session
            if isinstance(event, Submitted | InputProvided):
                raise ParameterError(
                    "previous_response_id",
                    f"Something was said in session {span.session!r} since: go on with the "
                    "latest response, or in a copy (POST /v1/sessions/{session}/fork).",
                )
        after = page[-1].seq
    return span.session


async def _begun(talk: Talk, name: str, heard: Conversation) -> Span:
    if heard.answers:
        return await _answered(talk, name, heard)
    if name and (row := await talk.known(name)):
        checked_free(row)
    return await talk.say(heard.said, name, () if name else heard.history)


async def _answered(talk: Talk, name: str, heard: Conversation) -> Span:
    """Give the answers to approval requests. All of them have to be of one session.

    That may be another user's, for who may answer there: what comes of it they then see.
    """
    if heard.said:
        raise InputError("Answer what is asked first, and say the rest when that is done.")
    asked = [ids.question(each.request) for each in heard.answers]
    if {name or asked[0].session} != {each.session for each in asked}:
        raise StaleError("These approval requests are not of this session.")
    row = await talk.row(asked[0].session, "answer")
    if row.user != talk.caller.user.id:
        talk.caller.check("see")
    given = [
        Answer(question.number, question.digest, each.approved, reason=each.reason)
        for question, each in zip(asked, heard.answers, strict=True)
    ]
    return await talk.answer(asked[0].session, given)
