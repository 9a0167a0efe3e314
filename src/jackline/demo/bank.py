"""The payment service: a process of its own on the loopback interface, with its own ledger.

Like many, it does what it is asked as often as it is asked, and remembers the key that came with
each payment. It ends when its standard input does: with whoever started it.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_BODY_BYTES = 10_000


class Bank(ThreadingHTTPServer):
    """Books at once, and answers `answer_s` later: in between is where processes die."""

    daemon_threads = True

    def __init__(self, ledger: Path, answer_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Desk)
        self.ledger = ledger
        self.answer_s = answer_s
        self.writing = threading.Lock()
        self.ledger.touch()

    def booked(self) -> list[dict[str, object]]:
        """Return the ledger."""
        return [json.loads(line) for line in self.ledger.read_text("utf-8").splitlines()]

    def book(self, order: int, cents: int, key: str) -> Mapping[str, object]:
        """Write a payment down, and sync it: the money has moved."""
        with self.writing, self.ledger.open("a", encoding="utf-8") as ledger:
            number = len(self.booked()) + 1
            payment = {"number": number, "order": order, "cents": cents, "key": key}
            ledger.write(json.dumps(payment) + "\n")
            ledger.flush()
            os.fsync(ledger.fileno())
        return payment


class _Desk(BaseHTTPRequestHandler):
    """One request."""

    server: Bank  # pyright: ignore[reportIncompatibleVariableOverride] - nobody else has this desk

    def do_GET(self) -> None:
        """Tell the ledger, or the payments with one key."""
        keys = parse_qs(urlsplit(self.path).query).get("key")
        with self.server.writing:
            found = [each for each in self.server.booked() if not keys or each["key"] in keys]
        self._answer(200, found)

    def do_POST(self) -> None:
        """Book a payment."""
        length = int(self.headers.get("Content-Length", 0))
        try:
            asked = json.loads(self.rfile.read(min(length, _BODY_BYTES)))
            payment = self.server.book(int(asked["order"]), int(asked["cents"]), str(asked["key"]))
        except (ValueError, KeyError, TypeError) as error:
            self._answer(400, {"error": f"That is no payment: {error!r}"})
            return
        threading.Event().wait(self.server.answer_s)
        self._answer(200, payment)

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:
            self.close_connection = True  # Whoever asked is dead. The money has moved all the same.

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name is inherited
        """Note in the debug log what was asked: the ledger is what counts."""
        logging.getLogger("jackline").debug(format, *args)


@contextmanager
def banking(ledger: Path, answer_s: float = 0.0) -> Generator[int]:
    """Serve from a thread of this process, and give the port."""
    with Bank(ledger, answer_s) as bank:
        thread = threading.Thread(target=bank.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield bank.server_port
        bank.shutdown()
        thread.join()


def main(ledger: str, answer_s: str) -> None:
    """Serve until standard input ends."""
    with banking(Path(ledger), float(answer_s)) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
