"""The process that serves: `python -m benchmarks.server.host STORE STACK`.

`STACK` is `core` or `whole`: which guards the agents have. Says its port on stdout once it
listens, and ends when its stdin does. Then it says what it has used: CPU seconds, and KiB.
"""

import asyncio
import json
import resource
import socket
import sys
import time
from collections.abc import AsyncGenerator

import uvicorn

from benchmarks.jackline import BARE
from benchmarks.server.clients import THINKS_S, TOKENS
from jackline import Agent, DenyList, MaximumSize, Runtime, User, asgi
from jackline.core.budget import Price, Terms
from jackline.core.events import Usage
from jackline.core.messages import Text
from jackline.interfaces.identity import Development
from jackline.ports import Reply, Request

_FREE = Terms("scripted", Price(0, 0))
_WORDS = ("when", "wind", "will", "turn", "rope", "held", "fast", "over", "deck", "then", "crew")
_REPLY = "".join(f"{_WORDS[at % len(_WORDS)]} " for at in range(TOKENS))
_AT_ONCE = 16


class Words:
    """Says its reply five characters at a time, as fast as it is asked for them.

    It thinks for a while before. Between some pieces it lets others have their turn, as a socket
    does that is read.
    """

    def __init__(self, reply: str, thinks_s: float) -> None:
        self._thinks_s = thinks_s
        self._pieces = [reply[at : at + 5] for at in range(0, len(reply), 5)]
        self._reply = Reply((Text(reply),), Usage(100, len(self._pieces)), "scripted")

    @property
    def terms(self) -> Terms:
        """See `Model.terms`."""
        return _FREE

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:  # noqa: ARG002 - it says the same to all
        """See `Model.stream`."""
        if self._thinks_s:
            await asyncio.sleep(self._thinks_s)
        for at, piece in enumerate(self._pieces):
            if at % _AT_ONCE == 0:
                await asyncio.sleep(0)
            yield piece
        yield self._reply


def _agents(stack: str) -> list[Agent]:
    guards = (*(BARE if stack == "core" else ()), MaximumSize(), DenyList(["verboten"]))
    models = {
        "words": Words(_REPLY, THINKS_S),
        "thinks": Words("Yes.", THINKS_S),
        "trivial": Words("Yes.", 0),
    }
    return [
        Agent(name, model, "", guards=guards, max_tokens=16_384) for name, model in models.items()
    ]


async def _serve(store: str, stack: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with Runtime(_agents(stack), store=store) as runtime:
        app = asgi(runtime, [Development(User("bench"))])
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve([listening]))
            print(listening.getsockname()[1], flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                print(json.dumps(_used(line)), flush=True)
            server.should_exit = server.force_exit = True
            await serving


def _used(_: str) -> dict[str, float]:
    pages = int(open("/proc/self/statm", encoding="ascii").read().split()[1])  # noqa: PTH123, SIM115 - one line of it
    return {"cpu_s": time.process_time(), "kib": pages * resource.getpagesize() / 1024}


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
