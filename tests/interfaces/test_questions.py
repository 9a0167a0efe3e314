"""What was approved over HTTP is what runs: once, in time, by somebody else, as it was shown."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.interfaces.house import client, house, shown

from jackline import Agent, Limits, Settings, tool
from jackline.core.messages import ToolCall
from jackline.testing import ScriptedModel

ANN = shown("ann", "acme", "user")
BEA = shown("bea", "acme", "approver")
AT = "/v1/sessions/s"
PAID: list[int] = []


@tool(effect="once", approve=True)
async def pay(cents: int) -> str:
    """Pay.

    Args:
        cents: How much.
    """
    PAID.append(cents)
    return f"Paid {cents}."


@pytest.fixture(autouse=True)
def nothing_paid() -> None:
    PAID.clear()


def clerk(answer_s: float = 60.0) -> Agent:
    model = ScriptedModel([[ToolCall("pay", '{"cents":7}')], "Done."])
    return Agent("clerk", model, tools=[pay], limits=Limits(answer_s=answer_s))


@asynccontextmanager
async def desk(
    folder: Path, agent: Agent | None = None, **options: Any
) -> AsyncGenerator[httpx2.AsyncClient]:
    """Give a client of a server on a file, which outlives it."""
    at = f"sqlite:///{folder}/j.db"
    async with (
        asyncio.timeout(30),
        house([agent or clerk()], at, **options) as (_, app),
        client(app) as web,
    ):
        yield web


async def asked(web: httpx2.AsyncClient) -> dict[str, Any]:
    """Have the agent ask, and return the question as an approver finds it."""
    body = {"agent": "clerk", "input": "Pay 7 cents."}
    paused = await web.post(f"{AT}/turns", json=body, headers=ANN, params={"wait": 20})
    assert paused.json()["outcome"] == "paused", paused.text
    return await waiting(web)


async def waiting(web: httpx2.AsyncClient) -> dict[str, Any]:
    (question,) = (await web.get("/v1/questions", headers=BEA)).json()["questions"]
    return question


async def answer(
    web: httpx2.AsyncClient, question: dict[str, Any], who: Any = BEA, **said: Any
) -> httpx2.Response:
    body = {"approved": True, "digest": question["digest"], **said}
    return await web.post(f"{AT}/questions/{question['question']}", json=body, headers=who)


async def ended(web: httpx2.AsyncClient, turn: int = 2) -> dict[str, Any]:
    return (await web.get(f"{AT}/turns/{turn}", headers=ANN, params={"wait": 20})).json()


def test_a_yes_runs_the_call_once_however_often_it_is_said(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        async with desk(tmp_path) as web:
            question = await asked(web)
            assert (question["name"], question["arguments"]) == ("pay", '{"cents":7}')
            assert (await answer(web, question)).status_code == 202
            done = await ended(web)
            assert done["outcome"] == "completed"
            again = await answer(web, question)
            assert (again.status_code, again.json()["repeated"]) == (202, True)
            other = await answer(web, question, approved=False)
            assert (other.status_code, other.json()["code"]) == (409, "stale")
            assert await ended(web) == done
        assert PAID == [7]

    asyncio.run(story())


def test_of_two_approvers_at_once_one_is_too_late(tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(tmp_path) as web:
            question = await asked(web)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(answer(web, question, approved=yes)) for yes in (True, False)
                ]
            codes = sorted(task.result().status_code for task in tasks)
            assert codes == [202, 409]
            await ended(web)
            assert len(PAID) == (tasks[0].result().status_code == 202)

    asyncio.run(story())


@pytest.mark.parametrize("digest", ["", "0" * 64, "another"])
def test_a_digest_of_another_call_approves_nothing(tmp_path: Path, digest: str) -> None:
    async def story() -> None:
        async with desk(tmp_path) as web:
            question = await asked(web)
            said = await answer(web, question, digest=digest)
            assert (said.status_code, said.json()["code"]) == (409, "stale")
            assert await waiting(web) == question
        assert PAID == []

    asyncio.run(story())


def test_changed_arguments_run_as_they_were_changed_if_they_fit(tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(tmp_path) as web:
            question = await asked(web)
            for wrong in ({"cents": "many"}, {"euros": 7}, {}):
                said = await answer(web, question, arguments=wrong)
                assert said.status_code == 422, said.text
            assert (await answer(web, question, arguments={"cents": 5})).status_code == 202
            assert (await ended(web))["outcome"] == "completed"
        assert PAID == [5]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (ANN, 403),  # Who asked for it.
        (shown("ann", "acme", "user", "approver", "admin"), 403),  # In whatever role.
        (shown("bob", "acme", "user"), 404),
        (shown("bob", "acme", "viewer"), 404),
        (shown("bob", "acme", "operator"), 404),
        (shown("bea", "other", "approver"), 404),
        ({}, 401),
    ],
)
def test_who_asked_and_who_has_no_right_to_it_approves_nothing(
    tmp_path: Path, who: Any, status: int
) -> None:
    async def story() -> None:
        async with desk(tmp_path) as web:
            question = await asked(web)
            said = await answer(web, question, who)
            assert said.status_code == status, said.text
            assert await waiting(web) == question
        assert PAID == []

    asyncio.run(story())


def test_who_asked_may_say_yes_where_an_operator_lets_them(tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(tmp_path, settings=Settings(approve_own=True)) as web:
            assert (await answer(web, await asked(web), ANN)).status_code == 202
            assert (await ended(web))["outcome"] == "completed"
        assert PAID == [7]

    asyncio.run(story())


def test_a_question_outlives_its_server(tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(tmp_path) as web:
            question = await asked(web)
        async with desk(tmp_path) as web:
            assert await waiting(web) == question
            assert (await answer(web, question)).status_code == 202
            assert (await ended(web))["outcome"] == "completed"
        assert PAID == [7]

    asyncio.run(story())


def test_an_answer_that_comes_too_late_approves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(tmp_path, clerk(answer_s=0.5)) as web:
            question = await asked(web)
            assert (await ended(web))["outcome"] in {"completed", "paused"}
            while (await web.get("/v1/questions", headers=BEA)).json()["questions"]:
                await ended(web)
            said = await answer(web, question)
            assert (said.status_code, said.json()["code"]) == (409, "stale")
        assert PAID == []

    asyncio.run(story())


def test_the_inbox_goes_on_to_the_oldest_questions(tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(tmp_path) as web:
            for name in "abcde":
                body = {"agent": "clerk", "input": "Pay 7 cents."}
                at = f"/v1/sessions/{name}/turns?wait=20"
                assert (await web.post(at, json=body, headers=ANN)).json()["outcome"] == "paused"
            found, page = "", {"next": ""}
            for size in (2, 2, 1):
                asked = {"limit": 2, "cursor": page["next"]}
                page = (await web.get("/v1/questions", params=asked, headers=BEA)).json()
                assert len(page["questions"]) == size
                found += "".join(each["session"] for each in page["questions"])
            assert (found, page["next"]) == ("edcba", None)
            wrong = await web.get("/v1/questions?cursor=a", headers=BEA)
            assert wrong.status_code == 422

    asyncio.run(story())
