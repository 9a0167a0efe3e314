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
from benchmarks.server.clients import OURS, Heard, Speech, connected, hosted

_CLIENTS = 32


async def _client(port: int, speech: Speech, first: int, turns: int) -> None:
    heard = await connected(port, speech)
    for at in range(turns):
        await _turn(heard, speech, first + at)
    heard.transport.close()


async def _turn(heard: Heard, speech: Speech, session: int) -> None:
    heard.last, heard.completed = b"", False
    heard.transport.write(speech.wait(session, "trivial"))
    async with asyncio.timeout(30):
        while not heard.completed or not heard.last.endswith((b"}", b"0\r\n\r\n")):
            await asyncio.sleep(0.0005)


async def driven(port: int, speech: Speech, turns: int, runs: int) -> Figure:
    """Return turns a second, with that many for each client. The first of the runs warms up."""
    loop, rates = asyncio.get_running_loop(), list[float]()
    for run in range(runs + 1):
        began_at = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(run * _CLIENTS, (run + 1) * _CLIENTS):
                group.create_task(_client(port, speech, 20_000 + number * turns, turns))
        rates.append(_CLIENTS * turns / (loop.time() - began_at))
    del rates[0]
    return Figure(round(max(rates), 1), round(median(rates), 1), "turns a second", runs)


async def _main() -> None:
    with TemporaryDirectory() as folder:
        async with hosted(f"sqlite:///{folder}/j.db", "core") as host:
            figure = await driven(host.port, OURS, 40, 3)
    print(json.dumps({"http_turns": asdict(figure)}))


if __name__ == "__main__":
    asyncio.run(_main())
