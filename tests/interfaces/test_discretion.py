"""Personal data leaves in no event that is streamed or read: as the agent's policy says."""

import asyncio
import json

import httpx2
import pytest
from tests.interfaces.served import serving
from websockets.asyncio.client import connect

from jackline import (
    Agent,
    Policy,
    Record,
    Redactor,
    Rule,
    Runtime,
    SessionId,
    ToolCall,
    Unguarded,
    User,
    tool,
)
from jackline.core import events as e
from jackline.core.messages import Part, Pasted, Reasoning, Text
from jackline.interfaces import wire
from jackline.interfaces.discretion import discretion
from jackline.interfaces.identity import Development
from jackline.interfaces.streams import Frames
from jackline.serving import asgi
from jackline.stack import secured
from jackline.testing import ScriptedModel

ANN, FRAUD = User("ann", "acme"), User("bob", "acme", frozenset({"fraud"}))
CARD, BARE = "4111 1111 1111 1111", 4111111111111111
ROWS = f"Ann,{BARE},12/27\n17,{CARD},01/28\n/pay/{BARE} card%3D{BARE} \\u0027{BARE} \x1b[1m{BARE}"
STREAM = {"Accept": "text/event-stream"}


@tool(effect="read")
def customer(card: str) -> dict[str, object]:
    """Get a customer, who has two cards."""
    return {"name": "Ann", "card": card, "number": BARE, "note": f"A=1\nold: {CARD}", "rows": ROWS}


@tool(effect="read", retries=0)
def lost(card: str) -> str:
    """Fail, and quote what was asked for."""
    raise KeyError(card, ROWS)


@tool(effect="once", approve=True)
def block(card: str) -> str:
    """Block a card."""
    return f"Blocked: {card}"


CALLS = [
    ToolCall(each.name, json.dumps({"card": CARD}), each.name) for each in (customer, lost, block)
]
SAID = [[Reasoning(f"Of {CARD}."), *CALLS], f"Card {CARD}. {ROWS}"]


def test_over_http_a_card_stands_in_nothing_but_the_question_about_it() -> None:
    async def story() -> list[str]:
        agent = Agent("bank", ScriptedModel(SAID), tools=[customer, lost, block])
        async with (
            asyncio.timeout(30),
            Runtime([agent], store="memory://") as runtime,
            serving(asgi(runtime, [Development(ANN)], approve_own=True)) as url,
            httpx2.AsyncClient(base_url=url) as client,
        ):
            body = {"agent": "bank", "input": f"Block {CARD}."}
            told = list[str]()
            async with client.stream(
                "POST", "/v1/sessions/s/turns", json=body, headers=STREAM
            ) as answer:
                async for line in answer.aiter_lines():
                    told += [line[6:]] if line.startswith("data: ") else []
                    if '"input.requested"' in line:
                        asked = json.loads(line[6:])["seq"]
                        where = SessionId("acme", "s")
                        await runtime.sessions.answer(where, asked, ANN, approved=True)
            page = (await client.get("/v1/sessions/s/events")).json()["events"]
            events = await runtime.store.read(SessionId("acme", "s"))
            assert CARD in repr([each.event for each in events if is_result(each)])
            return [*told, *map(json.dumps, page)]

    frames = asyncio.run(story())
    leaking = {json.loads(each)["type"] for each in frames if CARD in each or str(BARE) in each}
    assert leaking == {"input.requested"}
    deltas = [each for each in map(json.loads, frames) if each["type"] == "text.delta"]
    spoken = "".join([each["text"] for each in deltas])
    assert spoken.count("[redacted:card]") == 7
    assert "4111" not in spoken
    redacted = {json.loads(each)["type"] for each in frames if "[redacted:card]" in each}
    assert redacted >= {
        "turn.submitted",
        "model.replied",
        "tool.returned",
        "tool.failed",
        "turn.completed",
    }
    for each in frames:
        for name in ("arguments", "value"):
            if isinstance(inner := json.loads(each).get(name), str):
                json.loads(inner)


def test_no_other_road_tells_a_card_either() -> None:
    async def story() -> tuple[list[str], str]:
        said = [[ToolCall("customer", json.dumps({"card": CARD}))], f"Card {CARD}. {ROWS}"]
        agent = Agent("bank", ScriptedModel(said), tools=[customer])
        async with (
            asyncio.timeout(30),
            Runtime([agent], store="memory://") as runtime,
            serving(asgi(runtime, [Development(ANN)])) as url,
            httpx2.AsyncClient(base_url=url) as client,
        ):
            body = {"model": "bank", "input": f"Look at {CARD}."}
            answers = [(await client.post("/v1/responses", json=body)).text]
            answers.append((await client.get(f"/v1/responses/{json.loads(answers[0])['id']}")).text)
            answers.append((await client.post("/v1/responses", json={**body, "stream": True})).text)
            (row, *_) = await runtime.sessions.listed(ANN)
            at = f"{url.replace('http', 'ws')}/v1/sessions/{row.id.name}/ws"
            async with connect(at) as socket:
                answers += [str(await socket.recv()) for _ in range(row.head)]
            events = await runtime.store.read(row.id)
            return answers, repr([each.event for each in events])

    answers, journal = asyncio.run(story())
    assert CARD in journal
    assert not [each for each in answers if CARD in each or str(BARE) in each]
    assert sum("[redacted:card]" in each for each in answers) > 5


def is_result(record: Record) -> bool:
    return isinstance(record.event, e.ToolReturned)


def replied(seq: int = 4) -> Record:
    parts: tuple[Part, ...] = (Text(f"It is {CARD}."), CALLS[0])
    return Record(seq, 1.0, e.ModelReplied("turn/1/model/0", parts, "m", e.Usage()))


POLICY = Policy((Rule("allow", roles=("fraud",)), Rule("mask", ("card",))))


def bank(*guards: Redactor | Unguarded) -> Agent:
    return secured(Agent("bank", ScriptedModel(SAID), guards=guards))


def test_who_reads_is_told_what_their_roles_may_know() -> None:
    agent = bank(Redactor(POLICY))
    for user, shown in ((ANN, b"**** **** **** 1111"), (FRAUD, CARD.encode())):
        frame = wire.event_frame(replied(), discretion(agent, user))
        assert frame.count(shown) == 2
        assert (CARD.encode() in frame) == (user is FRAUD)


def test_an_event_is_encoded_once_for_all_of_whom_the_policy_says_the_same() -> None:
    agent, frames, record = bank(Redactor(POLICY)), Frames(), replied()
    clerk = User("eve", "acme", frozenset({"clerk"}))
    first = frames.told(discretion(agent, ANN)).event(record)
    assert frames.told(discretion(agent, clerk)).event(record) is first
    assert frames.told(discretion(agent, FRAUD)).event(record) is not first
    assert frames.told(discretion(agent, ANN)).event(replied()) is not first


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        (None, False),
        (bank(), False),
        (bank(Unguarded("redactor", reason="They see cards all day.")), True),
        (bank(Redactor(gates=("input",))), True),
    ],
)
def test_without_an_agent_the_default_holds_and_without_a_redactor_nothing_is_taken_out(
    agent: Agent | None, *, shown: bool
) -> None:
    said = Record(4, 1.0, e.TurnSubmitted("r", (Pasted(CARD),), e.Principal("ann")))
    assert (CARD.encode() in wire.event_frame(said, discretion(agent, ANN))) == shown
