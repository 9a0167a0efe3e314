"""docs/errors.md explains every code that the source gives."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
_EVENT = re.compile(
    r"(?:ToolRefused|ToolFailed|ToolUnknown|TurnFailed|TurnStopped|ModelFailed)"
    r"\(\s*[\w.]+,[^\n]*?\"([a-z_]+)\"[,)]"
)
_CLASS = re.compile(r"^    code = \"([a-z_]+)\"", re.MULTILINE)
_BASES = {"model"}  # Nothing raises it but as one of its kinds.


def test_every_code_is_explained() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    codes = {*_EVENT.findall(text), *_CLASS.findall(text)} - _BASES
    assert len(codes) > 30
    explained = set(re.findall(r"`([a-z_]+)`", (ROOT / "docs/errors.md").read_text("utf-8")))
    assert sorted(codes - explained) == []
