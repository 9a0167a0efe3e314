"""An engine on Temporal: its activities are drives, and it finds those that died.

Temporal is told after the journal, so a wake-up may be lost between them. Each worker looks
twice a second for sessions that are due for a second and undriven: so late may a timer be, or a
session whose wake-up was lost. The reasons are in docs/decisions/0012.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from jackline.adapters.temporal.waker import TemporalWaker
from jackline.adapters.temporal.wakeups import DRIVE, WORKFLOWS, WakeUp, Waking, queue
from jackline.core.errors import StoreError
from jackline.core.events import SessionId
from jackline.ports import Fleet
from jackline.ports.engine import Drive

_LOG = logging.getLogger("jackline")
_BEATS = 2
_AUDIT_S = 0.5
_AUDIT_MAX_S = 60.0
_AGAIN_S = 0.5
_AGAIN_MAX_S = 10.0
_WORKFLOW_TASKS = 16
_ENDS = timedelta(hours=1)
_BUILD = "jackline"  # Or each start reads all modules, to make a hash of them.


class TemporalEngine:
    """See `Engine`. Up to `slots` sessions at once, of the agents' versions that are `served`.

    Where a worker serves several agents, what came to it may wait for one of its slots while
    another worker has one.
    """

    def __init__(
        self,
        waker: TemporalWaker,
        fleet: Fleet,
        served: Mapping[str, str],
        *,
        slots: int,
        lease_s: float,
    ) -> None:
        self._waker = waker
        self._fleet = fleet
        self._served = dict(served)
        self._slots = slots
        self._free = asyncio.Semaphore(slots)
        self._lease_s = lease_s
        self._stopping = asyncio.Event()
        self._drive: Drive | None = None
        self._drives = asyncio.TaskGroup()

    def wake(self, session: SessionId) -> None:
        """See `Engine.wake`."""
        self._waker.wake(session)

    async def run(self, drive: Drive) -> None:
        """See `Engine.run`. Where Temporal goes away it waits for it, and drives on meanwhile."""
        self._drive = drive
        async with self._drives as group:
            group.create_task(self._waker.run())
            group.create_task(self._audit())
            group.create_task(self._serve())

    async def stop(self) -> None:
        """See `Engine.stop`."""
        self._stopping.set()

    async def _serve(self) -> None:
        pause_s = _AGAIN_S
        while not self._stopping.is_set():
            try:
                client = await self._waker.connected()
                pause_s = _AGAIN_S
                await self._work(client)
            except* (RPCError, RuntimeError) as errors:  # The library knows no error of its own.
                _LOG.warning("Temporal brings nothing: %s", errors.exceptions[0])
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._stopping.wait()
                pause_s = min(2 * pause_s, _AGAIN_MAX_S)

    async def _work(self, client: Client) -> None:
        """Take what is in the queues, until stopped, and then until what was taken has ended."""
        queues = {
            queue(agent, version)
            for agent, newest in self._served.items()
            for version in (newest, "")
        }
        workers = [self._wakes(client), *(self._drives_of(client, each) for each in queues)]
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker.run())
            await self._stopping.wait()
            for worker in workers:
                group.create_task(worker.shutdown())

    def _wakes(self, client: Client) -> Worker:
        """Return who does the workflows' own tasks. Nothing of theirs is kept between two.

        Where it is, the worker that has it is waited for, for ten seconds after its death.
        """
        return Worker(
            client,
            task_queue=WORKFLOWS,
            workflows=[Waking],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=0,
            max_concurrent_workflow_tasks=_WORKFLOW_TASKS,
            build_id=_BUILD,
        )

    def _drives_of(self, client: Client, name: str) -> Worker:
        return Worker(
            client,
            task_queue=name,
            activities=[self._driven],
            max_concurrent_activities=self._slots,
            max_heartbeat_throttle_interval=timedelta(seconds=self._lease_s / _BEATS / 2),
            graceful_shutdown_timeout=_ENDS,
            build_id=_BUILD,
        )

    @activity.defn(name=DRIVE)
    async def _driven(self, wake_up: WakeUp) -> None:
        """Have the session driven, and be heard of meanwhile.

        Where Temporal takes this for dead, or somebody cancels it there, the drive goes on: the
        lease is in the journal. Where this worker is stopped, another one is to look at once.
        """
        if self._stopping.is_set():
            raise _left_to_others()
        task = self._drives.create_task(self._one(SessionId(wake_up.tenant, wake_up.session)))
        try:
            while not task.done():
                activity.heartbeat()
                await asyncio.wait([task], timeout=wake_up.silent_s / _BEATS)
        except asyncio.CancelledError:
            if activity.is_cancelled():
                raise _left_to_others() from None
            raise
        if self._stopping.is_set() or task.cancelled():
            raise _left_to_others()

    async def _one(self, session: SessionId) -> None:
        assert self._drive is not None, "it runs"
        async with self._free:
            if not self._stopping.is_set():
                await self._drive(session)

    async def _audit(self) -> None:
        """Wake what nobody was woken for, and that again ever more rarely: it may be in a queue."""
        tries: dict[SessionId, tuple[float, float]] = {}
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            try:
                overdue = await self._fleet.overdue(self._served)
            except StoreError as error:
                _LOG.warning("What is overdue is not known: %s", error)
                overdue = []
            before, tries = tries, {}
            for session in overdue:
                at, pause_s = before.get(session, (clock(), _AUDIT_S))
                if clock() >= at:
                    self._waker.start(session)
                    at, pause_s = clock() + pause_s, min(2 * pause_s, _AUDIT_MAX_S)
                tries[session] = at, pause_s
            await asyncio.sleep(_AUDIT_S)


def _left_to_others() -> ApplicationError:
    """Return what has an activity tried again, without an alarm."""
    return ApplicationError("It is left to others.", category=ApplicationErrorCategory.BENIGN)
