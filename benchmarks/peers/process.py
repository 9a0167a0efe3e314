"""What Linux says about this process: memory, bytes written, and a clock that all share."""

import time
from pathlib import Path

_SELF = Path("/proc/self")


def shared_clock() -> float:
    """Return seconds on a clock that all processes of the machine share."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def resident_kb() -> int:
    """Return the memory that is resident now, in KiB."""
    return _field("status", "VmRSS")


def resident_peak_kb() -> int:
    """Return the most memory that was resident since `forget_peak`, in KiB."""
    return _field("status", "VmHWM")


def forget_peak() -> None:
    """Let `resident_peak_kb` start from what is resident now (proc(5), clear_refs)."""
    (_SELF / "clear_refs").write_text("5", encoding="ascii")


def written_bytes() -> int:
    """Return how many bytes this process has handed to write(2) and its like."""
    return _field("io", "wchar")


def _field(file: str, name: str) -> int:
    """Return the number after `name:` in a file of this process."""
    for line in (_SELF / file).read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise LookupError(f"this kernel shows no {name} in {_SELF / file}")
