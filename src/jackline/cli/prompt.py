"""Asks for a line: of a terminal with pastes told apart, or of a pipe."""

import asyncio
import os
import sys
import termios
import threading
import tty
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, TextIO

from rich.cells import cell_len

from jackline.cli.keyboard import PASTE_OFF, PASTE_ON, Draft, Key, Keys
from jackline.core.messages import Pasted

Parts = list[str | Pasted]
_AT_ONCE = 65_536


class Source(Protocol):
    """Where lines come from."""

    async def read(self, prompt: str, text: str = "") -> Parts | None:
        """Return the next line, which may begin as `text`. None: there is none."""
        ...

    def clear(self) -> bool:
        """Drop what was typed so far, if anything was."""
        ...

    def held(self) -> AbstractContextManager[None]:
        """Keep what is typed from being shown before somebody asks for it."""
        ...


class Piped:
    """Lines of a pipe or a file. Nobody is there to answer a question."""

    def __init__(self, stream: TextIO) -> None:
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._wanted = threading.Semaphore(0)
        threading.Thread(target=self._pump, args=(stream,), daemon=True).start()

    def _pump(self, stream: TextIO) -> None:
        while True:
            self._wanted.acquire()
            line = stream.readline()
            try:
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
            except RuntimeError:
                return  # The program has ended.

    async def read(self, prompt: str, text: str = "") -> Parts | None:  # noqa: ARG002 - see Source
        """See `Source.read`."""
        self._wanted.release()
        line = await self._lines.get()
        return [line.rstrip("\n")] if line else None

    def clear(self) -> bool:
        """See `Source.clear`."""
        return False

    def held(self) -> AbstractContextManager[None]:
        """See `Source.held`."""
        return nullcontext()


class Terminal:
    """A line editor: arrows, history, the usual control keys, and bracketed paste.

    Ctrl-C stays a signal, and what is typed while nobody asks waits for the next question.
    """

    def __init__(self, stream: TextIO, out: TextIO) -> None:
        self._descriptor = stream.fileno()
        self._out = out
        self._keys = Keys()
        self._pending: list[str | Pasted | Key] = []
        self._history: list[Draft] = []
        self._at = 0
        self._prompt = ""
        self._draft = Draft()
        self._row = 0
        self._done: asyncio.Future[Draft | None] | None = None

    async def read(self, prompt: str, text: str = "") -> Parts | None:
        """See `Source.read`."""
        loop = asyncio.get_running_loop()
        self._prompt, self._draft, self._row = prompt, Draft.of(text), 0
        self._at = len(self._history)
        self._done = loop.create_future()
        self._hold()  # Once more: whoever was stopped and goes on finds another terminal.
        self._write(PASTE_ON)
        loop.add_reader(self._descriptor, self._readable)
        try:
            self._take_pending()
            self._draw()
            draft = await self._done
        finally:
            loop.remove_reader(self._descriptor)
            self._leave_line()
            self._write(PASTE_OFF)
        if draft is None:
            return None
        if draft.atoms and not text:
            self._history.append(draft)
        return draft.parts()

    def clear(self) -> bool:
        """See `Source.clear`."""
        if not self._draft.atoms:
            return False
        self._draft = Draft()
        self._draw()
        return True

    @contextmanager
    def held(self) -> Generator[None]:
        """See `Source.held`. Afterwards the terminal is as it was."""
        before = termios.tcgetattr(self._descriptor)
        self._hold()
        try:
            yield
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

    def _hold(self) -> None:
        tty.setcbreak(self._descriptor, termios.TCSADRAIN)

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, _AT_ONCE)
        except OSError:
            data = b""  # The terminal is gone.
        self._pending += self._keys.feed(data) if data else [Key("leave")]
        self._take_pending()
        if self._done and not self._done.done():
            self._draw()

    def _take_pending(self) -> None:
        while self._pending and self._done and not self._done.done():
            self._take(self._pending.pop(0))

    def _take(self, key: str | Pasted | Key) -> None:
        assert self._done is not None
        match key:
            case Key("enter"):
                self._draft.at = len(self._draft.atoms)
                self._draw()
                self._done.set_result(self._draft)
            case Key("leave") if not self._draft.atoms:
                self._done.set_result(None)
            case Key("leave"):
                self._draft.take(Key("delete"))
            case Key("up" | "down" as way):
                self._recall(-1 if way == "up" else 1)
            case _:
                self._draft.take(key)

    def _recall(self, step: int) -> None:
        at = self._at + step
        if 0 <= at <= len(self._history):
            self._at = at
            atoms = self._history[at].atoms if at < len(self._history) else []
            self._draft = Draft(list(atoms), len(atoms))

    def _draw(self) -> None:
        """Draw the line anew, and put the cursor where the next key goes."""
        width = max(1, os.get_terminal_size(self._descriptor).columns)
        whole = self._prompt + self._draft.shown()
        end, cursor = cell_len(whole), cell_len(self._prompt + self._draft.shown(self._draft.at))
        up = f"\x1b[{self._row}A" if self._row else ""
        # A line that is just full leaves the cursor at its end: only a newline brings it down.
        down = "\r\n" if end and end % width == 0 else ""
        back = f"\x1b[{end // width - cursor // width}A" if end // width > cursor // width else ""
        right = f"\x1b[{cursor % width}C" if cursor % width else ""
        self._write(f"{up}\r\x1b[J{whole}{down}{back}\r{right}")
        self._row = cursor // width

    def _leave_line(self) -> None:
        self._draft.at = len(self._draft.atoms)
        self._draw()
        self._write("\r\n")
        self._draft, self._done = Draft(), None

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def source() -> Source:
    """Return the terminal, if a person sits there, or else what is piped in."""
    if _is_terminal() and not is_plain():
        return Terminal(sys.stdin, sys.stdout)
    return Piped(sys.stdin)


def is_plain() -> bool:
    """Whether a person sits at a terminal that knows no pastes: one could answer a question."""
    return _is_terminal() and os.environ.get("TERM", "") in {"", "dumb"}


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
