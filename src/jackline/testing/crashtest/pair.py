"""Runs on Postgres: two workers that are alive all along, and the user in front of them.

Whichever worker comes by the point is killed or stopped there, and the other one finds out what
is left by the queue and the lease alone.
"""

import asyncio
import os
import select
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from jackline.adapters.postgres.store import PostgresStore
from jackline.core import codec
from jackline.core.errors import NotFoundError
from jackline.core.events import Record, SessionId
from jackline.ports import Store
from jackline.testing.crashtest.databases import Databases
from jackline.testing.crashtest.life import AT_REST, WAITS, Keeping, Life, Part, as_it_is
from jackline.testing.crashtest.log import entries
from jackline.testing.crashtest.moments import Stopped
from jackline.testing.crashtest.run import (
    LIVES_MAX,
    Conditions,
    Plan,
    begun,
    strike,
    until_ended,
    wait_s,
    wrong_end,
)
from jackline.testing.crashtest.visitor import SESSION
from jackline.testing.scenario import Scenario

_WORKERS = 2
_LONGER_S = 120.0  # than its user a worker lives at most: it sees several, and then drains.
_MARGIN_S = 0.05
_JOURNAL = "journal.jsonl"
_USERS = ("before commit open", "after commit open", "before commit tell", "after commit tell")


class Pair:
    """See `Ground`. `around` is put around the store of each process."""

    jobs_a_core = 3
    lease_s = 1.0

    def __init__(self, url: str, around: Callable[[Store], Store] = as_it_is) -> None:
        self._databases = Databases(url)
        self._around = around
        self._ahead_s = 0.0

    @contextmanager
    def open(self) -> Generator[None]:
        """See `Ground.open`."""
        with self._databases.open():
            self._ahead_s = self._databases.ahead_s()
            yield

    @contextmanager
    def cleared(self, scenario: Scenario, folder: Path) -> Generator[None]:
        """See `Ground.cleared`. What stays is `journal.jsonl`."""
        with self._databases.copy(folder.name):
            yield
            kept = asyncio.run(_read(self.store(folder), scenario))
            lines = [
                msgspec.json.encode((each.seq, each.at, msgspec.Raw(codec.encode(each.event))))
                for each in kept
            ]
            (folder / _JOURNAL).write_bytes(b"".join(line + b"\n" for line in lines))

    def store(self, folder: Path) -> Store:
        """See `Ground.store`."""
        return PostgresStore(self._databases.url(folder.name))

    def records(self, scenario: Scenario, folder: Path) -> Sequence[Record]:
        """See `Ground.records`."""
        del scenario  # There is one journal in the file.
        lines = (folder / _JOURNAL).read_bytes().splitlines()
        decoded = [msgspec.json.decode(line, type=tuple[int, float, msgspec.Raw]) for line in lines]
        return [Record(seq, at, codec.decode(bytes(body))) for seq, at, body in decoded]

    def lived(self, conditions: Conditions, plan: Plan, folder: Path) -> str:
        """See `Ground.lived`."""
        ahead_s = self._ahead_s
        keeping = Keeping(lambda where, _: self._databases.url(where.name), self._around)
        crew = Crew(conditions, plan, folder, keeping)
        exited = WAITS
        with crew.ended():
            while exited == WAITS and crew.count < LIVES_MAX:
                exited = crew.until_rest(ahead_s)
                crew.leave()
                if exited == WAITS:
                    seconds = wait_s(folder) + _MARGIN_S
                    self._databases.leap(folder.name, seconds)
                    ahead_s += seconds
            if exited == AT_REST:
                exited = crew.check()
        return crew.wrong or wrong_end(exited, conditions.timeout_s)

    def hows(self, point: str) -> Sequence[Stopped]:
        """See `Ground.hows`. Nobody takes over from a user."""
        if not point:
            return ("", "until driven", "until rest")
        return ("",) if point.startswith(_USERS) else ("", "until driven")


