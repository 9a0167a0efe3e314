"""The readers of streams: who is there, and how they are sent away."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import TypeVar

from starlette.types import Receive

from jackline.core.errors import AccessChangedError, OperatorError
from jackline.interfaces.identity import Caller, Identity, known_caller
from jackline.interfaces.throttling import uncounted

T = TypeVar("T")
_NEWS_S = 10.0


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
        self._failed_at = -math.inf

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

    def is_news(self, now: float) -> bool:
        """Whether it is a while since a reader could not be served, as one cannot `now`."""
        before, self._failed_at = self._failed_at, now
        return now > before + _NEWS_S

    def send_away(self, code: str = "drain") -> None:
        """Have every reader come back elsewhere, or later: nobody new is let in."""
        self.closing = code
        for group in self._there:
            group.create_task(_raise(DroppedError(code)))


async def check_unchanged(
    identities: Sequence[Identity], authorization: str, caller: Caller
) -> None:
    """Check that who follows still is whom they have shown themselves to be.

    Raises `UnauthenticatedError` where their key or token holds no longer, `AccessChangedError`
    where it says something else of them.
    """
    with suppress(OperatorError):  # Nobody can say now: it is asked again.
        now = await known_caller(uncounted(identities), authorization)
        if now.user != caller.user:
            raise AccessChangedError("What you may see or do is not what it was: come back.")


async def while_there(readers: Readers, receive: Receive, work: Awaitable[T]) -> T | None:
    """Return what comes of `work`, and None where whoever waits for it leaves or is sent away."""
    group, code = asyncio.TaskGroup(), "ended"
    try:
        async with group:
            readers.come(group)
            watch = group.create_task(left(receive))
            result = await work
            watch.cancel()
            return result
    except BaseExceptionGroup as errors:
        dropped, others = errors.split(DroppedError)
        if others:
            raise others.exceptions[0] from None
        assert dropped, "a group of errors has one"
        code = str(dropped.exceptions[0])
        return None
    finally:
        readers.go(group, code)


async def left(receive: Receive) -> None:
    """Raise `DroppedError` once whoever has asked is there no more."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise DroppedError("left")


async def _raise(error: DroppedError) -> None:
    raise error
