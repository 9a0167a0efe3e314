"""What is said over a WebSocket, in both directions: one JSON object a message."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, TypeAdapter

from jackline.core.events import Record
from jackline.interfaces import wire
from jackline.interfaces.http.bodies import (
    POSITION_MAX,
    AnswerAsked,
    Body,
    CancelAsked,
    DeadlineAt,
    Words,
)
from jackline.interfaces.streams import Frames
from jackline.interfaces.wire import Place
from jackline.ports import Delta

RequestId = Annotated[str, Field(max_length=200)]


class InputSaid(Words):
    """Say something. Repeated with the same `request_id` it gets the same receipt."""

    type: Literal["input"]
    request_id: RequestId = ""
    on_busy: Literal["queue", "reject"] = "queue"
    deadline_at: DeadlineAt = None


class SteerSaid(Words):
    """Say something in the open turn. If that has ended meanwhile, it opens one."""

    type: Literal["steer"]
    request_id: RequestId = ""


class AnswerSaid(AnswerAsked):
    """Approve or decline a call."""

    type: Literal["answer"]
    request_id: RequestId = ""
    question: Annotated[int, Field(ge=1, le=POSITION_MAX)]


class CancelSaid(CancelAsked):
    """End the open turn, or `turn` if it is open."""

    type: Literal["cancel"]
    request_id: RequestId = ""


class ResumeSaid(Body):
    """Go on with a turn that is paused, or where the last one was stopped or failed."""

    type: Literal["resume"]
    request_id: RequestId = ""


Verb = Annotated[
    InputSaid | SteerSaid | AnswerSaid | CancelSaid | ResumeSaid, Field(discriminator="type")
]
VERBS: TypeAdapter[Verb] = TypeAdapter(Verb)


class Acknowledged(msgspec.Struct, frozen=True, tag="receipt"):
    """A verb is done: where it stands in the journal, as over HTTP."""

    request_id: str
    session: str
    position: int
    turn: int | None
    repeated: bool
    queued: bool


class Failed(msgspec.Struct, frozen=True, tag="error", omit_defaults=True):
    """A verb was refused, with the code that it has over HTTP. The connection stays."""

    request_id: str
    code: str
    detail: str
    errors: tuple[dict[str, str], ...] = ()


class TextSaid(msgspec.Struct, frozen=True, tag="text.delta"):
    """A piece of a reply, as it is said. `id` is where one may go on after it."""

    id: str
    text: str


class Reset(msgspec.Struct, frozen=True, tag="message.reset"):
    """What was said of the reply that event `seq` asked for, by the driver of `epoch`, is void."""

    seq: int
    epoch: int


class Truncated(msgspec.Struct, frozen=True, tag="stream.truncated"):
    """Nothing is at the place that was asked for: all begins anew."""

    after: int
    head: int


class Ended(msgspec.Struct, frozen=True, tag="stream.ended"):
    """Nothing more comes, and why."""

    code: str
    detail: str


class Messages:
    """A stream's items as messages: the JSON that its frames have, which is made once."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def event(self, record: Record, at: Place) -> bytes:
        """See `Form.event`."""
        return self._frames.json(record, at)

    def text(self, delta: Delta, at: Place) -> bytes:
        """See `Form.text`."""
        return wire.text_json(delta, at)

    def said(self, data: bytes, at: Place | None = None) -> bytes:  # noqa: ARG002 - the message says it
        """See `Form.said`."""
        return data


def schemas(ref: str) -> dict[str, Any]:
    """Return the schemas of all messages. `ref` is how one refers to another, by its `name`."""
    verb = VERBS.json_schema(ref_template=ref.format(name="{model}"))
    said = (Acknowledged, Failed, TextSaid, Reset, Truncated, Ended)
    tops, found = msgspec.json.schema_components(said, ref_template=ref)
    told = [*tops, {"$ref": ref.format(name="Event")}]
    return {**verb.pop("$defs"), **found, "Verb": verb, "Message": {"anyOf": told}}
