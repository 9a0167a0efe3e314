"""The loop that every tutorial shows, as a program that can be killed and started again.

`run` is shown to the reader as it stands. It is a fair one: it saves its messages after every
step, and goes on from there.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jackline.core.events import Usage
from jackline.demo.payments import DyingPayments, Payments, Point
from jackline.demo.script import TERMS, answer
from jackline.demo.shop import Shop, as_text

Messages = list[dict[str, Any]]
Model = Callable[[Messages], dict[str, Any]]
Tools = Mapping[str, Callable[..., object]]


def run(model: Model, tools: Tools, said: str, saved: Path) -> str:
    """Answer the user, going on from the last checkpoint."""
    messages: Messages = [{"role": "user", "content": said}]
    if saved.exists():
        messages = json.loads(saved.read_text())
    while True:
        if messages[-1]["role"] != "assistant":
            messages.append(model(messages))
            saved.write_text(json.dumps(messages))
        calls = messages[-1]["tool_calls"]
        if not calls:
            return messages[-1]["content"]
        for call in calls:
            name = call["name"]
            result = as_text(tools[name](**call["arguments"]))
            messages.append({"role": "tool", "name": name, "content": result})
        saved.write_text(json.dumps(messages))


class EnoughError(Exception):
    """The pretended bill is high enough to make the point."""


class Meter:
    """The pretended model, which counts what it would have cost. Micro-dollars."""

    def __init__(self, stop_at: int) -> None:
        self.stop_at = stop_at
        self.spent = 0
        self.calls = 0

    def __call__(self, messages: Messages) -> dict[str, Any]:
        """Reply. Raises `EnoughError` once it has cost more than `stop_at`."""
        if self.spent > self.stop_at:
            raise EnoughError
        results = {each["name"]: each["content"] for each in messages if each["role"] == "tool"}
        rounds = sum(each["role"] == "assistant" for each in messages)
        line = answer(messages[0]["content"], results, rounds)
        calls = [{"name": name, "arguments": given} for name, given in line.calls.items()]
        reply = {"role": "assistant", "content": line.text, "tool_calls": calls}
        usage = Usage(len(json.dumps(messages)), len(json.dumps(reply)))
        self.spent += TERMS.price.cost(usage)
        self.calls += 1
        return reply


def tools_of(shop: Shop) -> Tools:
    """Return the shop's tools as a tutorial would write them."""
    serial = iter(range(1_000_000))

    def reserve(order: int) -> str:
        return shop.reserve(order, f"{os.getpid()} {next(serial)}")

    def record_refund(order: int, cents: int) -> str:
        return f"{cents} cents for order {order} are in the books."

    return {
        "look_up_order": shop.order,
        "read_inbox": shop.inbox,
        "list_customers": shop.customers,
        "reserve": reserve,
        "refund": shop.payments.pay,
        "record_refund": record_refund,
        "send_mail": shop.send,
    }


def main(folder: str, port: str, said: str, point: Point | str = "") -> None:
    """Answer the user in this process, and die at `point` of the payment, if there is one."""
    payments = Payments(int(port))
    if point in ("booked", "called", "answered"):
        payments = DyingPayments(int(port), point)
    shop = Shop(Path(folder), payments)
    sys.stdout.write(run(Meter(2**62), tools_of(shop), said, shop.folder / "checkpoint.json"))


if __name__ == "__main__":
    main(*sys.argv[1:])
