"""Agents under a prefix of an application of your own, for whoever has a key."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import uvicorn
from fastapi import FastAPI

from jackline import Agent, Runtime, asgi, draining, identities, read_settings
from jackline.testing import ScriptedModel

STORE = "sqlite:///mounted.db"
# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
support = Agent("support", model=ScriptedModel(["Good morning."]))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Serve the agent for as long as the application is there."""
    settings = read_settings({"store": STORE}).settings
    async with Runtime([support], store=settings.store, policy=settings.policy) as runtime:
        api = asgi(runtime, await identities(settings, runtime.store), settings)
        app.mount("/agents", api)
        async with draining(api):  # Streams end as soon as the process is told to.
            yield


app = FastAPI(lifespan=lifespan)  # uvicorn mounted:app


async def main(key: str) -> None:
    """Serve the application on a free port of this machine, and talk to the agent."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    asked = {"agent": "support", "input": "Good morning?"}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/agents/v1"
        async with asyncio.TaskGroup() as group, httpx2.AsyncClient() as client:
            group.create_task(server.serve([listening]))
            turns, shown = f"{url}/sessions/s1/turns?wait=10", {"Authorization": f"Bearer {key}"}
            answer = await client.post(turns, json=asked)
            print("without a key:", answer.status_code)
            answer = await client.post(turns, json=asked, headers=shown)
            print("with one:", answer.json()["text"])
            server.should_exit = True


if __name__ == "__main__":
    make = [sys.executable, "-m", "jackline", "keys", "make", "example", "--role", "user"]
    made = subprocess.run(  # noqa: S603 - jackline's own command
        [*make, "--store", STORE], capture_output=True, text=True, check=True
    )
    asyncio.run(main(made.stdout.strip()))
