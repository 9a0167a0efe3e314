"""Wake-ups on their way to Temporal: kept while it does not answer, and sent when it does."""

import asyncio
import atexit
import logging
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from itertools import islice
from threading import Event

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy
from temporalio.envconfig import ClientConfig
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RetryConfig, RPCError

from jackline.adapters.temporal.address import Address
from jackline.adapters.temporal.wakeups import (
    DAY,
    WORKFLOWS,
    WakeUp,
    Waking,
    fairness_key,
    queue,
    workflow_id,
)
from jackline.core.errors import StoreError
from jackline.core.events import SessionId
from jackline.ports import Fleet, Unattended

_LOG = logging.getLogger("jackline")
_KEPT_MAX = 10_000
_AT_ONCE = 100
_ANSWER = timedelta(seconds=5)
_TASK = timedelta(seconds=2)  # So long it waits for a worker that took a task and stands still.
_AGAIN_S = 0.25
_AGAIN_MAX_S = 5.0
_SETTLES_S = 0.2
_RETRIES = RetryConfig(max_retries=4)  # Within a second. Then this waits longer, and says so.


class TemporalWaker:
    """See `Waker`. What it cannot keep, or has not sent when it ends, a worker's audit finds.

    `lease_s` is that of the workers. Certificates and keys are those that Temporal's own
    variables name (TEMPORAL_TLS…, TEMPORAL_API_KEY).
    """

    def __init__(self, fleet: Fleet, address: Address, *, lease_s: float) -> None:
        self._fleet = fleet
        self._address = address
        self._silent_s = lease_s / 2  # Temporal takes more than a second to see it.
        self._client: Client | None = None
        self._connecting = asyncio.Lock()
        self._pending: dict[SessionId, bool] = {}
        self._woken = asyncio.Event()
        self._sent = asyncio.Event()
        self._sent.set()

    def wake(self, session: SessionId) -> None:
        """See `Waker.wake`."""
        self._keep({session: True})

    def start(self, session: SessionId) -> None:
        """Have the session woken unless it is being woken already."""
        if session not in self._pending:
            self._keep({session: False})

    async def run(self) -> None:
        """See `Waker.run`."""
        pause_s = _AGAIN_S
        while True:
            await self._woken.wait()
            batch = dict(islice(self._pending.items(), _AT_ONCE))
            for session in batch:
                del self._pending[session]
            if await self._passed_on(batch):
                pause_s = _AGAIN_S
            else:
                self._keep(batch)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _AGAIN_MAX_S)
            if not self._pending:
                self._woken.clear()
                self._sent.set()

    async def flush(self) -> None:
        """See `Waker.flush`."""
        await self._sent.wait()

    async def connected(self) -> Client:
        """Return the client. Raises `RuntimeError` where the server is not there."""
        async with self._connecting:
            if self._client is None:
                given = ClientConfig.load_client_connect_config(disable_file=True)
                given["target_host"] = self._address.host
                given["namespace"] = self._address.namespace
                self._client = await Client.connect(
                    **given, connect_timeout=_ANSWER, retry_config=_RETRIES, runtime=_runtime()
                )
            return self._client

    def _keep(self, sessions: Mapping[SessionId, bool]) -> None:
        for session, news in sessions.items():
            if session in self._pending or len(self._pending) < _KEPT_MAX:
                self._pending[session] = self._pending.get(session, False) or news
        self._woken.set()
        self._sent.clear()

    async def _passed_on(self, batch: Mapping[SessionId, bool]) -> bool:
        """Have workflows started for those whom nobody drives. False: Temporal does not answer."""
        passed_on = False
        try:
            client = await self.connected()
            async with asyncio.TaskGroup() as group:
                for found in await self._fleet.unattended(list(batch)):
                    group.create_task(self._start(client, found, news=batch[found.session]))
            passed_on = True
        except* (RPCError, RuntimeError, StoreError) as errors:  # It connects, or RuntimeError.
            _LOG.warning("%d sessions are woken later: %s", len(batch), errors.exceptions[0])
        return passed_on

    async def _start(self, client: Client, found: Unattended, *, news: bool) -> None:
        session = found.session
        to = queue(found.agent, found.version)
        await client.start_workflow(
            Waking.run,
            WakeUp(session.tenant, session.name, to, self._silent_s),
            id=workflow_id(found),
            task_queue=WORKFLOWS,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal="wake" if news else None,
            execution_timeout=DAY,
            task_timeout=_TASK,
            rpc_timeout=_ANSWER,
            priority=Priority(fairness_key=fairness_key(session)),
        )


@cache
def _runtime() -> Runtime:
    """Return what all clients of this process share. It would write its log to stdout.

    A thread of its own that has just answered may need the interpreter once more: where that
    ends too soon the process is aborted (temporalio/sdk-python, issue 300).
    """
    atexit.register(Event().wait, _SETTLES_S)
    return Runtime(telemetry=TelemetryConfig(logging=None))
