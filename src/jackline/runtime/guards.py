"""The output gate of a stream: no text goes out before every guard has let it."""

from collections.abc import Sequence

from jackline.core.guards import Guard, judge


class Gate:
    """Lets text through as it comes, as far as the guards at the output can tell.

    A guard that has to see `hold_back` characters more gets them first. Once a guard objects
    nothing more goes out: the whole text is judged when it is complete.
    """

    def __init__(self, guards: Sequence[Guard]) -> None:
        self._guards = [guard for guard in guards if "output" in guard.gates]
        backs = [guard.hold_back for guard in self._guards]
        self._hold_back = max((back or 0 for back in backs), default=0)
        self._closed = None in backs
        self._sent = 0
        self._tail = ""

    def feed(self, delta: str) -> str:
        """Return what may go out now that `delta` has come."""
        if self._closed:
            return ""
        if not self._guards:
            return delta
        window = self._tail + delta
        _, said = judge(self._guards, "output", window, "")
        if said:
            self._closed = True
            return ""
        return self._release(window, len(window) - self._hold_back)

    def finish(self) -> str:
        """Return what was held back, at the end of a text that every guard allows."""
        return "" if self._closed else self._release(self._tail, len(self._tail))

    def _release(self, window: str, upto: int) -> str:
        """Pass what stands before `upto`, and keep as much before it as a guard looks back on."""
        ready = window[self._sent : max(upto, self._sent)]
        end = self._sent + len(ready)
        start = max(0, end - self._hold_back)
        self._tail, self._sent = window[start:], end - start
        return ready
