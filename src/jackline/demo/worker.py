"""Watches a worker at its work, and starts another wherever one dies."""

import asyncio
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from jackline.core import events as e
from jackline.core.errors import OperatorError
from jackline.core.value import replace
from jackline.demo.driver import Task, heard
from jackline.demo.narration import Narration
from jackline.demo.processes import kill, started
from jackline.demo.stage import Stage

_WORKERS_MAX = 20
_OFFERS = 3  # Who kills more workers in one step gets a turn that is set aside.
_MIDDLE_OF_PAYMENT_S = 1.2
_ENDS = (e.TurnCompleted, e.TurnFailed, e.TurnStopped, e.TurnCancelled)
OnPause = Callable[[int], Awaitable[None]]


@dataclass(slots=True)
class Watch:
    """What a client heard of one turn, from however many workers.

    `strikes`: the worker is killed in the middle of its first refund, by us. `dies_paused`: it
    is killed when the turn waits for a person; `on_pause` is then told the question.
    """

    stage: Stage
    task: Task
    log: Path
    on_pause: OnPause | None = None
    strikes: bool = False
    dies_paused: bool = False
    is_quiet: bool = False
    heard: list[int] = field(default_factory=list[int])
    kills: int = 0
    _narration: Narration = field(default_factory=Narration)
    _question: int = 0
    _ended: bool = False

    async def run(self) -> None:
        """Watch until the turn has ended. Raises `OperatorError` where workers do not get there."""
        for _ in range(_WORKERS_MAX):
            await self._one()
            if self._ended:
                return
            self.kills += 1
            # The point was that of the first worker.
            after = self.heard[-1] if self.heard else 0
            self.task = replace(self.task, point=None, after=after)
        raise OperatorError(f"{_WORKERS_MAX} workers ended before their turn did: see {self.log}.")

    async def _one(self) -> None:
        """Watch one worker, until it is dead or the turn is over."""
        said = msgspec.json.encode(self.task).decode()
        async with started("driver", said, log=self.log) as process:
            if not self.is_quiet:
                self.stage.note(f"[dim]worker {process.pid} drives[/dim]")
            assert process.stdout is not None, "it is a pipe"
            with self._killable(process):
                async for line in process.stdout:
                    await self._take(line, process)
                    if self._ended:
                        return
        if process.returncode != -signal.SIGKILL:
            code = process.returncode
            raise OperatorError(f"A worker ended with code {code} before its turn did: {self.log}.")
        self.stage.note(f"[red]worker {process.pid} is dead (SIGKILL)[/red]")
        if self._question and self.dies_paused and self.on_pause:
            question, self._question = self._question, 0
            await self.on_pause(question)

    def _killable(self, process: Process) -> AbstractContextManager[None]:
        """Say how to kill the worker, and let the person at the terminal do it with a key."""
        if not self.strikes or self.kills >= _OFFERS:
            return nullcontext()
        self.stage.note(
            f"[bold]Press Enter, or kill -9 {process.pid}, whenever you like.[/bold] "
            "If you do not, the demo does it in the middle of the payment."
        )
        return self.stage.person.on_enter(lambda: kill(process))

    async def _take(self, line: bytes, process: Process) -> None:
        if not line.endswith(b"\n"):
            return  # The worker died while it wrote: the next one says it again.
        item = heard(line)
        if item.record:
            self.heard.append(item.record.seq)
            self._show(item.record)
            await self._react(item.record, process)
        elif not self.is_quiet:
            self.stage.stream(item.text)

    async def _react(self, record: e.Record, process: Process) -> None:
        event = record.event
        self._ended = isinstance(event, _ENDS)
        if isinstance(event, e.InputRequested):
            self._question = record.seq
        elif isinstance(event, e.TurnPaused) and event.reason == "dead_letter":
            raise OperatorError(f"{event.text} Start the demo again, and kill fewer.")
        elif isinstance(event, e.TurnPaused) and event.reason == "person" and self.on_pause:
            if self.dies_paused:
                kill(process)
            else:
                await self.on_pause(self._question)
        elif self.strikes and isinstance(event, e.ToolStarted) and event.name == "refund":
            self.strikes = False
            asyncio.get_running_loop().call_later(_MIDDLE_OF_PAYMENT_S, kill, process)

    def _show(self, record: e.Record) -> None:
        told = self._narration.told(record)
        if self.is_quiet:
            return
        if isinstance(record.event, e.ModelReplied):
            self.stage.say("")
        if told:
            self.stage.note(told)
