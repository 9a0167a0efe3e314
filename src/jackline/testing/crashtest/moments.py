"""The moments at which a process may be struck, and the strike."""

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from jackline.core.value import Value
from jackline.testing.crashtest.log import Entry, Log, Side, What

Stopped = Literal["", "until driven", "until rest"]


class Kill(Value, frozen=True):
    """Where a process dies: at a point, at its n-th moment, or after so many seconds.

    The first two it does itself, the last is done to it. None of them: it lives. `stopped`: it
    does not die, but stands still until somebody else drives, or until all is at rest.
    """

    at: str = ""
    nth: int = 0
    after_s: float = 0.0
    stopped: Stopped = ""


_PLACES = {"before": "before", "during": "in", "after": "after"}
_TURN = re.compile(r"turn/\d+")
_TIME = ", time "


class Moments:
    """Notes each moment in the log, and strikes this process where that is due.

    Of the `kills` the first that was not done yet is due, for whichever process of the run comes
    by. What is counted is read from the log, so that all of them count alike.
    """

    def __init__(self, log: Log, kills: Sequence[Kill] = ()) -> None:
        self._log = log
        self._kills = kills
        self._lock = threading.RLock()
        self._turns = dict[str, int]()
        self._written = Counter[str]()
        self._struck = dict[str, Entry]()
        self._passed = 0

    def note(
        self,
        what: What,
        name: str,
        side: Side = "",
        text: str = "",
        keys: tuple[str, ...] = (),
        by: tuple[int, float] = (0, 0.0),
    ) -> None:
        """Note something that happened. If the process is struck here, it has been noted.

        `by` is the epoch of who did it, and when. From any thread.
        """
        with self._lock:
            self._learn()
            point = f"{_PLACES[side]} {what} {self._place(name)}" if side else ""
            self._log.write(Entry(self._log.life, what, name, side, text, keys, point, *by))
            self._passed += bool(side)
            if side and (kill := self._due(point)):
                self._strike(kill)

    def again(self, commit: str) -> str:
        """Return the name of a commit, with how many times there has been one, from the second."""
        with self._lock:
            self._learn()
            times = self._written[commit] + 1
        return f"{commit}{_TIME}{times}" if times > 1 else commit

    def release(self) -> None:
        """Let a process go on that stands still until somebody else drives."""
        with self._lock:
            self._learn()
            for entry in self._struck.values():
                if entry.pid and entry.life != self._log.life:
                    with suppress(ProcessLookupError):
                        os.kill(entry.pid, signal.SIGCONT)

    def witness(self, key: str, moment: Literal["before", "after"]) -> None:
        """Note that a tool is invoked, or was."""
        self.note("call", key, moment)

    def _learn(self) -> None:
        """Take in what the processes of the run have noted."""
        for entry in self._log.news():
            self._place(entry.name)
            if entry.what == "commit" and entry.side == "after":
                self._written[entry.name.partition(_TIME)[0]] += 1
            elif entry.what == "struck" and entry.name not in self._struck:
                self._struck[entry.name] = entry
                self._passed = 0

    def _due(self, point: str) -> Kill | None:
        """Return the kill that is due here."""
        number = len(self._struck)
        kill = self._kills[number] if number < len(self._kills) else Kill()
        return kill if point == kill.at or self._passed == kill.nth else None

    def _strike(self, kill: Kill) -> None:
        """Be killed or stopped, unless another process was struck first."""
        number = str(len(self._struck))
        pid = os.getpid() if kill.stopped == "until driven" else 0
        self._log.write(Entry(self._log.life, "struck", number, pid=pid))
        self._learn()
        if self._struck[number].life == self._log.life:
            # Sent to this thread, it has come before the next line.
            how = signal.SIGSTOP if kill.stopped else signal.SIGKILL
            signal.pthread_kill(threading.get_ident(), how)

    def _place(self, name: str) -> str:
        """Return a name with its turns counted: what they are called may differ between runs."""
        return _TURN.sub(lambda turn: f"turn {self._counted(turn.group())}", name)

    def _counted(self, turn: str) -> int:
        return self._turns.setdefault(turn, len(self._turns) + 1)
