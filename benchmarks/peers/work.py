"""The scripted work that every framework plays, and what is asked of one to be measured.

The work is the same for all: a fake model of the framework's own kind asks in each round for
some calls of the async tool `lookup(x: int) -> str`, then answers with a short text. What it
asks for comes from the session's `Script`, and the tool returns what the script returns; so a
script knows afterwards whether all of the work was done.

Needs nothing but the standard library, so that it can be imported in any environment.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PROMPT = "hi"
ANSWER = "The final answer is forty two."
RESULT = "result result result result resu"
DELTA = "tok "
DELTAS = 500


class Call(NamedTuple):
    """A call of `lookup` that the fake model asks for."""

    id: str
    x: int

    @property
    def arguments(self) -> str:
        """Return the call's arguments as JSON."""
        return f'{{"x":{self.x}}}'


class WorkDiffersError(Exception):
    """A framework did other work than the script says: its figures would mean nothing."""


@dataclass(slots=True)
class Script:
    """One turn of one session: `rounds` rounds of `tools` calls each, then the answer.

    The model waits `wait_s` seconds before each of its `rounds + 1` replies.
    """

    session: str
    rounds: int
    tools: int = 1
    wait_s: float = 0.0
    asked: int = 0
    looked_up: int = 0

    async def reply(self) -> list[Call]:
        """Return the calls that the model asks for now; none means that it gives `ANSWER`."""
        if self.wait_s:
            await asyncio.sleep(self.wait_s)
        number = self.asked
        self.asked += 1
        if number >= self.rounds:
            return []
        return [Call(f"call_{number}_{x}", x) for x in range(self.tools)]

    def look_up(self, x: int) -> str:
        """Do what the tool `lookup` does with its `x`."""
        if not 0 <= x < self.tools:
            raise WorkDiffersError(f"lookup({x}) was never asked for")
        self.looked_up += 1
        return RESULT

    def check(self, answer: str) -> None:
        """Raise `WorkDiffersError` unless the whole script was played and led to `answer`."""
        done = (self.asked, self.looked_up, answer)
        expected = (self.rounds + 1, self.rounds * self.tools, ANSWER)
        if done != expected:
            raise WorkDiffersError(f"(requests, tool calls, answer) are {done}, not {expected}")


_SCRIPT = ContextVar[Script]("script")

Run = Callable[[Script], Awaitable[str]]
"""Plays a script in the new session `script.session` and returns the answer of the model."""

Stream = Callable[[], Awaitable[int]]
"""Runs one turn whose model streams `DELTAS` times `DELTA`; returns how many reached the client."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A framework with the scripted work put into it.

    Each field opens it in one way, for as long as the context manager is entered:

    - `memory`: nothing outlives the process, and all that can be left off is off;
    - `streaming`: the same, for `Stream`;
    - `durable`: what a session has done is kept in the SQLite file at the given path, as soon as
      the framework can, so that another process could go on. `None` if it offers no such thing;
    - `postgres`: the same, in the empty Postgres database at the given URL.
    """

    distribution: str
    memory: Callable[[], AbstractAsyncContextManager[Run]]
    streaming: Callable[[], AbstractAsyncContextManager[Stream]]
    durable: Callable[[Path], AbstractAsyncContextManager[Run]] | None = None
    postgres: Callable[[str], AbstractAsyncContextManager[Run]] | None = None


def script() -> Script:
    """Return the script that this task plays.

    For frameworks that call model and tools in the caller's context. Where they run in another
    one, the script has to be found by its session.
    """
    return _SCRIPT.get()


async def play(run: Run, work: Script) -> None:
    """Have `work` done by `run`, and raise `WorkDiffersError` unless it was."""
    _SCRIPT.set(work)
    work.check(await run(work))
