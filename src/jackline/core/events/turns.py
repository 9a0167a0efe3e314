"""What happens to sessions and their turns: by users, by workers, by people who are asked."""

from collections.abc import Mapping
from typing import Literal

from jackline.core.events.fact import Fact, Principal, Usage
from jackline.core.flow import FlowVerdict, Label
from jackline.core.messages import InputPart, Message


class SessionOpened(Fact, frozen=True):
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


class SessionForked(Fact, frozen=True):
    """What stands before this was copied from another session: its costs are history."""

    source: str
    after: int


class SessionTaken(Fact, frozen=True):
    """A worker drives. Whatever an earlier driver had in flight is lost."""

    epoch: int
    worker: str


class TurnSubmitted(Fact, frozen=True):
    """Somebody wants something. It waits where a turn is already open.

    Without parts it asks to go on with what the last turn left. `by` is who says so where that is
    not the principal: nothing of the turn runs with their rights.
    """

    request_id: str
    parts: tuple[InputPart, ...]
    principal: Principal
    version: str = ""
    deadline_at: float | None = None
    traceparent: str = ""
    allowed: tuple[str, ...] = ()
    by: str = ""


class TurnSteered(Fact, frozen=True):
    """Somebody adds to the open turn, or opens one."""

    request_id: str
    parts: tuple[InputPart, ...]
    principal: Principal
    version: str = ""


class TurnPaused(Fact, frozen=True):
    """Nothing can go on before `until`, or before somebody does something."""

    reason: Literal["person", "child", "timer", "version", "dead_letter"]
    until: float | None = None
    text: str = ""

    @property
    def is_set_aside(self) -> bool:
        """Whether the turn stays as it is until somebody who runs jackline does something."""
        return self.reason in {"dead_letter", "version"}


class TurnResumed(Fact, frozen=True):
    """What the turn waited for is there. With a `version` it goes on with that one's agent.

    `by` is who wants that, where it is a person.
    """

    reason: str
    version: str = ""
    by: str = ""


class TurnCancelRequested(Fact, frozen=True):
    """Somebody wants the open turn to end; where `turn` says which, that one or none."""

    reason: str = ""
    turn: int | None = None
    by: str = ""


class LimitsRaised(Fact, frozen=True):
    """Somebody lets this session go further than its agent's limits. 0: without that one."""

    limits: Mapping[str, int]
    by: str = ""


class InputRequested(Fact, frozen=True):
    """A person is asked. The question's name is this event's position.

    An approval binds `digest`: tool, canonical arguments, principal and tool version.
    `origins` says for each argument where it came from, `flow` why that has to be asked, and
    `rules` are those of the tool and of operators that ask.
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
    flow: FlowVerdict | None = None
    rules: tuple[str, ...] = ()


class InputProvided(Fact, frozen=True):
    """A person answered: yes or no, with other arguments, a reason, or a value (JSON)."""

    question: int
    approved: bool
    by: str
    digest: str = ""
    arguments: str | None = None
    reason: str = ""
    value: str = ""

    def in_words_of(self, user: str) -> bool:
        """Whether it is a rejection, and this user has said why."""
        return not self.approved and self.by == user and bool(self.reason.strip())


class TurnCompleted(Fact, frozen=True):
    """The model had no more calls to make: this is its answer, `value` where it is typed (JSON).

    `cut`: the end of the answer is missing, as the model's tokens were used up. Every end says
    what the turn used and cost.
    """

    turn: int
    text: str
    value: str | None = None
    usage: Usage = Usage()
    cost: int = 0
    cut: bool = False


class TurnFailed(Fact, frozen=True):
    """The turn could not go on, and retrying it would not help now."""

    turn: int
    code: str
    text: str = ""
    usage: Usage = Usage()
    cost: int = 0


class TurnStopped(Fact, frozen=True):
    """A limit was reached; the results up to here are kept."""

    turn: int
    code: str
    text: str = ""
    usage: Usage = Usage()
    cost: int = 0


class TurnCancelled(Fact, frozen=True):
    """Somebody wanted it to end, and it did."""

    turn: int
    reason: str = ""
    usage: Usage = Usage()
    cost: int = 0


class Erased(Fact, frozen=True):
    """Something happened here, and what it was has been erased. `kind` is the event's name."""

    kind: str
