"""Signals that ask a command to end, heard within its event loop."""

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def signals(hear: Callable[[signal.Signals], None]) -> Generator[None]:
    """Hear of Ctrl-C and SIGTERM. After the block they do what they did."""
    loop = asyncio.get_running_loop()
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        loop.add_signal_handler(each, hear, each)
    try:
        yield
    finally:
        for each, handler in before.items():
            loop.remove_signal_handler(each)
            signal.signal(each, handler)
