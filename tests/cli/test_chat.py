"""Chatting, in a real terminal with a real process."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.cli.shop import SHOP
from tests.cli.terminal import COMMAND, Terminal, environment, jackline

CHAT = ("chat", "shop:support")
SESSION = "local-support"
QUESTION = "yes, no or edit? "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def events(folder: Path, session: str = SESSION) -> list[dict[str, object]]:
    done = jackline(folder, "events", session, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def kinds(folder: Path) -> list[object]:
    return [event["type"] for event in events(folder)]


def test_a_turn_streams_shows_its_calls_asks_and_says_what_it_cost(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("session local-support.")
        terminal.expect("> ")
        terminal.type("refund\r")
        terminal.expect("Let me look.")
        terminal.expect('→ find {"order_id": "7"}')
        terminal.expect("find ← Order 7: 500 cents")
        terminal.expect("cents = 500")
        terminal.expect("digest ")
        terminal.expect(QUESTION)
        terminal.type("y\r")
        terminal.expect("refund ← 500 cents went back")
        terminal.expect("All is done.")
        terminal.expect("session $0.00")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0
        assert terminal.echoes()
    assert (folder / "calls").read_text() == "refund 7 500\n"


def test_a_call_is_declined_with_a_reason(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("refund\r")
        terminal.expect(QUESTION)
        terminal.type("n\r")
        terminal.expect("why")
        terminal.type("too much\r")
        terminal.expect("All is done.")
        terminal.expect("> ")
        terminal.type("/quit\r")
        assert terminal.end() == 0
    assert not (folder / "calls").exists()
    answer = next(event for event in events(folder) if event["type"] == "input.provided")
    assert answer["reason"] == "too much"
    assert answer["approved"] is False


def test_a_call_is_edited_until_its_arguments_fit(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("refund\r")
        terminal.expect(QUESTION)
        terminal.type("e\r")
        terminal.expect("arguments: ")
        terminal.type('\x15{"order_id": 3}\r')
        terminal.expect("These arguments do not fit refund")
        terminal.expect(QUESTION)
        terminal.type("e\r")
        terminal.expect("arguments: ")
        terminal.type('\x15{"order_id": "7", "cents": 400}\r')
        terminal.expect("All is done.")
    assert (folder / "calls").read_text() == "refund 7 400\n"


def test_ctrl_c_cancels_the_turn_and_the_next_one_leaves(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("wait\r")
        terminal.expect("→ wait")
        terminal.type("\x03")
        terminal.expect("Cancelling the turn.")
        terminal.expect("cancelled")
        terminal.expect("> ")
        terminal.type("\x03")
        assert terminal.end() == 0
        assert terminal.echoes()
    assert kinds(folder)[-1] == "turn.cancelled"


def test_a_second_ctrl_c_leaves_where_the_turn_does_not_end(folder: Path) -> None:
    arguments = [*COMMAND, "run", "shop:support", "wait", "--session", SESSION, "--json"]
    elsewhere = subprocess.Popen(
        arguments, cwd=folder, env=environment(), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert elsewhere.stdout is not None
    try:
        assert any(b'"tool.started"' in line for line in elsewhere.stdout)
        os.kill(elsewhere.pid, signal.SIGSTOP)
        with Terminal(folder, *CHAT) as terminal:
            terminal.expect("Going on with the turn that was left open.")
            terminal.expect("→ wait")
            terminal.type("\x03")
            terminal.expect("Cancelling the turn.")
            terminal.type("\x03")
            terminal.expect("Leaving")
            assert terminal.end() == 130
            assert terminal.echoes()
    finally:
        elsewhere.kill()
        elsewhere.communicate()


def test_ctrl_c_at_the_prompt_first_clears_what_was_typed(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("not this")
        terminal.expect("not this")
        terminal.type("\x03")
        terminal.expect("> ")
        terminal.type("hello\r")
        terminal.expect("Good morning to you.")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0
    said = [event["parts"] for event in events(folder) if event["type"] == "turn.submitted"]
    assert said == [[{"type": "text", "text": "hello"}]]


def test_after_a_kill_the_session_goes_on_with_its_question(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("refund\r")
        terminal.expect(QUESTION)
        terminal.signal(signal.SIGKILL)
        assert terminal.end() == -signal.SIGKILL
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("It goes on after 1 message of yours")
        terminal.expect("Going on with the turn that was left open.")
        terminal.expect("find ← Order 7: 500 cents")
        terminal.expect(QUESTION)
        terminal.type("y\r")
        terminal.expect("All is done.")
        terminal.expect("> ")
        terminal.type("\x04")
        assert terminal.end() == 0
    assert (folder / "calls").read_text() == "refund 7 500\n"
    assert kinds(folder).count("turn.submitted") == 1


def test_a_question_that_was_answered_elsewhere_is_asked_no_more(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("refund\r")
        terminal.expect(QUESTION)
        number = next(e["seq"] for e in events(folder) if e["type"] == "input.requested")
        assert jackline(folder, "approve", SESSION, str(number), "--no").returncode == 0
        terminal.expect("declined question")


def test_sigterm_hands_over_and_the_next_start_goes_on(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("wait\r")
        terminal.expect("→ wait")
        terminal.signal(signal.SIGTERM)
        terminal.expect("Leaving")
        (folder / "go").touch()
        assert terminal.end() == 143
        assert terminal.echoes()
    assert not any(str(kind).startswith("turn.c") for kind in kinds(folder))
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("Going on with the turn that was left open.")
        terminal.expect("It is there.")
    assert (folder / "calls").read_text() == "wait\n"


def test_what_is_pasted_is_passed_on_as_pasted(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("look at ")
        terminal.paste("one\rtwo")
        terminal.expect("[pasted: 2 lines, 7 characters]")
        terminal.type(" please\r")
        terminal.expect("I know nothing of that.")
    submitted = next(event for event in events(folder) if event["type"] == "turn.submitted")
    assert submitted["parts"] == [
        {"type": "text", "text": "look at "},
        {"type": "pasted", "text": "one\ntwo"},
        {"type": "text", "text": " please"},
    ]


def test_an_agent_cannot_steer_the_terminal(folder: Path) -> None:
    with Terminal(folder, *CHAT) as terminal:
        terminal.expect("> ")
        terminal.type("clear\r")
        terminal.expect("gone")
        assert b"\x1b[2J" not in terminal.raw
        assert b"\x1b]0;" not in terminal.raw


def test_lines_of_a_pipe_are_turns_and_an_approval_ends_them(folder: Path) -> None:
    done = jackline(folder, *CHAT, said="hello\nrefund\nhello\n")
    assert done.returncode == 4
    assert "Good morning to you." in done.stdout
    assert f"jackline approve {SESSION} " in done.stdout
    assert done.stdout.count("Good morning") == 1
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_terminal_where_nothing_can_be_asked_is_told_why(folder: Path, term: str) -> None:
    with Terminal(folder, *CHAT, TERM=term) as terminal:
        terminal.expect("No approval is asked for here: this terminal (TERM)")
        terminal.type("refund\n")
        terminal.expect(f"jackline approve {SESSION} ")
        assert terminal.end() == 4
    assert QUESTION not in terminal.text


def test_without_an_agent_there_is_a_hint_at_the_local_model(folder: Path) -> None:
    done = jackline(folder, "chat")
    assert done.returncode == 2
    assert done.stderr.startswith("jackline: Say which agent, like agent:support")
    assert "--local" in done.stderr
    assert done.stderr.count("\n") == 1


def test_colours_are_left_out_where_nobody_wants_them(folder: Path) -> None:
    with Terminal(folder, *CHAT, NO_COLOR="1") as terminal:
        terminal.expect("> ")
        terminal.type("refund\r")
        terminal.expect(QUESTION)
        assert b"\x1b[33m" not in terminal.raw
        assert b"\x1b[31m" not in terminal.raw
