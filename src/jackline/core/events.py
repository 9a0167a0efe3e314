"""What can happen to a session.

The names are the wire's, too: `TurnSubmitted` is `turn.submitted`. A turn's name is the
position of the event that opened it, and a question's the position of the event that asked
it, so an acknowledgement can say it without a fold. Money is in whole micro-dollars, times are
seconds of the database's clock since 1970.
"""

import re
from collections.abc import Mapping
from typing import Literal

from jackline.core.flow import Integrity, Label
from jackline.core.messages import Content, InputPart, Message, ReplyPart, Text, ToolCall
from jackline.core.value import Value

Gate = Literal["input", "result", "call", "output", "loop"]
Decision = Literal["allow", "flag", "redact", "ask", "block"]
Purpose = Literal["reply", "compact", "judge", "plan", "extract"]


class SessionId(Value, frozen=True):
    """A session's whole name: there is none outside of a tenant."""

    tenant: str
    name: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.name}"


class Principal(Value, frozen=True):
    """On whose behalf a turn runs, and with which rights."""

    user: str
    roles: frozenset[str] = frozenset()


class Usage(Value, frozen=True):
    """Tokens. `input` counts all that was read, `cache_read` and `cache_write` are part of it."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


class Finding(Value, frozen=True):
    """What a guard saw, and where: characters `start` to `end` of the text that it judged."""

    what: str
    start: int = 0
    end: int = 0


def kind(name: str) -> str:
    """Return the wire's name of an event's class: its first word, a dot, the others."""
    first, *others = re.findall("[A-Z][a-z]+", name)
    return f"{first}.{'_'.join(others)}".lower().rstrip(".")


class _Fact(Value, frozen=True, tag_field="type", tag=kind):
    """Something that happened."""


class SessionOpened(_Fact, frozen=True):
    """There is a session: a conversation of one user with one agent.

    `history` is a conversation that began elsewhere. `accounts` are those that it pays from
    beside its own, an ancestor's budget for one.
    """

    agent: str
    user: str
    history: tuple[Message, ...] = ()
    accounts: tuple[str, ...] = ()
    parent: str = ""
    ceiling: Label | None = None


class SessionForked(_Fact, frozen=True):
    """What stands before this was copied from another session: its costs are history."""

    source: str
    after: int


class SessionTaken(_Fact, frozen=True):
    """A worker drives. Whatever an earlier driver had in flight is lost."""

    epoch: int
    worker: str


class TurnSubmitted(_Fact, frozen=True):
    """Somebody wants something. It waits where a turn is already open.

    Without parts it asks to go on with what the last turn left.
    """

    request_id: str
    parts: tuple[InputPart, ...]
    principal: Principal
    version: str = ""
    deadline_at: float | None = None
    traceparent: str = ""
    allowed: tuple[str, ...] = ()


class TurnSteered(_Fact, frozen=True):
    """Somebody adds to the open turn, or opens one."""

    request_id: str
    parts: tuple[InputPart, ...]
    principal: Principal
    version: str = ""


class TurnPaused(_Fact, frozen=True):
    """Nothing can go on before `until`, or before somebody does something."""

    reason: Literal["person", "child", "timer", "version", "dead_letter"]
    until: float | None = None
    text: str = ""


class TurnResumed(_Fact, frozen=True):
    """What the turn waited for is there."""

    reason: str


class TurnCancelRequested(_Fact, frozen=True):
    """Somebody wants the open turn to end."""

    reason: str = ""


class LimitsRaised(_Fact, frozen=True):
    """Somebody lets this session go further than its agent's limits. 0 removes a limit."""

    limits: Mapping[str, int]
    by: str = ""


class GuardJudged(_Fact, frozen=True):
    """A guard had something to say, and why. `note` is what the model is told of it."""

    gate: Gate
    guard: str
    decision: Decision
    subject: str = ""
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    note: str = ""


class ModelReserved(_Fact, frozen=True):
    """The worst case is held in every account: the model may now be asked.

    `instructions` is there where they are new. `digest` tells the request from all others.
    """

    key: str
    model: str
    hold: int
    max_tokens: int
    digest: str = ""
    accounts: tuple[str, ...] = ()
    purpose: Purpose = "reply"
    instructions: str | None = None


