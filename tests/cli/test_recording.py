"""What a run recorded is said again where no model is."""

import json
from pathlib import Path

import pytest
from tests.cli.terminal import jackline

CLERK = '''
from pathlib import Path
from jackline import Agent, ToolCall, tool
from jackline.testing import ScriptedModel, Takes, scenario

@tool(effect="once", approve=True)
def pay(cents: int) -> str:
    """Pay."""
    with Path("paid").open("a") as file:
        file.write(f"{cents}\\n")
    return f"paid {cents}"

def paying(cents):
    return [[ToolCall("pay", f'{{"cents": {cents}}}')], f"I have paid {cents}."]

model = ScriptedModel({"Pay.": Takes([paying(5), paying(7)]), "": ["What?"]})
clerk = Agent("clerk", model, tools=[pay])

def wrong(_):
    paid = Path("paid").read_text().split()
    return None if paid == ["5", "7"] else f"{paid} was paid"

@scenario(agent=clerk, input=["Pay.", "Pay."], record="replies.jsonl", check=wrong)
def twice():
    """Pay, and pay again."""
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clerk.py").write_text(CLERK)
    (tmp_path / "jackline.toml").write_text('app = "clerk:clerk"\n')
    return tmp_path


def paid(folder: Path) -> None:
    """Pay: a run that waits, an approval, and the rest of it."""
    run = jackline(folder, "run", "Pay.", "--session", "s1", "--record", "replies.jsonl")
    assert run.returncode == 4
    assert "jackline resume s1 --record replies.jsonl" in run.stderr
    question = json.loads(jackline(folder, "approve", "s1", "--json").stdout)["question"]
    assert jackline(folder, "approve", "s1", str(question)).returncode == 0
    rest = jackline(folder, "resume", "s1", "--record", "replies.jsonl")
    assert rest.returncode == 0
    assert "session s1 is in replies.jsonl" in rest.stderr


@pytest.mark.verify
def test_a_conversation_that_says_the_same_twice_is_recorded_and_outlives_its_deaths(
    folder: Path,
) -> None:
    paid(folder)
    paid(folder)
    assert len((folder / "replies.jsonl").read_text().splitlines()) == 4
    arguments = ("crashtest", "clerk:twice", "--at", "asked", "--sample", "0", "--json")
    done = jackline(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert (report["boundaries"], report["breaches"]) == (5, [])


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("clerk.py", "clerk.py is there and holds no recorded replies: name another file."),
        (".", ". is there and holds no recorded replies: name another file."),
        ("nowhere/replies", "nowhere to record in."),
    ],
)
def test_a_recording_spoils_no_other_file_and_is_refused_before_a_model_is_asked(
    folder: Path, file: str, sentence: str
) -> None:
    done = jackline(folder, "run", "Pay.", "--record", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert (folder / "clerk.py").read_text() == CLERK
    assert not (folder / "jackline.db").exists()
