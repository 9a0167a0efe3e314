"""Events: what happened, and what happens."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from jackline.core.errors import InputError
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
from jackline.interfaces.http.replies import EventStream
from jackline.interfaces.http.shapes import Page, answers
from jackline.interfaces.streams import stream

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
    to any server, and gets the rest: each event once and in order, and text without a gap.
    """
    row = await service.sessions.row(session_of(caller, session), caller.user, "see")
    place = wire.place(last_event_id or after or "0")
    if wants_stream(accept):
        form = service.told(row, caller.user)
        return EventStream(stream(service.sessions, row, place, form), service)
    if place.epoch:
        raise InputError(f"{after!r} is a place within a text: only a stream goes on there.")
    records = await service.store.read(row.id, place.seq, limit)
    discretion = service.discretion(row, caller.user)
    told = b",".join([wire.event_json(wire.leaving(each, discretion)) for each in records])
    return Response(b'{"events":[%b],"head":%d}' % (told, row.head), media_type="application/json")
