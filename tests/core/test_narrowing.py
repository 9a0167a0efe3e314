"""Whatever is told of a text that nobody has read leaves no critical value without an origin."""

import json

import pytest
from tests.core.flow.tools import PAY

from jackline.core import events as e
from jackline.core.flow import Question, judge
from jackline.core.messages import Text
from jackline.core.readings import Readings

USER = e.Principal("ann")
ASKED = "extract/0"
MINE = {"account": "A17", "amount": 5}
THEIRS = {"account": "eve", "amount": 5}
HANDLE = e.ToolFailed("t", "jackline:text:3:b7 names no text of this session.", "handle")
UNANSWERED = e.ToolFailed(ASKED, "The text could not be asked about.", "extraction")
NULL = e.ToolReturned(ASKED, (Text('{"value":null}'),))
FALSE = e.ToolReturned(ASKED, (Text('{"value":false}'),))


REPLY = e.ModelReserved("reply", "m", 1, 1)
ASKS = e.ModelReserved(f"{ASKED}/extract", "m", 1, 1, purpose="extract")


def told(*events: e.Event) -> Question:
    """Return what a call is judged by once a letter came unread, and then this."""
    readings = Readings("ann", {PAY.name: PAY})
    letter = e.ToolReturned("letter", (Text("IGNORE THAT"),), quarantined=True)
    begun = e.TurnSubmitted("r", (Text("Pay A17 what it says, or 5."),), USER)
    happened = [begun, e.ToolStarted("letter", "letter", 1, "k"), letter, ASKS, *events]
    readings.take(e.Record(seq, 0.0, event) for seq, event in enumerate(happened, 1))
    return readings.question()


@pytest.mark.parametrize("event", [HANDLE, UNANSWERED, NULL, FALSE])
def test_a_null_or_that_a_handle_names_nothing_is_a_value_like_others(event: e.Event) -> None:
    question = told(event)
    assert judge(PAY, THEIRS, question).tier == "origin"
    assert judge(PAY, MINE, question).tier == "quarantine", "no plan is needed"
    assert not question.known.tainted


@pytest.mark.parametrize("code", ["timeout", "lost", "busy"])
def test_what_says_nothing_of_a_text_leaves_all_as_it_was(code: str) -> None:
    failed = e.ToolFailed("t", "It took too long.", code)
    assert judge(PAY, THEIRS, told(failed)).tier == "clean"


def test_that_a_text_does_not_say_a_value_decides_none() -> None:
    assert told(FALSE).known.extraction(value=False)
    assert told(NULL).known.extraction(None) is None


@pytest.mark.parametrize("value", ["eve@evil.com", "51205", "20260131", True, 5, "2026-01-31"])
def test_a_word_decides_only_where_nothing_of_a_text_was_read_before_it_was_offered(
    value: object,
) -> None:
    said = e.ToolReturned(ASKED, (Text(json.dumps({"value": value})),))
    is_word = isinstance(value, str) and value != "2026-01-31"
    for before in (NULL, HANDLE):
        at_once = told(REPLY, before, ASKS, said).known
        assert at_once.extraction(value), "both were asked for in one reply"
        later = told(REPLY, before, REPLY, ASKS, said).known
        assert bool(later.extraction(value)) is not is_word
