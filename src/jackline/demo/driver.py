"""A worker of the demo: a process that says one thing to the shop's assistant, and drives it.

It prints each event, and text as it comes, as a line of JSON. The request's id is the session's
name: started again after a crash, it submits the same again and changes nothing by that.
"""

import asyncio
import os
import sys
import threading
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from jackline.app import Runtime
from jackline.core.codec import decode, encode
from jackline.core.events import Record
from jackline.core.value import Value
from jackline.demo.agent import assistant
from jackline.demo.payments import DyingPayments, Payments, Point
from jackline.demo.script import pretended_model
from jackline.demo.shop import Shop
from jackline.opening import Surroundings
from jackline.ports import Delta
from jackline.testing.model import Pace

LEASE_S = 1.0


class Task(Value, frozen=True):
    """What a worker is to do. `after` is the last event that whoever listens has seen."""

    journal: str
    shop: str
    port: int
    session: str
    said: str
    after: int = 0
    point: Point | None = None
    delta_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a worker said: an event, or text as it comes."""

    record: Record | None = None
    text: str = ""


def line(item: Record | Delta) -> bytes:
    """Return an event or text as a line."""
    if isinstance(item, Delta):
        return msgspec.json.encode({"text": item.text}) + b"\n"
    return b"%d %r %b\n" % (item.seq, item.at, encode(item.event))


def heard(said: bytes) -> Heard:
    """Return what a line says."""
    if said.startswith(b"{"):
        return Heard(text=msgspec.json.decode(said)["text"])
    seq, at, body = said.split(b" ", 2)
    return Heard(Record(int(seq), float(at), decode(body)))


async def drive(task: Task) -> None:
    """Say it, drive it, and print what becomes of it."""
    payments = DyingPayments(task.port, task.point) if task.point else Payments(task.port)
    agent = assistant(pretended_model(Pace(delta=3, delta_delay_s=task.delta_s)))
    runtime = Runtime(
        [agent],
        store=f"sqlite:///{task.journal}",
        deps=Shop(Path(task.shop), payments),
        surroundings=Surroundings(lease_s=LEASE_S),
    )
    async with runtime:
        stream = runtime.stream(
            agent.name, task.said, session=task.session, request_id=task.session
        )
        async with aclosing(stream) as items:
            async for item in items:
                if isinstance(item, Delta) or item.seq > task.after:
                    sys.stdout.buffer.write(line(item))
                    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    asyncio.run(drive(msgspec.json.decode(sys.argv[1], type=Task)))
