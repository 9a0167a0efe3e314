"""What a worker does because it is one of several: it says that it is there, and for whom.

A turn goes on with the version of its agent that it began with. Where no living worker serves
that one, a worker that serves another pauses the turn, visibly; and where somebody comes who
does serve it, they resume it.
"""

import logging
from collections.abc import Mapping, Sequence

from jackline.core.errors import StoreError, UnknownOutcomeError
from jackline.core.events import SessionId, TurnResumed
from jackline.core.fold import replay
from jackline.core.value import replace
from jackline.ports import Fleet, Presence, Store

_LOG = logging.getLogger("jackline")


class Post:
    """A worker's place among the others."""

    def __init__(self, fleet: Fleet, store: Store, presence: Presence) -> None:
        self._fleet = fleet
        self._store = store
        self._presence = presence
        self._left = set[SessionId]()

    async def say(self, *, draining: bool) -> None:
        """Say that the worker is there, or that it is about to leave."""
        await self._fleet.beat(replace(self._presence, draining=draining))

    async def leave(self) -> None:
        """Say that the worker is gone. Where that cannot be said, others see its lease end."""
        try:
            await self._fleet.leave(self._presence.worker)
        except (StoreError, UnknownOutcomeError) as error:
            _LOG.warning("%s stays on the list of workers: %s", self._presence.worker, error)

    async def unserved(self) -> Sequence[SessionId]:
        """Return sessions that nobody goes on with, for this worker to set aside."""
        return await self._fleet.unserved(self._serves, self._presence.lease_s)

    async def served_again(self) -> Sequence[SessionId]:
        """Resume the turns that were set aside for want of a worker like this, and return them.

        One that cannot be resumed is left where it is, and ends no worker.
        """
        resumed: list[SessionId] = []
        for session in await self._fleet.served_again(self._serves):
            try:
                if session not in self._left and await self._resumed(session):
                    resumed.append(session)
            except (StoreError, UnknownOutcomeError):
                raise
            except Exception:  # noqa: BLE001 - a history that cannot be folded, or is gone by now
                _LOG.exception("%s stays set aside.", session)
                self._left.add(session)
        return resumed

    async def _resumed(self, session: SessionId) -> bool:
        loaded = await self._store.load(session)
        turn = replay(loaded.session, loaded.records).turn
        if not (turn and turn.pause and turn.pause.reason == "version"):
            return False
        await self._store.tell(session, [TurnResumed("version", turn.version)])
        return True

    @property
    def _serves(self) -> Mapping[str, str]:
        return self._presence.serves
