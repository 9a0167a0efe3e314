"""How fast text streams through the server: `python -m benchmarks.server.tokens`, as JSON.

Eight clients, each with a session of its own, ask for replies of 4,000 tokens of five characters,
one after another. The time is from the first request to the last byte.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from benchmarks.peers.measure import Figure
from benchmarks.server.clients import connected, hosted, request
from benchmarks.server.host import THINKS_S, TOKENS

_CLIENTS, _REPLIES, _RUNS = 8, 3, 3
_FIRSTS = 200


async def tokens(stack: str) -> tuple[Figure, Figure]:
    """Return tokens a second, and bytes a token."""
    with TemporaryDirectory() as folder:
        async with hosted(f"sqlite:///{folder}/j.db", stack) as host:
            runs = [await _run(host.port, run) for run in range(_RUNS + 1)][1:]
    said = TOKENS * _CLIENTS * _REPLIES
    rates = [said / seconds for seconds, _, _ in runs]
    sizes = [size / said for _, size, _ in runs]
    note = f"in {min(deltas / said for _, _, deltas in runs):.0%} as many pieces"
    return (
        Figure(round(max(rates)), round(median(rates)), "tokens a second", _RUNS, note),
        Figure(round(min(sizes), 1), round(median(sizes), 1), "bytes a token", _RUNS),
    )


async def _run(port: int, run: int) -> tuple[float, int, int]:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_client(port, f"s{run}-{at}")) for at in range(_CLIENTS)]
    sizes, deltas = zip(*[task.result() for task in tasks], strict=True)
    return loop.time() - began_at, sum(sizes), sum(deltas)


async def _client(port: int, session: str) -> tuple[int, int]:
    size = deltas = 0
    for _ in range(_REPLIES):
        heard = await connected(port)
        body = {"agent": "words", "input": "Say it."}
        heard.transport.write(request(f"/v1/sessions/{session}/turns", body))
        async with asyncio.timeout(120):
            await heard.ended
        assert heard.completed, heard.last[-300:]
        deltas += heard.deltas
        size += heard.bytes
        heard.transport.close()
    return size, deltas


async def firsts() -> tuple[Figure, Figure]:
    """Return the milliseconds from a request to its first text, less what the model thinks."""
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    with TemporaryDirectory() as folder:
        async with hosted(f"sqlite:///{folder}/j.db", "whole") as host:
            heard = await connected(host.port)
            for at in range(_FIRSTS + 20):
                heard.deltas, heard.ended = 0, loop.create_future()
                began_at = loop.time()
                body = {"agent": "thinks", "input": "Hi."}
                heard.transport.write(request(f"/v1/sessions/f{at}/turns", body))
                async with asyncio.timeout(30):
                    await heard.ended
                assert heard.deltas, heard.last
                taken.append(1000 * (heard.first_at - began_at - THINKS_S))
            heard.transport.close()
    taken = taken[20:]
    p99 = quantiles(taken, n=100)[98]
    return (
        Figure(round(median(taken), 2), round(median(taken), 2), "ms", _FIRSTS),
        Figure(round(p99, 2), round(p99, 2), "ms", _FIRSTS),
    )


async def _main() -> None:
    core, size = await tokens("core")
    whole, _ = await tokens("whole")
    p50, p99 = await firsts()
    figures = {
        "sse_tokens": core,
        "sse_tokens_secured": whole,
        "sse_bytes": size,
        "first_delta_p50": p50,
        "first_delta_p99": p99,
    }
    print(json.dumps({name: asdict(each) for name, each in figures.items()}))


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
