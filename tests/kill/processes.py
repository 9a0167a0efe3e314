"""Time that passes beside processes, and the end of those that a test has begun."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Iterable


async def passed(seconds: float) -> None:
    """Return when so much time has passed: a lease is over by nothing else, a file calls nobody."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


async def end(workers: Iterable[Process]) -> None:
    """Kill those that still live."""
    for worker in workers:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
