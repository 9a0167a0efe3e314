"""No sink has a secret that is hard to see: behind an escape, or in a reason that code gave."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from jackline import Agent, Record, Runtime, SessionId, ToolCall, User, tool
from jackline.core.events import Gate, InputRequested
from jackline.core.guards import Verdict
from jackline.ports import Request
from jackline.testing.model import Pace, ScriptedModel

ANN = User("ann", "acme")
SECRETS = (
    "AKIAPLANTED00001ABCD",
    "ghp_" + "a8Kd93jfkLQ02mzXc71RtYpWvB4nEs6uHgTq",
    "sk-proj-Qw8eRt5yUi3oPa7sDf2gHj9kLz4xCv6bNm1Q0w8ErT5yUi3oPa7sDf",
    "sk-ant-api03-Qw8eRt5yUi3oPa7sDf2gHj9kLz4xCv6bNm1Q0w8ErT5yUi3o",
    "glpat-Qw8eRt5yUi3oPa7sDf2g",
    "xoxb-2345678901-Qw8eRt5yUi3oPa7sDf2gHj9k",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_sink_has_a_secret_that_stands_behind_an_escape(
    secret: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @tool(effect="read", retries=0)
    def quotes() -> str:
        """Fail as a look-up does, whose text is a literal."""
        raise KeyError(f"HOME=/root\n{secret}")

    @tool(effect="read")
    def writes_out() -> dict[str, str]:
        """Return what others wrote out."""
        return {
            "run": repr([f"A=1\n{secret}"]),
            "line": json.dumps({"msg": json.dumps(f"got\t{secret}")}),
            "url": f"https://x.example/cb?next=%2Fa%3Fkey%3D{secret}%26b",
            "colours": f"\x1b[32m{secret}\x1b[0m",
        }

    calls = [ToolCall("quotes", "{}"), ToolCall("writes_out", "{}")]
    model = ScriptedModel([calls, f"It is A=1\\n{secret}\\n."], pace=Pace(delta=3))

    async def run() -> str:
        agent = Agent("support", model, tools=[quotes, writes_out])
        store = f"sqlite:///{tmp_path}/jackline.db"
        async with Runtime([agent], store=store) as runtime:
            said = f"https://x.example/?a%3D{secret}"
            stream = runtime.stream("support", said, session="s1", user=ANN)
            heard = [each async for each in stream]
            logging.getLogger("jackline").error("About %r", f"A=1\n{secret}")
            return repr(heard) + _files(tmp_path)

    sinks = asyncio.run(run()) + caplog.text
    assert secret[8:20] not in sinks
    assert sinks.count("[secret:") > 7
    assert "About 'A=1\\n[redacted:" in caplog.text


class Blunt:
    """A guard that says of a call what it should not."""

    name = "blunt"
    hold_back = 0
    gates: frozenset[Gate] = frozenset({"call"})

    def judge(self, gate: Gate, text: str) -> Verdict:
        """Ask about one tool, and block another."""
        del gate
        blocks, asks = text.startswith("blocked"), text.startswith("guarded")
        decision = "block" if blocks else "ask" if asks else "flag"
        return Verdict(decision, f"it knows {SECRETS[0]}")


@tool(effect="once", allow=lambda _: f"no, since {SECRETS[0]}")
def refused() -> str:
    """Never run."""
    raise AssertionError


@tool(effect="once")
def blocked() -> str:
    """Never run."""
    raise AssertionError


@tool(effect="once")
def guarded() -> str:
    """Run once somebody has agreed."""
    return "Done."


def test_no_reason_that_predicates_and_guards_give_tells_a_secret(tmp_path: Path) -> None:
    read, tools = list[str](), [refused, blocked, guarded]

    def last(request: Request) -> str:
        read.extend(map(repr, request.messages))
        return "Well."

    async def run() -> str:
        model = ScriptedModel([[ToolCall(each.name, "{}") for each in tools], last])
        agent = Agent("support", model, tools=tools, guards=[Blunt()])
        store, heard = f"sqlite:///{tmp_path}/jackline.db", list[object]()
        async with Runtime([agent], store=store) as runtime:
            async for each in runtime.stream("support", "Hi.", session="s1", user=ANN):
                heard.append(each)
                if isinstance(each, Record) and isinstance(each.event, InputRequested):
                    where = SessionId("acme", "s1")
                    await runtime.sessions.answer(where, each.seq, ANN, approved=True)
            return repr(heard) + _files(tmp_path)

    told = asyncio.run(run())
    request = "".join(read)
    assert SECRETS[0] not in told + request
    assert "no, since [secret:aws-key:" in request
    assert "Not made: it knows [secret:aws-key:" in request
    assert "blunt asks: it knows [secret:aws-key:" in told
    assert "Done." in request


def _files(folder: Path) -> str:
    """Return what the database's files hold while it is open: its log, too."""
    return b"".join([each.read_bytes() for each in folder.iterdir()]).decode("latin-1")
