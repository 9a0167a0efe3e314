"""What requests say, as the OpenAPI schema has it. What nobody reads is refused."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from jackline.core.inputs import Given
from jackline.core.messages import File, Image, Pasted, Text
from jackline.ports import By
from jackline.ports.store import State

_NAME_MAX = 200
POSITION_MAX = (1 << 53) - 1  # What JSON can say so that every reader understands it (RFC 8259, 6).
HANDLE = "^[0-9a-f]{64}$"
Name = Annotated[str, Field(max_length=_NAME_MAX)]
# Half a character, or none, is in nobody's name, and no database looks for it.
Filter = Annotated[str, Field(min_length=1, max_length=_NAME_MAX, pattern="^[^\\x00]*$")] | None


class Body(BaseModel):
    """What a request says. What nobody reads is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextPart(Body):
    """What the user typed."""

    type: Literal["text"]
    text: str


class PastedPart(Body):
    """What the user put in and did not write: it is untrusted."""

    type: Literal["pasted"]
    text: str


class FilePart(Body):
    """What was uploaded to the session before. `tokens_max`: where its type has no bound."""

    type: Literal["file", "image"]
    artifact: Annotated[str, Field(pattern=HANDLE)]
    name: Name = ""
    tokens_max: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


DeadlineAt = Annotated[float, Field(ge=0, lt=1e12)] | None
Part = Annotated[TextPart | PastedPart | FilePart, Field(discriminator="type")]


class SessionAsked(Body):
    """A session to be opened. Without a name it gets one."""

    agent: Name
    session: Name = ""


class ListAsked(BaseModel):
    """Which sessions are wanted, and after which cursor."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    cursor: Annotated[str, Field(max_length=400)] = ""
    user: Filter = None
    agent: Filter = None
    state: State | None = None
    waiting: bool = False


class SpentAsked(BaseModel):
    """Which sums are wanted, of which days, and after which cursor."""

    model_config = ConfigDict(extra="forbid")

    by: By = "day"
    since: date | None = None
    until: date | None = None
    user: Filter = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 1_000
    cursor: Annotated[str, Field(max_length=500, pattern="^[^\\x00]*$")] = ""


class Words(Body):
    """Something to say."""

    input: str | Annotated[list[Part], Field(min_length=1, max_length=100)]

    def said(self) -> list[Given]:
        """Return it as the runtime takes it."""
        parts = [TextPart(type="text", text=self.input)] if isinstance(self.input, str) else None
        return [_given(part) for part in parts or self.input]  # pyright: ignore[reportArgumentType] - a str is a part above


class TurnAsked(Words):
    """Something to say. With `agent` the session is opened with it, unless it exists."""

    agent: Name = ""
    on_busy: Literal["queue", "reject", "steer"] = "queue"
    deadline_at: DeadlineAt = None


def _given(part: TextPart | PastedPart | FilePart) -> Given:
    match part:
        case TextPart():
            return Text(part.text)
        case PastedPart():
            return Pasted(part.text)
        case FilePart(type="image"):
            return Image(part.artifact, "")
        case FilePart():
            return File(part.artifact, "", part.name, 0, part.tokens_max)


class CancelAsked(Body):
    """End the open turn, or `turn` if it is open."""

    turn: Annotated[int, Field(ge=1, le=POSITION_MAX)] | None = None
    reason: Annotated[str, Field(max_length=10_000)] = ""


class ForkAsked(Body):
    """The name of the copy. Without one it gets one."""

    session: Name = ""


class AnswerAsked(Body):
    """An answer to a question that says `digest`. Other `arguments` are JSON, as the tool wants."""

    approved: bool
    digest: Annotated[str, Field(max_length=200)]
    arguments: dict[str, object] | None = None
    reason: Annotated[str, Field(max_length=10_000)] = ""


class BudgetAsked(Body):
    """What an account may spend, in dollars. null: it only counts."""

    usd: Annotated[float, Field(ge=0, le=1e12)] | None


class LimitsAsked(Body):
    """How far the session may go in all: dollars, and numbers as an agent's limits. null: any."""

    limits: Annotated[dict[str, float | None], Field(min_length=1, max_length=20)]
