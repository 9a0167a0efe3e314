"""An extraction is a call of a tool and a question to a model, begun and ended together."""

import json
from typing import Any

import pytest
from tests.core.story import Story, agent, kinds, look

from jackline.core import events as e
from jackline.core.budget import Account, Price, Terms
from jackline.core.errors import DefinitionError
from jackline.core.extracting import extract
from jackline.core.guards import ALLOW, Verdict
from jackline.core.messages import Text, ToolCall
from jackline.core.results import DONE
from jackline.core.tools import tool

ASKS = json.dumps({"source": "jackline:text:7:", "question": "How much?", "kind": "number"})
DEAR = Terms("dear", Price("1", "1"))


class Asking:
    """A guard that has a person look at every extraction."""

    name = "asking"
    gates: frozenset[e.Gate] = frozenset({"call"})
    hold_back = 0

    def judge(self, gate: e.Gate, text: str) -> Verdict:
        del gate
        return Verdict("ask", reason="who knows") if text.startswith("extract") else ALLOW


def story(*terms: Terms, **changes: Any) -> Story:
    return Story(agent(tools=(look, extract), **changes), *terms).asked()


def calls(told: Story, *names: str) -> list[e.Event]:
    """Let the model ask for tools, and return what becomes of that."""
    told.goes_on()
    told.replied(*(ToolCall(name, ASKS if name == "extract" else "{}") for name in names))
    return told.goes_on()


def test_an_extraction_begins_with_the_money_for_it_before_all_other_calls() -> None:
    told = story()
    begun = calls(told, "look", "extract")
    assert kinds(begun) == ["tool.started", "model.reserved"]
    assert told.key == f"{told.tool_key(1)}/extract"
    assert told.goes_on() == [], "one question at a time, and nothing beside it"
    said = e.ModelReplied(told.key, (Text('{"value": 5}'),), "free", e.Usage())
    told.told(said, e.ToolReturned(told.tool_key(1), (Text('{"value":5}'),)))
    assert [each.name for each in told.goes_on() if isinstance(each, e.ToolStarted)] == ["look"]


def test_one_that_a_person_allows_late_waits_until_nothing_runs() -> None:
    told = story(guards=[Asking()])
    assert kinds(calls(told, "look", "extract"))[-2:] == ["input.requested", "tool.started"]
    (asked,) = [each for _, each in told.events if isinstance(each, e.InputRequested)]
    (seq,) = told.session.questions
    told.told(e.InputProvided(seq, approved=True, by="ann", digest=asked.digest))
    assert told.goes_on() == []
    told.returned()
    assert kinds(told.goes_on()) == ["tool.started", "model.reserved"]


def test_where_others_hold_the_money_it_waits_and_where_none_is_left_it_is_refused() -> None:
    told = story(DEAR)
    told.goes_on()
    told.replied(ToolCall("extract", ASKS))
    told.account = Account("user/ann", 100_000, 0, 100_000)
    assert told.goes_on() == []
    told.account = Account("user/ann", 10, 10, 0)
    (refused,) = [each for each in told.goes_on() if isinstance(each, e.ToolRefused)]
    assert refused.code == "extraction"


def test_without_a_model_that_may_be_asked_it_is_refused() -> None:
    told = story()
    told.goes_on()
    key = told.key
    told.replied(ToolCall("extract", ASKS))
    told.told(e.BudgetBreached(key, "free", 1, 2))
    (refused,) = [each for each in told.goes_on() if isinstance(each, e.ToolRefused)]
    assert refused.text == "Not made: Every model has billed more than it was held to."


def test_one_that_is_lost_with_its_worker_has_failed_and_is_not_made_again() -> None:
    told = story()
    calls(told, "extract")
    told.told(told.taken())
    assert kinds(told.goes_on())[:2] == ["hold.unconfirmed", "tool.failed"]


def test_where_the_turn_ends_meanwhile_question_and_call_end_with_it() -> None:
    told = story()
    calls(told, "extract")
    told.told(e.TurnCancelRequested("enough"))
    assert kinds(told.goes_on()) == ["hold.unconfirmed", "tool.failed", "turn.cancelled"]


def test_it_counts_as_a_tool_call() -> None:
    told = story()
    calls(told, "extract")
    assert (told.turn.tools, told.turn.models) == (1, 1)


def test_a_quarantined_tool_that_returns_nothing_says_that_it_is_done() -> None:
    told = story()
    calls(told, "look")
    told.told(e.ToolReturned(told.tool_key(), (Text(DONE),), quarantined=True))
    assert DONE in str(list(told.session.messages))
    assert not told.readings.known.tainted


def test_quarantined_is_true_or_false() -> None:
    said: dict[str, Any] = {"quarantined": "yes"}
    with pytest.raises(DefinitionError, match="quarantined wants True or False"):
        tool(effect="read", **said)(look.function)
