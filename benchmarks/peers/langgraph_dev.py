"""LangGraph's server, as `langgraph dev` runs it: the work of `benchmarks.server`, beside it.

`python -m benchmarks.peers.langgraph_dev MEASUREMENT`. It keeps its state in memory. Each client
has a worker of its own.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
import uuid
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.peers.measure import Figure
from benchmarks.server.clients import Speech, ended, request
from benchmarks.server.tokens import firsts, streamed
from benchmarks.server.turns import driven

_STARTS_S = 40.0
_AT_ONCE = 32
_GRAPHS = Path(__file__).with_name("langgraph_served.py")
_NOTE = "it keeps its state in memory"


def _run(way: str, session: int, agent: str) -> bytes:
    body = {
        "assistant_id": agent,
        "input": {"messages": [{"role": "user", "content": "Say it."}]},
        "if_not_exists": "create",
        "stream_mode": ["messages-tuple"],
    }
    return request(f"/threads/{uuid.UUID(int=session)}/runs/{way}", body, "*/*")


_STREAMED = Speech(
    partial(_run, "stream"), partial(_run, "wait"), b'"type":"AIMessageChunk"', b"0\r\n\r\n"
)
_WAITED = _STREAMED._replace(completed=b'"type":"ai"')


@asynccontextmanager
async def _served() -> AsyncGenerator[int]:
    """Give the port of a server that runs while the body does."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    with TemporaryDirectory() as folder:
        names = ("words", "thinks", "trivial")
        graphs = {name: f"{_GRAPHS}:{name}" for name in names}
        config = Path(folder) / "langgraph.json"
        config.write_text(json.dumps({"dependencies": ["."], "graphs": graphs}), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("langgraph")), "dev", "--config", str(config)),
            *("--no-browser", "--no-reload", "--port", str(port)),
            *("--n-jobs-per-worker", str(_AT_ONCE), "--server-log-level", "ERROR"),
            env={**os.environ, "LANGGRAPH_CLI_NO_ANALYTICS": "1", "PYTHONPATH": str(Path.cwd())},
            cwd=folder,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        try:
            async with asyncio.timeout(_STARTS_S):
                await _listens(process, port)
            yield port
        finally:
            process.terminate()
            await ended(process, 5)


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    """Return once the server takes connections."""
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise RuntimeError("it ended before it listened")


async def _tokens() -> dict[str, Figure]:
    async with _served() as port:
        p50, p99 = await firsts(port, _STREAMED, 50)
        rate, size = await streamed(port, _STREAMED, 1, 1)
    return {"sse_tokens": rate, "sse_bytes": size, "first_delta_p50": p50, "first_delta_p99": p99}


async def _turns() -> dict[str, Figure]:
    async with _served() as port:
        return {"http_turns": await driven(port, _WAITED, 10, 1)}


def _main() -> None:
    """Take the measurement that the command line names."""
    parser = argparse.ArgumentParser(description="Measure langgraph dev.")
    parser.add_argument("what", choices=["server.tokens", "server.turns"])
    what: str = parser.parse_args().what
    taken = asyncio.run(_tokens() if what == "server.tokens" else _turns())
    figures = {name: asdict(replace(each, note=_NOTE)) for name, each in taken.items()}
    print(json.dumps({"version": version("langgraph-api"), "figures": figures}))


if __name__ == "__main__":
    _main()
