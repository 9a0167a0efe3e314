"""How the processes of a crash test's run are begun and ended."""

import os
import signal

from jackline.testing.crashtest.run import until_ended


def test_who_stops_after_it_was_told_to_go_on_and_end_is_let_go_on_again() -> None:
    """A worker may come by the point where it is struck when its user has left already."""
    child = os.fork()
    if child == 0:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(7)
    assert until_ended(child) == 7