class ModelReplied(_Fact, frozen=True):
    """The model said and asked for `parts`, and cost this much."""

    key: str
    parts: tuple[ReplyPart, ...]
    model: str
    usage: Usage
    cost: int = 0
    seconds: float = 0.0
    allowed: tuple[str, ...] = ()

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in their order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def text(self) -> str:
        """The words."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


class ModelFailed(_Fact, frozen=True):
    """The model refused or broke, and cost this much all the same."""

    key: str
    code: str
    text: str = ""
    cost: int = 0
    retry_after_s: float | None = None


class HoldUnconfirmed(_Fact, frozen=True):
    """Nobody knows what the call cost. It is charged whole."""

    key: str
    cost: int
    code: str = "lost"
    text: str = ""
    retry_after_s: float | None = None


class BudgetBreached(_Fact, frozen=True):
    """A bill was above its hold. It is charged, and that model is not asked again."""

    key: str
    model: str
    hold: int
    cost: int


class ContextCompacted(_Fact, frozen=True):
    """The messages from `first` to `last` (excluded) are now told by `summary`."""

    first: int
    last: int
    summary: str


class ToolRefused(_Fact, frozen=True):
    """The call was not made, and `text` tells the model why."""

    key: str
    text: str
    code: str


class ToolStarted(_Fact, frozen=True):
    """From here on the call may have happened.

    `arguments` is there where a person changed them, `version` is the tool's.
    """

    key: str
    name: str
    attempt: int
    effect_key: str
    version: str = ""
    arguments: str | None = None
    allowed: tuple[str, ...] = ()


class ToolReturned(_Fact, frozen=True):
    """The call is over: the model reads `parts`. The whole result may lie in an artifact."""

    key: str
    parts: tuple[Content, ...]
    artifact: str = ""
    labels: Mapping[str, Integrity] = {}
    attempts: int = 1
    seconds: float = 0.0
    allowed: tuple[str, ...] = ()


class ToolFailed(_Fact, frozen=True):
    """The call was made in vain or not at all, and `text` tells the model why."""

    key: str
    text: str
    code: str = "error"
    attempts: int = 1
    seconds: float = 0.0


class ToolUnknown(_Fact, frozen=True):
    """The call may or may not have happened, and `text` tells the model so.

    With `reconcile_at` somebody will ask the outside then, and the call stays open.
    """

    key: str
    text: str
    code: str = "lost"
    reconcile_at: float | None = None


class ToolReconciled(_Fact, frozen=True):
    """The outside was asked, or answered late. `happened` None: it does not know either."""

    key: str
    happened: bool | None
    text: str


class InputRequested(_Fact, frozen=True):
    """A person is asked. The question's name is this event's position.

    An approval binds `digest`: tool, canonical arguments, principal and tool version.
    `origins` says for each argument where it came from.
    """

    kind: Literal["approval", "input"]
    text: str
    expires_at: float
    key: str = ""
    name: str = ""
    arguments: str = ""
    digest: str = ""
    answer_schema: str = ""
    roles: frozenset[str] = frozenset()
    origins: Mapping[str, str] = {}


class InputProvided(_Fact, frozen=True):
    """A person answered: yes or no, with other arguments, a reason, or a value (JSON)."""

    question: int
    approved: bool
    by: str
    digest: str = ""
    arguments: str | None = None
    reason: str = ""
    value: str = ""


class ChildOpened(_Fact, frozen=True):
    """A call became a session of another agent, within these bounds."""

    key: str
    session: str
    agent: str
    principal: Principal
    limit: int
    ceiling: Label | None = None


class ChildFinished(_Fact, frozen=True):
    """The child ended, and this is what it has to say."""

    key: str
    session: str
    outcome: Literal["completed", "failed", "stopped", "cancelled"]
    parts: tuple[Content, ...] = ()
    cost: int = 0
    label: Label | None = None


class MemoryRead(_Fact, frozen=True):
    """Something was looked up in long-term memory."""

    key: str
    query: str
    items: tuple[str, ...] = ()
    label: Label | None = None


class MemoryWritten(_Fact, frozen=True):
    """Something was put into long-term memory."""

    key: str
    item: str
    text: str = ""
    label: Label | None = None


class ProgressReported(_Fact, frozen=True):
    """A running call says how far it is. `fraction` is 0 to 1."""

    key: str
    text: str
    fraction: float | None = None


class TurnCompleted(_Fact, frozen=True):
    """The model had no more calls to make: this is its answer, `value` where it is typed (JSON)."""

    turn: int
    text: str
    value: str | None = None


class TurnFailed(_Fact, frozen=True):
    """The turn could not go on, and retrying it would not help now."""

    turn: int
    code: str
    text: str = ""


class TurnStopped(_Fact, frozen=True):
    """A limit was reached; the results up to here are kept."""

    turn: int
    code: str
    text: str = ""


class TurnCancelled(_Fact, frozen=True):
    """Somebody wanted it to end, and it did."""

    turn: int
    reason: str = ""


class Erased(_Fact, frozen=True):
    """Something happened here, and what it was has been erased. `kind` is the event's name."""

    kind: str


ModelClosed = ModelReplied | ModelFailed | HoldUnconfirmed
ToolClosed = ToolReturned | ToolRefused | ToolFailed | ToolUnknown | ToolReconciled
TurnEnded = TurnCompleted | TurnFailed | TurnStopped | TurnCancelled
Submitted = TurnSubmitted | TurnSteered
Told = (
    Submitted
    | TurnCancelRequested
    | TurnResumed
    | InputProvided
    | LimitsRaised
    | ChildFinished
    | GuardJudged
)
Outcome = ModelClosed | ToolClosed | BudgetBreached | GuardJudged | ProgressReported
Opened = SessionOpened | SessionForked | SessionTaken
Driven = (
    ModelReserved
    | ToolStarted
    | Outcome
    | InputRequested
    | ContextCompacted
    | ChildOpened
    | MemoryRead
    | MemoryWritten
    | TurnPaused
    | TurnEnded
)
Event = Opened | Told | Driven | Erased


class Record(Value, frozen=True):
    """An event in its journal: the `seq`-th, counted from 1, at database time `at`."""

    seq: int
    at: float
    event: Event
