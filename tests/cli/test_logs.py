"""What a server and a worker log: where it is JSON, of which turn, and nothing of what was said."""

import asyncio
import json
import logging
from pathlib import Path

import httpx2
import pytest
from tests.kill.serving import Follower, say, servers

from jackline import Agent, Runtime, ToolCall, User, tool
from jackline.cli.logs import LogFormat, logging_as
from jackline.core.events import SessionId, TurnSubmitted
from jackline.core.traces import trace_of
from jackline.testing import ScriptedModel


def test_lines_of_a_tool_say_of_which_turn_they_are_and_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @tool(effect="read")
    def shout() -> str:
        """Shout."""
        logging.getLogger("shop").error("It broke: %s", "AKIAIOSFODNN7EXAMPLE")
        try:
            int("password: hunter2!")
        except ValueError:
            logging.getLogger("shop").exception("It broke again.")
        return "Done."

    agent = Agent("a", ScriptedModel([[ToolCall("shout", "{}")], "Well."]), tools=[shout])

    async def story() -> TurnSubmitted:
        async with Runtime([agent], store="memory://") as runtime:
            logging.getLogger("shop").error("Nothing runs.")
            await runtime.run("a", "Something private.", session="s", user=User("u", "acme"))
            record = (await runtime.store.read(SessionId("acme", "s")))[1]
            assert isinstance(record.event, TurnSubmitted)
            return record.event

    with logging_as(LogFormat.JSON):
        said = asyncio.run(story())
    first, second, third = map(json.loads, capsys.readouterr().err.splitlines())
    assert "session" not in first
    trace = trace_of(SessionId("acme", "s"), 2, said).hex
    assert second.items() >= {"tenant": "acme", "session": "s", "turn": 2, "trace": trace}.items()
    assert second["message"] == "It broke: [redacted:aws-key]"
    assert (second["level"], second["logger"]) == ("error", "shop")
    assert "ValueError" in third["error"]
    assert "hunter2" not in str(third)


def test_each_request_is_a_line_without_what_stands_in_its_path(tmp_path: Path) -> None:
    async def story() -> None:
        store = f"sqlite:///{tmp_path / 'journal.db'}"
        async with asyncio.timeout(40), servers(tmp_path, store) as there:
            served = await there.start("--access-log", "--log-format", "json")
            await say(served.url, "private", "hello")
            await Follower("private").follow(served.url)
            async with httpx2.AsyncClient() as client:
                await client.get(f"{served.url}/v1/sessions/private?secret=1")
            served.process.terminate()
            _, told = await served.process.communicate()
        lines = [json.loads(line) for line in told.splitlines()]
        found = [(each["method"], each["route"], each["status"]) for each in lines]
        assert found == [
            ("POST", "/v1/sessions/{session}/turns", 202),
            ("GET", "/v1/sessions/{session}/events", 200),
            ("GET", "/v1/sessions/{session}", 200),
        ]
        assert all(each["client"] == "127.0.0.1" for each in lines)
        assert b"private" not in told
        assert b"secret" not in told

    asyncio.run(story())
