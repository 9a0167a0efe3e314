"""What the threads of a store do for event loops that come and go."""

import asyncio
import threading

from jackline.adapters.sqlite.lanes import Gather, Job, Threads


def commit(gather: Gather) -> None:
    for job in gather():
        job.outcome = job.work()


async def read(lanes: Threads) -> str:
    return await lanes.read(lambda: "read")


async def write(lanes: Threads) -> str:
    job = Job(lambda: "written")
    await lanes.write(job)
    return job.outcome


async def leave(lanes: Threads, begun: asyncio.Event, go_on: threading.Event) -> None:
    """Begin to read what takes until `go_on`, and leave as that has begun."""
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait()

    reading = asyncio.ensure_future(lanes.read(work))
    await begun.wait()
    reading.cancel()


def test_a_loop_that_was_closed_meanwhile_stops_no_thread() -> None:
    lanes, go_on = Threads(commit), threading.Event()
    for _ in range(3):  # There are two readers.
        go_on.clear()
        asyncio.run(leave(lanes, asyncio.Event(), go_on))
        go_on.set()
    assert asyncio.run(read(lanes)) == "read"
    assert asyncio.run(write(lanes)) == "written"
    lanes.close()
