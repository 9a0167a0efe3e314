"""Events: what happened, and what happens."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from jackline.interfaces import wire
from jackline.interfaces.http.asking import (
    Known,
    Name,
    Reader,
    Served,
    a_place_to_wait,
    session_of,
    wants_stream,
)
from jackline.interfaces.http.messages import Messages
from jackline.interfaces.http.replies import EventStream
from jackline.interfaces.http.shapes import Page, answers
from jackline.interfaces.streams import StreamReader, stream

router = APIRouter(tags=["events"], route_class=Known)
Accept = Annotated[str, Header(max_length=1_000)]


@router.get(
    "/sessions/{session}/events",
    responses=answers(200, Page, stream=True),
    dependencies=[Depends(a_place_to_wait)],
)
async def read_events(  # noqa: PLR0913 - each is a part of the request
    session: Name,
    service: Served,
    caller: Reader,
    *,
    after: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
    accept: Accept = "",
    last_event_id: Annotated[str, Header(max_length=64)] = "",
) -> Response:
    """Read the events after a position; with `Accept: text/event-stream` follow them.

    Whoever was cut off returns with the id of what they had last, as `Last-Event-ID` or `after`,
    to any server, and gets the rest: each event once and in order, and text without a gap. A page
    has the events alone.
    """
    row = await service.sessions.row(session_of(caller, session), caller.user, "see")
    place = wire.place(last_event_id or after or "0")
    form = service.told(row, caller.user)
    if wants_stream(accept):
        return EventStream(stream(service.sessions, row, place, form), service, caller)
    records = await service.store.read(row.id, place.seq, limit)
    told = StreamReader(Messages(form), place).told(records)
    page = b'{"events":[%b],"head":%d}' % (b",".join(told), row.head)
    return Response(page, media_type="application/json")
