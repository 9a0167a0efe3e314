"""How a session is followed: what its journal says and, in between, text as it is said."""

from collections.abc import AsyncGenerator, Sequence

from jackline.core.errors import InputError, NotFoundError
from jackline.core.events import Record
from jackline.ports import Bus, Delta, Grown, Listener, SessionRow, Store
from jackline.runtime.results import PAGE, closed_at

POSITION_MAX = (1 << 63) - 1
Heard = Sequence[Record | Delta]
_BEAT_S = 15.0


async def follow(
    store: Store, bus: Bus, known: SessionRow, after: int = 0
) -> AsyncGenerator[Heard]:
    """Yield what follows position `after`, in batches as it comes, then what is to come.

    Events come each once and in order. A batch is empty where there was no news for a while, at
    most 15 s. Ends when the caller stops; raises `NotFoundError` where the session, which was
    `known` to be so, is erased meanwhile.
    """
    if after > POSITION_MAX:
        raise InputError(f"{after} is no position of an event.")
    with bus.listen(known.id) as listener:
        follower = _Follower(store, known, max(0, after))
        heard: Sequence[Delta | Grown] = [Grown(known.id, head=POSITION_MAX)]
        while True:
            batch: list[Record | Delta] = []
            for item in heard:
                if isinstance(item, Delta):
                    if follower.wants(item):
                        batch.append(item)
                    continue
                while records := await follower.news(item):
                    batch.extend(records)
                    if len(records) < PAGE:
                        break
                    yield batch
                    batch = []
            yield batch
            heard = await follower.heard(listener, bus.look_s)


class _Follower:
    """Up to where one has followed a session."""

    def __init__(self, store: Store, known: SessionRow, after: int) -> None:
        self._store = store
        self._known = known
        self._after = after
        self._closed = 0
        self._quiet_s = 0.0

    async def heard(self, listener: Listener, look_s: float) -> Sequence[Delta | Grown]:
        """Return what is heard within a beat; after `look_s` without anything, what is found."""
        wait_s = min(look_s, _BEAT_S)
        heard = await listener.take(wait_s)
        self._quiet_s = 0.0 if heard else self._quiet_s + wait_s
        if self._quiet_s < look_s:
            return heard
        self._quiet_s = 0.0
        return await self.unheard()

    def wants(self, delta: Delta) -> bool:
        """Whether it is text of a reply that was asked for, and is not over."""
        return self._closed < delta.seq <= self._after

    async def news(self, grown: Grown) -> Sequence[Record]:
        """Return what follows: what we were handed, unless something is missing."""
        records = [record for record in grown.records if record.seq > self._after]
        if not records or records[0].seq != self._after + 1:
            records = await self._read(grown)
        if records:
            self._after = records[-1].seq
            self._closed = closed_at(records) or self._closed
        return records

    async def _read(self, grown: Grown) -> list[Record]:
        most = min(PAGE, (grown.head or POSITION_MAX) - self._after)
        found = await self._store.read(self._known.id, self._after, most) if most > 0 else []
        if not (found or grown.records or grown.head):
            await self.unheard()
        return found

    async def unheard(self) -> Sequence[Grown]:
        """Look whether another process has added to the session, or erased it."""
        row = await self._store.row(self._known.id)
        if row.erased_at != self._known.erased_at:
            raise NotFoundError(f"Session {self._known.id.name!r} was erased.")
        return [Grown(self._known.id)] if row.head > self._after else []
