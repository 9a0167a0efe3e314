"""Who drives on other machines, and with which versions of which agents."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from jackline.core.events import SessionId
from jackline.core.value import Value


class Presence(Value, frozen=True):
    """What a worker says of itself: which version of which agent it serves, and how many at once.

    Who has said nothing for `lease_s` is taken for dead.
    """

    worker: str
    serves: Mapping[str, str]
    slots: int
    lease_s: float
    draining: bool = False


class WorkerRow(Value, frozen=True):
    """A worker: how many sessions it drives, and how long ago it was heard of."""

    name: str
    driven: int
    alive: bool
    serves: Mapping[str, str] = {}
    slots: int | None = None
    silent_s: float | None = None
    draining: bool = False


class Waiting(Value, frozen=True):
    """What waits for a worker: how many sessions of an agent's version, and the longest of them.

    `served`: a worker that is alive serves them. None: no worker says what it serves here.
    """

    agent: str
    version: str
    count: int
    longest_s: float
    served: bool | None


class Unattended(Value, frozen=True):
    """A session that is due and undriven, and the version of its agent that it waits for."""

    session: SessionId
    agent: str
    version: str


@runtime_checkable
class Fleet(Protocol):
    """The workers that share a database. Raises `StoreError` like a journal."""

    async def beat(self, presence: Presence) -> None:
        """Say that the worker is alive."""
        ...

    async def leave(self, worker: str) -> None:
        """Say that the worker has ended."""
        ...

    async def overdue(self, served: Mapping[str, str], limit: int = 1000) -> list[SessionId]:
        """Return sessions of these agents' versions that are due for a second and undriven."""
        ...

    async def unattended(self, sessions: Sequence[SessionId]) -> list[Unattended]:
        """Return those of the sessions that are due and undriven."""
        ...

    async def unserved(self, served: Mapping[str, str], late_s: float) -> list[SessionId]:
        """Return due sessions of these agents, late by `late_s`, whose version nobody serves."""
        ...

    async def served_again(self, served: Mapping[str, str]) -> list[SessionId]:
        """Return sessions that were set aside because nobody served their version: these."""
        ...
