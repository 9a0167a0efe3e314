"""Readers that wait: `python -m benchmarks.server.idle`, figures as JSON.

Two thousand clients follow two thousand sessions in which nothing happens.
"""

import asyncio
import json
import resource
from dataclasses import asdict
from tempfile import TemporaryDirectory

from benchmarks.peers.measure import Figure
from benchmarks.server.clients import connected, hosted, request

_READERS, _SETTLES_S, _WATCHED_S = 2_000, 3.0, 20.0


async def idle() -> tuple[Figure, Figure]:
    """Return the KiB that a reader takes, and the part of a core that all of them do."""
    with TemporaryDirectory() as folder:
        async with hosted(f"sqlite:///{folder}/j.db", "whole") as host:
            await _opened(host.port)
            before = await host.used()
            readers = [await connected(host.port) for _ in range(_READERS)]
            for at, reader in enumerate(readers):
                reader.transport.write(request(f"/v1/sessions/i{at}/events", None))
            async with asyncio.timeout(60):
                while not all(b"session.opened" in reader.last for reader in readers):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(_SETTLES_S)
            there = await host.used()
            await asyncio.sleep(_WATCHED_S)
            after = await host.used()
            for reader in readers:
                reader.transport.abort()
    memory = round((there["kib"] - before["kib"]) / _READERS, 1)
    cpu = round(100 * (after["cpu_s"] - there["cpu_s"]) / _WATCHED_S, 2)
    return (
        Figure(memory, memory, "KiB a reader", 1),
        Figure(cpu, cpu, "% of a core", 1, f"over {_WATCHED_S:g} s"),
    )


async def _opened(port: int) -> None:
    heard = await connected(port)
    for at in range(_READERS):
        heard.last = b""
        body = {"agent": "trivial", "session": f"i{at}"}
        heard.transport.write(request("/v1/sessions", body, "*/*"))
        while not heard.last.endswith(b"}"):
            await asyncio.sleep(0)
        assert b"201 Created" in heard.last or heard.bytes, heard.last
    heard.transport.close()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8_192), most))
    memory, cpu = asyncio.run(idle())
    print(json.dumps({"idle_memory": asdict(memory), "idle_cpu": asdict(cpu)}))
