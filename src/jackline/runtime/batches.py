"""What a driver appends: events, and what they do to money, as two states of a session say."""

from collections.abc import Callable, Mapping, Sequence

from jackline.core.budget import moves
from jackline.core.calls import approved_until
from jackline.core.events import Event, ModelReserved
from jackline.core.session import Session, Turn
from jackline.ports import NO_LIMITS, NO_MOVES, Batch

Limits = Callable[[Turn, ModelReserved], Mapping[str, int]]


def batch_of(
    before: Session, after: Session, events: Sequence[Event], epoch: int, limits: Limits
) -> Batch:
    """Return the batch that makes the session `after` of the one `before`, and keeps the lease."""
    turn = after.turn
    settled, reserved = before.turn and before.turn.asked, turn and turn.asked
    if settled is reserved:
        settled = reserved = None
    spent = after.money.spent - before.money.spent
    return Batch(
        epoch=epoch,
        after=before.head,
        events=events,
        turn=turn.id if turn else None,
        held=after.money.held - before.money.held,
        spent=spent,
        moves=moves(settled, spent, reserved) if settled or reserved else NO_MOVES,
        limits=limits(turn, reserved) if turn and reserved else NO_LIMITS,
        questions=after.questions,
        reserves=reserved is not None,
        before=approved_until(before.turn, turn),
        version=turn.version if turn else "",
    )
