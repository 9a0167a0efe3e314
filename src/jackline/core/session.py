"""All there is to know about a conversation: session, turn, round, call.

Each holds the next, so that an event copies only what it changes. `fold` makes them.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from jackline.core import events as e
from jackline.core.budget import Money
from jackline.core.messages import Content, Message, Messages, ToolCall
from jackline.core.value import Value

_NOTHING = Messages([])
_NO_USAGE = e.Usage()


class Call(Value, frozen=True):
    """A tool call of the last reply, and how far it has come."""

    key: str
    asked: ToolCall
    state: Literal["asked", "waiting", "running", "lost", "unknown", "closed"] = "asked"
    attempt: int = 0
    version: str = ""
    arguments: str = ""
    fingerprint: str = ""
    question: int = 0
    expires_at: float = 0.0
    answer: e.InputProvided | None = None
    reconcile_at: float = 0.0
    parts: tuple[Content, ...] = ()
    failed: bool = False

    @property
    def wakes_at(self) -> float:
        """When there is something to do although nobody did anything."""
        return self.expires_at if self.state == "waiting" else self.reconcile_at


class Round(Value, frozen=True):
    """A reply of the model, and what becomes of its calls."""

    replied: e.ModelReplied
    calls: Mapping[str, Call]
    open: int

    def with_call(self, call: Call) -> "Round":
        """Return the round with this call changed."""
        before = self.calls[call.key].state != "closed"
        opened = self.open - before + (call.state != "closed")
        return Round(self.replied, {**self.calls, call.key: call}, opened)


class Failure(Value, frozen=True):
    """Why the model did not reply, and how often it did not in a row."""

    model: str
    code: str
    text: str
    at: float
    tries: int
    retry_after_s: float | None = None


class Turn(Value, frozen=True):
    """From one input to one end."""

    id: int
    submitted: e.TurnSubmitted | e.TurnSteered
    task: int
    version: str = ""
    money: Money = Money()
    usage: e.Usage = _NO_USAGE
    asked: e.ModelReserved | None = None
    asked_seq: int = 0
    lost: bool = False
    round: Round | None = None
    steers: tuple[Message, ...] = ()
    models: int = 0
    throttled: int = 0
    plans: int = 0
    unplanned: bool = True
    judged: tuple[str, ...] = ()
    tools: int = 0
    capped: bool = False
    failure: Failure | None = None
    model: str = ""
    compacting: Literal["", "asked", "failed", "done"] = ""
    summary: str = ""
    seen: tuple[bytes, ...] = ()
    stale: int = 0
    warned: bool = False
    rejected: int = 0
    blocked: e.GuardJudged | None = None
    pause: e.TurnPaused | None = None
    cancelled: str | None = None
    driven_s: float = 0.0
    driven_at: float = 0.0
    drivers: int = 0

    @property
    def calls(self) -> Iterable[Call]:
        """The calls of the last reply."""
        return self.round.calls.values() if self.round else ()

    @property
    def is_running(self) -> bool:
        """Whether something was begun that is still to come back."""
        if self.asked or not self.round or not self.round.open:
            return self.asked is not None
        return any(call.state == "running" for call in self.calls)

    @property
    def waits(self) -> bool:
        """Whether there is something to do at a time although nobody did anything."""
        if not self.round or not self.round.open:
            return False
        return any(call.state in {"waiting", "unknown"} for call in self.calls)

    def is_open(self, key: str) -> bool:
        """Whether the step of this key was begun and has no outcome, or one that is yet to come."""
        if self.asked:
            return self.asked.key == key and not self.lost
        call = self.round.calls.get(key) if self.round else None
        return call is not None and call.state in {"running", "unknown"}

    def steps(self, now: float) -> "list[e.ModelReserved | Call]":
        """Return what has been journaled as begun and must now be performed, and nothing else."""
        if self.asked:
            return [] if self.lost else [self.asked]
        if not self.round or not self.round.open:
            return []
        return [
            call
            for call in self.calls
            if call.state == "running" or (call.state == "unknown" and now >= call.reconcile_at)
        ]

    def is_wanted(self, now: float) -> bool:
        """Whether anybody still waits for an answer."""
        return self.cancelled is None and (self.deadline_at is None or now < self.deadline_at)

    @property
    def deadline_at(self) -> float | None:
        """When the caller no longer wants an answer."""
        return self.submitted.deadline_at if isinstance(self.submitted, e.TurnSubmitted) else None


class Measured(Value, frozen=True):
    """What a model's provider counted: so many tokens for the first `size` bytes of messages."""

    model: str
    tokens: int
    count: int
    size: int


class Session(Value, frozen=True):
    """All there is to know about a conversation."""

    id: e.SessionId
    head: int = 0
    at: float = 0.0
    epoch: int = 0
    born: float = 0.0
    opened: e.SessionOpened | None = None
    money: Money = Money()
    raised: Mapping[str, int] = {}
    messages: Messages = _NOTHING
    digest: str = ""
    digested: int = 0
    instructions: str = ""
    tools: str = ""
    measured: Measured | None = None
    turn: Turn | None = None
    queue: tuple[tuple[int, e.TurnSubmitted | e.TurnSteered], ...] = ()
    barred: Mapping[str, e.GuardJudged] = {}
    revoked: Mapping[int, str] = {}
    unknown: tuple[str, ...] = ()
    breached: frozenset[str] = frozenset()
    ended: e.TurnEnded | None = None

    @property
    def questions(self) -> tuple[int, ...]:
        """The questions that wait for a person."""
        current = self.turn.round if self.turn else None
        if not current or not current.open:
            return ()
        calls = current.calls.values()
        return tuple(c.question for c in calls if c.state == "waiting" and c.answer is None)
