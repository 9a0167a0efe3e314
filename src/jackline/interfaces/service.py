"""What the interfaces serve: sessions and agents, to callers who are known."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jackline.core.agent import Agent
from jackline.core.events import SessionId
from jackline.core.user import User
from jackline.interfaces.discretion import discretion
from jackline.interfaces.identity import Identity
from jackline.interfaces.readers import Readers
from jackline.interfaces.streams import Frames
from jackline.interfaces.wire import Discretion
from jackline.ports import Clock, SessionRow, Store
from jackline.runtime.results import Result
from jackline.runtime.sessions import Sessions

ResultOf = Callable[[SessionId, int, User], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a request may be. `send_s`: how long a reader may take nothing of its stream."""

    body_bytes: int = 2 << 20
    artifact_bytes: int = 16 << 20
    send_s: float = 30.0
    ping_s: float = 15.0
    wait_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Service:
    """What the endpoints need. `approve_own`: who asked may say yes themselves."""

    sessions: Sessions
    store: Store
    result: ResultOf
    agents: Mapping[str, Agent]
    identities: Sequence[Identity]
    clock: Clock
    bounds: Bounds = Bounds()
    approve_own: bool = False
    frames: Frames = field(default_factory=Frames)
    readers: Readers = field(default_factory=Readers)

    def discretion(self, row: SessionRow, user: User) -> Sequence[Discretion]:
        """Return with what discretion this user is told of a session."""
        return discretion(self.agents.get(row.agent), user)

    def told(self, row: SessionRow, user: User) -> Frames:
        """Return the form in which this user follows a session."""
        return self.frames.told(self.discretion(row, user))
