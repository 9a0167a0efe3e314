"""The shop's account at a payment service, over HTTP, and one that dies while it pays."""

import json
import os
import signal
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from typing import Any, Literal
from urllib.parse import urlencode

Point = Literal["booked", "called", "answered"]
POINTS: tuple[Point, ...] = ("booked", "called", "answered")
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that has moved, as the payment service has it in its ledger."""

    number: int
    order: int
    cents: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Payments:
    """A client of the payment service on this port of the loopback interface."""

    port: int

    def pay(self, order: int, cents: int, key: str = "") -> Payment:
        """Move money, and return once the service says that it has."""
        wanted = {"order": order, "cents": cents, "key": key}
        return Payment(**self._asked("POST", "/payments", json.dumps(wanted)))

    def find(self, key: str) -> Payment | None:
        """Return the payment that was asked for with this key, if there is one."""
        found = self._asked("GET", f"/payments?{urlencode({'key': key})}")
        return Payment(**found[0]) if found else None

    def all(self) -> list[Payment]:
        """Return the service's ledger."""
        return [Payment(**each) for each in self._asked("GET", "/payments")]

    def _asked(self, method: str, path: str, body: str | None = None) -> Any:  # JSON
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:  # noqa: PLR2004 - HTTP's errors begin there
            raise ConnectionError(f"The payment service says {answer.status}: {text.decode()}")
        return json.loads(text)


@dataclass(frozen=True, slots=True)
class DyingPayments(Payments):
    """A client whose process is killed with SIGKILL in the middle of its first payment.

    `called`: before the service hears of it. `booked`: the money has moved, and the service has
    not answered. `answered`: the answer is here, and nobody else knows.
    """

    point: Point = "booked"

    def pay(self, order: int, cents: int, key: str = "") -> Payment:
        """Begin to pay, and die."""
        if self.point == "called":
            _die()
        if self.point == "answered":
            Payments.pay(self, order, cents, key)  # super() does not work with slots
            _die()
        before = len(self.all())
        wanted = asdict(Payment(0, order, cents, key))
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)
        connection.request("POST", "/payments", json.dumps(wanted))
        while len(self.all()) == before:
            continue
        _die()
        raise AssertionError("nobody survives SIGKILL")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
