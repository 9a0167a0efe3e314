"""What a process hears of a session that another drives: `python -m benchmarks.stream_between`.

This process asks and follows many sessions at once; another drives them, and its model says pieces
that hold the time at which they were said. An event is such a piece, or a durable one, on its way
through the bus and `Sessions.subscribe`. Pieces that were said within the few milliseconds of a
batch arrive as one, and the note says how many arrivals there were. First the model says what it
can, then a piece every 20 ms, of which each arrives by itself. Figures as JSON.
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
from tests import postgres

from benchmarks.jackline import BARE, StreamingModel, agent
from benchmarks.peers.measure import Figure
from jackline import Agent, MaximumSize, Runtime
from jackline.core.events import ModelReplied, Usage
from jackline.core.messages import Text
from jackline.ports import Delta, Reply, Request

SESSIONS = 100
PIECES_FAST, PIECES_PACED = 500, 150
PAUSE_S = 0.02
_PIECE = 20
_ROOT = Path(__file__).parent.parent
_ALL_S = 120.0


class StampingModel(StreamingModel):
    """Says what time it is, over and over, at the pace that it is asked for."""

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:
        """See `Model.stream`. The session's name stands in the instructions."""
        pieces, pause_s, said = PIECES_FAST, 0.0, list[str]()
        if request.instructions.startswith("paced"):
            pieces, pause_s = PIECES_PACED, PAUSE_S
        for _ in range(pieces):
            said.append(f"{time.clock_gettime(time.CLOCK_MONOTONIC):<{_PIECE - 1}.6f};")
            yield said[-1]
            await asyncio.sleep(pause_s)
        yield Reply((Text("".join(said)),), Usage(100, 20), "scripted")


@dataclass(slots=True)
class Heard:
    """What was heard, when, and how late."""

    pieces: int = 0
    arrivals: int = 0
    durable: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    late_s: list[float] = field(default_factory=list[float])
    durable_late_s: list[float] = field(default_factory=list[float])

    @property
    def per_second(self) -> float:
        """How many events came in a second, from the first piece on."""
        return (self.pieces + self.durable) / (self.last_at - self.first_at)

    async def follow(self, runtime: Runtime, session: str) -> None:
        """Ask in a session, and follow it to the end of its turn."""
        said = replied = ""
        async with aclosing(runtime.stream("bench", "hi", session=session)) as events:
            async for event in events:
                now = self.last_at = time.clock_gettime(time.CLOCK_MONOTONIC)
                if isinstance(event, Delta):
                    self.first_at = self.first_at or now
                    self._take(event.text, now)
                    said += event.text
                    continue
                self.durable += 1
                self.durable_late_s.append(time.clock_gettime(time.CLOCK_REALTIME) - event.at)
                if isinstance(event.event, ModelReplied):
                    replied = "".join(p.text for p in event.event.parts if isinstance(p, Text))
        # Who begins to follow when all was said already gets the reply alone.
        assert said in {"", replied}, "all text has come, in order, and nothing twice"

    def _take(self, text: str, now: float) -> None:
        self.arrivals += 1
        for start in range(0, len(text), _PIECE):
            self.pieces += 1
            self.late_s.append(now - float(text[start : start + _PIECE - 1]))


async def stream_between(url: str) -> Mapping[str, Figure]:
    """Measure with one process that drives, and this one, that listens."""
    async with driven(url), Runtime([_agent()], store=url, drive=False) as runtime:
        async with asyncio.timeout(_ALL_S):
            await _followed(runtime, "warm-up", 5)
            fast = await _followed(runtime, "fast", SESSIONS)
            paced = await _followed(runtime, "paced", SESSIONS)
    note = (
        f"{fast.pieces:,} pieces in {fast.arrivals:,} arrivals and {fast.durable} durable events, "
        f"{SESSIONS} sessions"
    )
    rate = f"{paced.per_second:,.0f} events/s, {paced.arrivals:,} arrivals"
    per_second = round(fast.per_second)
    return {
        "stream_events": Figure(per_second, per_second, "events/s", 1, note),
        "stream_delay_p50": _delay(paced.late_s, 50, rate),
        "stream_delay_p99": _delay(paced.late_s, 99, rate),
        "stream_loaded_delay_p50": _delay(fast.late_s, 50, f"{per_second:,} events/s"),
        "stream_durable_delay_p50": _delay(
            paced.durable_late_s[1:], 50, "from the transaction's time, so with its commit"
        ),
    }


async def _followed(runtime: Runtime, name: str, sessions: int) -> Heard:
    heard = Heard()
    async with asyncio.TaskGroup() as group:
        for n in range(sessions):
            group.create_task(heard.follow(runtime, f"{name}-{n}"))
    return heard


def _delay(late_s: list[float], percent: int, note: str) -> Figure:
    centiles = statistics.quantiles(late_s, n=100, method="inclusive")
    found, median = round(centiles[percent - 1] * 1e3, 2), round(centiles[49] * 1e3, 2)
    return Figure(found, median, "ms", len(late_s), note)


def _agent() -> Agent:
    return agent(StampingModel(), *BARE, MaximumSize())


@asynccontextmanager
async def driven(store: str) -> AsyncGenerator[None]:
    """Have a process that drives."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.stream_between", store),
        stdin=PIPE,
        stdout=PIPE,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout is not None, "it is a pipe"
        assert await process.stdout.readline() == b"ready\n", "it drives"
        yield
    finally:
        process.kill()
        await process.wait()


async def _drive(store: str) -> None:
    """Drive until killed."""
    async with Runtime([_agent()], store=store):
        print("ready", flush=True)
        await asyncio.Event().wait()


@contextmanager
def database() -> Generator[str]:
    """Yield the URL of a database on a server that keeps what it acknowledges."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-postgres-"))
    try:
        server = postgres.server_url(folder)
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM RESET fsync")
            admin.execute("SELECT pg_reload_conf()")
        with postgres.template(server) as made:
            yield made
    finally:
        postgres.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _main() -> None:
    """Measure in a database of its own, or be the process that drives."""
    if len(sys.argv) > 1:
        asyncio.run(_drive(sys.argv[1]))
        return
    with database() as url:
        taken = asyncio.run(stream_between(url))
    print(json.dumps({name: asdict(each) for name, each in taken.items()}))


if __name__ == "__main__":
    _main()
