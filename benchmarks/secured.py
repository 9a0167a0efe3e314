"""The core figures again, with the stack that every agent has: `python -m benchmarks.secured`."""

import asyncio
import json
from dataclasses import asdict

from benchmarks.jackline import SECURED
from benchmarks.peers.measure import Figure, deltas, durable, rounds


async def secured() -> dict[str, Figure]:
    """Return the figures by their rows."""
    one, many = await rounds(SECURED)
    (delta,) = await deltas(SECURED)
    _, kept = await durable(SECURED)
    return {
        "secured_round_cpu": one,
        "secured_round_cpu_8_tools": many,
        "secured_delta_cpu": delta,
        "secured_durable_cpu": kept,
    }


if __name__ == "__main__":
    figures = asyncio.run(secured())
    print(json.dumps({name: asdict(each) for name, each in figures.items()}))
