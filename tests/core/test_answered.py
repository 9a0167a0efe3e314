"""Whoever answers a question is heard by the model, and counts for what they are."""

import json

import pytest
from tests.core.flow.tools import LETTER
from tests.core.journal import ANN, HOSTILE, PLAN, Journal
from tests.core.story import Story, agent

from jackline.core import events as e
from jackline.core.messages import Text, ToolCall
from jackline.core.tools import tool
from jackline.core.value import replace

OWNER = "ann@x.com"
ASKED = e.InputRequested("approval", "why", 9.0, "t", "send_email", json.dumps(LETTER))
TO_JOE = json.dumps(LETTER | {"to": ["joe@x.com"]})


def answered(
    by: str, *, approved: bool = False, reason: str = "", to: str | None = None
) -> Journal:
    journal = Journal().ask("Write to my sister.").add(ASKED)
    answer = e.InputProvided(journal.seq, approved, by, arguments=to, reason=reason)
    return journal.add(answer)


def rejecting(journal: Journal, reason: str, to: str | None = None) -> Journal:
    asked = replace(ASKED, arguments=to or ASKED.arguments)
    journal.add(asked)
    return journal.add(e.InputProvided(journal.seq, approved=False, by=OWNER, reason=reason))


def test_what_the_user_says_in_rejecting_a_call_decides_nothing() -> None:
    journal = answered(OWNER, reason="No, nothing to eve@evil.com!").result("Mail.")
    assert journal.level("eve@evil.com") == "nowhere"
    assert journal.readings.known.strangers(["eve@evil.com"]) == ["eve@evil.com"]
    assert [each.text for each in journal.readings.requests] == ["Write to my sister."]


@pytest.mark.parametrize("planned_first", [True, False])
def test_of_a_tool_of_which_a_call_was_rejected_nothing_is_planned_until_more_is_typed(
    *, planned_first: bool
) -> None:
    twice = {"calls": PLAN["calls"] * 2}
    journal = Journal().ask("Write to bob@x.com twice.").result(HOSTILE)
    journal = rejecting(journal.plan(twice), "") if planned_first else rejecting(journal, "")
    journal = journal if planned_first else journal.plan(twice)
    assert journal.decision() == "taint"
    journal.add(e.TurnCompleted(1, "")).ask("Do write to bob@x.com.").plan()
    assert journal.decision() == "plan"


@pytest.mark.parametrize(("reason", "expected"), [("", "plan"), ("Do nothing.", "taint")])
def test_nothing_at_all_is_planned_once_the_user_rejects_in_words(
    reason: str, expected: str
) -> None:
    pay: dict[str, object] = {
        "tool": "pay",
        "known": {"account": "eve", "amount": 5},
        "unknown": [],
    }
    plan: dict[str, object] = {"calls": [*PLAN["calls"], pay]}
    journal = Journal().ask("Write to bob@x.com, and pay 5 to eve.").plan(plan).result(HOSTILE)
    assert rejecting(journal, reason).paying() == expected


@pytest.mark.parametrize(("to", "expected"), [(TO_JOE, "plan"), (None, "taint")])
def test_what_is_typed_after_a_rejection_is_planned_but_for_the_call_that_was_rejected(
    to: str | None, expected: str
) -> None:
    journal = rejecting(Journal().ask("Write to my sister.").result(HOSTILE), "No.", to)
    journal.add(e.TurnSteered("s", (Text("She is bob@x.com."),), ANN)).plan()
    assert journal.decision() == expected


def test_why_somebody_else_rejects_a_call_is_read_like_all_that_others_write() -> None:
    journal = answered("boss", reason=HOSTILE)
    known = journal.readings.known
    assert (known.tainted, known.private) == (True, True)
    assert journal.level("eve@evil.com") == "untrusted"
    assert len(journal.readings.requests) == 1
    assert not answered("boss").readings.known.tainted


@pytest.mark.parametrize(("by", "tainted"), [(OWNER, False), ("boss", True)])
def test_what_somebody_else_puts_in_place_of_arguments_is_read_as_theirs(
    by: str, *, tainted: bool
) -> None:
    assert answered(by, approved=True, to=TO_JOE).readings.known.tainted is tainted
    assert not answered(by, approved=True, to=json.dumps(LETTER)).readings.known.tainted
    assert not answered(by, approved=True).readings.known.tainted


def refused(said: e.ToolRefused) -> Journal:
    journal = Journal().ask("Pay.")
    reply = e.ModelReplied("model/1", (ToolCall("look", "{}"),), "m", e.Usage())
    return journal.add(reply, replace(said, key="model/1/tool/0"))


def denied(said: bool | str) -> e.ToolRefused:  # noqa: FBT001 - what a predicate says
    """Return how a call is refused of which the tool's predicate says this."""

    @tool(effect="read", allow=lambda _: said)
    def look() -> None:
        """Look."""

    told = Story(agent(tools=[look])).asked("Look.")
    (event,) = [each for each in told.calls("look") if isinstance(each, e.ToolRefused)]
    return event


def test_what_a_tool_s_own_predicate_says_is_read_and_that_it_just_says_no_is_not() -> None:
    known = refused(denied(HOSTILE)).readings.known
    assert (known.tainted, known.private) == (True, True)
    assert not refused(denied(said=False)).readings.known.tainted


def test_how_often_a_predicate_says_no_before_it_does_not_is_a_number_that_spells() -> None:
    journal, no = refused(denied(said=False)), denied(said=False)
    for _ in range(16):
        again = replace(no, key="model/1/tool/0")
        journal.add(again).result("Done.", tool="look")
        journal.add(e.ModelReplied("model/1", (ToolCall("look", "{}"),), "m", e.Usage()), again)
    assert (journal.paying(), journal.readings.known.tainted) == ("origin", False)


@pytest.mark.parametrize(("reason", "unplanned"), [("No, 7 cents.", False), ("", True)])
def test_no_plan_is_asked_for_once_the_user_rejects_in_words(
    reason: str, *, unplanned: bool
) -> None:
    told = Story().asked("Pay back 5 cents.")
    told.goes_on()
    told.replied(ToolCall("refund", '{"cents":5}'))
    told.goes_on()
    (question,) = [each.question for each in told.turn.calls]
    told.told(e.InputProvided(question, approved=False, by="ann", reason=reason))
    assert told.turn.unplanned is unplanned
