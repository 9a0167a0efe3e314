"""What can happen to a session.

The names are the wire's, too: `TurnSubmitted` is `turn.submitted`. A turn's name is the
position of the event that opened it, and a question's the position of the event that asked
it, so an acknowledgement can say it without a fold. Money is in whole micro-dollars, times are
seconds of the database's clock since 1970.
"""

from jackline.core.events.fact import (
    Decision,
    Finding,
    Gate,
    Principal,
    Purpose,
    SessionId,
    Usage,
    kind,
)
from jackline.core.events.steps import (
    BudgetBreached,
    ChildFinished,
    ChildOpened,
    ContextCompacted,
    GuardJudged,
    HoldUnconfirmed,
    MemoryRead,
    MemoryWritten,
    ModelFailed,
    ModelReplied,
    ModelReserved,
    ProgressReported,
    ToolFailed,
    ToolReconciled,
    ToolRefused,
    ToolReturned,
    ToolStarted,
    ToolUnknown,
)
from jackline.core.events.turns import (
    Erased,
    InputProvided,
    InputRequested,
    LimitsRaised,
    SessionForked,
    SessionOpened,
    SessionTaken,
    TurnCancelled,
    TurnCancelRequested,
    TurnCompleted,
    TurnFailed,
    TurnPaused,
    TurnResumed,
    TurnSteered,
    TurnStopped,
    TurnSubmitted,
)
from jackline.core.value import Value

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


__all__ = [
    "BudgetBreached",
    "ChildFinished",
    "ChildOpened",
    "ContextCompacted",
    "Decision",
    "Driven",
    "Erased",
    "Event",
    "Finding",
    "Gate",
    "GuardJudged",
    "HoldUnconfirmed",
    "InputProvided",
    "InputRequested",
    "LimitsRaised",
    "MemoryRead",
    "MemoryWritten",
    "ModelClosed",
    "ModelFailed",
    "ModelReplied",
    "ModelReserved",
    "Opened",
    "Outcome",
    "Principal",
    "ProgressReported",
    "Purpose",
    "Record",
    "SessionForked",
    "SessionId",
    "SessionOpened",
    "SessionTaken",
    "Submitted",
    "Told",
    "ToolClosed",
    "ToolFailed",
    "ToolReconciled",
    "ToolRefused",
    "ToolReturned",
    "ToolStarted",
    "ToolUnknown",
    "TurnCancelRequested",
    "TurnCancelled",
    "TurnCompleted",
    "TurnEnded",
    "TurnFailed",
    "TurnPaused",
    "TurnResumed",
    "TurnSteered",
    "TurnStopped",
    "TurnSubmitted",
    "Usage",
    "kind",
]
