"""Runs on SQLite: one process after another on a fresh file, each the user and the runtime."""

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jackline.adapters.sqlite.store import open_sqlite
from jackline.core.events import Record, SessionId
from jackline.ports import Clock, Store
from jackline.testing.crashtest.life import AT_REST, WAITS, Keeping, Life
from jackline.testing.crashtest.moments import Stopped
from jackline.testing.crashtest.run import (
    LIVES_MAX,
    Conditions,
    Plan,
    begun,
    strike,
    wait_s,
    wrong_end,
)
from jackline.testing.crashtest.visitor import SESSION
from jackline.testing.scenario import Scenario

OpenStore = Callable[[Path, Clock], Store]


def open_journal(path: Path, clock: Clock) -> Store:
    """Return the store of a run."""
    return open_sqlite(path, clock=clock)


class Alone:
    """See `Ground`. `open_store` opens the run's file, with the clock of its process.

    Nobody waits for the lease of the dead to be over: the next process's clock is ahead by as much.
    """

    jobs_a_core = 1
    lease_s = 2.0

    def __init__(self, open_store: OpenStore = open_journal) -> None:
        self._keeping = Keeping(lambda folder, clock: open_store(folder / "journal.db", clock))

    @contextmanager
    def open(self) -> Generator[None]:
        """See `Ground.open`."""
        yield

    @contextmanager
    def cleared(self, scenario: Scenario, folder: Path) -> Generator[None]:
        """See `Ground.cleared`."""
        del scenario, folder  # A run's folder is new, and so is its file.
        yield

    def store(self, folder: Path) -> Store:
        """See `Ground.store`."""
        return open_sqlite(folder / "journal.db")

    def records(self, scenario: Scenario, folder: Path) -> Sequence[Record]:
        """See `Ground.records`."""

        async def read() -> Sequence[Record]:
            """Read all, and let the store go."""
            store = self.store(folder)
            try:
                return await store.read(SessionId(scenario.user.tenant, SESSION))
            finally:
                store.close()

        return asyncio.run(read())

    def lived(self, conditions: Conditions, plan: Plan, folder: Path) -> str:
        """See `Ground.lived`."""
        ahead_s, exited, timeout_s = 0.0, WAITS, conditions.timeout_s
        for number in range(1, LIVES_MAX + 1):
            life = Life(number, folder, plan.kills, ahead_s, self.lease_s, timeout_s)
            exited = self._one_lived(conditions, life)
            if exited == AT_REST or exited not in {-signal.SIGKILL, WAITS}:
                break
            ahead_s += (wait_s(folder) if exited == WAITS else self.lease_s) + 0.05
        return wrong_end(exited, timeout_s)

    def _one_lived(self, conditions: Conditions, life: Life) -> int:
        """Return what a process exited with: a negative number is the signal that ended it."""
        ended, end = os.pipe()
        child = begun(conditions.scenario, life, self._keeping)
        os.close(end)
        try:
            # The pipe is closed by the end of the only process that has its other end.
            strike(life.kills, life.folder / "log", ended, lambda: child)
            _, status = os.waitpid(child, 0)
        except BaseException:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        finally:
            os.close(ended)
        return os.waitstatus_to_exitcode(status)

    def hows(self, point: str) -> Sequence[Stopped]:
        """See `Ground.hows`."""
        del point
        return ("",)
