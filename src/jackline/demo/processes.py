"""The demo's other processes: started, heard, killed by their ids, and never left behind."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

_LINE_BYTES = 1 << 22


@asynccontextmanager
async def running(
    *command: object, log: Path, said: Mapping[str, str] | None = None
) -> AsyncGenerator[Process]:
    """Run Python with these arguments; leaving kills it, if that has not happened already.

    Its standard input is a pipe, which ends with this process: it then ends, too. What it
    complains of goes to `log`; `said` is added to its environment.
    """
    with log.open("ab") as complaints:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *map(str, command),
            stdin=PIPE,
            stdout=PIPE,
            stderr=complaints,
            env=None if said is None else {**os.environ, **said},
            limit=_LINE_BYTES,
        )
    try:
        yield process
    finally:
        kill(process)
        await process.wait()


def started(module: str, *arguments: object, log: Path) -> AbstractAsyncContextManager[Process]:
    """Run a module of the demo, like `running`."""
    return running("-m", f"jackline.demo.{module}", *arguments, log=log)


def kill(process: Process) -> None:
    """Kill it with SIGKILL, unless it is known to be dead.

    Not with `process.kill`: that may reap a child that has just died, and its code is lost.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


@asynccontextmanager
async def bank(ledger: Path, answer_s: float, log: Path) -> AsyncGenerator[int]:
    """Run the payment service, and give its port."""
    async with started("bank", ledger, answer_s, log=log) as process:
        assert process.stdout is not None, "it is a pipe"
        yield int(await process.stdout.readline())
