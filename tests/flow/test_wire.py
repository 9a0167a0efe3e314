"""A plan over the wire formats of providers, on loopback: what leaves, and what comes of it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.flow.post import ASKED, BOB, EVE, HOSTILE, PLAN, happened, of, search, sending
from tests.wire import anthropic, openai_chat, openai_responses
from tests.wire.server import Answer, Wire, serving

from jackline import Agent, Price, Runtime
from jackline.adapters.models import resolve
from jackline.core import events as e


async def story(wire: Wire, name: str, path: Path, sent: list[str]) -> list[e.Event]:
    url = wire.url if name.startswith("anthropic") else f"{wire.url}/v1"
    model = resolve(name, base_url=url, api_key="sk-of-this-test", price=Price(1, 1))
    agent = Agent("office", model, tools=[search, sending(sent)])
    async with Runtime([agent], store=f"sqlite:///{path}/jackline.db") as runtime:
        result = await runtime.run("office", ASKED)
        assert len(result.questions) == 1
        return await happened(runtime, result.session)


@pytest.mark.parametrize(
    ("wire_format", "plan"),
    [
        (openai_chat, openai_chat.saying(PLAN)),
        (openai_responses, openai_responses.saying(PLAN)),
        (anthropic, anthropic.calling(("p", "final_answer", PLAN))),
    ],
    ids=["chat", "responses", "anthropic"],
)
def test_a_provider_plans_from_what_was_typed_alone(
    wire_format: Any, plan: Answer, tmp_path: Path
) -> None:
    sent: list[str] = []
    letters = [(f"c{n}", "send", json.dumps(each)) for n, each in enumerate((EVE, BOB))]
    answers = [
        wire_format.calling(("c", "search", '{"query":"minutes"}')),
        wire_format.calling(*letters),
        plan,
    ]

    async def run() -> tuple[list[e.Event], str]:
        async with serving(*answers) as wire:
            events = await story(wire, wire_format.NAME, tmp_path, sent)
            return events, json.dumps(wire.asked[-1].body)

    events, asked = asyncio.run(run())
    assert sent == ["bob@x.com: Done"]
    (question,) = of(events, e.InputRequested)
    assert "eve@evil.com" in question.arguments
    assert json.dumps(ASKED)[1:-1] in asked
    assert HOSTILE not in asked
    assert '"properties": {"to": {"type": "string"}' in asked, "what may be pinned is named"
