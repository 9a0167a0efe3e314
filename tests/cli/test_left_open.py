"""A turn that was left open is shown at the next start, however soon it is over."""

import asyncio
import json
from io import StringIO
from pathlib import Path

import pytest
from tests.cli.shop import SHOP
from tests.cli.terminal import jackline

from jackline import Agent, Runtime, User
from jackline.cli.chat import Chat
from jackline.cli.options import Exit
from jackline.cli.prompt import Piped
from jackline.cli.turns import Lines
from jackline.runtime.submission import Submission
from jackline.testing import ScriptedModel

ANN = User("ann")


def test_what_was_over_before_anybody_looked_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    async def run() -> Exit:
        agent = Agent(
            "support", ScriptedModel({"One?": ["It is there."], "Two?": ["It, too."]}), "Help."
        )
        async with Runtime([agent], store="memory://") as runtime:
            session = await runtime.sessions.open("support", ANN, "s1")
            one = await runtime.run("support", "One?", session="s1", user=ANN)
            two = await runtime.run("support", "Two?", session="s1", user=ANN)
            left = [one.turn, two.turn]
            return await Chat(runtime, ANN, session, Piped(StringIO()), Lines(), left).run()

    assert asyncio.run(run()) == Exit.OK
    shown = capsys.readouterr()
    assert "It is there." in shown.out
    assert "It, too." in shown.out
    assert shown.err.count("Going on with the turn that was left open.") == 2


def test_chat_looks_for_what_was_left_open_before_it_drives(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)

    async def submitted() -> None:
        agent = Agent("support", ScriptedModel(["Unused."]), "Help.")
        store = f"sqlite:///{tmp_path / 'jackline.db'}"
        async with Runtime([agent], store=store, drive=False) as runtime:
            user = User("local")
            session = await runtime.sessions.open("support", user, "local-support")
            for said in ("hello", "hello again"):
                await runtime.sessions.submit(session, user, Submission([said], on_busy="queue"))

    asyncio.run(submitted())
    done = jackline(tmp_path, "chat", "shop:support", "--json")
    assert done.returncode == 0, done.stderr
    ends = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert ends.count("turn.completed") == 2
    assert done.stderr.count("Going on with the turn that was left open.") == 2
