"""How far a long command is: a bar, where there is a terminal and somebody to look at it."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

Tell = Callable[[int, int], None]


@contextmanager
def progress(title: str, *, quiet: bool) -> Generator[Tell]:
    """Give what is told how much is done, and of how much.

    It draws in this thread only: a process that forks should have no others.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None  # noqa: ARG005 - nobody looks
        return
    from rich.console import Console  # noqa: PLC0415 - only for terminals
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    with Bar(console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, refresh=True)

        bar.refresh()
        yield tell
