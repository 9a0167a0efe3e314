"""A wake-up as a workflow: one activity that drives the session, and nothing but names.

The workflow's own tasks are in one queue for all, since every worker can do them; its activity
is in the queue of the agent's version that the session waits for.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from temporalio import workflow
from temporalio.common import RetryPolicy

from jackline.core.events import SessionId
from jackline.ports import Unattended

WORKFLOWS = "jackline"
DRIVE = "jackline.drive"
DAY = timedelta(days=1)
_ID_BYTES_MAX = 1_000
_KEY_BYTES_MAX = 64
# A worker that died is known by its silence, so that nobody has to wait for long after it.
_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=50),
    maximum_interval=timedelta(seconds=1),
)


@dataclass(frozen=True, slots=True)
class WakeUp:
    """Which session is to be driven, by whoever serves a queue, and when they count as dead."""

    tenant: str
    session: str
    queue: str
    silent_s: float


@workflow.defn(
    name="jackline.wake_up",
    sandboxed=False,  # It would import a module anew for each wake-up. This one can do no harm.
    failure_exception_types=[Exception],  # Else it would stay for ever, and swallow wake-ups.
)
class Waking:
    """Has a session driven, and once more where it was woken meanwhile."""

    def __init__(self) -> None:
        self._woken = False

    @workflow.run
    async def run(self, wake_up: WakeUp) -> None:
        """Return once the session was driven after it was last woken."""
        while True:
            self._woken = False
            await workflow.execute_activity(
                DRIVE,
                wake_up,
                task_queue=wake_up.queue,
                heartbeat_timeout=timedelta(seconds=wake_up.silent_s),
                start_to_close_timeout=DAY,
                retry_policy=_RETRY,
            )
            if not self._woken:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(wake_up)

    @workflow.signal
    def wake(self) -> None:
        """Say that the session has news, which its driver may have left without."""
        self._woken = True


def queue(agent: str, version: str) -> str:
    """Return the queue of those who serve this version of the agent."""
    return _fitting(f"jackline/{agent}/{version}", _ID_BYTES_MAX)


def workflow_id(found: Unattended) -> str:
    """Return what two wake-ups of a session have in common, for one version of its agent.

    What waits for a version that nobody serves must not hold back the session when its next turn
    waits for another one.
    """
    session = found.session
    name = f"jackline/{session.tenant}/{session.name}/{found.agent}/{found.version}"
    return _fitting(name, _ID_BYTES_MAX)


def fairness_key(session: SessionId) -> str:
    """Return the key under which a tenant's wake-ups take turns with those of others."""
    return _fitting(session.tenant, _KEY_BYTES_MAX)


def _fitting(name: str, bytes_max: int) -> str:
    """Return the name, or a digest in place of one that Temporal would not take."""
    encoded = name.encode()
    return name if len(encoded) <= bytes_max else sha256(encoded).hexdigest()
