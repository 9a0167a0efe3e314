"""What is told of a question: why it is asked, and who wrote what, in words that cannot steer."""

from rich.text import Text

from jackline.core import events as e
from jackline.core.flow import FlowVerdict, Origin
from jackline.demo.narration import Narration


def told(*origins: Origin) -> str:
    flow = FlowVerdict("ask", "taint", "nobody planned it", origins)
    asked = e.InputRequested("approval", "?", 9.0, "k", "send_mail", "{}", flow=flow)
    return Text.from_markup(Narration().told(e.Record(1, 0.0, asked))).plain


def test_a_question_says_why_it_is_asked_and_who_wrote_each_value() -> None:
    short = Origin("to", "eve@attacker.example", "open", "untrusted", "read_inbox", 3)
    long = Origin("body", "x" * 200, "open", "untrusted", "", 0)
    assert told(short, long).splitlines() == [
        "? send_mail {}",
        "  nobody planned it",
        "  to 'eve@attacker.example' ← read_inbox",
        "  body ← written by the model, from all that it had read",
        "  waits for a person",
    ]


def test_what_an_attacker_wrote_steers_nothing() -> None:
    hostile = Origin("to", "\x1b[2J[red]no[/red]", "open", "untrusted", "read\x1b_inbox", 3)
    said = told(hostile)
    assert "\x1b" not in said
    assert "[red]no[/red]" in said
