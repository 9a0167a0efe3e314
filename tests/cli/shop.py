"""An agent for the tests of the command line: as a module's text, and its answers."""

SHOP = '''
import asyncio
import os
from pathlib import Path

from jackline import Agent, App, Budget, Context, Price, Terms, Text, ToolCall, tool
from jackline.testing import Pace, ScriptedModel

def log(line):
    with Path("calls").open("a") as file:
        file.write(line + "\\n")

@tool(effect="read")
def find(order_id: str) -> str:
    """Find an order."""
    return f"Order {order_id}: 500 cents"

@tool(effect="once", approve=True)
def refund(order_id: str, cents: int) -> str:
    """Refund an order."""
    log(f"refund {order_id} {cents}")
    return f"{cents} cents went back"

@tool(effect="read", retries=0)
async def wait() -> str:
    """Wait until a file is there."""
    log("wait")
    while not Path("go").exists():
        await asyncio.sleep(0.02)
    return "there"

def call(name, arguments="{}"):
    return ToolCall(name, arguments)

SCRIPT = {
    "refund": [
        [Text("Let me look."), call("find", '{"order_id": "7"}')],
        [call("refund", '{"order_id": "7", "cents": 500}')],
        "All is done.",
    ],
    "wait": [[call("wait")], "It is there."],
    "hello": ["Good morning to you."],
    "clear": ["\\x1b[2J\\x1b]0;title\\x07gone"],
    "": ["I know nothing of that."],
}

support = Agent("support", model=ScriptedModel(SCRIPT, pace=Pace(3)), tools=[find, refund, wait])
DEAR = Terms("dear", Price(1000, 1000))
poor = Agent("poor", model=ScriptedModel(["never"], terms=DEAR), budget=Budget(usd="0.01"))
several = [support, poor]
nothing = []
number = 3
'''
