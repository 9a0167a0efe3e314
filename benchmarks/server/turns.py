"""Trivial turns over HTTP on SQLite, synced: `python -m benchmarks.server.turns`, as JSON.

Thirty-two clients, each on a connection that stays, say something in a session of their own and
wait for how the turn ended.
"""

import asyncio
import json
from dataclasses import asdict
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.peers.measure import Figure
from benchmarks.server.clients import Heard, connected, hosted, request

_CLIENTS, _TURNS, _RUNS = 32, 40, 3


async def _client(port: int, run: int, number: int) -> None:
    heard = await connected(port)
    for at in range(_TURNS):
        await _turn(heard, f"r{run}-{number}-{at}")
    heard.transport.close()


async def _turn(heard: Heard, session: str) -> None:
    heard.last = b""
    body = {"agent": "trivial", "input": "Hi."}
    heard.transport.write(request(f"/v1/sessions/{session}/turns?wait=30", body, "*/*"))
    async with asyncio.timeout(30):
        while not heard.last.endswith(b"}"):
            await asyncio.sleep(0.0005)
    assert b'"completed"' in heard.last, heard.last


async def turns() -> Figure:
    """Return turns a second."""
    loop, rates = asyncio.get_running_loop(), list[float]()
    with TemporaryDirectory() as folder:
        async with hosted(f"sqlite:///{folder}/j.db", "core") as host:
            for run in range(_RUNS + 1):
                began_at = loop.time()
                async with asyncio.TaskGroup() as group:
                    for number in range(_CLIENTS):
                        group.create_task(_client(host.port, run, number))
                rates.append(_CLIENTS * _TURNS / (loop.time() - began_at))
    del rates[0]
    return Figure(round(max(rates), 1), round(median(rates), 1), "turns a second", _RUNS)


if __name__ == "__main__":
    print(json.dumps({"http_turns": asdict(asyncio.run(turns()))}))
