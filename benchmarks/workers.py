"""Worker processes for figures: `python -m benchmarks.workers STORE NAME LEASE_S WAIT_S`.

One drives sessions of `agent` with whatever engine the store brings, says `ready` once it does,
and ends when its stdin does: it drains, and prints when its model was first asked in each session
(on a clock that all processes share) and how many of its appends were
fenced. A lease of 0 is the default one.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.jackline import FakeModel, agent
from benchmarks.peers.process import shared_clock
from jackline import Runtime, User
from jackline.adapters.postgres.store import PostgresStore
from jackline.core.errors import FencedError
from jackline.core.events import SessionId, Usage
from jackline.core.messages import Text
from jackline.core.turn import LEASE_S
from jackline.opening import Surroundings
from jackline.ports import Appended, Batch, Reply, Request

TENANTS = 100
_ROOT = Path(__file__).parent.parent
_READY_S, _REPORT_S = 60.0, 60.0


class TrivialModel(FakeModel):
    """Waits, and says who it is asked by."""

    def __init__(self, name: str, wait_s: float) -> None:
        self._name, self._wait_s = name, wait_s
        self.asked: dict[str, float] = {}

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:
        """See `Model.stream`. The session's name stands in the instructions."""
        self.asked.setdefault(request.instructions, shared_clock())
        if self._wait_s:
            await asyncio.sleep(self._wait_s)
        yield self._name
        yield Reply((Text(self._name),), Usage(100, 20), "scripted")


class Report(NamedTuple):
    """What a worker says in the end."""

    asked: dict[str, float]
    fenced: int


@dataclass(frozen=True, slots=True)
class Hired:
    """A worker process that is there."""

    name: str
    process: Process

    def signal(self, number: signal.Signals) -> None:
        """Stop it, let it go on, or kill it."""
        self.process.send_signal(number)

    async def killed(self) -> None:
        """Kill it, and wait until it is gone."""
        self.process.kill()
        await self.process.wait()

    async def report(self) -> Report:
        """Let it go, and return what it says."""
        async with asyncio.timeout(_REPORT_S):
            said, _ = await self.process.communicate(b"")
        return Report(**json.loads(said.splitlines()[-1]))


@asynccontextmanager
async def hired(
    store: str, name: str, *, lease_s: float = 0.0, wait_s: float = 0.0
) -> AsyncGenerator[Hired]:
    """Start a worker whose model waits `wait_s`, and yield it once it drives."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.workers",
        store,
        name,
        str(lease_s or LEASE_S),
        str(wait_s),
        stdin=PIPE,
        stdout=PIPE,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout is not None, "it is a pipe"
        async with asyncio.timeout(_READY_S):
            while (line := await process.stdout.readline()) != b"ready\n":
                assert line, "the worker ended before it was ready"
        yield Hired(name, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def submitter(store: str) -> Runtime:
    """Return a runtime that submits and listens, and drives nothing."""
    return Runtime([agent(TrivialModel("nobody", 0.0))], store=store, drive=False)


def user(number: int) -> User:
    """Return one of the users, each of a tenant of its own: no account is hot."""
    return User("user", tenant=f"tenant-{number % TENANTS}")


class Fences:
    """Counts the appends that the journal refuses because somebody else drives."""

    def __init__(self) -> None:
        self.count = 0

    def watch(self) -> None:
        """Count from now on, for all stores of this process."""
        drive = PostgresStore.drive

        async def watched(
            store: PostgresStore, session: SessionId, batch: Batch, lease_s: float
        ) -> Appended:
            try:
                return await drive(store, session, batch, lease_s)
            except FencedError:
                self.count += 1
                raise

        setattr(PostgresStore, "drive", watched)  # noqa: B010 - the types name its first parameter


async def _work(store: str, name: str, lease_s: float, wait_s: float) -> None:
    """Drive until stdin ends."""
    model, fences = TrivialModel(name, wait_s), Fences()
    fences.watch()
    around = Surroundings(worker=name, lease_s=lease_s)
    async with Runtime([agent(model)], store=store, surroundings=around):
        print("ready", flush=True)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
        await ended.wait()
    print(json.dumps(Report(model.asked, fences.count)._asdict()), flush=True)


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
