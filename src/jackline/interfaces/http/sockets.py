"""A session over one WebSocket: what happens comes out, and verbs go in."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import ExitStack, aclosing, suppress

import msgspec
from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from jackline.core.errors import (
    AccessChangedError,
    JacklineError,
    NotFoundError,
    StoreError,
    UnauthenticatedError,
)
from jackline.core.events import SessionId
from jackline.interfaces import wire
from jackline.interfaces.http import acts
from jackline.interfaces.http.asking import session_of
from jackline.interfaces.http.messages import (
    VERBS,
    Acknowledged,
    AnswerSaid,
    CancelSaid,
    Ended,
    Failed,
    InputSaid,
    Messages,
    ResumeSaid,
    SteerSaid,
    Verb,
)
from jackline.interfaces.http.replies import ABORT
from jackline.interfaces.identity import Caller, known_caller
from jackline.interfaces.problems import detail_of, found_wrong, problem
from jackline.interfaces.readers import DroppedError, check_unchanged
from jackline.interfaces.service import Service
from jackline.interfaces.streams import stream
from jackline.ports import Receipt
from jackline.runtime.submission import Submission

router = APIRouter()
# Why a connection ends, as its close frame says it (RFC 6455, 7.4).
CLOSES: Mapping[str, int] = {
    "malformed": 1008,
    "unauthenticated": 1008,
    "oversize": 1009,
    "drain": 1012,
    "slow_reader": 1013,
    "store": 1013,
    "access_changed": 4403,
    "not_found": 4404,
}
_SUBPROTOCOL, _BEARER = "jackline", "bearer."
_MALFORMED_MAX = 10
_FAREWELL_S, _DRAIN_S = 20.0, 1.0
_encode = msgspec.json.Encoder().encode


@router.websocket("/sessions/{session}/ws")
async def converse(websocket: WebSocket, session: str) -> None:
    """Follow a session, and act in it, until either side has enough."""
    service: Service = websocket.app.state.service
    with ExitStack() as held:
        try:
            authorization = shown(websocket)
            caller = await known_caller(service.identities, authorization)
            if not caller.may("see"):
                caller.check("say")
            row = await service.sessions.row(session_of(caller, session), caller.user, "see")
            after = wire.place(websocket.query_params.get("after") or "0")
            held.enter_context(service.place(caller))
        except JacklineError as error:
            await websocket.send_denial_response(problem(error))
            await asyncio.sleep(0)  # Till the connection is closed uvicorn takes this for a fault.
            return
        offered: Sequence[str] = websocket.scope.get("subprotocols", ())
        await websocket.accept(_SUBPROTOCOL if _SUBPROTOCOL in offered else None)
        batches = stream(service.sessions, row, after, Messages(service.told(row, caller.user)))
        await _Conversation(websocket, service, authorization, caller, row.id).last(batches)


def shown(websocket: WebSocket) -> str:
    """Return what the client shows of itself. Browsers can name a subprotocol, but no header."""
    if header := websocket.headers.get("authorization"):
        return header
    offered: Sequence[str] = websocket.scope.get("subprotocols", ())
    keys = [each.removeprefix(_BEARER) for each in offered if each.startswith(_BEARER)]
    return f"Bearer {keys[0]}" if keys else ""


class _Conversation:
    """One connection that was accepted."""

    def __init__(
        self,
        websocket: WebSocket,
        service: Service,
        authorization: str,
        caller: Caller,
        name: SessionId,
    ) -> None:
        self._websocket = websocket
        self._service = service
        self._authorization = authorization
        self._caller = caller
        self._name = name
        self._malformed = 0

    async def last(self, batches: AsyncGenerator[Sequence[bytes]]) -> None:
        """Tell and listen until the client leaves, or has to."""
        readers, code = self._service.readers, "left"
        group = asyncio.TaskGroup()
        try:
            async with group:
                readers.come(group)
                group.create_task(self._tell(batches))
                group.create_task(self._listen())
                group.create_task(self._watch())
        except* DroppedError as dropped:
            code = next(each.code for each in dropped.exceptions if isinstance(each, DroppedError))
        except* TimeoutError:
            code = "slow_reader"
        except* WebSocketDisconnect:
            code = "left"
        finally:
            readers.go(group, code)
        if code in CLOSES:
            await self._end(code)

    async def _end(self, code: str) -> None:
        """Say why it ends. Who is too slow for that, too, is cut off: much is in the way."""
        try:
            async with asyncio.timeout(_DRAIN_S if self._service.readers.closing else _FAREWELL_S):
                with suppress(WebSocketDisconnect):
                    await self._websocket.close(CLOSES[code], code)
        except TimeoutError:
            if abort := self._websocket.scope.get("extensions", {}).get(ABORT):
                abort["now"]()

    async def _tell(self, batches: AsyncGenerator[Sequence[bytes]]) -> None:
        if self._service.readers.closing:
            raise DroppedError("drain")
        async with aclosing(batches):
            try:
                async for batch in batches:
                    for item in batch:
                        await self._send(item)
            except NotFoundError as error:
                await self._ended(error, str(error))
            except StoreError as error:
                await self._ended(error, self._service.readers.unserved(error))

    async def _ended(self, error: JacklineError, detail: str) -> None:
        await self._send(_encode(Ended(error.code, detail)))
        raise DroppedError(error.code) from None

    async def _watch(self) -> None:
        """Look now and then whether the client still is who it was."""
        while True:
            await asyncio.sleep(self._service.bounds.ping_s)
            try:
                await check_unchanged(self._service.identities, self._authorization, self._caller)
            except (UnauthenticatedError, AccessChangedError) as error:
                await self._send(_encode(Ended(error.code, str(error))))
                raise DroppedError(error.code) from None

    async def _send(self, message: bytes) -> None:
        async with asyncio.timeout(self._service.bounds.send_s):
            await self._websocket.send_text(message.decode())

    async def _listen(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise DroppedError("left")
            said: str | bytes = message.get("text") or message.get("bytes") or ""
            if len(said) > self._service.bounds.body_bytes:
                raise DroppedError("oversize")
            await self._send(_encode(await self._answered(said)))

    async def _answered(self, said: str | bytes) -> Acknowledged | Failed:
        try:
            verb = VERBS.validate_json(said)
        except ValidationError as error:
            self._malformed += 1
            if self._malformed > _MALFORMED_MAX:
                raise DroppedError("malformed") from None
            told = "This is no verb as the schema has it: see errors."
            return Failed("", "input", told, found_wrong(error.errors()))
        try:
            caller = await known_caller(self._service.identities, self._authorization)
            receipt = await self._act(caller, session_of(caller, self._name.name), verb)
        except UnauthenticatedError as error:
            raise DroppedError(error.code) from None
        except JacklineError as error:
            return Failed(verb.request_id, error.code, detail_of(error))
        where = receipt.seq, receipt.turn, receipt.repeated, receipt.queued
        return Acknowledged(verb.request_id, self._name.name, *where)

    async def _act(self, caller: Caller, session: SessionId, verb: Verb) -> Receipt:
        match verb:
            case AnswerSaid():
                return await acts.answer(self._service, caller, session, verb.question, verb)
            case CancelSaid():
                return await acts.cancel(self._service, caller, session, verb)
            case ResumeSaid():
                return await acts.resume(self._service, caller, session, verb.request_id)
            case InputSaid():
                submission = Submission(
                    verb.said(), verb.request_id, verb.on_busy, verb.deadline_at
                )
            case SteerSaid():
                submission = Submission(verb.said(), verb.request_id, "steer")
        caller.check("say")
        return await self._service.sessions.submit(session, caller.user, submission)
