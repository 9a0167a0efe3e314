"""Whoever resumes a turn by the network, it runs for its user."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import FastAPI
from tests.interfaces.house import WAIT_S, client, house, shown
from tests.interfaces.served import serving
from websockets.asyncio.client import connect

from jackline import Agent, Context, ToolCall, tool
from jackline.core.errors import ModelError
from jackline.core.events import SessionId, ToolRefused, TurnSubmitted
from jackline.testing import ScriptedModel

ANN = shown("ann", "heron", "user")
OLGA = shown("olga", "heron", "operator", "finance")
TURNS = "/v1/sessions/one/turns"


async def by_http(app: FastAPI) -> None:
    async with client(app) as olga:
        told = await olga.post("/v1/sessions/one/resume", headers=OLGA)
        assert told.status_code == 202


async def by_socket(app: FastAPI) -> None:
    async with serving(app) as url, asyncio.timeout(WAIT_S):
        at = url.replace("http:", "ws:") + "/v1/sessions/one/ws"
        async with connect(at, additional_headers=OLGA) as socket:
            await socket.send(json.dumps({"type": "resume"}))
            async for message in socket:
                kind = json.loads(message)["type"]
                assert kind != "error"
                if kind == "turn.completed":
                    return


@pytest.mark.parametrize("resume", [by_http, by_socket])
def test_an_operator_who_resumes_a_turn_lends_it_no_role(resume: Any) -> None:
    ran: list[Any] = []
    calls = [ToolCall("refund", '{"cents": 900000}'), ToolCall("look", "{}")]
    replies = iter([ModelError("The model is down."), calls, "Done."])

    @tool(effect="once", roles={"finance"}, critical={})
    async def refund(ctx: Context[Any], cents: int) -> None:
        """Refund."""
        ran.append((ctx.user.user, cents))

    @tool(effect="read")
    async def look(ctx: Context[Any]) -> None:
        """Look."""
        ran.append((ctx.user.user, ctx.user.roles))

    def reply(_: object) -> Any:
        said = next(replies)
        if isinstance(said, Exception):
            raise said
        return said

    async def story() -> None:
        agent = Agent("clerk", ScriptedModel(reply), tools=[refund, look])
        async with house([agent]) as (runtime, app), client(app) as ann:
            asked = {"agent": "clerk", "input": "Refund me."}
            failed = await ann.post(TURNS, json=asked, params={"wait": 10}, headers=ANN)
            assert failed.json()["outcome"] == "failed"
            await resume(app)
            kept = await runtime.store.read(SessionId("heron", "one"))
            said = [each.event for each in kept if isinstance(each.event, TurnSubmitted)]
            turn = kept[[each.event for each in kept].index(said[-1])].seq
            ended = await ann.get(f"{TURNS}/{turn}", params={"wait": 10}, headers=ANN)
            assert ended.json()["outcome"] == "completed"
            kept = await runtime.store.read(SessionId("heron", "one"))
            (refused,) = [each.event for each in kept if isinstance(each.event, ToolRefused)]
            assert refused.code == "forbidden"
            assert ran == [("ann", frozenset({"user"}))]
            assert [(each.principal.user, each.by) for each in said] == [
                ("ann", ""),
                ("ann", "olga"),
            ]

    asyncio.run(story())
