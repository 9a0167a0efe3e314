"""What other threads bring reaches an event loop, once and in order, as long as there is one."""

import asyncio
import gc
import threading
from functools import partial
from pathlib import Path

from jackline.adapters.bell import Bell, bell

_ROUNDS = 200
_CALLS = 10
_THREADS = 3
_HANDLES = Path("/dev/fd")


def test_what_threads_bring_runs_in_the_loop_once_and_in_the_order_of_each() -> None:
    async def story() -> None:
        rung, brought = bell(asyncio.get_running_loop()), asyncio.Queue[tuple[int, int, int]]()

        def take(name: int, number: int) -> None:
            brought.put_nowait((name, number, threading.get_ident()))

        def bring(name: int) -> None:
            for number in range(_CALLS):
                rung.ring(partial(take, name, number))

        for _ in range(_ROUNDS):
            threads = [threading.Thread(target=bring, args=(name,)) for name in range(_THREADS)]
            for thread in threads:
                thread.start()
            async with asyncio.timeout(20):
                heard = [await brought.get() for _ in range(_CALLS * _THREADS)]
            here, numbers = threading.get_ident(), range(_CALLS)
            expected = [(name, number, here) for name in range(_THREADS) for number in numbers]
            assert sorted(heard, key=lambda call: call[0]) == expected

    asyncio.run(story())


def test_a_loop_has_one_bell() -> None:
    async def story() -> bool:
        loop = asyncio.get_running_loop()
        return bell(loop) is bell(loop)

    assert asyncio.run(story())


def test_a_bell_whose_loop_was_closed_runs_nothing_and_never_fills() -> None:
    async def story() -> Bell:
        return bell(asyncio.get_running_loop())

    rung = asyncio.run(story())
    for _ in range(100_000):  # A pipe takes 65,536 bytes, and then blocks.
        rung.ring(lambda: 1 / 0)


def test_a_bell_goes_with_its_loop() -> None:
    async def story() -> None:
        bell(asyncio.get_running_loop())

    def handles() -> int:
        gc.collect()
        return sum(1 for _ in _HANDLES.iterdir())

    asyncio.run(story())
    before = handles()
    for _ in range(10):
        asyncio.run(story())
    assert handles() == before
