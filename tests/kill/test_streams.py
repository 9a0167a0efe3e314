"""Streams over HTTP, of real servers that are killed while clients come and go (G4).

Each client says something again and again, follows its session, leaves in the middle and returns
with the id of what it had last, to whichever server is there. In the end what it has put together
is the journal.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx2
import pytest
from tests.cli.terminal import environment
from tests.interfaces.reader import Reader
from tests.kill.poet import POEM
from tests.kill.processes import end, passed
from tests.temporal import free_ports

from jackline.core.codec import encode
from jackline.core.events import SessionId
from jackline.opening import awake_clock, open_store

ROOT = Path(__file__).parents[2]
AGAIN = (httpx2.TransportError, ConnectionError)


@dataclass
class Fleet:
    """Servers on one store, each at an address that it comes back to."""

    store: str
    folder: Path
    ports: list[int]
    servers: dict[int, Process] = field(default_factory=dict[int, Process])
    kills: int = 0

    async def start(self, port: int) -> None:
        """Start a server, and wait until it listens."""
        path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        arguments = ("serve", "tests.kill.poet:poet", "--store", self.store, "--port", f"{port}")
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jackline", *arguments, "--json"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=None,
            cwd=self.folder,
            env=environment(PYTHONPATH=path, JACKLINE_LEASE_S="1"),
        )
        self.servers[port] = server
        assert server.stdout, "it is a pipe"
        async with asyncio.timeout(60):
            assert json.loads(await server.stdout.readline())["state"] == "ready"

    async def kill(self, port: int) -> None:
        """Kill a server in whatever it does, and start another in its place."""
        self.servers[port].kill()
        await self.servers[port].wait()
        self.kills += 1
        await self.start(port)

    def url(self, random: Random) -> str:
        """Return the address of any server."""
        return f"http://127.0.0.1:{random.choice(self.ports)}"


@asynccontextmanager
async def fleet(store: str, folder: Path, count: int) -> AsyncGenerator[Fleet]:
    """Give so many servers."""
    there = Fleet(store, folder, free_ports(count))
    try:
        for port in there.ports:
            await there.start(port)
        yield there
    finally:
        await end(there.servers.values())


@dataclass
class Client:
    """One client. It says something in its session, or only follows who does."""

    fleet: Fleet
    name: str
    random: Random
    speaker: "Client | None" = None
    reader: Reader = field(default_factory=Reader)
    turns: set[int] = field(default_factory=set[int])
    asked: int = 0
    added: int = 0
    left: int = 0
    cut: int = 0

    async def run(self, enough: Callable[[], bool]) -> None:
        """Go on until all have left often enough, and its session rests."""
        async with httpx2.AsyncClient(timeout=20) as http:
            while not (enough() and self.rests()):
                try:
                    if self.added > self.asked:
                        await self.add(http)
                    elif self.rests() and not self.speaker:
                        await self.say(http)
                    await self.follow(http, self.random.randint(1, 40), enough)
                except AGAIN:
                    self.cut += 1
                    await passed(0.02)  # No server is there: who would call?

    @property
    def said(self) -> int:
        """How much was said in the session."""
        return len((self.speaker or self).turns)

    def rests(self) -> bool:
        """Whether each turn that was asked for has ended."""
        speaker = self.speaker or self
        return len(self.reader.ended) == self.said and speaker.added == speaker.asked

    async def say(self, http: httpx2.AsyncClient) -> None:
        """Say something once, however often that takes."""
        await self.post(http, f"{self.said}", agent="poet", input=f"Sing, {self.said}.")

    async def add(self, http: httpx2.AsyncClient) -> None:
        """Say something in the middle of a reply, for its turn or for another."""
        self.added = self.asked + 1
        on_busy = "steer" if self.added % 2 else "queue"
        if await self.post(http, f"more-{self.added}", input="More.", on_busy=on_busy):
            self.asked = self.added

    async def post(self, http: httpx2.AsyncClient, key: str, **body: str) -> bool:
        """Ask for a turn, and return whether that was accepted."""
        url = f"{self.fleet.url(self.random)}/v1/sessions/{self.name}/turns"
        headers = {"Idempotency-Key": f"{self.name}-{key}"}
        answer = await http.post(url, json=body, headers=headers)
        assert answer.status_code in {202, 503}, answer.text
        if answer.status_code == 202:
            receipt = answer.json()
            self.turns.add(receipt["turn"] or receipt["position"])
        return answer.status_code == 202

    def may_add(self) -> bool:
        """Whether it says more now, in the middle of a reply: about once for each that it began."""
        begun = not self.speaker and self.reader.reply and self.asked < len(self.turns)
        return bool(begun) and self.random.random() < 0.05

    async def follow(
        self, http: httpx2.AsyncClient, frames: int, enough: Callable[[], bool]
    ) -> None:
        """Follow the session for so many frames, from where it was."""
        url = f"{self.fleet.url(self.random)}/v1/sessions/{self.name}/events"
        headers = {"Accept": "text/event-stream", **self.reader.headers}
        async with http.stream("GET", url, headers=headers) as answer:
            if answer.status_code == 503 or (answer.status_code == 404 and not self.said):
                await passed(0.02)
                return
            assert answer.status_code == 200, answer.status_code
            lines: list[str] = []
            async for line in answer.aiter_lines():
                if line:
                    lines.append(line)
                    continue
                self.reader.feed(lines)
                lines, frames = [], frames - 1
                if frames <= 0 or (self.rests() and (enough() or not self.speaker)):
                    break
                if self.may_add():
                    await self.add(http)
        self.left += 1


async def story(store: str, folder: Path, nodes: int, clients: int, leaves: int) -> None:
    async with fleet(store, folder, nodes) as there, asyncio.timeout(300):
        crowd = [Client(there, f"s{at}", Random(at)) for at in range(clients)]
        await goes_on(there, crowd, leaves)


async def follows(store: str, folder: Path, readers: int, leaves: int) -> None:
    async with fleet(store, folder, 1) as there, asyncio.timeout(300):
        speaker = Client(there, "s", Random(0))
        others = [Client(there, "s", Random(at), speaker) for at in range(1, readers + 1)]
        await goes_on(there, [speaker, *others], leaves)


async def goes_on(there: Fleet, crowd: list[Client], leaves: int) -> None:
    """Kill servers while clients come and go, until all have left often enough."""
    random = Random(leaves)

    def enough() -> bool:
        return sum(each.left for each in crowd) >= leaves

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each.run(enough)) for each in crowd]
        while not all(task.done() for task in tasks):
            await passed(random.uniform(1.5, 4.0))
            await there.kill(random.choice(there.ports))
    sys.stdout.write(describe(there, crowd) + "\n")
    assert there.kills > 0
    assert sum(each.left for each in crowd) >= leaves
    await equal(there.store, crowd)


def describe(there: Fleet, crowd: list[Client]) -> str:
    readers = [each.reader for each in crowd]
    return (
        f"{sum(each.left for each in crowd)} left, {sum(each.cut for each in crowd)} cut, "
        f"{there.kills} servers killed, {sum(len(each.turns) for each in crowd)} turns, "
        f"{sum(each.asked for each in crowd)} of them or more told in mid-reply, "
        f"{sum(len(each.events) for each in readers)} events, "
        f"{sum(each.resets for each in readers)} replies begun anew, "
        f"{sum(each.checked for each in readers)} texts compared"
    )


async def equal(store: str, crowd: list[Client]) -> None:
    """Compare what each client has put together with the journal."""
    with closing(open_store(store, awake_clock)) as opened:
        for client in crowd:
            journal = await opened.read(SessionId("default", client.name))
            heard = client.reader.events
            assert [each["seq"] for each in heard] == list(range(1, len(heard) + 1))
            for record, said in zip(journal, heard, strict=False):
                assert said["at"] == record.at
                assert said["type"] == json.loads(encode(record.event))["type"]
            turns = [each for each in heard if each["type"] == "turn.completed"]
            assert [each["text"] for each in turns] == [POEM] * client.said


def test_whoever_leaves_or_is_cut_off_by_a_kill_gets_the_rest(tmp_path: Path) -> None:
    asyncio.run(story(f"sqlite:///{tmp_path}/j.db", tmp_path, 1, 6, 60))


@pytest.mark.verify
def test_a_thousand_cuts_and_kills_leave_no_gap(tmp_path: Path) -> None:
    asyncio.run(story(f"sqlite:///{tmp_path}/j.db", tmp_path, 1, 20, 1_000))


@pytest.mark.verify
def test_a_thousand_cuts_and_kills_of_two_nodes_leave_no_gap(
    tmp_path: Path, postgres_url: str
) -> None:
    asyncio.run(story(postgres_url, tmp_path, 2, 20, 1_000))


@pytest.mark.verify
def test_a_hundred_readers_of_one_session_all_get_the_rest(tmp_path: Path) -> None:
    asyncio.run(follows(f"sqlite:///{tmp_path}/j.db", tmp_path, 100, 1_000))
