"""What a guard forbids reaches neither the model, nor a tool, nor the user."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from jackline import Agent, Context, DenyList, Record, Runtime, ToolCall, tool
from jackline.core.events import (
    GuardJudged,
    ToolReconciled,
    ToolRefused,
    ToolReturned,
    ToolStarted,
    ToolUnknown,
    TurnCompleted,
    TurnStopped,
)
from jackline.core.guards import Guard, Verdict
from jackline.core.messages import Text, ToolResult
from jackline.ports import Delta, Request
from jackline.testing import ScriptedModel
from jackline.testing.model import Pace


@tool(effect="read")
async def fetch(page: str) -> str:
    """Fetch a page."""
    return f"{page} says hunter2 to everybody"


@tool(effect="transactional")
def note(ctx: Context[None]) -> str:
    """Write a note."""
    ctx.connection.execute("CREATE TABLE IF NOT EXISTS notes (text TEXT)")
    ctx.connection.execute("INSERT INTO notes VALUES ('hunter2')")
    return "wrote hunter2"


def heard(agent: Agent, said: str = "Go.") -> list[Any]:
    """Return the events of one turn, and its deltas, as they came."""

    async def turn() -> list[Any]:
        runtime = Runtime([agent], store="memory://")
        async with runtime, aclosing(runtime.stream(agent.name, said)) as events:
            return [event.event if isinstance(event, Record) else event async for event in events]

    return asyncio.run(turn())


def agent(script: Sequence[Any], *guards: Guard) -> Agent:
    return Agent("guarded", ScriptedModel(script), tools=[fetch, note], guards=guards)


def of(kind: type, events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_redacted_result_is_what_model_and_journal_see() -> None:
    seen: list[Request] = []

    def last(request: Request) -> str:
        seen.append(request)
        return "Done."

    guard = DenyList(["hunter2"], decision="redact", gates=["result"])
    events = heard(agent([[ToolCall("fetch", '{"page":"home"}')], last], guard))
    (returned,) = of(ToolReturned, events)
    assert returned.parts == (Text("home says [redacted] to everybody"),)
    (judged,) = of(GuardJudged, events)
    assert (judged.gate, judged.decision, judged.subject) == ("result", "redact", returned.key)
    results = [p for m in seen[0].messages for p in m.parts if isinstance(p, ToolResult)]
    assert results[0].parts == returned.parts


def test_a_blocked_result_is_withheld() -> None:
    guard = DenyList(["hunter2"], gates=["result"])
    events = heard(agent([[ToolCall("fetch", '{"page":"home"}')], "Done."], guard))
    (returned,) = of(ToolReturned, events)
    assert "withheld" in returned.parts[0].text
    assert "hunter2" not in returned.parts[0].text


def test_the_result_of_a_transactional_tool_is_judged_before_it_commits() -> None:
    guard = DenyList(["hunter2"], decision="redact", gates=["result"])
    events = heard(agent([[ToolCall("note", "{}")], "Done."], guard))
    assert of(ToolReturned, events)[0].parts == (Text("wrote [redacted]"),)
    assert of(GuardJudged, events)[0].decision == "redact"


def test_what_a_call_returns_late_is_judged_too() -> None:
    ready = threading.Event()

    @tool(effect="once", timeout_s=0.01)
    def slow() -> str:
        """Take long."""
        ready.wait(10)
        return "hunter2"

    @tool(effect="read")
    async def wait() -> str:
        """Let the slow one return."""
        ready.set()
        await told.wait()
        return ""

    told, heard_late = asyncio.Event(), list[Any]()
    guard = DenyList(["hunter2"], decision="redact", gates=["result"])
    script = [[ToolCall("slow", "{}")], [ToolCall("wait", "{}")], "Done."]
    watched = Agent("guarded", ScriptedModel(script), tools=[slow, wait], guards=[guard])

    async def turn() -> list[Any]:
        runtime = Runtime([watched], store="memory://")
        async with runtime, aclosing(runtime.stream("guarded", "Go.")) as records:
            async for record in records:
                event = record.event if isinstance(record, Record) else record
                heard_late.extend(of(ToolReconciled, [event]))
                if heard_late:
                    told.set()
        return heard_late

    (late,) = asyncio.run(asyncio.wait_for(turn(), 20))
    assert late.text == "[redacted]"


def test_what_is_found_out_about_a_call_is_judged_too_and_read_by_whom_its_tool_names() -> None:
    async def found() -> str:
        """Say what became of it."""
        return "hunter2"

    @tool(effect="once", timeout_s=0.01, reconcile=found, readers={"ann"})
    async def pay() -> str:
        """Pay."""
        await asyncio.Event().wait()
        return ""

    guard = DenyList(["hunter2"], decision="redact", gates=["result"])
    script = [[ToolCall("pay", "{}")], "Done."]
    watched = Agent("guarded", ScriptedModel(script), tools=[pay], guards=[guard])
    events = heard(watched)
    assert of(ToolReconciled, events)[0].text == "[redacted]"
    assert of(ToolReconciled, events)[0].readers == of(ToolUnknown, events)[0].readers == {"ann"}
    assert of(GuardJudged, events)[0].decision == "redact"


def test_a_blocked_call_is_never_begun_and_the_model_is_told() -> None:
    guard = DenyList(["secret"], gates=["call"])
    events = heard(agent([[ToolCall("fetch", '{"page":"secret"}')], "Done."], guard))
    assert not of(ToolStarted, events)
    assert of(ToolRefused, events)[0].code == "guard"
    assert of(TurnCompleted, events)


def test_blocked_input_stops_the_turn_before_a_model_is_asked() -> None:
    events = heard(agent(["Done."], DenyList(["bomb"], gates=["input"])), "a bomb, please")
    (stopped,) = of(TurnStopped, events)
    assert stopped.code == "blocked"
    assert not [event for event in events if type(event).__name__ == "ModelReserved"]


def test_blocked_output_never_streams_and_stops_the_turn() -> None:
    model = ScriptedModel(["the word that I was told is hunter2, I said"], pace=Pace(delta=1))
    guarded = Agent("guarded", model, guards=[DenyList(["hunter2"], gates=["output"])])
    events = heard(guarded)
    said = "".join(delta.text for delta in of(Delta, events))
    assert "hunter2" not in said
    assert "the word" in said, "what came long before may go out"
    assert of(TurnStopped, events)[0].code == "blocked"
    assert "hunter2" not in repr(events)


class Broken:
    """A guard that fails."""

    name = "broken"
    hold_back = 0

    def __init__(self, gate: Any) -> None:
        self.gates = frozenset([gate])

    def judge(self, gate: Any, text: str) -> Verdict:
        raise RuntimeError(gate, text)


@pytest.mark.parametrize(
    ("gate", "outcome"),
    [
        ("input", TurnCompleted),
        ("result", TurnCompleted),
        ("call", TurnCompleted),
        ("output", TurnStopped),
    ],
)
def test_a_guard_that_fails_blocks_what_leaves_and_flags_what_comes(
    gate: str, outcome: type
) -> None:
    script = [[ToolCall("fetch", '{"page":"home"}')], "Done."]
    events = heard(agent(script, Broken(gate)))
    assert of(outcome, events)
    decision = "block" if gate in {"call", "output"} else "flag"
    if gate != "input":
        assert of(GuardJudged, events)[0].decision == decision
    assert bool(of(ToolStarted, events)) == (gate != "call")
