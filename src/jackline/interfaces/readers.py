"""The readers of streams: who is there, and how they are sent away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class DroppedError(Exception):
    """The reader is sent away, and may come back: `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Readers:
    """Who reads now, and how many have left for which reason."""

    def __init__(self) -> None:
        self.left: Counter[str] = Counter()
        self.closing = ""
        self._there: set[asyncio.TaskGroup] = set()

    def __len__(self) -> int:
        return len(self._there)

    def come(self, group: asyncio.TaskGroup) -> None:
        """Count a reader, whose tasks are those of `group`. Where all are sent away it is, too."""
        self._there.add(group)
        if self.closing:
            group.create_task(_raise(DroppedError(self.closing)))

    def go(self, group: asyncio.TaskGroup, code: str) -> None:
        """Count a reader no more. `code` says why it left."""
        self._there.discard(group)
        self.left[code] += 1

    def send_away(self, code: str = "drain") -> None:
        """Have every reader come back elsewhere, or later: nobody new is let in."""
        if self.closing:
            return
        self.closing = code
        for group in self._there:
            group.create_task(_raise(DroppedError(code)))


async def unless_sent_away(readers: Readers, work: Awaitable[T]) -> T | None:
    """Return what comes of `work`, and None where whoever waits for it is sent away."""
    group, code = asyncio.TaskGroup(), "ended"
    try:
        async with group:
            readers.come(group)
            return await work
    except BaseExceptionGroup as errors:
        if others := errors.split(DroppedError)[1]:
            raise others.exceptions[0] from None
        code = readers.closing
        return None
    finally:
        readers.go(group, code)


async def _raise(error: DroppedError) -> None:
    raise error
