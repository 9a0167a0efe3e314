"""The README's first agent runs as it stands, but for the model, which a script replaces."""

import re
from pathlib import Path

import pytest

from jackline import ToolCall
from jackline.testing import ScriptedModel

README = Path(__file__).parent.parent / "README.md"
CALL = ToolCall("refund", '{"order_id": "7", "cents": 500}')


def first_block() -> str:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_the_first_agent_runs_and_asks_before_it_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text, replaced = re.subn(r'"openai:[^"]+"', "model", first_block())
    assert replaced == 1
    model = ScriptedModel([[CALL], "It is on its way."])
    exec(compile(text, "README.md", "exec"), {"model": model, "__name__": "readme"})  # noqa: S102 - our own README
    assert capsys.readouterr().out == "paused\n"
    assert (tmp_path / "jackline.db").exists()
