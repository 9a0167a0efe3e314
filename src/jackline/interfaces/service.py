"""What the interfaces serve: sessions and agents, to callers who are known."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jackline.core.agent import Agent
from jackline.core.events import SessionId
from jackline.core.user import User
from jackline.interfaces.discretion import discretion
from jackline.interfaces.identity import Caller, Development, Identity
from jackline.interfaces.readers import Readers
from jackline.interfaces.streams import Frames
from jackline.interfaces.wire import Discretion
from jackline.ports import Clock, SessionRow, Store
from jackline.runtime.results import Result
from jackline.runtime.sessions import Sessions

if TYPE_CHECKING:
    from jackline.adapters.metrics import Metrics

ResultOf = Callable[[SessionId, int, User], Awaitable[Result]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a request may be. `send_s`: how long a reader may take nothing of its stream.

    `key_streams` and `tenant_streams`: how many of theirs may stay open at once. 0: any number.
    """

    body_bytes: int = 2 << 20
    artifact_bytes: int = 16 << 20
    send_s: float = 30.0
    ping_s: float = 15.0
    wait_s: float = 300.0
    key_streams: int = 100
    tenant_streams: int = 500


@dataclass(frozen=True, slots=True)
class Watch:
    """How a server is watched.

    `metrics` are for operators alone, unless they are `open`; `access` is told of each request
    that was answered.
    """

    metrics: "Metrics | None" = None
    open: bool = False
    access: Callable[[Mapping[str, object]], None] | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """What the endpoints need. `approve_own`: who asked may say yes themselves.

    `origins` are those of pages elsewhere, like `https://console.example`, that may connect.
    `is_alive` says whether what drives does so.
    """

    sessions: Sessions
    store: Store
    result: ResultOf
    agents: Mapping[str, Agent]
    identities: Sequence[Identity]
    clock: Clock
    bounds: Bounds = Bounds()
    approve_own: bool = False
    origins: frozenset[str] = frozenset()
    is_alive: Callable[[], bool] = lambda: True
    watch: Watch = Watch()
    frames: Frames = field(default_factory=Frames)
    readers: Readers = field(default_factory=Readers)

    @property
    def develops(self) -> bool:
        """Whether everybody is the developer."""
        return any(isinstance(each, Development) for each in self.identities)

    def place(self, caller: Caller) -> AbstractContextManager[None]:
        """Hold a place for a caller who stays. Raises `ThrottledError` where they have too many."""
        if self.develops:
            return nullcontext()
        return self.readers.place(caller, self.bounds.key_streams, self.bounds.tenant_streams)

    def discretion(self, row: SessionRow, user: User) -> Sequence[Discretion]:
        """Return with what discretion this user is told of a session."""
        return discretion(self.agents.get(row.agent), user)

    def spoken(self, row: SessionRow, user: User) -> Sequence[Discretion]:
        """Return the same, where what was said has to go on from what of it has streamed."""
        return discretion(self.agents.get(row.agent), user, streams=True)

    def told(self, row: SessionRow, user: User) -> Frames:
        """Return the form in which this user follows a session."""
        return self.frames.told(self.discretion(row, user))
