"""What the interfaces serve: sessions and agents, to callers who are known."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from jackline.core.agent import Agent
from jackline.core.events import SessionId
from jackline.core.user import User
from jackline.interfaces.identity import Identity
from jackline.interfaces.readers import Readers
from jackline.interfaces.streams import Frames
from jackline.ports import Clock, Store
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
    """What the endpoints need. `approve_own`: who asked may say yes themselves.

    `origins`: whose pages may ask, besides the server's own.
    """

    sessions: Sessions
    store: Store
    result: ResultOf
    agents: Mapping[str, Agent]
    identities: Sequence[Identity]
    clock: Clock
    bounds: Bounds = Bounds()
    approve_own: bool = False
    origins: Collection[str] = ()
    frames: Frames = field(default_factory=Frames)
    readers: Readers = field(default_factory=Readers)
