"""What a tool gets to know about the call that it answers."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Generic, TypeVar

from jackline.core.errors import DefinitionError
from jackline.core.events import Principal, SessionId
from jackline.core.value import Value

D = TypeVar("D")


def effect_key(session: SessionId, born: float, call_key: str) -> str:
    """Return the key that each attempt at this call carries, and no other call.

    `born` is when the session was opened: its name may have been another's before.
    """
    whole = f"{session.tenant}\0{session.name}\0{born!r}\0{call_key}"
    return sha256(whole.encode()).hexdigest()[:32]


def _silent(text: str, fraction: float | None) -> None:
    """Nobody listens."""


class Context(Value, Generic[D], frozen=True):
    """What a tool gets to know about the call that it answers.

    `attempt` counts from 1 how often this call has been begun.
    """

    deps: D
    user: Principal
    session: SessionId
    call_key: str
    attempt: int = 1
    born: float = 0.0
    reporter: Callable[[str, float | None], None] = _silent
    database: Any = None

    @property
    def effect_key(self) -> str:
        """The same for every attempt at this call, and for no other call: an idempotency key."""
        return effect_key(self.session, self.born, self.call_key)

    @property
    def connection(self) -> Any:
        """The journal's database, within the transaction that this call's result commits in."""
        if self.database is None:
            raise DefinitionError('Only a tool with effect="transactional" has ctx.connection.')
        return self.database

    def report(self, text: str, fraction: float | None = None) -> None:
        """Say how far the call is, from any thread. Never waits; what comes too fast is dropped."""
        self.reporter(text, fraction)
