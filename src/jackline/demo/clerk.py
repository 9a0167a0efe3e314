"""What `jackline worker` serves in the demo with several workers: a clerk, and the shop.

A module for workers alone: the environment says where the shop is, and when standard input ends,
with whoever started the worker, so does the worker.
"""

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jackline.core.agent import Agent
from jackline.core.app import App
from jackline.core.messages import ReplyPart, Text, ToolCall
from jackline.demo.agent import look_up_order, refund, reserve
from jackline.demo.payments import Payments
from jackline.demo.script import TERMS, refunding
from jackline.demo.shop import Shop
from jackline.testing.model import Pace, ScriptedModel

NAME = "jackline-demo-clerk"
FOLDER, PORT = "DEMO_SHOP_FOLDER", "DEMO_BANK_PORT"
REFUND_TIMEOUT_S = 2.5
_SCRIPT: Sequence[Sequence[ReplyPart] | str] = (
    (Text("Let me look at order 7 first."), ToolCall("look_up_order", '{"order":7}')),
    (
        Text("I put a replacement for it aside, and refund the $40.00 that it cost."),
        ToolCall("reserve", '{"order":7}'),
        ToolCall("refund", '{"order":7,"cents":4000}'),
    ),
    "Done: $40.00 are refunded, once, and a replacement is put aside.",
)


def clerk(delta_s: float = 0.0) -> Agent:
    """Return the clerk, who says three characters in each `delta_s`."""
    script = [part if isinstance(part, str) else list(part) for part in _SCRIPT]
    return Agent(
        NAME,
        ScriptedModel(
            script,
            terms=TERMS,
            pace=Pace(delta=3, delta_delay_s=delta_s),
            plan=refunding(7),
        ),
        instructions="You work in a shop. Look an order up before you say or do anything about it.",
        tools=[look_up_order, reserve, replace(refund, timeout_s=REFUND_TIMEOUT_S)],
        version="1",
        max_tokens=512,
    )


def served() -> App:
    """Return what the worker serves, which ends with whoever started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    shop = Shop(Path(os.environ[FOLDER]), Payments(int(os.environ[PORT])))
    return App([clerk(delta_s=0.03)], shop)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if FOLDER in os.environ:
    app = served()
