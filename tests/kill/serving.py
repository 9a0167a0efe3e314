"""`jackline serve` as real processes, and what a client has of a stream of theirs."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from tests.cli.terminal import environment
from tests.kill.processes import end

ROOT = Path(__file__).parents[2]
_ENDS = {"turn.completed", "turn.failed", "turn.stopped", "turn.cancelled"}


@dataclass
class Served:
    """A server's process, and where it is."""

    process: Process
    url: str
    said: dict[str, Any]

    async def says(self, state: str) -> dict[str, Any]:
        """Return what it says of that state."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            told = json.loads(line)
            if told["state"] == state:
                return told
        assert self.process.stderr is not None
        raise AssertionError((await self.process.stderr.read()).decode())


@dataclass
class Servers:
    """Servers of one store."""

    folder: Path
    store: str
    app: str = "tests.kill.counter:here"
    started: list[Process] = field(default_factory=list[Process])

    async def start(self, *options: str, **more: str) -> Served:
        """Start one, and wait until it is ready."""
        path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jackline", "serve", self.app, "--json", "--port", "0"),
            *("--store", self.store, *options),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.folder,
            env=environment(PYTHONPATH=path, **more),
        )
        self.started.append(process)
        served = Served(process, "", {})
        served.said = await served.says("ready")
        served.url = served.said["url"]
        return served


@asynccontextmanager
async def servers(folder: Path, store: str, app: str = "") -> AsyncGenerator[Servers]:
    """Give servers. They end with the block."""
    there = Servers(folder, store, app) if app else Servers(folder, store)
    try:
        yield there
    finally:
        await end(there.started)


@dataclass
class Follower:
    """A client of a stream: what it has, and where it would go on."""

    session: str
    after: str = "0"
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    text: str = ""
    retry: str = ""

    async def follow(
        self, url: str, *, enough: int = 0, then: Callable[[], None] | None = None
    ) -> None:
        """Follow until the turn has ended, until there is `enough` text, or the stream ends.

        With `then` it does that where there is enough, and follows on.
        """
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self.after}
        where = f"{url}/v1/sessions/{self.session}/events"
        async with (
            httpx2.AsyncClient(timeout=20) as client,
            client.stream("GET", where, headers=headers) as answer,
        ):
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                self._line(line)
                last = self.events[-1]["type"] if self.events else ""
                if last in _ENDS:
                    return
                if enough and len(self.text) >= enough:
                    if then is None:
                        return
                    then()
                    enough = 0

    def _line(self, line: str) -> None:
        name, _, value = line.partition(": ")
        if name == "id":
            self.after = value
        if name == "retry":
            self.retry = value
        if name != "data":
            return
        told = json.loads(value)
        match told["type"]:
            case "text.delta":
                self.text += told["text"]
            case "message.reset":
                self.text = ""
            case _:
                if told["type"] in {"model.failed", "hold.unconfirmed", "session.taken"}:
                    self.text = ""
                self.events.append(told)


async def say(url: str, session: str, text: str, agent: str = "counter") -> None:
    """Say something in a session."""
    async with httpx2.AsyncClient(timeout=20) as client:
        body = {"agent": agent, "input": text}
        answer = await client.post(f"{url}/v1/sessions/{session}/turns", json=body)
        assert answer.status_code == 202, answer.text


async def journal(url: str, session: str) -> Sequence[dict[str, Any]]:
    """Return the journal as a server tells it."""
    async with httpx2.AsyncClient(timeout=20) as client:
        answer = await client.get(f"{url}/v1/sessions/{session}/events")
        return answer.json()["events"]
