"""Chat completions: what an agent says, as text."""

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request, Response

from jackline.core.errors import InputError, NotFoundError
from jackline.core.events import InputRequested, SessionId, TurnPaused
from jackline.interfaces.answering import Answer
from jackline.interfaces.http.asking import Served, Speaker, a_place
from jackline.interfaces.http.replies import EventStream, json
from jackline.interfaces.http.sessions import RequestId
from jackline.interfaces.http.shapes import answers
from jackline.interfaces.openai import asking, telling
from jackline.interfaces.openai.bodies import ChatAsked
from jackline.interfaces.openai.completions import BETWEEN, ChatWriter, at_once, completion
from jackline.interfaces.openai.conversation import Conversation, of_messages
from jackline.interfaces.openai.ids import Span
from jackline.interfaces.openai.refusals import Compatible, TurnError, accepted
from jackline.interfaces.openai.reply import Reply
from jackline.interfaces.openai.shapes import Completion
from jackline.interfaces.openai.talking import SessionName, Talk, header_of, name_of
from jackline.interfaces.openai.telling import DRAINED, heard, reply_to
from jackline.ports import SessionRow

router = APIRouter(tags=["openai"], route_class=Compatible)


@router.post(
    "/chat/completions",
    responses=answers(200, Completion, stream=True),
    dependencies=[Depends(a_place)],
)
async def create_completion(
    body: ChatAsked,
    request: Request,
    service: Served,
    caller: Speaker,
    request_id: RequestId = "",
    session: SessionName = "",
) -> Response:
    """Say the last message to an agent, and hear its answer.

    In the session that the header names only what follows the assistant's last message is said.
    Without, a new session begins with all that came before. Where the agent has to ask, the
    answer is a text that says so, and the next message may be "approve" or "decline".
    """
    body.check(_ALSO)
    talk = Talk(service, caller, body.model, request_id)
    span = await _begun(talk, name_of(session), of_messages(body.messages))
    headers, own = header_of(span.session), service.approve_own
    with accepted():
        row = await service.sessions.row(SessionId(caller.user.tenant, span.session), caller.user)
        asks = await _asks(talk, row, span)
        reply = asks or reply_to(service, row, span, caller.user, between=BETWEEN)
        if not body.stream:
            if not asks:
                await heard(service, row, reply, request.receive)
            if reply.end is None and service.readers.closing:
                raise TurnError(DRAINED, "drain", 503, again=True)
            return json(completion(reply, body.model, own=own), headers=headers)
    usage = bool(body.stream_options and body.stream_options.include_usage)
    writer = ChatWriter(body.model, own=own, usage=usage)
    told = at_once(reply, writer) if asks else telling.told(service, row, reply, writer)
    frames = EventStream(told, service, caller, writer.drained)
    frames.headers.update(headers)
    return frames


_ALSO = frozenset({"store"})  # There it is about what a provider learns from.


async def _begun(talk: Talk, name: str, heard: Conversation) -> Span:
    """Say or answer something, in the session of the header or of the card that was shown last.

    Where that waits for another answer nothing is said: what it asks is shown, once more.
    """
    shown = await _shown(talk, heard.last)
    row = await talk.known(name) if name else shown[0] if shown else None
    if row is None:
        return await talk.say(heard.said, name, () if name else heard.history)
    given = asking.verdict(heard.typed)
    if shown and given and shown[0].id == row.id:
        given_to = [
            Answer(each, asked.digest, given[0], reason=given[1])
            for each, asked in shown[1].items()
        ]
        return await talk.answer(row.id.name, given_to)
    if row.questions:
        return Span(row.id.name, row.turn or 1, 0, 0)
    return await talk.say(heard.said, row.id.name)


async def _asks(talk: Talk, row: SessionRow, span: Span) -> Reply | None:
    """Return what the session asks, where that is all that there is to tell."""
    if span.first:
        return None
    reply = Reply(span, begun_at=row.updated_at, end=TurnPaused("person"))
    waiting = await talk.service.sessions.questions(row.id, talk.caller.user)
    reply.ask(waiting)
    return reply


async def _shown(talk: Talk, last: str) -> tuple[SessionRow, Mapping[int, InputRequested]] | None:
    """Return the session and the questions whose card the assistant's last message ends in.

    It has to be the very card: so yes holds for what was read.
    """
    found = asking.named(last)
    if found is None:
        return None
    try:
        row = await talk.row(name_of(found[0]))
        asked = {each: await talk.service.sessions.asked(row.id, each) for each in found[1]}
    except (InputError, NotFoundError):
        return None
    cards = (asking.card(row.id.name, asked, own=own) for own in (True, False))
    return (row, asked) if asked and any(map(last.endswith, cards)) else None
