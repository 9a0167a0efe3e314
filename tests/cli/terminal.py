"""The command line as a real process: in a terminal of its own, or with pipes."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from types import TracebackType
from typing import Self

SOURCES = Path(__file__).parents[2] / "src"
COMMAND = [sys.executable, "-c", "from jackline.cli import main; main()"]
# Ctrl-C is a signal for those whom the terminal controls.
IN_TERMINAL = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {COMMAND[-1]}"
_PATIENCE_S = 20.0
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def environment(**more: str) -> dict[str, str]:
    """Return what a command sees: nothing that the tests' own environment sets for jackline."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JACKLINE_")}
    return {**kept, "PYTHONPATH": str(SOURCES), "TERM": "xterm", "COLUMNS": "80", **more}


def jackline(
    folder: Path, *arguments: str, said: str | bytes = "", **more: str
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with pipes."""
    data = said.encode() if isinstance(said, str) else said
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**more),
        input=data,
        capture_output=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


class Terminal:
    """A command in a terminal: what is typed, and what a person sees."""

    def __init__(self, folder: Path, *arguments: str, **more: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))

        self._process = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, *arguments],
            cwd=folder,
            env=environment(**more),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._raw = b""
        self._read_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._ours)

    @property
    def text(self) -> str:
        """All that was written, without what moves the cursor."""
        return _CONTROLS.sub("", self._raw.decode(errors="replace"))

    @property
    def raw(self) -> bytes:
        """All that was written."""
        return self._raw

    def expect(self, text: str) -> None:
        """Wait until this is written, after what was expected before."""
        while (at := self.text.find(text, self._read_to)) < 0:
            assert self._more(), f"no {text!r} in {self.text[self._read_to :]!r}"
        self._read_to = at + len(text)

    def type(self, text: str) -> None:
        """Type, in one go."""
        os.write(self._ours, text.encode())

    def paste(self, text: str) -> None:
        """Paste, as a terminal does that was asked to tell pastes apart."""
        assert b"\x1b[?2004h" in self._raw
        self.type(f"\x1b[200~{text}\x1b[201~")

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to the process."""
        self._process.send_signal(which)

    def end(self) -> int:
        """Wait until the process ends, and return its exit code."""
        while self._more():
            continue
        return self._process.wait(_PATIENCE_S)

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, as it did before."""
        return bool(termios.tcgetattr(self._ours)[3] & termios.ECHO)

    def _more(self) -> bool:
        """Read what comes. False: the process writes no more, or nothing for a long time."""
        ready, _, _ = select.select([self._ours], [], [], _PATIENCE_S)
        try:
            data = os.read(self._ours, 65_536) if ready else b""
        except OSError:
            return False  # Nobody has the terminal open any more.
        self._raw += data
        return bool(data)
