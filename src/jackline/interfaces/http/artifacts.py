"""Files of a session: what is uploaded to it, and what its tools returned."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response

from jackline.core.characters import encodings
from jackline.core.errors import ForbiddenError, OversizeError
from jackline.core.inputs import Upload
from jackline.interfaces.http.asking import Known, Name, Reader, Served, Speaker, session_of
from jackline.interfaces.http.bodies import HANDLE
from jackline.interfaces.http.replies import json
from jackline.interfaces.http.shapes import Artifact, Responses, answers
from jackline.interfaces.wire import Discretion
from jackline.runtime.secrecy import rewritten

router = APIRouter(tags=["artifacts"], route_class=Known)
Handle = Annotated[str, Path(pattern=HANDLE)]
_TOLD_MAX = 256 << 10  # To look through more holds up whoever else is served.
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.IGNORECASE)
_BYTES: dict[str, Any] = {"description": "Its bytes", "content": {"application/octet-stream": {}}}
_FILE: Responses = {200: _BYTES, 206: _BYTES, 416: {"description": "It has no such bytes"}}


@router.post("/sessions/{session}/artifacts", status_code=201, responses=answers(201, Artifact))
async def upload_artifact(
    session: Name, request: Request, service: Served, caller: Speaker
) -> Response:
    """Upload a file to a session: the body is the file, of the type that its header says."""
    row = await service.sessions.row(session_of(caller, session), caller.user)
    media_type = request.headers.get("content-type", "application/octet-stream")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > service.bounds.artifact_bytes:
            raise OversizeError(f"A file has at most {service.bounds.artifact_bytes:,} bytes here.")
    upload = Upload(bytes(data), media_type, tokens_max=1)  # What it costs is said with its use.
    handle, size = await service.sessions.upload(row, upload)
    return json(Artifact(handle, upload.media_type, size), 201)


@router.get("/sessions/{session}/artifacts/{artifact}", responses=_FILE)
async def read_artifact(
    session: Name,
    artifact: Handle,
    service: Served,
    caller: Reader,
    wanted: Annotated[str, Header(alias="Range")] = "",
) -> Response:
    """Read a file, or a range of its bytes (RFC 9110, 14).

    Any other range, of another unit or several, is not heard, and the file comes whole. A text of
    somebody else's session is told as its events are, if it is small enough for that.
    """
    row = await service.sessions.row(session_of(caller, session), caller.user, "see")
    data, media_type = await service.store.get(row.id, artifact)
    if row.user != caller.user.id and encodings(data, media_type):
        data = _told(data, media_type, service.discretion(row, caller.user))
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    asked = _RANGE.fullmatch(wanted)
    if asked is None or not asked[1] + asked[2]:
        return Response(data, 200, headers, media_type)
    if (found := _range(asked[1], asked[2], len(data))) is None:
        return Response(b"", 416, headers | {"Content-Range": f"bytes */{len(data)}"})
    first, last = found
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, headers, media_type)


def _told(data: bytes, media_type: str, discretion: Sequence[Discretion]) -> bytes:
    if discretion and len(data) > _TOLD_MAX:
        raise ForbiddenError(
            f"Of texts with more than {_TOLD_MAX:,} bytes personal data is not taken out: its user "
            "may read this one, and who may know all that the agent's policy is about."
        )
    for each in discretion:
        data = rewritten(data, media_type, each.said)
    return data


def _range(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Return the first and the last byte of a range. None: there are no such bytes."""
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) and size else None
    start, end = int(first), min(int(last or size), size - 1)
    return (start, end) if start <= end else None
