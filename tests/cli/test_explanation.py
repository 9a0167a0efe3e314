"""Why a call was allowed, asked about or refused, as its journal tells it."""

import pytest

from jackline.cli.explanation import Explanation, explained
from jackline.core import events as e
from jackline.core.errors import InputError, NotFoundError
from jackline.core.events import Record
from jackline.core.flow import FlowVerdict
from jackline.core.flow.judge import Origin
from jackline.core.messages import Text, ToolCall

KEY = "turn/2/model/0/tool/0"
ANN = e.Principal("ann", frozenset({"support", "lead"}))
FLOW = FlowVerdict(
    "ask",
    "origin",
    "nobody who may decide it said to of send",
    (
        Origin("to", "eve@x", "open"),
        Origin("text", "hi\u200b", "found", "user", "what the user typed", 2),
    ),
)
BEGUN = (
    e.SessionOpened("support", "ann"),
    e.TurnSubmitted("r", (Text("Send it"),), ANN),
    e.ModelReplied(
        "turn/2/model/0",
        (ToolCall("send", '{"to": "eve@x"}'), ToolCall("look", "{}")),
        "free",
        e.Usage(),
    ),
)


def told(*events: e.Event, wanted: str = KEY) -> Explanation:
    records = [Record(n, 0.0, event) for n, event in enumerate((*BEGUN, *events), 1)]
    return explained(records, wanted)


def texts(found: Explanation) -> list[str]:
    return [line for step in found.steps for line in (step.text, *step.lines)]


def test_guards_flow_and_rules_are_told_with_what_they_said() -> None:
    found = told(
        e.GuardJudged("call", "classifier", "flag", KEY, reason="it reads like an instruction"),
        e.GuardJudged("call", "other", "flag", "turn/2/model/0/tool/1"),
        e.InputRequested(
            "approval", "send asks", 9.0, KEY, "send", flow=FLOW, rules=("policy/3fa9c1d2/out",)
        ),
        e.InputProvided(6, approved=True, by="bob", reason="I know her"),
        e.ToolStarted(
            KEY, "send", 2, "k", allowed=("size",), rules=("tool.roles", "cedar/0a1b2c3d", "new")
        ),
        e.ToolUnknown(KEY, "Nobody knows."),
    )
    assert texts(found) == [
        'free asked for send {"to": "eve@x"}',
        "the guard classifier said flag: it reads like an instruction",
        "a person had to decide: send asks",
        "by the operator's rule 'out' (policy 3fa9c1d2)",
        "flow said ask (origin): nobody who may decide it said to of send",
        "  to 'eve@x': open, written by the model, from all that it had read",
        "  text 'hi\\\\u200b': found, what the user typed, event 2",
        "approved by bob: I know her",
        "allowed, and begun, attempt 2",
        "let by the tool's own roles",
        "let by Cedar (policies 0a1b2c3d)",
        "let by new",
        "guards that let it: size",
        "Nobody knows.",
    ]
    assert found.verdict == "allowed, after a person approved it"
    assert found.whom == "ann with lead, support"


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        (e.ToolRefused(KEY, "no", "policy", rules=("cedar/0a1b2c3d/dear",)), "refused"),
        (e.ToolStarted(KEY, "send", 1, "k"), "allowed"),
        (e.InputRequested("approval", "?", 9.0, KEY), "it waits for a person"),
        (e.ToolStarted("turn/2/model/0/tool/1", "look", 1, "k"), "not decided yet"),
    ],
)
def test_how_it_was_decided_is_told_in_words(event: e.Event, verdict: str) -> None:
    assert told(event).verdict == verdict


def test_origins_that_a_person_saw_are_told() -> None:
    asked = e.InputRequested("approval", "?", 9.0, KEY, origins={"to": "'eve@x': a mail"})
    answer = e.InputProvided(4, approved=False, by="bob", arguments='{"to": "x"}')
    found = told(asked, answer, e.ToolFailed(KEY, "late"), e.ProgressReported(KEY, "half"))
    assert texts(found)[2:] == ["to: 'eve@x': a mail", 'declined by bob, with {"to": "x"}', "late"]


def test_a_call_is_found_by_key_tool_or_the_position_of_an_event_about_it() -> None:
    started = e.ToolStarted(KEY, "send", 1, "k")
    assert {told(started, wanted=each).key for each in (KEY, "send", "4")} == {KEY}
    assert told(started, wanted="look").key != KEY


@pytest.mark.parametrize("wanted", ["3", "99", "nix", "turn/9/model/0/tool/0"])
def test_a_call_that_is_not_there_is_told_with_those_that_are(wanted: str) -> None:
    with pytest.raises(NotFoundError, match=r"There are: turn/2/model/0/tool/0 \(send\)"):
        told(wanted=wanted)


def test_of_several_calls_of_a_tool_one_has_to_be_named() -> None:
    again = e.ModelReplied("turn/2/model/1", (ToolCall("send", "{}"),), "free", e.Usage())
    with pytest.raises(InputError, match="several calls of 'send': give a key"):
        told(again, wanted="send")


def test_whose_input_was_erased_is_nobody_by_name() -> None:
    records = [Record(n, 0.0, event) for n, event in enumerate((BEGUN[0], BEGUN[0], BEGUN[2]), 1)]
    assert "erased" in explained(records, KEY).whom
    assert explained(records, KEY).as_json["roles"] == ()
