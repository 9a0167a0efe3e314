"""What each event changes. `apply` takes in what has happened, and may not refuse.

A session is the fold of its events: recovery is `replay`, and only that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast, get_args

from jackline.core import events as e
from jackline.core.fold import calls, models, turns
from jackline.core.fold.calls import canonical, fingerprint
from jackline.core.session import Session
from jackline.core.value import replace

# What says nothing of whether anybody drives, or that somebody begins to.
_NOT_DRIVEN = {e.SessionTaken, *get_args(e.Told)}

__all__ = ["apply", "canonical", "fingerprint", "fold", "replay"]


def fold(session: Session, events: Sequence[e.Event], at: float) -> Session:
    """Return the session as it stands after `events`, which happened at `at`."""
    if events and at > session.at:
        turn = session.turn
        if turn and not turn.pause and type(events[0]) not in _NOT_DRIVEN:
            driven_s = turn.driven_s + max(0.0, at - turn.driven_at)
            turn = replace(turn, driven_s=driven_s, driven_at=at)
        session = replace(session, at=at, turn=turn)
    for event in events:
        session = _APPLY[type(event)](replace(session, head=session.head + 1), event)
    return session


def replay(session: Session, records: Iterable[e.Record]) -> Session:
    """Return the session as it stands after `records`. Recovery is this, and only this."""
    for record in records:
        assert record.seq == session.head + 1, f"{record.seq} does not follow {session.head}"
        session = fold(session, (record.event,), record.at)
    return session


def apply(session: Session, event: e.Event) -> Session:
    """Return the session as it stands after `event`."""
    return fold(session, (event,), session.at)


def _unchanged(session: Session, _: e.Event) -> Session:
    return session


_APPLY = cast(
    "Mapping[type[e.Event], Callable[[Session, Any], Session]]",  # each takes the event of its key
    {
        e.SessionOpened: turns.opened,
        e.SessionForked: turns.forked,
        e.SessionTaken: turns.taken,
        e.TurnSubmitted: turns.submitted,
        e.TurnSteered: turns.steered,
        e.TurnPaused: turns.paused,
        e.TurnResumed: turns.resumed,
        e.TurnCancelRequested: turns.cancel_requested,
        e.LimitsRaised: turns.limits_raised,
        e.GuardJudged: turns.judged,
        e.ModelReserved: models.reserved,
        e.ModelReplied: models.replied,
        e.ModelFailed: models.failed,
        e.HoldUnconfirmed: models.failed,
        e.BudgetBreached: models.breached,
        e.ContextCompacted: models.compacted,
        e.ToolRefused: calls.refused,
        e.ToolStarted: calls.started,
        e.ToolReturned: calls.returned,
        e.ToolFailed: calls.failed,
        e.ToolUnknown: calls.unknown,
        e.ToolReconciled: calls.reconciled,
        e.InputRequested: calls.requested,
        e.InputProvided: calls.provided,
        e.ChildOpened: _unchanged,
        e.ChildFinished: _unchanged,
        e.MemoryRead: _unchanged,
        e.MemoryWritten: _unchanged,
        e.ProgressReported: _unchanged,
        e.TurnCompleted: turns.ended,
        e.TurnFailed: turns.ended,
        e.TurnStopped: turns.ended,
        e.TurnCancelled: turns.ended,
        e.Erased: _unchanged,
    },
)
