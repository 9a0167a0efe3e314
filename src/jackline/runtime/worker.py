"""One worker: claims what it is woken for, keeps its leases, and hears what it missed."""

import asyncio
import logging
import math
from contextlib import suppress

from jackline.core.errors import FencedError, NotFoundError, StoreError, UnknownOutcomeError
from jackline.core.events import SessionId
from jackline.ports import Engine
from jackline.runtime.fleet import Post
from jackline.runtime.lease import Lease
from jackline.runtime.logs import DRIVEN
from jackline.runtime.loop import Drive
from jackline.runtime.pending import Pending
from jackline.runtime.steps import Crew

_LOG = logging.getLogger("jackline")
_BEATS = 3
_TICK_S = 0.5  # How late a timer may be, and a wake-up that was lost.
_LEAVE_S = 2.0
_SILENT_LEASES = 3


class Worker:
    """Drives every session that is due: those that an engine brings, or else all that it finds.

    By itself it looks at each wake-up and on a timer. It may be woken twice or not at all: the
    claim makes the one harmless, the timer the other. What it finds itself waits for one of
    `drives_max` slots, of which one tenant has at most `tenant_max`: see `Pending`.
    """

    def __init__(
        self,
        crew: Crew,
        *,
        engine: Engine | None = None,
        post: Post | None = None,
        drives_max: int = 10_000,
        tenant_max: int | None = None,
    ) -> None:
        self.fenced = 0
        self.released = 0
        self._crew = crew
        self._engine = engine
        self._post = post
        self._drives: dict[SessionId, Drive] = {}
        self._pending = Pending(tenant_max)
        self._drives_max = drives_max
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._draining = False
        self._heard_at = crew.clock()

    @property
    def is_alive(self) -> bool:
        """Whether it has heard of the store of late."""
        return self._crew.clock() < self._heard_at + _SILENT_LEASES * self._crew.lease_s

    @property
    def driven(self) -> int:
        """How many sessions it drives now."""
        return len(self._drives)

    def wake(self, session: SessionId) -> None:
        """Say that the session has news: for its driver, if it is here, or for a claim."""
        if self.signal(session):
            return
        if self._engine:
            self._engine.wake(session)
        else:
            self._begin(session)

    def signal(self, session: SessionId) -> bool:
        """Let the session's driver look, if it is here."""
        if drive := self._drives.get(session):
            drive.inbox.signal()
        return drive is not None

    async def run(self) -> None:
        """Drive until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            if self._engine:
                group.create_task(self._engine.run(self.drive))
            while True:
                await self._woken.wait()
                self._woken.clear()
                while self._pending.begun < self._drives_max and (session := self._pending.take()):
                    group.create_task(self._begun_here(session))

    def _begin(self, session: SessionId) -> None:
        if not self._draining:
            self._pending.add(session)
            self._woken.set()

    async def drain(self, grace_s: float) -> bool:
        """Claim nothing more and hand over what is driven. True if all was within `grace_s`.

        What still runs then is cancelled and left to the next driver, who finds it lost.
        """
        self._draining = True
        self._pending.clear()
        if self._post:
            with suppress(StoreError, UnknownOutcomeError):  # It is said again with each beat.
                await self._post.say(draining=True)
        if self._engine:
            await self._engine.stop()
        for drive in self._drives.values():
            drive.hand_over()
        if await self._all_left(grace_s):
            return True
        for drive in self._drives.values():
            drive.abandon()
        await self._all_left(_LEAVE_S)
        return False

    async def _all_left(self, within_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._drives:
                    self._idle.clear()
                    await self._idle.wait()
        return not self._drives

    async def _begun_here(self, session: SessionId) -> None:
        try:
            await self.drive(session)
        finally:
            self._pending.end(session)
            if self._pending:
                self._woken.set()

    async def drive(self, session: SessionId) -> None:
        """Claim the session and drive it until it rests, and let nothing of it end the worker."""
        try:
            await self._drive(session)
        except* FencedError:
            self.fenced += 1  # Somebody else drives: there is nothing to tidy.
        except* NotFoundError as errors:
            _LOG.info("%s is gone: %s", session, errors.exceptions[0])  # Its wake-up came late.
        except* (StoreError, UnknownOutcomeError) as errors:
            _LOG.error("%s is let go: %s", session, errors.exceptions[0])
        except* Exception as errors:  # noqa: BLE001 - not even a bug in ending a turn ends the worker
            _LOG.exception("%s is let go after a bug.", session, exc_info=errors)

    async def _drive(self, session: SessionId) -> None:
        crew, asked_at = self._crew, self._crew.clock()
        if session in self._drives:
            self._drives[session].inbox.signal()
            return
        claimed = await crew.store.claim(session, crew.worker, crew.lease_s)
        if claimed is None:
            return
        drive = Drive(crew, session, claimed, Lease(asked_at + crew.lease_s))
        self._drives[session] = drive
        if self._draining:
            drive.hand_over()
        DRIVEN.set(drive)
        try:
            await self._ran(drive)
            self.released += 1
        finally:
            DRIVEN.set(None)
            if self._drives.get(session) is drive:
                del self._drives[session]
            self._idle.set()
            if drive.inbox.signalled:
                self.wake(session)  # It came between the last commit and now.

    async def _ran(self, drive: Drive) -> None:
        """Drive. A bug of ours ends the turn, not the worker."""
        try:
            await drive.run()
        except* (FencedError, StoreError, UnknownOutcomeError):
            raise
        except* Exception as errors:  # noqa: BLE001 - the task boundary of a drive
            _LOG.exception("The turn of %s ends after a bug.", drive.id, exc_info=errors)
            await self._ended(drive, repr(errors.exceptions[0]))

    async def _ended(self, drive: Drive, text: str) -> None:
        """End the turn. What cannot even be ended is set aside, or it would be claimed for ever."""
        try:
            await drive.fail(text)
        except (FencedError, StoreError, UnknownOutcomeError):
            raise
        except Exception:  # noqa: BLE001 - the same bug again, perhaps: the boundary is the same
            _LOG.exception("%s is set aside until somebody says something.", drive.id)
            await self._crew.store.park(drive.id, drive.epoch)

    async def _beat(self) -> None:
        """Keep leases, notice lost signals and lost wake-ups."""
        crew = self._crew
        every_s, renewed_at = crew.lease_s / _BEATS, -math.inf
        while True:
            try:
                if self._engine is None:
                    for session in await crew.store.due(list(crew.served)):
                        self.wake(session)
                if crew.clock() >= renewed_at + every_s:
                    renewed_at = crew.clock()
                    await self._renew()
                    if self._post:
                        await self._attend(self._post)
                self._heard_at = crew.clock()
            except (StoreError, UnknownOutcomeError) as error:
                _LOG.error("The store does not answer: %s", error)
            await asyncio.sleep(min(_TICK_S, every_s))

    async def _attend(self, post: Post) -> None:
        """Say that this worker is there, and see to what others have left."""
        await post.say(draining=self._draining)
        if self._draining:
            return
        for session in await post.unserved():
            self._begin(session)
        for session in await post.served_again():
            self.wake(session)

    async def _renew(self) -> None:
        crew = self._crew
        asked_at, driven = crew.clock(), dict(self._drives)
        if not driven:
            return
        epochs = {session: drive.epoch for session, drive in driven.items()}
        heads = await crew.store.renew(crew.worker, epochs, crew.lease_s)
        for session, head in heads.items():
            driven[session].lease.until = asked_at + crew.lease_s
            if head > driven[session].head:
                driven[session].inbox.signal()
