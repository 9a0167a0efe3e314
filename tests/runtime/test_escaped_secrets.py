"""No sink has a secret that stands behind an escape, as literals, JSON, URLs and colours have."""

import asyncio
import json
import logging
from pathlib import Path

import pytest

from jackline import Agent, Runtime, ToolCall, User, tool
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


def _files(folder: Path) -> str:
    """Return what the database's files hold while it is open: its log, too."""
    return b"".join([each.read_bytes() for each in folder.iterdir()]).decode("latin-1")
