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
from benchmarks.server.clients import OURS, THINKS_S, TOKENS, Speech, connected, hosted

_CLIENTS = 8


async def streamed(port: int, speech: Speech, replies: int, runs: int) -> tuple[Figure, Figure]:
    """Return tokens a second, and bytes a token. The first of the runs warms up."""
    taken = [await _run(port, speech, run, replies) for run in range(runs + 1)][1:]
    said = TOKENS * _CLIENTS * replies
    rates = [said / seconds for seconds, _, _ in taken]
    sizes = [size / said for _, size, _ in taken]
    note = f"in {min(deltas / said for _, _, deltas in taken):.0%} as many pieces"
    return (
        Figure(round(max(rates)), round(median(rates)), "tokens a second", runs, note),
        Figure(round(min(sizes), 1), round(median(sizes), 1), "bytes a token", runs),
    )


async def _run(port: int, speech: Speech, run: int, replies: int) -> tuple[float, int, int]:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_client(port, speech, run * _CLIENTS + at, replies))
            for at in range(_CLIENTS)
        ]
    sizes, deltas = zip(*[task.result() for task in tasks], strict=True)
    return loop.time() - began_at, sum(sizes), sum(deltas)


async def _client(port: int, speech: Speech, session: int, replies: int) -> tuple[int, int]:
    size = deltas = 0
    for _ in range(replies):
        heard = await connected(port, speech)
        heard.transport.write(speech.stream(session, "words"))
        async with asyncio.timeout(120):
            await heard.ended
        assert heard.completed, heard.last[-300:]
        deltas += heard.deltas
        size += heard.bytes
        heard.transport.close()
    return size, deltas


async def firsts(port: int, speech: Speech, count: int) -> tuple[Figure, Figure]:
    """Return the milliseconds from a request to its first text, less what the model thinks."""
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    heard = await connected(port, speech)
    warm = count // 10
    for at in range(count + warm):
        heard.deltas, heard.ended = 0, loop.create_future()
        began_at = loop.time()
        heard.transport.write(speech.stream(10_000 + at, "thinks"))
        async with asyncio.timeout(30):
            await heard.ended
        assert heard.deltas, heard.last
        taken.append(1000 * (heard.first_at - began_at - THINKS_S))
    heard.transport.close()
    taken = taken[warm:]
    p50, p99 = round(median(taken), 2), round(quantiles(taken, n=100)[98], 2)
    return Figure(p50, p50, "ms", count), Figure(p99, p99, "ms", count)


async def _main() -> None:
    figures = dict[str, Figure]()
    for stack, name in (("core", "sse_tokens"), ("whole", "sse_tokens_secured")):
        with TemporaryDirectory() as folder:
            async with hosted(f"sqlite:///{folder}/j.db", stack) as host:
                figures[name], size = await streamed(host.port, OURS, 3, 3)
                figures.setdefault("sse_bytes", size)
                p50, p99 = await firsts(host.port, OURS, 200)
    figures |= {"first_delta_p50": p50, "first_delta_p99": p99}  # Of the whole stack.
    print(json.dumps({name: asdict(each) for name, each in figures.items()}))


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
