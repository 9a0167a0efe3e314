"""An application of somebody's own, in which agents are mounted, as uvicorn runs it."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import httpx2
from tests.cli.terminal import environment, jackline
from tests.kill.processes import end
from tests.kill.serving import ROOT

STORE = "sqlite:///mounted.db"


def test_told_to_end_it_sends_streams_away_and_ends(tmp_path: Path) -> None:
    made = jackline(tmp_path, "keys", "make", "it", "--role", "user", "--store", STORE)
    shown = {"Authorization": f"Bearer {made.stdout.strip()}", "Accept": "text/event-stream"}

    async def story() -> None:
        path = os.pathsep.join((str(ROOT), str(ROOT / "src")))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "uvicorn", "mounted:app", "--port", "0"),
            *("--app-dir", str(ROOT / "examples")),
            stdin=DEVNULL,
            stderr=PIPE,
            cwd=tmp_path,
            env=environment(PYTHONPATH=path),
        )
        assert process.stderr is not None
        try:
            while not (told := re.search(rb"http://\S+", await process.stderr.readline())):
                assert process.returncode is None
            sessions = f"{told[0].decode()}/agents/v1/sessions"
            async with httpx2.AsyncClient(headers=shown, timeout=30) as client:
                await client.post(sessions, json={"agent": "support", "session": "s1"})
                async with client.stream("GET", f"{sessions}/s1/events") as stream:
                    lines = stream.aiter_lines()
                    assert "id: 1" in await anext(lines)
                    process.terminate()
                    assert [line async for line in lines if line][-1] == "retry: 1000"
            await process.wait()
        finally:
            await end([process])

    asyncio.run(asyncio.wait_for(story(), 40))
