"""With whose rights a session goes on, whoever acts in it."""

from jackline.core.events import Principal, Submitted
from jackline.core.session import Session
from jackline.core.user import User
from jackline.ports import SessionRow, Store


async def behalf(store: Store, row: SessionRow, state: Session, user: User) -> Principal | None:
    """Return the principal of the session's user, as they are now where it is they who act.

    For others it is that of the turn: what somebody else's rights are now nobody here knows, the
    journal has what they were. None: it does not have that any more, either.
    """
    if user.id == row.user:
        return user.principal
    if state.turn:
        return state.turn.submitted.principal
    if state.ended is None:
        return None
    for record in await store.read(row.id, state.ended.turn - 1, 1):
        if isinstance(said := record.event, Submitted) and said.principal.user == row.user:
            return said.principal
    return None
