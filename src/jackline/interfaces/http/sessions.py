"""Sessions: open, list, show, fork, end a turn, go on, raise limits, erase."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from jackline.interfaces.http import acts, cursors
from jackline.interfaces.http.asking import (
    Known,
    Name,
    Operator,
    Reader,
    Served,
    Speaker,
    session_of,
)
from jackline.interfaces.http.bodies import (
    CancelAsked,
    ForkAsked,
    LimitsAsked,
    ListAsked,
    SessionAsked,
)
from jackline.interfaces.http.replies import json
from jackline.interfaces.http.shapes import (
    ERASED,
    RECEIPT,
    SESSION,
    SESSIONS,
    Listed,
    receipt_of,
    shown,
)
from jackline.ports import Listing
from jackline.runtime.inputs import checked_name

router = APIRouter(tags=["sessions"], route_class=Known)
RequestId = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]


@router.post("/sessions", status_code=201, responses=SESSION)
async def open_session(body: SessionAsked, service: Served, caller: Speaker) -> Response:
    """Open a session with an agent. One that is there already, with that agent, is shown."""
    session = await service.sessions.open(body.agent, caller.user, body.session)
    return json(shown(await service.sessions.row(session, caller.user)), 201)


@router.get("/sessions", responses=SESSIONS)
async def list_sessions(
    service: Served,
    caller: Reader,
    *,
    wanted: Annotated[ListAsked, Query()],
) -> Response:
    """List one's sessions, the latest opened first; all of the tenant to who may see them.

    `next` is the `cursor` that goes on: no session is told twice, and none is left out. `user`,
    `agent` and `state`: only theirs, and those; `waiting`: only those that ask a person something.
    """
    listing = Listing(wanted.user, wanted.agent, wanted.state, wanted.waiting, limit=wanted.limit)
    rows, goes_on = await cursors.page(service, caller, listing, wanted.cursor)
    return json(Listed(tuple(map(shown, rows)), goes_on))


@router.get("/sessions/{session}", responses=SESSION)
async def show_session(session: Name, service: Served, caller: Reader) -> Response:
    """Show how a session stands."""
    row = await service.sessions.row(session_of(caller, session), caller.user, "see")
    return json(shown(row))


@router.delete("/sessions/{session}", responses=ERASED)
async def erase_session(session: Name, service: Served, caller: Reader) -> Response:
    """Erase what was said in a session, its forks and files included.

    What it cost is kept, and that there were events.
    """
    row = await acts.operated(service, caller, session_of(caller, session))
    return json({"erased": await service.store.erase(row.id.tenant, None, row.id.name)})


@router.post("/sessions/{session}/fork", status_code=201, responses=SESSION)
async def fork_session(
    session: Name, body: ForkAsked, service: Served, caller: Speaker
) -> Response:
    """Copy a session up to the end of its last turn. What it cost is history there."""
    name = checked_name(body.session) if body.session else ""
    copy = await service.sessions.fork(session_of(caller, session), caller.user, name)
    return json(shown(await service.sessions.row(copy, caller.user)), 201)


@router.post("/sessions/{session}/cancel", status_code=202, responses=RECEIPT)
async def cancel_turn(
    session: Name, body: CancelAsked, service: Served, caller: Reader
) -> Response:
    """End the open turn. What came of what runs is kept."""
    name = session_of(caller, session)
    receipt = await acts.cancel(service, caller, name, body)
    return json(receipt_of(name, receipt), 202)


@router.post("/sessions/{session}/resume", status_code=202, responses=RECEIPT)
async def resume_turn(
    session: Name, service: Served, caller: Reader, request_id: RequestId = ""
) -> Response:
    """Go on with a turn that is paused, or where the last one was stopped or failed."""
    name = session_of(caller, session)
    receipt = await acts.resume(service, caller, name, request_id)
    return json(receipt_of(name, receipt), 202)


@router.post("/sessions/{session}/limits", status_code=202, responses=RECEIPT)
async def raise_limits(
    session: Name, body: LimitsAsked, service: Served, caller: Operator
) -> Response:
    """Let a session go further than its agent's limits."""
    row = await service.sessions.row(session_of(caller, session), caller.user, "operate")
    receipt = await service.sessions.raise_limits(row.id, caller.user, body.limits)
    return json(receipt_of(row.id, receipt), 202)
