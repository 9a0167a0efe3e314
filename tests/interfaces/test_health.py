"""Whether a server lives and is ready, and what it counts."""

import asyncio
import sqlite3
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.interfaces.served import ME, Here, running
from tests.kill.processes import passed

from jackline import Agent, Price, Runtime, Surroundings, Terms, ToolCall, User, tool
from jackline.adapters.metrics import Metrics
from jackline.core.events import Usage
from jackline.interfaces.identity import Caller, Identity
from jackline.opening import awake_clock
from jackline.ports import Clock
from jackline.testing import ScriptedModel

FORGET = "DELETE FROM migration WHERE version = (SELECT max(version) FROM migration)"
TERMS = Terms("priced", Price(1, 2))


@tool(effect="read")
async def look(where: str) -> str:
    """Look somewhere."""
    return f"Nothing is {where}."


def clerk() -> Agent:
    script = [[ToolCall("look", '{"where": "here"}'), ToolCall("no_such", "{}")], "All is well."]
    model = ScriptedModel(script, terms=TERMS, usage=Usage(1_000, 100))
    return Agent("clerk", model, tools=[look])


def within(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 30))


async def counted(here: Here) -> Mapping[str, float]:
    answer = await here.client.get(f"{here.url}/metrics")
    assert answer.status_code == 200, answer.text
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if line[0] != "#"]
    return {name: float(value) for name, _, value in lines}


async def ready(here: Here) -> tuple[int, Mapping[str, str]]:
    answer = await here.client.get(f"{here.url}/readyz")
    return answer.status_code, answer.json()["checks"]


def test_what_is_committed_and_asked_is_counted() -> None:
    async def story() -> None:
        async with running([clerk()]) as here:
            result = await here.runtime.run("clerk", "Look.", session="s", user=ME)
            assert result.outcome == "completed"
            await here.client.get(f"{here.url}/v1/sessions/s")
            await here.client.get(f"{here.url}/v1/sessions/nobody")
            await here.client.get(f"{here.url}/v1/openapi.json")
            await here.client.get(f"{here.url}/nowhere/at/all")
            found = await counted(here)
            its, of = 'agent="clerk"', 'agent="clerk",model="priced"'
            assert found[f'jackline_turns_total{{{its},code="",outcome="completed"}}'] == 1
            assert (
                found[f'jackline_tool_seconds_count{{{its},outcome="returned",tool="look"}}'] == 1
            )
            assert found[f'jackline_tool_refusals_total{{{its},code="unknown_tool"}}'] == 1
            assert found[f"jackline_model_seconds_count{{{of}}}"] == 2
            assert found[f'jackline_tokens_total{{{its},kind="input",model="priced"}}'] == 2_000
            assert found[f"jackline_cost_dollars_total{{{of}}}"] == pytest.approx(result.cost / 1e6)
            assert found[f"jackline_queue_wait_seconds_count{{{its}}}"] == 1
            assert found["jackline_commit_seconds_count"] >= 3
            route = 'method="GET",route="/v1/sessions/{session}"'
            assert found[f'jackline_request_seconds_count{{{route},status="200"}}'] == 1
            assert found[f'jackline_request_seconds_count{{{route},status="404"}}'] == 1
            document = 'method="GET",route="/v1/openapi.json",status="200"'
            assert found[f"jackline_request_seconds_count{{{document}}}"] == 1
            other = 'method="GET",route="other",status="404"'
            assert found[f"jackline_request_seconds_count{{{other}}}"] == 1
            assert found["jackline_stream_readers"] == 0
            assert "nobody" not in str(found)
            assert "default" not in str(found), "no tenant is named"

    within(story())


def test_tenants_are_told_apart_where_that_is_wanted() -> None:
    async def story() -> None:
        async with running([clerk()], metrics=Metrics(tenants=True)) as here:
            await here.runtime.run("clerk", "Look.", user=User("u", "acme"))
            turns = [
                each for each in await counted(here) if each.startswith("jackline_turns_total")
            ]
            assert len(turns) == 1
            assert 'tenant="acme"' in turns[0]

    within(story())


class Badge:
    """Knows who comes by the roles that they name."""

    async def caller(self, credentials: str) -> Caller | None:
        return Caller(User("u", roles={credentials}), "badge") if credentials else None


@pytest.mark.parametrize(("role", "status"), [("", 401), ("user", 403), ("operator", 200)])
def test_metrics_are_for_operators_and_health_for_everybody(role: str, status: int) -> None:
    async def story() -> None:
        known: Sequence[Identity] = [Badge()]
        async with running([clerk()], identities=known) as here:
            headers = {"Authorization": f"Bearer {role}"} if role else {}
            answer = await here.client.get(f"{here.url}/metrics", headers=headers)
            assert answer.status_code == status
            answer = await here.client.get(f"{here.url}/healthz")
            assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
            assert (await ready(here))[0] == 200

    within(story())


def test_a_server_that_drains_is_not_ready() -> None:
    async def story() -> None:
        async with running([clerk()]) as here:
            assert await ready(here) == (
                200,
                {"journal": "ok", "migrations": "ok", "engine": "ok", "server": "ok"},
            )
            here.service.readers.send_away()
            status, checks = await ready(here)
            assert (status, checks["server"]) == (503, "draining")

    within(story())


@pytest.mark.verify
def test_a_file_that_lacks_a_step_or_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "journal.db"
        async with running([clerk()], f"sqlite:///{path}") as here:
            assert (await ready(here))[0] == 200
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                database.execute(FORGET)
                database.execute("BEGIN IMMEDIATE")
                while (found := await ready(here))[0] == 200:
                    pass  # What was found is kept for a moment.
                assert found[1]["journal"] == "slow"
                assert found[1]["migrations"] == "behind"
                database.execute("ROLLBACK")

    within(story())


def test_a_worker_that_hears_nothing_of_its_store_is_not_alive() -> None:
    async def story() -> None:
        ahead_s = 0.0
        clock: Clock = lambda: awake_clock() + ahead_s  # noqa: E731 - it is a value here
        async with Runtime([clerk()], store="memory://", surroundings=Surroundings(clock)) as here:
            assert here.is_alive
            ahead_s = 60.0
            assert not here.is_alive
            while not here.is_alive:
                await passed(0.02)

    within(story())


def test_a_postgres_is_ready(postgres_url: str) -> None:
    async def story() -> None:
        async with running([clerk()], postgres_url) as here:
            assert (await ready(here))[0] == 200

    within(story())
