"""`jackline serve` as a real process: told to end, or killed, in mid-stream."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.cli.terminal import jackline
from tests.kill.counter import SOME
from tests.kill.serving import Follower, Servers, journal, say, servers

from jackline.adapters.urls import SQLITE

APP = "tests.kill.counter:here"


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"{SQLITE}{tmp_path / 'journal.db'}"


def within(story: Callable[[Servers], Coroutine[Any, Any, None]], folder: Path, store: str) -> None:
    async def run() -> None:
        async with asyncio.timeout(50), servers(folder, store) as there:
            await story(there)

    asyncio.run(run())


@pytest.mark.verify
@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_a_client_of_a_server_that_ends_in_mid_stream_has_all_from_the_next_one(
    how: str, store: str, tmp_path: Path
) -> None:
    async def story(there: Servers) -> None:
        first = await there.start("--grace", "0.2")
        await say(first.url, "s", "some")
        follower = Follower("s")
        try:
            await follower.follow(first.url, enough=80, then=getattr(first.process, how))
        except httpx2.TransportError:
            assert how == "kill", "who is told to end says good-bye"
        assert follower.after.count(".") == 2, "it is cut off in mid-message"
        code = await first.process.wait()
        if how == "terminate":
            assert (code, follower.retry) == (1, "1000")
        second = await there.start()
        await follower.follow(second.url)
        assert follower.events == await journal(second.url, "s")
        assert follower.text == follower.events[-1]["text"] == SOME

    within(story, tmp_path, store)


async def asked(url: str) -> int:
    async with httpx2.AsyncClient(timeout=20) as client:
        return (await client.get(url)).status_code


def test_a_server_that_is_told_to_end_lets_what_runs_end(tmp_path: Path) -> None:
    async def story(there: Servers) -> None:
        first = await there.start("--grace", "40")
        await say(first.url, "s", "count")
        await Follower("s").follow(first.url, enough=20)
        async with asyncio.TaskGroup() as group:
            where = f"{first.url}/v1/sessions/s/turns/2?wait=30"
            waits = group.create_task(asked(where))
            await asked(f"{first.url}/v1/agents")
            first.process.terminate()
        assert waits.result() == 202, "it is told at once that the turn goes on"
        with pytest.raises(httpx2.TransportError):
            await asked(f"{first.url}/v1/agents")
        told = await first.says("ended")
        assert told["drained"] is True
        assert await first.process.wait() == 0

    within(story, tmp_path, f"{SQLITE}{tmp_path / 'journal.db'}")


def test_a_second_signal_waits_for_no_request(tmp_path: Path) -> None:
    async def story(there: Servers) -> None:
        served = await there.start("--grace", "60")
        port = int(served.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n")
        writer.write(b"Expect: 100-continue\r\n\r\n")
        assert b" 100 " in await reader.readline(), "it waits for the body"
        served.process.terminate()
        await served.says("draining")
        served.process.terminate()
        assert (await served.says("ended"))["drained"] is True
        assert await served.process.wait() == 0
        writer.close()

    within(story, tmp_path, f"{SQLITE}{tmp_path / 'journal.db'}")


def test_what_nobody_drives_here_another_drives(postgres_url: str, tmp_path: Path) -> None:
    async def story(there: Servers) -> None:
        idle = await there.start("--no-drive")
        await there.start()
        await say(idle.url, "s", "hello")
        follower = Follower("s")
        await follower.follow(idle.url)
        assert follower.events[-1]["text"] == "Hello."

    within(story, tmp_path, postgres_url)


def test_whoever_has_no_identities_is_served_to_this_machine_alone(tmp_path: Path) -> None:
    async def story(there: Servers) -> None:
        served = await there.start(JACKLINE_ORIGINS="https://app.example.com")
        assert served.said["mode"] == "development"
        for headers, status in (
            ({}, 200),
            ({"Host": "localhost:80"}, 200),
            ({"Host": "[::1]"}, 200),
            ({"Host": "evil.example"}, 403),
            ({"Host": "127.0.0.1.evil.example"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "http://localhost:3000"}, 200),
            ({"Origin": "https://app.example.com"}, 200),
        ):
            async with httpx2.AsyncClient() as client:
                answer = await client.get(f"{served.url}/v1/agents", headers=headers)
                assert answer.status_code == status, headers
        assert "server" not in answer.headers

    within(story, tmp_path, f"{SQLITE}{tmp_path / 'journal.db'}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "as no identity is configured"),  # noqa: S104 - that it is refused
        (("--host", "no.such.host.invalid"), "is no address to listen on"),
        (("--store", "memory://"), "ends with the process that uses it"),
    ],
)
def test_a_server_that_cannot_be_says_why_in_a_sentence(
    options: tuple[str, str], said: str, tmp_path: Path
) -> None:
    root = str(Path(__file__).parents[2])
    sources = f"{root}:{root}/src"
    done = jackline(tmp_path, "serve", APP, "--port", "0", *options, PYTHONPATH=sources)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
