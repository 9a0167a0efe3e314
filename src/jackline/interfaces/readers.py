"""The readers of streams: who is there, and how they are sent away."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Generator
from contextlib import contextmanager
from typing import TypeVar

from jackline.core.errors import ThrottledError
from jackline.interfaces.identity import Caller

T = TypeVar("T")
_COME_BACK_S = 5.0


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
        self._places: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return len(self._there)

    @contextmanager
    def place(self, caller: Caller, of_key: int, of_tenant: int) -> Generator[None]:
        """Hold a place for a caller who stays, of so many of their key and of their tenant.

        0 is no limit. Raises `ThrottledError` where there is none.
        """
        tenant, places = caller.user.tenant, self._places
        held = {(tenant, caller.key): of_key, (tenant, ""): of_tenant}
        for each, most in held.items():
            if most and places[each] >= most:
                whose = repr(each[1]) if each[1] else f"tenant {tenant!r}"
                raise ThrottledError(
                    f"{whose} has {most:,} streams and waits open, and no more are taken here: "
                    "close one.",
                    _COME_BACK_S,
                )
        places.update(held.keys())
        try:
            yield
        finally:
            for each in held:
                places[each] -= 1
                if not places[each]:
                    del places[each]

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
