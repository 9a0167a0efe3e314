"""What brings sessions that are due to workers."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from jackline.core.events import SessionId

Drive = Callable[[SessionId], Awaitable[None]]


class Engine(Protocol):
    """Wakes workers, with names of sessions and nothing else. Nobody trusts it.

    It may bring a session twice, late or never, or one that somebody drives already: the claim
    makes the one harmless, and its own look at what is overdue the other. Without an engine a
    worker finds by itself what is due.
    """

    def wake(self, session: SessionId) -> None:
        """Say that something was told to the session, and that nobody here drives it."""
        ...

    async def run(self, drive: Drive) -> None:
        """Have `drive` called for each session that is due, until cancelled or stopped.

        `drive` returns when the session rests or somebody else drives it, and raises nothing.
        """
        ...

    async def stop(self) -> None:
        """Bring nothing more. What was brought goes on, and is known to be alive meanwhile."""
        ...


class Waker(Protocol):
    """An engine's other end, in a process that drives nothing: there others are woken."""

    def wake(self, session: SessionId) -> None:
        """Say that something was told to the session."""
        ...

    async def run(self) -> None:
        """Pass on what is woken, until cancelled."""
        ...

    async def flush(self) -> None:
        """Return once all is passed on."""
        ...
