import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from jackline.core.events import ProgressReported
from jackline.runtime.progress import EVERY_S, Progress
from jackline.testing.world import World

Work = Callable[[Progress], Awaitable[None]]


@pytest.fixture
def world() -> Iterator[World]:
    made = World(0)
    yield made
    made.bury()


def told(world: World, work: Work) -> list[tuple[float, str, float | None]]:
    """Return what was told of a call that does `work`, and when."""
    heard: list[tuple[float, str, float | None]] = []

    def hear(event: ProgressReported) -> None:
        assert event.key == "k"
        heard.append((world.time(), event.text, event.fraction))

    async def run() -> None:
        progress = Progress("k", world.time, hear)
        await work(progress)
        progress.close()
        await asyncio.sleep(10)

    world.run_until_complete(run())
    return heard


def test_the_first_report_is_told_at_once_and_the_last_of_many_after_a_while(world: World) -> None:
    async def work(report: Progress) -> None:
        for step in range(1000):
            report(str(step), step / 1000)
        await asyncio.sleep(1)
        report("end")

    assert told(world, work) == [(0.0, "0", 0.0), (EVERY_S, "999", 0.999), (1.0, "end", None)]


def test_a_report_a_millisecond_makes_two_events_a_second(world: World) -> None:
    async def work(report: Progress) -> None:
        for step in range(10_000):
            report(str(step))
            await asyncio.sleep(0.001)

    assert 20 <= len(told(world, work)) <= 21


def test_a_report_is_brought_into_bounds(world: World) -> None:
    async def work(report: Progress) -> None:
        for text, fraction in (("x" * 10_000, 7.0), ("\ud800", -1.0), ("z", float("nan"))):
            report(text, fraction)
            await asyncio.sleep(1)

    (_, long, most), (_, half, least), (_, _, none) = told(world, work)
    assert (len(long), most, half, least, none) == (500, 1.0, "?", 0.0, None)


def test_nothing_is_told_after_the_call_is_over(world: World) -> None:
    kept: list[Progress] = []

    async def work(report: Progress) -> None:
        report("first")
        report("too soon")
        kept.append(report)

    assert [text for _, text, _ in told(world, work)] == ["first"]
    kept[0]("late")


def test_a_thread_reports_through_the_loop_and_never_waits_for_it() -> None:
    heard: asyncio.Queue[ProgressReported] = asyncio.Queue()

    async def run() -> ProgressReported:
        progress = Progress("k", asyncio.get_running_loop().time, heard.put_nowait)
        thread = threading.Thread(target=progress, args=("from afar", 0.5))
        thread.start()
        thread.join()
        assert heard.empty()
        return await heard.get()

    assert asyncio.run(run()) == ProgressReported("k", "from afar", 0.5)


def test_a_thread_that_outlives_the_loop_reports_to_nobody() -> None:
    heard: list[ProgressReported] = []

    async def make() -> Progress:
        return Progress("k", asyncio.get_running_loop().time, heard.append)

    progress = asyncio.run(make())
    thread = threading.Thread(target=progress, args=("anybody?",))
    thread.start()
    thread.join()
    progress("still nobody")
    assert heard == []
