"""The readers of streams: who is there, and how they are sent away."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from starlette.types import Receive

from jackline.core.errors import AccessChangedError, OperatorError, StoreError, ThrottledError
from jackline.interfaces.identity import Caller, Identity, known_caller
from jackline.interfaces.throttling import uncounted

T = TypeVar("T")
_LOG = logging.getLogger("jackline.server")
_NEWS_S = 10.0
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
        self._failed_at = -math.inf
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
            _drop(group, self.closing)

    def go(self, group: asyncio.TaskGroup, code: str) -> None:
        """Count a reader no more. `code` says why it left."""
        self._there.discard(group)
        self.left[code] += 1

    def unserved(self, error: StoreError) -> str:
        """Return what a reader is told whom the store fails. The log hears of it now and then."""
        now = asyncio.get_running_loop().time()
        before, self._failed_at = self._failed_at, now
        if now > before + _NEWS_S:
            _LOG.warning("Whoever follows is sent away, to come back: %s", error)
        return "The store cannot be read now: come back."

    def send_away(self, code: str = "drain") -> None:
        """Have every reader come back elsewhere, or later: nobody new is let in."""
        if self.closing:
            return
        self.closing = code
        for group in self._there:
            _drop(group, code)


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


def _drop(group: asyncio.TaskGroup, code: str) -> None:
    """End a reader's tasks. Those that end already, as it leaves, take nothing new."""
    raising = _raise(DroppedError(code))
    try:
        group.create_task(raising)
    except RuntimeError:
        raising.close()


async def _raise(error: DroppedError) -> None:
    raise error
