"""Carries what running tools report to the event loop, as often as is worth a journal's while."""

import asyncio
import math
import threading
from collections.abc import Callable

from jackline.core.events import ProgressReported
from jackline.core.results import Clean, as_it_is, shortened
from jackline.ports import Clock

EVERY_S = 0.5
TEXT_CHARS = 500


class Progress:
    """The reports of one call. Of those that come too fast the last one is told, after a while.

    It is called from any thread and never waits. After `close` nothing is told any more.
    """

    def __init__(
        self,
        key: str,
        clock: Clock,
        tell: Callable[[ProgressReported], None],
        clean: Clean = as_it_is,
    ) -> None:
        self._key = key
        self._clock = clock
        self._tell = tell
        self._clean = clean
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._last: ProgressReported | None = None
        self._awaited = self._closed = False
        self._told_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, text: str, fraction: float | None = None) -> None:
        """Report. `fraction` is brought to 0 to 1, and the text to 500 characters."""
        if fraction is not None:
            fraction = None if math.isnan(fraction) else min(1.0, max(0.0, fraction))
        said = shortened(self._clean(str(text)), TEXT_CHARS)
        self._last = ProgressReported(self._key, said, fraction)
        if self._awaited or self._closed:
            return
        self._awaited = True
        if threading.get_ident() == self._thread:
            self._arrange()
            return
        try:
            self._loop.call_soon_threadsafe(self._arrange)
        except RuntimeError:
            self._closed = True  # The loop has closed under a thread that still runs.

    def close(self) -> None:
        """Stop: the call is over, and what a thread says of it now is of no use."""
        self._closed = True
        if self._timer:
            self._timer.cancel()

    def _arrange(self) -> None:
        wait_s = self._told_at + EVERY_S - self._clock()
        if wait_s <= 0:
            self._say()
        elif not self._closed:
            self._timer = self._loop.call_later(min(wait_s, EVERY_S), self._say)

    def _say(self) -> None:
        last, self._last = self._last, None
        self._awaited = False
        if last and not self._closed:
            self._told_at = self._clock()
            self._tell(last)
