"""A server whose database cannot be written for a while, or whose disk is full."""

import asyncio
import json
import resource
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from tests.interfaces.served import ME, Here, running, serving
from tests.kill.processes import passed
from tests.kill.serving import Follower, Served, journal, servers
from websockets.asyncio.client import connect

from jackline import Agent, Runtime
from jackline.adapters.memory import MemoryStore
from jackline.core.errors import StoreError
from jackline.core.events import SessionId
from jackline.interfaces.identity import Development
from jackline.ports import SessionRow
from jackline.serving import asgi
from jackline.testing import ScriptedModel
from jackline.testing.conformance import ManualClock


async def asks(here: Here, number: int) -> httpx2.Response:
    headers = {"Idempotency-Key": str(number)}
    body = {"agent": "a", "input": "Hello."}
    where = f"{here.url}/v1/sessions/s{number}/turns"
    return await here.client.post(where, json=body, headers=headers)


@pytest.mark.parametrize(
    ("locked_s", "statuses"),
    [
        (1, {202}),
        pytest.param(5, {202}, marks=pytest.mark.verify),
        pytest.param(12, {202, 503}, marks=pytest.mark.verify),
    ],
)
def test_while_the_database_is_locked_requests_wait_or_come_later(
    locked_s: float, statuses: set[int], tmp_path: Path
) -> None:
    path = tmp_path / "journal.db"

    async def story() -> None:
        agents = [Agent("a", ScriptedModel(["Hi."]))]
        async with asyncio.timeout(50), running(agents, f"sqlite:///{path}") as here:
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                async with asyncio.TaskGroup() as group:
                    asked = [group.create_task(asks(here, number)) for number in range(8)]
                    await passed(locked_s)
                    assert (await here.client.get(f"{here.url}/v1/sessions")).status_code == 200
                    database.execute("ROLLBACK")
            assert {each.result().status_code for each in asked} <= statuses
            for number in range(8):
                again = await asks(here, number)
                assert again.status_code == 202
                name, turn = SessionId(ME.tenant, f"s{number}"), again.json()["turn"]
                assert (await here.runtime.result(name, turn, ME)).text == "Hi."

    asyncio.run(story())


def test_what_is_wrong_with_the_store_is_for_the_log_and_for_no_caller(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "private-name.db"

    async def story() -> None:
        agents = [Agent("a", ScriptedModel(["Hi."]))]
        async with asyncio.timeout(50), running(agents, f"sqlite:///{path}") as here:
            await here.client.post(f"{here.url}/v1/sessions", json={"agent": "a", "session": "s0"})
            where = f"{here.url.replace('http', 'ws')}/v1/sessions/s0/ws?after=1"
            async with connect(where) as socket:
                with closing(sqlite3.connect(path)) as database:
                    database.execute("ALTER TABLE event RENAME TO gone")
                await socket.send('{"type": "input", "input": "Hello.", "request_id": "r"}')
                told = [str(await socket.recv())]
            asked = {"model": "a", "messages": [{"role": "user", "content": "Hello."}]}
            for way, body in (("sessions/s0/turns", {"input": "Hi."}), ("chat/completions", asked)):
                answer = await here.client.post(f"{here.url}/v1/{way}", json=body)
                assert answer.status_code == 503
                told.append(answer.text)
            for each in told:
                assert '"store"' in each
                assert "The store cannot be used now: the server's log says why." in each
                assert "private-name" not in each

    asyncio.run(story())
    assert caplog.text.count("private-name") >= 3


async def say(served: Served, session: str) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=30) as client:
        where = f"{served.url}/v1/sessions/{session}/turns"
        body = {"agent": "counter", "input": "hello"}
        return await client.post(where, json=body, headers={"Idempotency-Key": "once"})


async def ready(served: Served) -> tuple[int, Mapping[str, str]]:
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{served.url}/readyz")
        return answer.status_code, answer.json()["checks"]


def size_of(path: str) -> int:
    return Path(path).stat().st_size


def limit(served: Served, size: int) -> None:
    """Let the server's process write no file beyond this size, as if the disk were full."""
    most = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, most))


def test_on_a_full_disk_nothing_is_accepted_and_all_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def story() -> None:
        async with asyncio.timeout(50), servers(tmp_path, f"sqlite:///{path}") as there:
            served = await there.start()
            before = await said(served, "s0")
            limit(served, size_of(f"{path}-wal"))
            refused, accepted = "", ["s0"]
            while not refused:
                name = f"s{len(accepted)}"
                answer = await say(served, name)
                assert answer.status_code in {202, 503}, answer.text
                if answer.status_code == 503:
                    assert answer.json()["code"] in {"store", "unknown_outcome"}
                    refused = name
                else:
                    accepted.append(name)
            assert list(await journal(served.url, "s0")) == before
            follower = Follower("s0")
            await follower.follow(served.url)
            assert follower.events == before
            while (found := await ready(served))[0] == 200:
                await passed(0.1)  # What was found is kept for a moment.
            assert found[1]["journal"] == "unusable"
            limit(served, resource.RLIM_INFINITY)
            for name in [*accepted, refused]:
                assert (await said(served, name))[-1]["text"] == "Hello."
            while (await ready(served))[0] != 200:
                await passed(0.1)

    asyncio.run(story())


async def said(served: Served, session: str) -> Sequence[Mapping[str, object]]:
    """Say something in a session, once, and return all that has happened in it."""
    assert (await say(served, session)).status_code == 202
    follower = Follower(session)
    await follower.follow(served.url)
    return follower.events


class Failing(MemoryStore):
    """A store that can be read until it fails."""

    fails = False

    async def row(self, session: SessionId) -> SessionRow:
        if self.fails:
            raise StoreError("The database does not answer.")
        return await super().row(session)


def test_who_follows_as_the_store_fails_is_told_to_come_back_and_the_log_says_it_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        store = Failing(ManualClock())
        async with (
            asyncio.timeout(30),
            Runtime([Agent("a", ScriptedModel(["Hi."]))], store=store) as runtime,
            serving(asgi(runtime, [Development(ME)])) as url,
            httpx2.AsyncClient(base_url=url, timeout=20) as client,
        ):
            await runtime.sessions.open("a", ME, "s")
            events, headers = "/v1/sessions/s/events", {"Accept": "text/event-stream"}
            async with (
                client.stream("GET", events, headers=headers) as one,
                client.stream("GET", events, headers=headers) as another,
                connect(f"{url.replace('http', 'ws')}/v1/sessions/s/ws") as socket,
            ):
                await socket.recv()
                store.fails = True
                told = [
                    b"".join([each async for each in it.aiter_bytes()]) for it in (one, another)
                ]
                said = json.loads(await socket.recv())
                await socket.wait_closed()
            for each in told:
                assert b'{"type":"stream.ended","code":"store"' in each
                assert b"retry: 1000\n" in each
            assert (said["type"], said["code"]) == ("stream.ended", "store")
            assert (socket.close_code, socket.close_reason) == (1013, "store")

    with caplog.at_level("WARNING"):
        asyncio.run(story())
    assert [each.getMessage() for each in caplog.records] == [
        "Whoever follows is sent away, to come back: The database does not answer."
    ]
