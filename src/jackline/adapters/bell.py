"""How another thread calls back into an event loop, cheaply.

`call_soon_threadsafe` does the same and costs more: asyncio reads its own pipe until that raises,
and makes a handle with a context for each call. Of a durable round that was a fifteenth.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from weakref import WeakKeyDictionary, finalize

_BYTES = 4_096


class Bell:
    """Runs, in an event loop, what other threads bring. Where the loop was closed, nothing runs.

    It lives as long as its loop, which alone may read from the pipe.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._calls = deque[Callable[[], object]]()
        self._rung = False
        self._reader, self._writer = os.pipe()
        finalize(self, _close, self._reader, self._writer)
        loop.add_reader(self._reader, self._answer)

    def ring(self, call: Callable[[], object]) -> None:
        """Have the loop run `call`, which must not raise, soon. Any thread may do so."""
        self._calls.append(call)
        if not self._rung:
            self._rung = True
            os.write(self._writer, b"!")

    def _answer(self) -> None:
        os.read(self._reader, _BYTES)
        # First this: whoever still finds it set has brought its call before the loop below ends.
        self._rung = False
        while self._calls:
            self._calls.popleft()()


_BELLS: WeakKeyDictionary[asyncio.AbstractEventLoop, Bell] = WeakKeyDictionary()


def bell(loop: asyncio.AbstractEventLoop) -> Bell:
    """Return the bell of the loop, which has to be the one that runs here."""
    found = _BELLS.get(loop)
    if found is None:
        found = _BELLS[loop] = Bell(loop)
    return found


def _close(*handles: int) -> None:
    for handle in handles:
        os.close(handle)
