"""What was wished for once is done once, whenever the plan comes that says so."""

import json
from typing import Any

import pytest
from tests.core.flow.tools import LETTER, PAY
from tests.core.journal import ANN, HOSTILE, Journal

from jackline.core import events as e
from jackline.core.flow import FlowVerdict, judge
from jackline.core.messages import InputPart, Pasted, Text, ToolCall

BOB = {"account": "bob", "amount": 500}
ANN_TOO = {"account": "ann", "amount": 300}


def call(journal: Journal, arguments: object, *, tool: str = "pay", **fields: Any) -> str:
    """Let the model make a call, and return its key."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    model = f"model/{journal.seq}"
    reply = e.ModelReplied(model, (ToolCall(tool, written),), "m", e.Usage())
    key = f"{model}/tool/0"
    journal.add(reply, e.ToolStarted(key, tool, 1, "k", **fields))
    return key


def plan(journal: Journal, *calls: dict[str, Any]) -> None:
    journal.plan({"calls": [each if "tool" in each else _pay(each) for each in calls]})


def _pay(known: dict[str, Any]) -> dict[str, Any]:
    return {"tool": "pay", "known": known}


def tier(journal: Journal, arguments: dict[str, Any] = BOB) -> str:
    return judge(PAY, arguments, journal.readings.question()).tier


def steer(*parts: InputPart) -> e.TurnSteered:
    return e.TurnSteered("s", parts, ANN)


@pytest.mark.parametrize(
    "made",
    [
        BOB,
        {"account": "bob", "amount": "500"},
        {"account": "Bob", "amount": 500},
        BOB | {"memo": "rent"},
        {"account": "bob"},
        "no arguments",
    ],
)
def test_what_was_done_before_anything_was_read_is_not_done_again_by_a_plan(made: object) -> None:
    journal = Journal().ask("Pay 500 to bob, then tell me what his letter says.")
    call(journal, made)
    journal.result(HOSTILE)
    plan(journal, BOB)
    assert tier(journal) == "taint"


def test_a_call_before_the_plan_uses_up_its_own_wish_and_no_other() -> None:
    journal = Journal().ask("Pay 300 to ann, 500 to bob, and twice what the letters ask for.")
    call(journal, BOB | {"memo": "rent"})
    call(journal, LETTER, tool="send_email")
    call(journal, {"query": "letters"}, tool="search")
    journal.result(HOSTILE)
    plan(journal, {"tool": "pay", "unknown": ["account", "amount"]}, ANN_TOO, BOB)
    assert judge(PAY, ANN_TOO, journal.readings.question()).tier == "plan"
    assert journal.readings.wishes.spent == {2}


def test_what_was_asked_about_before_the_plan_uses_up_a_wish_that_it_fits_alone() -> None:
    for arguments, expected in ((BOB, "taint"), (ANN_TOO, "plan")):
        journal = Journal().ask("Pay 500 to bob.").result(HOSTILE)
        asked = e.InputRequested("approval", "why", 9.0, "t", "pay", json.dumps(arguments))
        journal.add(asked)
        plan(journal, BOB)
        assert tier(journal) == expected


def test_what_a_person_put_in_place_of_a_call_is_what_was_done() -> None:
    journal = Journal().ask("Pay 500 to bob.").result(HOSTILE)
    asked = e.InputRequested("approval", "why", 9.0, "t", "pay", json.dumps(ANN_TOO))
    changed = e.ToolStarted("t", "pay", 1, "k", arguments=json.dumps(BOB))
    journal.add(asked, changed, e.ToolReturned("t", (Text("Done."),)))
    plan(journal, BOB)
    assert tier(journal) == "taint"


def test_a_call_that_has_done_nothing_leaves_its_wish_to_another_plan() -> None:
    journal = Journal().ask("Pay 500 to bob.")
    journal.add(e.ToolFailed(call(journal, BOB), "The bank is closed.", "refused"))
    plan(journal, BOB)
    assert tier(journal) == "plan"
    journal = Journal().ask("Pay 500 to bob.")
    key = call(journal, BOB)
    journal.result(HOSTILE)
    plan(journal, BOB)
    assert tier(journal) == "taint"
    journal.add(e.ToolReconciled(key, happened=False, text="No."))
    assert tier(journal) == "plan"


def test_a_plan_that_is_about_to_be_journaled_is_charged_too() -> None:
    journal = Journal().ask("Pay 500 to bob.")
    call(journal, BOB)
    journal.result(HOSTILE).add(e.ModelReserved("model/0", "m", 1, 1, purpose="plan"))
    text = json.dumps({"calls": [_pay(BOB)]})
    heard = e.ModelReplied("model/0", (Text(text),), "m", e.Usage())
    question = journal.readings.question([heard])
    assert (question.plan is None, judge(PAY, BOB, question).tier) == (False, "taint")


def test_what_was_planned_and_done_is_not_done_again_by_the_plan_of_more_words() -> None:
    """As it was planned, though the model had written it otherwise."""
    journal = Journal().ask("Pay 500 to bob.").result(HOSTILE)
    plan(journal, BOB)
    spelt = {"account": "bob", "amount": "5e2"}
    call(journal, spelt, flow=FlowVerdict("allow", "plan", planned=0))
    journal.add(steer(Text("Thanks, go on. And 300 to ann.")))
    plan(journal, BOB, ANN_TOO)
    assert tier(journal) == "taint"
    assert tier(journal, ANN_TOO) == "plan"


def test_what_goes_on_with_a_turn_does_nothing_twice_and_what_is_typed_anew_may() -> None:
    for said, expected in (((), "taint"), ((Text("Pay 500 to bob."),), "plan")):
        journal = Journal().ask("Pay 500 to bob.")
        call(journal, BOB)
        journal.result(HOSTILE).add(e.TurnStopped(1, "budget")).ask(*said)
        plan(journal, BOB)
        assert tier(journal) == expected


def test_what_is_pasted_leaves_what_was_planned_and_done_as_it_is() -> None:
    journal = Journal().ask("Pay 500 to bob and 300 to ann.").result(HOSTILE)
    plan(journal, BOB, ANN_TOO)
    call(journal, BOB, flow=FlowVerdict("allow", "plan", planned=0))
    journal.add(steer(Pasted("Here is the list."), Text(" ")))
    assert (tier(journal), tier(journal, ANN_TOO)) == ("taint", "plan")
