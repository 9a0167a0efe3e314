"""What paused sessions cost those who wait: `python -m benchmarks.paused`, figures as JSON.

One session is really paused, by a tool that needs a person's approval; it is then copied row by
row, with its events and what wakes it when the approval expires, to as many sessions as there
are to be. An idle worker is looked at before and after: its memory, the CPU of it and of the
server's processes for that database, and how soon after its process was started it asks a
model, a turn being due.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from benchmarks.jackline import FakeModel
from benchmarks.peers.measure import Figure
from benchmarks.peers.process import shared_clock
from benchmarks.postgres import database
from benchmarks.workers import Hired, hired, submitter
from jackline import Agent, Context, Runtime, Submission, User, tool
from jackline.core.events import Usage
from jackline.core.messages import ToolCall
from jackline.ports import Reply, Request

SESSIONS = 100_000
_TEMPLATE = "the-session-that-is-copied"
_USER = User("user", tenant="paused")
_IDLE_S = 5.0
_SETTLE_S = 3.0
_START_S = 60.0
_SESSIONS = """
    INSERT INTO jackline.session (tenant, name, "user", agent, head, turn, due_at, held, spent,
        epoch, questions, updated_at)
    SELECT 'tenant-' || n %% 1000, 'paused-' || n, "user", 'bench', head, turn, due_at, held,
        spent, epoch, questions, updated_at
    FROM jackline.session, generate_series(1, %s) AS n WHERE name = %s
"""
_EVENTS = """
    INSERT INTO jackline.event (session, seq, at, body, request, content, turn)
    SELECT copy.no, seq, at, body, request, content, e.turn
    FROM jackline.event AS e JOIN jackline.session AS mine ON e.session = mine.no,
        jackline.session AS copy
    WHERE mine.name = %s AND copy.name LIKE 'paused-%%'
"""
_JOBS = """
    SELECT table_schema FROM information_schema.tables WHERE table_name = 'procrastinate_jobs'
"""
_COPY_JOBS = """
    INSERT INTO {} (queue_name, task_name, lock, args, scheduled_at)
    SELECT queue_name, task_name, replace(lock, %(name)s, 'paused-' || n),
        replace(args::text, %(name)s, 'paused-' || n)::jsonb, scheduled_at
    FROM {}, generate_series(1, %(count)s) AS n
    WHERE status = 'todo' AND args::text LIKE '%%' || %(name)s || '%%'
"""
_SERVERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"


@tool(effect="once", approve=True)
async def pay(ctx: Context[None]) -> str:  # noqa: ARG001 - it is never called
    """Pay."""
    return "It is paid."


class PayingModel(FakeModel):
    """Wants to pay."""

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:  # noqa: ARG002 - always the same
        """See `Model.stream`."""
        yield Reply((ToolCall("pay", "{}"),), Usage(100, 20), "scripted")


async def paused(url: str) -> Mapping[str, Figure]:
    """Measure a worker with no paused session, then one with all of them."""
    none = await _watched(url, 0)
    await _pause_one(url)
    with psycopg.connect(url, autocommit=True) as connection:
        _copy(connection)
    many = await _watched(url, 1)
    memory, cpu = many["memory"] - none["memory"], many["cpu"] - none["cpu"]
    note = f"{SESSIONS:,} sessions against none: {many['start']:.2f} s against {none['start']:.2f}"
    return {
        "paused_memory": _figure(memory, "MiB", f"{many['memory']:.1f} MiB in all"),
        "paused_cpu": _figure(cpu, "% of a core", f"{many['cpu']:.2f} % in all"),
        "paused_start": _figure(many["start"], "s", note),
    }


def _figure(value: float, unit: str, note: str) -> Figure:
    return Figure(round(value, 2), round(value, 2), unit, 1, note)


async def _pause_one(url: str) -> None:
    """Have one session wait for a person."""
    agent = Agent("bench", PayingModel(), tools=[pay])
    async with Runtime([agent], store=url) as runtime:
        result = await runtime.run("bench", "pay", session=_TEMPLATE, user=_USER)
        assert result.outcome == "paused", result


def _copy(connection: psycopg.Connection) -> None:
    """Copy it, and all that stands in the database because of it."""
    connection.execute(_SESSIONS, (SESSIONS, _TEMPLATE))
    connection.execute(_EVENTS, (_TEMPLATE,))
    for (schema,) in connection.execute(_JOBS).fetchall():
        jobs = Identifier(schema, "procrastinate_jobs")
        copy: Composed = SQL(_COPY_JOBS).format(jobs, jobs)
        connection.execute(copy, {"name": _TEMPLATE, "count": SESSIONS})
    connection.execute("VACUUM ANALYZE")
    connection.execute("CHECKPOINT")


async def _watched(url: str, number: int) -> Mapping[str, float]:
    """Start a worker that finds a turn, and look at it once that has ended and it is idle."""
    name = f"first-{number}"
    async with submitter(url) as runtime:
        session, receipt = await runtime.sessions.begin("bench", _USER, Submission("hi"), name)
        started_s = shared_clock()
        async with hired(url, f"worker-{number}") as worker:
            async with asyncio.timeout(_START_S):
                await runtime.result(session, receipt.seq, _USER)
            await asyncio.sleep(_SETTLE_S)
            cpu_s, memory_kb = await _idle(url, worker)
            asked = (await worker.report()).asked[name]
    return {
        "memory": memory_kb / 1024,
        "cpu": 100 * cpu_s / _IDLE_S,
        "start": asked - started_s,
    }


async def _idle(url: str, worker: Hired) -> tuple[float, int]:
    """Return the CPU seconds of `_IDLE_S` of doing nothing, and the memory in KiB."""
    pid = worker.process.pid
    with psycopg.connect(url) as connection:
        servers = connection.execute(_SERVERS, (connection.info.backend_pid,)).fetchall()
    pids = [pid, *(server for (server,) in servers)]
    before = sum(_cpu_s(pid) for pid in pids)
    await asyncio.sleep(_IDLE_S)
    return sum(_cpu_s(pid) for pid in pids) - before, _resident_kb(pid)


def _resident_kb(pid: int) -> int:
    """Return the memory of a process that is resident, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (resident,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(resident.split()[1])


def _cpu_s(pid: int) -> float:
    """Return the CPU that a process has used (proc(5), stat); 0 where it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return 0.0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _main() -> None:
    """Measure in a database of its own."""
    with database() as url:
        taken = asyncio.run(paused(url))
    print(json.dumps({name: asdict(each) for name, each in taken.items()}))


if __name__ == "__main__":
    _main()