class Crew:
    """The processes of a run. The process that has them begun has no other children."""

    def __init__(self, conditions: Conditions, plan: Plan, folder: Path, keeping: Keeping) -> None:
        self.count = 0
        self.wrong = ""
        self._conditions = conditions
        self._plan = plan
        self._folder = folder
        self._keeping = keeping
        self._ahead_s = 0.0
        self._workers = dict[int, int]()
        self._stopped = set[int]()
        self._visitor = 0

    @contextmanager
    def ended(self) -> Generator[None]:
        """Let no process outlive the body."""
        try:
            yield
        finally:
            for child in [*self._workers.values(), self._visitor]:
                if child:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)

    def until_rest(self, ahead_s: float) -> int:
        """Have workers work for the user, and return what the user's process exited with."""
        self._ahead_s = ahead_s
        for _ in range(_WORKERS):
            self._hire()
        exited = -signal.SIGKILL
        while exited == -signal.SIGKILL and self.count < LIVES_MAX:
            exited = self._visited()
        return exited

    def leave(self) -> None:
        """Have the workers go on that stand still, and end. What they have to say is heard."""
        for child in self._workers.values():
            os.kill(child, signal.SIGCONT)
            os.kill(child, signal.SIGTERM)
        while self._workers:
            number, child = self._workers.popitem()
            exited = until_ended(child)
            if exited not in {AT_REST, -signal.SIGKILL}:
                self.wrong = f"worker {number} ended with {exited}"
        self._stopped.clear()

    def check(self) -> int:
        """Ask whether the world is as it should be, and return what the process exited with."""
        self._visitor = self._begun("checker")
        return self._waited()

    def _visited(self) -> int:
        """Return what the user's process exited with, having seen to the workers meanwhile."""
        over, end = os.pipe()
        self._visitor = self._begun("visitor")
        os.close(end)
        strike(self._plan.kills, self._folder / "log", over, self._driver)
        os.close(over)
        while True:
            child, status = os.waitpid(-1, os.WUNTRACED)
            if os.WIFSTOPPED(status):
                self._stopped.add(child)
            elif child == self._visitor:
                self._visitor = 0
                return os.waitstatus_to_exitcode(status)
            else:
                self._left(child, os.waitstatus_to_exitcode(status))
            if not set(self._workers.values()) - self._stopped:
                self._hire()

    def _waited(self) -> int:
        _, status = os.waitpid(self._visitor, 0)
        self._visitor = 0
        return os.waitstatus_to_exitcode(status)

    def _hire(self) -> None:
        """Have one more worker, which is ready when this returns, or has ended."""
        ready, done = os.pipe()
        try:
            child = self._begun("worker", done)
            self._workers[self.count] = child
        finally:
            os.close(done)
        select.select([ready], [], [])
        os.close(ready)

    def _begun(self, part: Part, ready: int = -1) -> int:
        life = self._life(part, ready)
        return begun(self._conditions.scenario, life, self._keeping)

    def _life(self, part: Part, ready: int = -1) -> Life:
        self.count += 1
        timeout_s = self._conditions.timeout_s + (_LONGER_S if part == "worker" else 0)
        return Life(
            self.count,
            self._folder,
            self._plan.kills,
            self._ahead_s,
            Pair.lease_s,
            timeout_s,
            part,
            ready,
        )

    def _driver(self) -> int:
        """Return which process drives, or is about to."""
        told = entries(self._folder / "log")
        claims = [each.life for each in told if each.point.startswith("after commit claim")]
        drivers = [self._workers[life] for life in claims if life in self._workers]
        return [*self._workers.values(), *drivers][-1]

    def _left(self, child: int, exited: int) -> None:
        number = next(number for number, worker in self._workers.items() if worker == child)
        del self._workers[number]
        if exited != -signal.SIGKILL:
            self.wrong = f"worker {number} ended with {exited}"


async def _read(store: Store, scenario: Scenario) -> Sequence[Record]:
    try:
        return await store.read(SessionId(scenario.user.tenant, SESSION))
    except NotFoundError:
        return []
    finally:
        store.close()
