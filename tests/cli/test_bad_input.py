"""Whatever is wrong on the command line: one clear sentence, the right exit code, no traceback."""

import os
import sys
from pathlib import Path

import pytest
from tests.cli.shop import SHOP
from typer.testing import CliRunner, Result

from jackline.cli.program import COMMANDS, program

BROKEN = {
    "raises.py": "raise ValueError('no luck')",
    "syntax.py": "def (",
    "lacks.py": "import no_such_module_anywhere",
    "effectless.py": "from jackline import tool\n\n@tool\ndef send() -> str:\n    return ''\n",
    "twice.py": (
        "from jackline import Agent, tool\n"
        "@tool(effect='read')\ndef look() -> str:\n    '''Look.'''\n    return ''\n"
        "agent = Agent('twice', model='local', tools=[look, look])\n"
    ),
    "untyped.py": (
        "from jackline import tool\n"
        "@tool(effect='read')\ndef look(at) -> str:\n    '''Look.'''\n    return ''\n"
    ),
    "unknown_model.py": "from jackline import Agent\nagent = Agent('lost', model='nobody:model')\n",
    "no_budget.py": "from jackline import Agent, Budget\nBudget(usd=0)\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("JACKLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "bad_input_shop.py").write_text(SHOP)
    for name, text in BROKEN.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(*arguments: str, said: str | bytes = "") -> Result:
    return CliRunner().invoke(program(arguments), arguments, input=said)


def sentence(result: Result, code: int) -> str:
    """Return what was complained about, which is one line."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("jackline: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("jackline: ").rstrip("\n")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("shop", "'shop' names no agent: write module:name, like agent:support."),
        ("bad_input_shop:", "names no agent"),
        (":support", "names no agent"),
        ("a b:c", "names no agent"),
        ("bad_input_shop:support:more", "names no agent"),
        ("nowhere:agent", "There is no module 'nowhere' here"),
        ("nowhere.deeper:agent", "There is no module 'nowhere.deeper' here"),
        ("bad_input_shop:helper", "has no 'helper'; there is support and poor"),
        ("bad_input_shop:number", "is an int, and no Agent, list of agents or App"),
        ("bad_input_shop:find", "is a Tool, and no Agent"),
        ("bad_input_shop:nothing", "An app is made of agents, and there is none."),
        (
            "bad_input_shop:several",
            "There are several agents: say --agent and one of support, poor",
        ),
        ("raises:agent", "cannot be imported (raises.py, line 1): ValueError: no luck."),
        ("syntax:agent", "cannot be imported (line 1): SyntaxError"),
        ("lacks:agent", "No module named 'no_such_module_anywhere'"),
        ("effectless:agent", 'say what send does: effect="read"'),
        ("twice:agent", "Agent 'twice' has two tools named 'look': rename one."),
        ("untyped:agent", "look"),
        ("no_budget:agent", "usd=0 lets nothing run"),
        ("unknown_model:agent", "nobody"),
    ],
)
def test_what_names_no_agent_is_said_in_a_sentence(reference: str, said: str) -> None:
    assert said in sentence(run("run", reference, "hello"), 2)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "The input is empty: say something."),
        (" \n", "The input is empty"),
        ("a\0b", "The input has a NUL character"),
        (b"\xff\xfe", "The input is no UTF-8 text."),
        ("x" * (50 << 20), "The input is larger than the 1048576 bytes"),
    ],
    ids=["empty", "blank", "NUL", "no UTF-8", "50 MB"],
)
def test_input_that_cannot_be_said_is_refused(said: str | bytes, why: str) -> None:
    assert why in sentence(run("run", "bad_input_shop:support", said=said), 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "bad_input_shop:support", "hello", "--agent", "x"), "There is no agent 'x'."),
        (("run", "bad_input_shop:support", "hello", "--session", "a/b"), "is no session's name"),
        (("run", "bad_input_shop:support", "hello", "--user", ""), "names nobody"),
        (("run", "bad_input_shop:support", "hello", "--store", "redis://x"), "is no store"),
        (("run", "bad_input_shop:support", "hello", "--model", "x"), "x"),
        (("chat", "--local", "--model", "a:b"), "--local and --model are two models"),
        (("sessions",), "There is no database jackline.db yet"),
        (("events", "s1", "--store", "memory://"), "memory:// ends with the process"),
        (("approve", "s1", "--no"), "Say which question"),
        (("approve", "s1", "3", "--no", "--edit", "{}"), "give one of them"),
        (("raise", "s1"), "Say what goes further"),
        (("raise", "s1", "--limit", "usd"), "'usd' is no limit"),
        (("raise", "s1", "--limit", "usd=much"), "'usd=much' lets nothing run"),
        (("raise", "s1", "--limit", "usd=-1"), "'usd=-1' lets nothing run"),
        (("raise", "s1", "--limit", "usd=0"), "'usd=0' lets nothing run: give a number above 0"),
        (("raise", "s1", "--limit", "model_calls=1.5"), "'model_calls=1.5' counts calls"),
        (("raise", "s1", "--limit", "tool_calls=0.5"), "give a whole number"),
        (("demo", "--model", "foo:bar"), "There is no provider 'foo'"),
        (("crashtest", "bad_input_shop:nope"), "Module 'bad_input_shop' has no 'nope'."),
        (("erase",), "Say what to erase"),
        (("new", ""), "Give the project a name"),
        (("new", "bad_input_shop.py/x"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    assert said in sentence(run(*arguments), 2)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("stor = 'x'", "'stor', which is no setting: did you mean 'store'?"),
        ("colour = 'x'", "'colour', which is no setting: there are store, engine, app, "),
        ("store = ", "jackline.toml is no TOML: "),
        ("lease_s = 'long'", "lease_s = 'long' (from jackline.toml): "),
        ("lease_s = 0", "lease_s = '0' (from jackline.toml): "),
        ("retention_days = -1", "retention_days = '-1' (from jackline.toml): "),
    ],
)
def test_a_wrong_setting_is_said_in_a_sentence(folder: Path, file: str, said: str) -> None:
    (folder / "jackline.toml").write_text(file)
    assert said in sentence(run("sessions"), 2)


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKLINE_LEASE_S", "soon")
    assert "lease_s = 'soon' (from JACKLINE_LEASE_S): " in sentence(run("sessions"), 2)


@pytest.mark.parametrize(
    "arguments",
    [("chatt",), ("chat", "--loud"), ("sessions", "--limit", "x"), ("events", "a", "b"), ("new",)],
)
def test_an_unknown_command_or_option_is_told_with_the_usage(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_in_a_folder_that_is_none_is_for_the_operator() -> None:
    store = "sqlite:///bad_input_shop.py/x.db"
    sentence(run("run", "bad_input_shop:support", "hello", "--store", store), 3)


def test_a_session_of_somebody_else_is_not_there() -> None:
    assert run("run", "bad_input_shop:support", "hello", "--session", "s1").exit_code == 0
    for command in ("events", "cancel", "approve"):
        said = sentence(run(command, "s1", "--user", "mallory"), 2)
        assert said == "There is no session 's1' of 'mallory'."
        said = sentence(run(command, "s1", "--tenant", "other"), 2)
        assert "There is no session 's1'" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal_and_says_what_the_command_is_for(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run(command, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "--json" in result.stdout
    assert "int range" not in result.stdout
    assert "[[" not in result.stdout
    assert "<int>" not in result.stdout.partition("Options:")[2], "an option says what it takes"


def test_the_list_of_commands_fits_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run("--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert all(f"  {command}" in result.stdout for command in COMMANDS)
