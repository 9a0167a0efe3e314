"""The moments at which a process may die, and the death."""

import os
import re
import signal
from collections.abc import Sequence
from itertools import count
from typing import Literal

from jackline.core.value import Value
from jackline.testing.crashtest.log import Entry, Log, Side, What


class Kill(Value, frozen=True):
    """Where a process dies: at a point, at its n-th moment, or after so many seconds.

    The first two it does itself, the last is done to it. None of them: it lives.
    """

    at: str = ""
    nth: int = 0
    after_s: float = 0.0


LIVE = Kill()
_PLACES = {"before": "before", "during": "in", "after": "after"}
_TURN = re.compile(r"turn/\d+")


class Moments:
    """Notes each moment in the log, and kills this process where that is due.

    `told` is what earlier processes noted: it goes on counting where they were.
    """

    def __init__(self, log: Log, kill: Kill, told: Sequence[Entry] = ()) -> None:
        self._log = log
        self._kill = kill
        self._passed = count(1)
        self._turns = dict[str, int]()
        for entry in told:
            self._place(entry.name)

    def note(
        self, what: What, name: str, side: Side = "", text: str = "", keys: tuple[str, ...] = ()
    ) -> None:
        """Note something that happened. If the process dies here, it has been noted."""
        point = f"{_PLACES[side]} {what} {self._place(name)}" if side else ""
        self._log.write(Entry(self._log.life, what, name, side, text, keys, point))
        if side and (next(self._passed) == self._kill.nth or point == self._kill.at):
            os.kill(os.getpid(), signal.SIGKILL)

    def _place(self, name: str) -> str:
        """Return a name with its turns counted: what they are called may differ between runs."""
        return _TURN.sub(lambda turn: f"turn {self._counted(turn.group())}", name)

    def _counted(self, turn: str) -> int:
        return self._turns.setdefault(turn, len(self._turns) + 1)

    def witness(self, key: str, moment: Literal["before", "after"]) -> None:
        """Note that a tool is invoked, or was."""
        self.note("call", key, moment)
