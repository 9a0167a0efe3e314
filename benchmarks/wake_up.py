"""How soon a submitted turn is driven: `python -m benchmarks.wake_up`, figures as JSON.

This process submits, one turn after the other, each in a new session; another process drives. A
sample is the time from before the submission, whose commit is therefore part of it, until the
model is asked there.
"""

import asyncio
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from benchmarks.peers.measure import Figure
from benchmarks.peers.process import shared_clock
from benchmarks.postgres import database
from benchmarks.workers import hired, submitter, user
from jackline import Submission

TURNS_MAX = 300
SECONDS_MAX = 20.0
_WARM_UP = 5


async def wake_up(url: str) -> Mapping[str, Figure]:
    """Measure with one worker that has nothing else to do."""
    async with submitter(url) as runtime, hired(url, "worker") as worker:
        until_s, submitted = shared_clock() + SECONDS_MAX, dict[str, float]()
        while len(submitted) < TURNS_MAX and shared_clock() < until_s:
            name = f"session-{len(submitted)}"
            who = user(len(submitted))
            submitted[name] = shared_clock()
            session, receipt = await runtime.sessions.begin("bench", who, Submission("hi"), name)
            result = await runtime.result(session, receipt.seq, who)
            assert result.outcome == "completed", result
        report = await worker.report()
    return figures([report.asked[name] - at for name, at in submitted.items()][_WARM_UP:])


def figures(delays_s: Sequence[float]) -> Mapping[str, Figure]:
    """Return the median and the 99th percentile, in ms."""
    centiles = [each * 1e3 for each in statistics.quantiles(delays_s, n=100, method="inclusive")]
    p50, p99 = round(centiles[49], 2), round(centiles[98], 2)
    return {
        "wake_up_p50": Figure(p50, p50, "ms", len(delays_s)),
        "wake_up_p99": Figure(p99, p50, "ms", len(delays_s)),
    }


def _main() -> None:
    """Measure in a database of its own."""
    with database() as url:
        taken = asyncio.run(wake_up(url))
    print(json.dumps({name: asdict(each) for name, each in taken.items()}))


if __name__ == "__main__":
    _main()
