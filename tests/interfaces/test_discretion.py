"""Personal data leaves in no event that is streamed or read: as the agent's policy says."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product

import httpx2
import pytest
from pydantic import BaseModel
from tests.interfaces.served import served, serving
from websockets.asyncio.client import connect

from jackline import (
    Agent,
    Policy,
    Record,
    Redactor,
    Rule,
    Runtime,
    SessionId,
    Settings,
    ToolCall,
    Unguarded,
    User,
    tool,
)
from jackline.core import events as e
from jackline.core.messages import Part, Pasted, Reasoning, Text
from jackline.interfaces.discretion import discretion
from jackline.interfaces.identity import Caller, Development
from jackline.interfaces.service import Bounds
from jackline.interfaces.streams import Frames
from jackline.interfaces.wire import Place
from jackline.serving import asgi
from jackline.stack import secured
from jackline.testing import ScriptedModel

ANN, BOB = User("ann", "acme"), User("bob", "acme")
FRAUD = User("eve", "acme", frozenset({"fraud"}))
ANN_THEN = User("ann", "acme", frozenset({"user", "fraud"}))
CARD, BARE = "4111 1111 1111 1111", 4111111111111111
ROWS = f"Ann,{BARE},12/27\n17,{CARD},01/28\n/pay/{BARE} card%3D{BARE} \\u0027{BARE} \x1b[1m{BARE}"
STREAM = {"Accept": "text/event-stream"}
HERE = Place(4)


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
            serving(asgi(runtime, [Development(ANN)], Settings(approve_own=True))) as url,
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


class Account(BaseModel):
    """An answer that is no text."""

    card: str
    number: int
    owner: str = "Ann"


@asynccontextmanager
async def told(reader: User) -> AsyncGenerator[tuple[Runtime, httpx2.AsyncClient]]:
    """Serve what Ann was told, who had a role then, to somebody."""
    guards = [Redactor(POLICY)]
    said = f'{{"card":"{CARD}","number":{BARE}}}'
    text = Agent("bank", ScriptedModel([f"Card {CARD}."]), guards=guards)
    typed = Agent("typed", ScriptedModel([said]), output=Account, guards=guards)
    async with asyncio.timeout(30), Runtime([text, typed], store="memory://") as runtime:
        for agent in ("bank", "typed"):
            done = await runtime.run(agent, "Hi.", session=agent, user=ANN_THEN)
            assert CARD in done.text
        async with served(runtime, [Development(reader)]) as client:
            yield runtime, client


@pytest.mark.parametrize("reader", [BOB, ANN, FRAUD])
def test_how_a_turn_ended_is_told_as_its_events_are(reader: User) -> None:
    async def story() -> None:
        shown = reader is FRAUD
        async with told(reader) as (_, client):
            for name, how in product(("bank", "typed"), ("", "?wait=5")):
                answer = await client.get(f"/v1/sessions/{name}/turns/2{how}")
                assert answer.status_code == 200
                assert (CARD in answer.text) == shown
                assert (str(BARE) in answer.text) == (shown and name == "typed")
                output = answer.json()["output"]
                assert "1111" in str(output)
                assert name == "bank" or output["owner"] == "Ann", "it is as it was, otherwise"

    asyncio.run(story())


@pytest.mark.parametrize("reader", [BOB, ANN, FRAUD])
def test_a_text_among_the_files_is_told_to_others_as_events_are(reader: User) -> None:
    plain, latin = f"Card {CARD}.".encode(), CARD.encode() + b" \xff"
    wide, large = f"Card {CARD}. é".encode("utf-16"), plain + b" " * (256 << 10)
    picture = b"\x89PNG\r\n\x1a\n\x00" + plain
    files = {
        "text/plain": plain,
        "application/json": plain,
        "text/csv": wide,
        "text/html": latin,
        "application/octet-stream": wide[2:],
        "image/webp": plain,
        "image/png": picture,
    }

    async def story() -> None:
        knows_all = reader is not BOB
        async with told(reader) as (runtime, client):
            bank = SessionId("acme", "bank")
            for kind, data in files.items():
                handle = await runtime.store.put(bank, data, kind)
                got = (await client.get(f"/v1/sessions/bank/artifacts/{handle}")).content
                assert (got == data) == (knows_all or kind == "image/png")
                assert b"1\x001\x001\x001" in got or b"1111" in got, "the rest is there"
            handle = await runtime.store.put(bank, large, "text/plain")
            answer = await client.get(f"/v1/sessions/bank/artifacts/{handle}")
            assert answer.status_code == (200 if knows_all else 403)

    asyncio.run(story())


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
        frame = Frames(discretion(agent, user)).event(replied(), HERE)
        assert frame.count(shown) == 2
        assert (CARD.encode() in frame) == (user is FRAUD)


class Demoted:
    """Knows ann, whose roles are taken away while she reads."""

    roles = frozenset({"user", "fraud"})

    async def caller(self, credentials: str) -> Caller | None:  # noqa: ARG002 - whatever it is
        return Caller(User("ann", "acme", self.roles), "key")


def test_who_follows_and_has_a_role_no_more_is_sent_away_and_sees_less_when_they_return() -> None:
    async def story() -> tuple[str, str]:
        known, agent = Demoted(), bank(Redactor(Policy((Rule("allow", roles=("fraud",)),))))
        async with Runtime([agent], store="memory://") as runtime, asyncio.timeout(30):
            app = asgi(runtime, [known])
            app.state.service = replace(app.state.service, bounds=Bounds(ping_s=0.05))
            async with serving(app) as url, httpx2.AsyncClient(base_url=url) as client:
                user = User("ann", "acme", known.roles)
                await runtime.run("bank", CARD, user=user, session="s")
                seen, events = "", "/v1/sessions/s/events"
                async with client.stream("GET", events, headers=STREAM) as answer:
                    async for line in answer.aiter_lines():
                        seen += line + "\n"
                        if "turn.completed" in line:
                            known.roles = frozenset({"user"})
                return seen, (await client.get(events)).text

    seen, page = asyncio.run(story())
    assert CARD in seen
    assert CARD not in page
    assert seen.splitlines()[-2].startswith('data: {"type":"stream.ended","code":"access_changed"')
    assert "retry: 1000\n" in seen


def test_an_event_is_encoded_once_for_all_of_whom_the_policy_says_the_same() -> None:
    agent, frames, record = bank(Redactor(POLICY)), Frames(), replied()
    clerk = User("eve", "acme", frozenset({"clerk"}))
    first = frames.told(discretion(agent, ANN)).json(record, HERE)
    assert frames.told(discretion(agent, clerk)).json(record, HERE) is first
    assert frames.told(discretion(agent, FRAUD)).json(record, HERE) is not first
    assert frames.told(discretion(agent, ANN)).json(replied(), HERE) is not first


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
    assert (CARD.encode() in Frames(discretion(agent, ANN)).event(said, HERE)) == shown
