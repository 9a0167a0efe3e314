"""Turns: say something, and hear what comes of it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import TypeAdapter
from starlette.types import Receive

from jackline.core.errors import NotFoundError, OperatorError
from jackline.core.events import Submitted
from jackline.interfaces.http.asking import (
    Known,
    Name,
    Reader,
    Served,
    Speaker,
    a_place_to_wait,
    session_of,
    wants_stream,
)
from jackline.interfaces.http.bodies import POSITION_MAX, TurnAsked
from jackline.interfaces.http.events import Accept
from jackline.interfaces.http.replies import EventStream, json
from jackline.interfaces.http.sessions import RequestId
from jackline.interfaces.http.shapes import Done, Told, answers, receipt_of
from jackline.interfaces.readers import while_there
from jackline.interfaces.streams import stream
from jackline.interfaces.wire import Discretion, Place
from jackline.ports import SessionRow
from jackline.runtime.results import Result
from jackline.runtime.submission import Submission

router = APIRouter(tags=["turns"], route_class=Known)
Wait = Annotated[float, Query(ge=0, le=300, description="Seconds to wait for its end.")]
Turn = Annotated[int, Path(ge=1, le=POSITION_MAX, description="The position that opened it.")]
_AT_REST_S = 5.0  # To read what has happened: nothing is waited for.
_OUTPUT = TypeAdapter(object)
_WAITING = [Depends(a_place_to_wait)]
_TURN = answers(202, Told) | answers(200, Done, stream=True)


@router.post("/sessions/{session}/turns", status_code=202, responses=_TURN, dependencies=_WAITING)
async def submit_turn(  # noqa: PLR0913 - each is a part of the request
    session: Name,
    body: TurnAsked,
    request: Request,
    service: Served,
    caller: Speaker,
    *,
    request_id: RequestId = "",
    accept: Accept = "",
    wait: Wait = 0.0,
    traceparent: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Say something to an agent.

    What is acknowledged, with 202, belongs to exactly one turn; repeated with the same
    `Idempotency-Key` it gets the same answer. With `Accept: text/event-stream` the turn's events
    and text follow until it ends; with `wait` how it ended, if it does in time.
    """
    name, trace = session_of(caller, session), traceparent if body.on_busy != "steer" else ""
    submission = Submission(body.said(), request_id, body.on_busy, body.deadline_at, trace)
    if body.agent:
        name, receipt = await service.sessions.begin(body.agent, caller.user, submission, session)
    else:
        receipt = await service.sessions.submit(name, caller.user, submission)
    turn = receipt.turn or receipt.seq
    told = json(receipt_of(name, receipt), 202)
    if not (wait or wants_stream(accept)):
        return told
    # What was accepted is acknowledged, whatever the store can tell of it now.
    with suppress(OperatorError):
        row = await service.sessions.row(name, caller.user)
        if wants_stream(accept):
            form = service.told(row, caller.user)
            frames = stream(service.sessions, row, Place(turn - 1), form, turn)
            return EventStream(frames, service, caller)
        if ended := await _ended(service, caller, row, turn, wait, request.receive):
            return json(ended)
    return told


@router.get("/sessions/{session}/turns/{turn}", responses=_TURN, dependencies=_WAITING)
async def show_turn(
    session: Name,
    turn: Turn,
    request: Request,
    service: Served,
    caller: Reader,
    wait: Wait = 0.0,
) -> Response:
    """Show how a turn ended, or wait for it. 202: it goes on."""
    row = await service.sessions.row(session_of(caller, session), caller.user, "see")
    opening = await service.store.read(row.id, turn - 1, 1)
    if not opening or not isinstance(opening[0].event, Submitted):
        raise NotFoundError(f"{turn} is no turn of session {session!r}.")
    goes_on = row.turn is not None and row.turn <= turn and row.state != "paused"
    wait_s = wait if goes_on else max(wait, _AT_REST_S)
    if wait_s and (ended := await _ended(service, caller, row, turn, wait_s, request.receive)):
        return json(ended)
    return json(Told(session, turn, turn, repeated=False, queued=row.turn != turn), 202)


async def _ended(
    service: Served,
    caller: Reader,
    row: SessionRow,
    turn: int,
    wait_s: float,
    receive: Receive,
) -> Done | None:
    try:
        async with asyncio.timeout(wait_s):
            waits = service.result(row.id, turn, caller.user)
            result = await while_there(service.readers, receive, waits)
    except TimeoutError:
        return None
    return result and done(result, service.discretion(row, caller.user))


def done(result: Result, discretion: Sequence[Discretion]) -> Done:
    """Return how a turn ended, as JSON can say it to who is told with this discretion."""
    usage = {each: getattr(result.usage, each) for each in result.usage.__struct_fields__}
    text, output = result.text, _OUTPUT.dump_python(result.output, mode="json")
    for each in discretion:
        output = each.said(output) if isinstance(output, str) else _told(output, each)
        text = each.said(text)
    return Done(
        result.session.name,
        result.turn,
        result.outcome,
        text,
        output,
        usage,
        result.cost,
        result.code,
        result.questions,
    )


def _told(output: object, discretion: Discretion) -> object:
    written = msgspec.json.encode(output).decode()
    told = discretion.json(written)
    try:
        return output if told == written else msgspec.json.decode(told)
    except msgspec.DecodeError:
        return told  # It is no JSON any more, and a text.
