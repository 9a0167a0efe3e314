"""One turn, two workers on one Postgres, and a process that only submits and listens.

The worker that drives is killed in the middle of a payment; the stream goes on with the other.
"""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field

from jackline.adapters.urls import without_secrets
from jackline.app import Runtime
from jackline.core import events as e
from jackline.core.errors import OperatorError
from jackline.core.user import User
from jackline.demo import proofs
from jackline.demo.clerk import FOLDER, NAME, PORT, clerk
from jackline.demo.folder import Folder
from jackline.demo.narration import Narration
from jackline.demo.payments import Payment, Payments
from jackline.demo.processes import bank, kill, running
from jackline.demo.proofs import Naive, Step
from jackline.demo.script import REFUND
from jackline.demo.shop import open_shop
from jackline.demo.stage import Stage
from jackline.opening import new_id
from jackline.ports import Clock, Delta
from jackline.runtime.submission import Submission

USER = User("local", "demo")
LEASE_S = 2.0
_WORKERS = 2
_ANSWER_S = 2.2  # So long the payment service has booked, and has not answered.
_READY_S = 60.0
_TURN_S = 60.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Clustered:
    """What a run found out. `killed` and `survivor` are the ids of the processes.

    `went_on`: the survivor drove the turn after the other.
    """

    store: str
    session: str
    killed: int
    survivor: int
    went_on: bool
    steps: Sequence[Step]
    seconds: float

    @property
    def held(self) -> bool:
        """Whether all that is claimed held."""
        return self.went_on and all(step.held for step in self.steps)


@dataclass(slots=True)
class Scene:
    """The turn as the listener hears of it, and the workers by the ids of their processes."""

    stage: Stage
    payments: Payments
    workers: dict[int, Process]
    heard: list[int] = field(default_factory=list[int])
    driver: int = 0
    killed: int = 0
    paying: asyncio.Event = field(default_factory=asyncio.Event)
    _narration: Narration = field(default_factory=Narration)
    _said: bool = False

    def take(self, item: e.Record | Delta) -> None:
        """Show an event, or text as it comes."""
        if isinstance(item, Delta):
            self._said = True
            self.stage.stream(item.text)
            return
        self.heard.append(item.seq)
        event = item.event
        if isinstance(event, e.SessionTaken):
            self.driver = _process(event.worker)
            self.stage.note(f"[bold]worker {self.driver} drives[/bold]")
        elif isinstance(event, e.ModelReplied) and "/plan/" not in event.key:  # Nobody's answer.
            self.stage.stream("" if self._said else event.text)
            self.stage.say("")
            self._said = False
        elif isinstance(event, e.ToolStarted) and event.name == "refund":
            self.paying.set()
        if told := self._narration.told(item):
            self.stage.note(told)

    async def strike(self) -> None:
        """Kill whoever drives, in the midst of its payment, and wait until it is dead."""
        await self.paying.wait()
        while not await asyncio.to_thread(self.payments.all):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(_POLL_S)
        process = self.workers[self.driver]
        self.killed = self.driver
        kill(process)
        await process.wait()
        self.stage.note(
            f"[red]worker {self.killed} is dead (SIGKILL)[/red], after the payment was booked and "
            "before the answer came"
        )


async def cluster(
    stage: Stage,
    folder: Folder,
    store: str,
    *,
    clock: Clock = time.monotonic,  # noqa: TID251 - here the clock is chosen
) -> Clustered:
    """Show a worker's death in mid-turn. Raises `OperatorError` where it does not get there."""
    began, session = clock(), e.SessionId(USER.tenant, f"demo-{new_id()}")
    stage.console.rule("[bold]Two workers, one Postgres", align="left")
    stage.say(
        "This process drives nothing: it submits, and listens. Two `jackline worker` processes "
        "drive. The payment service is real, too; the model is scripted."
    )
    runtime = Runtime([clerk()], store=store, drive=False)
    ledger = folder.path / "payments.jsonl"
    async with bank(ledger, _ANSWER_S, folder.log) as port, runtime:
        payments = open_shop(folder.shop, Payments(port)).payments
        async with _hired(runtime, folder, store, port) as workers:
            for number in workers:
                stage.note(f"[dim]worker {number} is ready[/dim]")
            scene = Scene(stage, payments, workers)
            records = await _watched(scene, runtime, session)
            survivor = next(number for number in workers if number != scene.killed)
            steps = _proven(scene, session, records, payments.all())
            for step in steps:
                stage.verdict(step)
            await _dismissed(stage, workers[survivor])
    return Clustered(
        without_secrets(store),
        session.name,
        scene.killed,
        survivor,
        scene.driver == survivor,
        steps,
        round(clock() - began, 3),
    )


def _process(worker: str) -> int:
    """Return the id of a worker's process, which is part of its name."""
    return int(worker.rsplit(":", 2)[1])


@asynccontextmanager
async def _hired(
    runtime: Runtime, folder: Folder, store: str, port: int
) -> AsyncGenerator[dict[int, Process]]:
    """Start the workers, and wait until both have said that they are there."""
    environment = {FOLDER: str(folder.shop), PORT: str(port)}
    command = ("-m", "jackline", "worker", "--app", "jackline.demo.clerk:app", "--store", store)
    options = ("--lease", LEASE_S, "--concurrency", 4)
    async with AsyncExitStack() as stack:
        workers: dict[int, Process] = {}
        for _ in range(_WORKERS):
            starting = running(*command, *options, log=folder.log, said=environment)
            process = await stack.enter_async_context(starting)
            workers[process.pid] = process
        try:
            async with asyncio.timeout(_READY_S):
                while not await _all_there(runtime, workers):  # noqa: ASYNC110 - as above
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise OperatorError(f"The workers do not get ready: see {folder.log}.") from None
        yield workers


async def _all_there(runtime: Runtime, workers: dict[int, Process]) -> bool:
    if any(process.returncode is not None for process in workers.values()):
        raise TimeoutError  # Whoever has ended will not get ready.
    rows = await runtime.store.workers()
    return workers.keys() <= {_process(row.name) for row in rows if NAME in row.serves}


async def _watched(scene: Scene, runtime: Runtime, session: e.SessionId) -> Sequence[e.Record]:
    """Have the refund made, and watch until its turn has ended. Returns the journal."""
    scene.stage.user(REFUND)
    submission = Submission(REFUND)
    _, receipt = await runtime.sessions.begin(NAME, USER, submission, session.name)
    try:
        async with asyncio.timeout(_TURN_S), asyncio.TaskGroup() as group:
            group.create_task(scene.strike())
            stream = runtime.follow(session, receipt.turn or receipt.seq, USER)
            async with aclosing(stream) as items:
                async for item in items:
                    scene.take(item)
    except TimeoutError:
        raise OperatorError(f"The turn does not end: see jackline events {session.name}.") from None
    return await runtime.store.read(session)


def _proven(
    scene: Scene, session: e.SessionId, records: Sequence[e.Record], ledger: Sequence[Payment]
) -> list[Step]:
    payments = [each for each in ledger if each.order == 7]  # noqa: PLR2004 - the kettle's
    return [
        proofs.paid_once(Naive(), payments, records),
        proofs.ended_once(records, 1),
        proofs.gapless(scene.heard, records),
        proofs.valid_history(proofs.state(session, records)),
    ]


async def _dismissed(stage: Stage, worker: Process) -> None:
    """Let the other worker end as it does when it is deployed anew."""
    worker.send_signal(signal.SIGTERM)
    code = await worker.wait()
    stage.note(f"[dim]worker {worker.pid} was told to end, and did: exit code {code}[/dim]")
