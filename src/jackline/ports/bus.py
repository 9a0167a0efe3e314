"""What carries news that nobody keeps."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from jackline.core.events import Record, SessionId
from jackline.core.value import Value


class Delta(Value, frozen=True):
    """Text as it comes: not an event. `offset` counts the characters of the reply before it."""

    session: SessionId
    seq: int
    epoch: int
    offset: int
    text: str

    @property
    def id(self) -> str:
        """Its place in the stream of the session."""
        return f"{self.seq}.{self.epoch}.{self.offset}"


class Grown(Value, frozen=True):
    """A session's journal has grown: by `records`, or to `head`, where who says so knows.

    What says neither may also mean that the session was erased. `told`: not by its driver.
    """

    session: SessionId
    records: Sequence[Record] = ()
    head: int = 0
    told: bool = False


class Listener(Protocol):
    """What one listener hears."""

    async def take(self, wait_s: float) -> list[Grown | Delta]:
        """Return what has come since the last time, at the latest after `wait_s`."""
        ...


class Bus(Protocol):
    """Carries what is not worth a journal: text as it comes, and that a journal has grown.

    It may lose anything: what is durable is read from the store.
    """

    @property
    def look_s(self) -> float:
        """After how many seconds without news who listens looks for themselves."""
        ...

    def hears(self, session: SessionId, *, resting: bool) -> bool:
        """Whether telling is worth the work. `resting`: no turn of the session goes on now."""
        ...

    def grown(self, grown: Grown, *, resting: bool = False) -> None:
        """Say that a journal has grown. Never waits.

        Of what was told a driver in another process hears, too.
        """
        ...

    def say(self, delta: Delta) -> None:
        """Pass text on as it comes. Never waits."""
        ...

    def listen(
        self, session: SessionId, *, rest_only: bool = False
    ) -> AbstractContextManager[Listener]:
        """Give a listener, which first hears the text so far of a reply that is under way.

        With `rest_only` it hears nothing but that the session has come to rest.
        """
        ...


@runtime_checkable
class Noticing(Protocol):
    """A store that knows whether others write to it, where nobody tells."""

    async def others_wrote(self) -> bool:
        """Whether another process has written since this was asked last. Raises `StoreError`."""
        ...
