"""What the demo has left is served, with its own sessions in it."""

import asyncio
import json
from pathlib import Path

import httpx2
import pytest
from tests.interfaces.served import serving

from jackline import Runtime
from jackline.cli.demo import demo
from jackline.demo.served import shop
from jackline.interfaces.identity import Development
from jackline.serving import asgi
from jackline.settings import Settings


@pytest.mark.verify
def test_the_demo_s_sessions_are_served_and_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    demo(folder=tmp_path / "demo", model="openai:gpt-5.4-mini", as_json=True)
    said = capsys.readouterr().out
    assert json.loads(said)["steps"]
    monkeypatch.chdir(tmp_path / "demo")

    async def story() -> None:
        async with (
            asyncio.timeout(40),
            Runtime(shop.agents, store="sqlite:///jackline.db", deps=shop.deps) as runtime,
            serving(asgi(runtime, [Development(Settings().identity)])) as url,
            httpx2.AsyncClient(base_url=url, timeout=30) as client,
        ):
            listed = (await client.get("/v1/sessions")).json()["sessions"]
            assert {"refund", "bicycle"} <= {each["session"] for each in listed}
            events = (await client.get("/v1/sessions/refund/events")).json()["events"]
            assert events[-1]["type"] == "turn.completed"
            body = {"agent": "shop", "input": "Order 7 arrived broken: refund it."}
            said = await client.post("/v1/sessions/new/turns", json=body, params={"wait": 20})
            assert said.json()["outcome"] in {"completed", "paused"}, said.text

    asyncio.run(story())
