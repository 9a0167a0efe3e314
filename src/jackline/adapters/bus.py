"""The bus of one process: who listens to a session hears of it as it happens.

Nothing durable depends on it. What a slow listener misses of events it reads from the store,
and what it misses of text comes whole with the reply.
"""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from jackline.core.events import SessionId
from jackline.ports import Delta, Grown

_BEHIND_MAX = 1_000


class Listener:
    """What one listener has not taken yet."""

    def __init__(self) -> None:
        self._items: list[Grown | Delta] = []
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: Grown | Delta) -> None:
        """Add an item, and drop the oldest of a listener that has fallen far behind."""
        self._items.append(item)
        if len(self._items) > _BEHIND_MAX:
            del self._items[0]
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def take(self, wait_s: float) -> list[Grown | Delta]:
        """Return what has come, at the latest after `wait_s`."""
        if not self._items:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(wait_s, _release, self._waiter)
            try:
                await self._waiter
            finally:
                self._waiter = None
                timer.cancel()
        items, self._items = self._items, []
        return items


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class LocalBus:
    """See `Bus`. It belongs to one event loop, and hears nothing of other processes."""

    look_s = 0.5

    def __init__(self, look_s: float | None = None) -> None:
        if look_s is not None:
            self.look_s = look_s
        self._listeners: dict[SessionId, list[Listener]] = {}
        self._resters: dict[SessionId, list[Listener]] = {}
        self._said: dict[SessionId, tuple[Delta, list[str]]] = {}

    @property
    def is_followed(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners or self._resters)

    def hears(self, session: SessionId, *, resting: bool) -> bool:
        """See `Bus.hears`."""
        return (
            session in self._listeners
            or session in self._said
            or (resting and session in self._resters)
        )

    def grown(self, grown: Grown, *, resting: bool = False) -> None:
        """See `Bus.grown`. What was being said is said, or void, where its driver goes on."""
        if not grown.told:
            self._said.pop(grown.session, None)
        for listener in self._listeners.get(grown.session, ()):
            listener.put(grown)
        for listener in self._resters.get(grown.session, ()) if resting else ():
            listener.put(grown)

    def say(self, delta: Delta) -> None:
        """See `Bus.say`."""
        if delta.offset == 0:
            self._said[delta.session] = delta, [delta.text]
        elif said := self._said.get(delta.session):
            said[1].append(delta.text)
        for listener in self._listeners.get(delta.session, ()):
            listener.put(delta)

    def said(self, session: SessionId) -> tuple[Delta, Sequence[str]] | None:
        """Return the first piece of a reply that is under way, and the texts of all so far."""
        return self._said.get(session)

    def look(self, tenant: str | None = None) -> None:
        """Tell all listeners, or those of a tenant, that anything may have happened."""
        for group in (self._listeners, self._resters):
            for session, listeners in group.items():
                for listener in listeners if tenant in {None, session.tenant} else ():
                    listener.put(Grown(session))

    @contextmanager
    def listen(self, session: SessionId, *, rest_only: bool = False) -> Generator[Listener]:
        """See `Bus.listen`."""
        listener = Listener()
        said = self._said.get(session)
        if said and not rest_only:
            first, texts = said
            listener.put(Delta(session, first.seq, first.epoch, 0, "".join(texts)))
        group = self._resters if rest_only else self._listeners
        group.setdefault(session, []).append(listener)
        try:
            yield listener
        finally:
            group[session].remove(listener)
            if not group[session]:
                del group[session]
