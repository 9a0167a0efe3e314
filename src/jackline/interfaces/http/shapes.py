"""What answers look like, and how the OpenAPI document says so."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from jackline.core.events import InputRequested, SessionId
from jackline.interfaces.problems import Problem
from jackline.ports import Receipt, SessionRow
from jackline.ports.store import State

Responses = dict[int | str, dict[str, Any]]


class Session(msgspec.Struct, frozen=True):
    """How a session stands. Money in micro-dollars, times in seconds since 1970."""

    session: str
    user: str
    agent: str
    state: State
    head: int
    turn: int | None
    spent: int
    held: int
    questions: tuple[int, ...]
    updated_at: float
    erased_at: float | None


class Listed(msgspec.Struct, frozen=True):
    """Sessions, and the `cursor` that goes on after them, if there are more."""

    sessions: tuple[Session, ...]
    next: str | None


class Told(msgspec.Struct, frozen=True):
    """Where what was told stands in the journal, and which turn it belongs to.

    `repeated`: it was told before, and this is what was said then. `queued`: that turn begins
    when another has ended.
    """

    session: str
    position: int
    turn: int | None
    repeated: bool
    queued: bool


class Done(msgspec.Struct, frozen=True):
    """How a turn ended, or that it waits for a person. `cost` in micro-dollars."""

    session: str
    turn: int
    outcome: Literal["completed", "failed", "stopped", "cancelled", "paused"]
    text: str
    output: Any
    usage: Mapping[str, int]
    cost: int
    code: str
    questions: tuple[int, ...]


class Page(msgspec.Struct, frozen=True):
    """Events in their order, and how many the session has."""

    events: tuple[Mapping[str, Any], ...]
    head: int


class Question(msgspec.Struct, frozen=True):
    """A call that waits for a person. An answer has to name its `digest`.

    `arguments` are JSON, `origins` say where each of them came from.
    """

    session: str
    question: int
    user: str
    agent: str
    kind: str
    text: str
    name: str
    arguments: str
    origins: Mapping[str, str]
    digest: str
    expires_at: float


class Inbox(msgspec.Struct, frozen=True):
    """What is asked of people now, and the `cursor` that goes on, if there is more."""

    questions: tuple[Question, ...]
    next: str | None = None


class Artifact(msgspec.Struct, frozen=True):
    """A file of a session, and the handle that names it."""

    artifact: str
    media_type: str
    size_bytes: int


class AgentShown(msgspec.Struct, frozen=True):
    """An agent, and the names of its tools."""

    agent: str
    version: str
    tools: tuple[str, ...]


class Agents(msgspec.Struct, frozen=True):
    """The agents that are served."""

    agents: tuple[AgentShown, ...]


class UsageSum(msgspec.Struct, frozen=True):
    """What turns used that ended: tokens, and micro-dollars. `key`: of which user, agent or day."""

    key: str
    turns: int
    cost: int
    input: int
    output: int


class Spent(msgspec.Struct, frozen=True):
    """What was used, and the `cursor` that goes on, if there is more."""

    sums: tuple[UsageSum, ...]
    next: str | None = None


class Budget(msgspec.Struct, frozen=True):
    """An account that sessions pay from, in micro-dollars. Without a limit it only counts."""

    account: str
    limit: int | None
    spent: int
    held: int


class Budgets(msgspec.Struct, frozen=True):
    """Accounts, and the `cursor` that goes on to those before them, if there are more."""

    budgets: tuple[Budget, ...]
    next: str | None = None


class Gone(msgspec.Struct, frozen=True):
    """How many sessions were erased, forks included."""

    erased: int


SHAPES = (
    *(Session, Listed, Told, Done, Page, Inbox, Artifact, Agents, Gone, Problem),
    *(Spent, Budget, Budgets),
)


def answers(status: int, shape: type, *, stream: bool = False) -> Responses:
    """Return what the OpenAPI document says of an endpoint's answer."""
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}
    }
    if stream:
        content["text/event-stream"] = {"schema": {"$ref": "#/components/schemas/Streamed"}}
    return {status: {"description": (shape.__doc__ or "").partition("\n")[0], "content": content}}


SESSION = answers(201, Session) | answers(200, Session)
SESSIONS = answers(200, Listed)
RECEIPT = answers(202, Told)
ERASED = answers(200, Gone)


def shown(row: SessionRow) -> Session:
    """Return how a session stands."""
    return Session(
        row.id.name,
        row.user,
        row.agent,
        row.state,
        row.head,
        row.turn,
        row.spent,
        row.held,
        row.questions,
        row.updated_at,
        row.erased_at,
    )


def receipt_of(session: SessionId, receipt: Receipt) -> Told:
    """Return where what was told stands."""
    return Told(session.name, receipt.seq, receipt.turn, receipt.repeated, receipt.queued)


def asked_of(row: SessionRow, number: int, asked: InputRequested) -> Question:
    """Return a question as people are shown it."""
    return Question(
        row.id.name,
        number,
        row.user,
        row.agent,
        asked.kind,
        asked.text,
        asked.name,
        asked.arguments,
        asked.origins,
        asked.digest,
        asked.expires_at,
    )
