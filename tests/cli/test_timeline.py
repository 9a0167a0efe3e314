"""A session as people read it."""

from typing import get_args

import pytest

from jackline.cli.approve import described
from jackline.cli.show import clean, exact, remark, short, span
from jackline.cli.timeline import Timeline
from jackline.core import events as e
from jackline.core.events import Record
from jackline.core.messages import Text, ToolCall

HIDDEN = {e.ModelReserved}
KEY = "turn/2/model/0"


def told(*events: e.Event, whole: bool = False) -> list[str]:
    timeline = Timeline(whole=whole)
    records = [Record(n, 1000.0 + n, event) for n, event in enumerate(events, 1)]
    return [f"{line.who}: {line.what}" for r in records for line in timeline.lines(r)][1:]


def test_a_call_is_told_by_its_name_from_the_reply_on() -> None:
    call = ToolCall("find", '{"order_id":"7"}')
    lines = told(
        e.ModelReplied(KEY, (Text("Let me look."), call), "m", e.Usage(10, 5)),
        e.ToolStarted(f"{KEY}/tool/0", "find", 1, "k"),
        e.ToolReturned(f"{KEY}/tool/0", (Text("500 cents"),)),
    )
    assert lines == ["m: Let me look.", 'm: → find {"order_id": "7"}', "find: ← 500 cents"]


@pytest.mark.parametrize("kind", get_args(e.Event))
def test_every_event_is_told_but_those_that_say_nothing_new(kind: type) -> None:
    assert (kind in HIDDEN) != (kind in Timeline.told())


def test_what_is_told_cannot_steer_a_terminal() -> None:
    (line,) = told(e.TurnCancelled(2, "\x1b[2Jgone\r\n\u202eback"))
    assert line == "turn: cancelled: \\x1b[2Jgone \\x202eback"
    call = ToolCall("pay", '{"to":"a\u200bb"}')
    (line,) = told(e.ModelReplied(KEY, (call,), "m", e.Usage()))
    assert line == 'm: → pay {"to": "a\\u200bb"}'


def test_who_acts_for_somebody_else_is_named() -> None:
    ann = e.Principal("ann")
    lines = told(
        e.TurnSubmitted("a", (Text("Pay."),), ann),
        e.TurnSteered("b", (Text("Soon."),), ann),
        e.TurnCancelRequested("Enough.", by="olga"),
        e.TurnSubmitted("c", (), ann),
        e.TurnSubmitted("d", (), ann, by="olga"),
        e.TurnResumed("asked", by="olga"),
        e.TurnResumed("timer"),
    )
    assert lines == [
        "ann: Pay.",
        "ann: Soon.",
        "turn: is to be cancelled by olga: Enough.",
        "ann: (go on)",
        "olga: (go on for ann)",
        "turn: goes on (asked by olga)",
        "turn: goes on (timer)",
    ]


def test_long_texts_are_cut_unless_the_whole_is_wanted() -> None:
    event = e.TurnCancelled(2, "x" * 1000)
    assert len(told(event)[0]) < 300
    assert "x" * 1000 in told(event, whole=True)[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bob@v\u0430nce.example", "letters of two scripts"),
        ("bob@\u0441\u043e\u0441\u043e.com", "letters that look like others"),
        ("\uff42ob@x.com", "letters of another width or style"),
        ("Grüße an größe@x.com", ""),
        ("\u043f\u0440\u0438\u0432\u0435\u0442 bob", ""),
        ("東京 Tower", ""),
    ],
)
def test_a_person_is_told_of_letters_that_look_like_others(text: str, told: str) -> None:
    assert remark(text) == told


def test_a_question_shows_each_value_with_nothing_out_of_sight() -> None:
    call = '{"body":"Hi","cc":"bob\u200b@x.com","to":"bob@v\u0430nce.example"}'
    origins = {"to": "search,\x1b[2J text"}
    asked = e.InputRequested("approval", "may\x07 it?", 60.0, "k", "send", call, origins=origins)
    assert described(asked, 0.0) == [
        r"may\u0007 it?",
        '  body = "Hi"',
        r'  cc = "bob\u200b@x.com"',
        '  to = "bob@v\u0430nce.example"  (letters of two scripts)  ← search,\\u001b[2J text',
        "  expires in 60 s",
    ]


def test_words_are_shown_as_they_are_and_controls_are_not() -> None:
    assert clean("Grüße 🙂 👩‍👩‍👧\n\tok") == "Grüße 🙂 👩‍👩‍👧\n\tok"
    assert clean("\x07\x9b") == "\\x07\\x9b"
    assert exact("a\u00adb\nc") == "a\\u00adb\\u000ac"
    assert exact("a\u00a0b\u3164\ufe0f") == "a\\u00a0b\\u3164\\ufe0f"
    assert exact(f"a{' ' * 150}b") == "a⎵\u00d7150b"
    assert exact("a" + "\n" * 9 + r"\n" * 9 + "b") == "a⎵\u00d718b"
    assert short("one\n two   three", 9) == "one two …"
    assert [span(s) for s in (0.5, 12, 180, 7200, 200_000)] == [
        "0.50 s",
        "12 s",
        "3 min",
        "2 h",
        "2 d",
    ]


def test_an_answer_that_was_cut_is_told_to_be() -> None:
    assert told(e.TurnCompleted(1, "Once", cut=True)) == [
        "turn: completed, but cut at the model's max_tokens"
    ]
