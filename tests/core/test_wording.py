"""What is said of a call that was not made is heard, unless all of it is jackline's own."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from annotated_types import Predicate
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, HttpUrl, field_validator
from pydantic_core import PydanticCustomError
from tests.core.journal import HOSTILE, Journal
from tests.core.story import Story, agent, refund

from jackline.core import events as e
from jackline.core.codec import decode, encode
from jackline.core.guards import Verdict
from jackline.core.tools import Tool, tool

Line = TypeVar("Line")


def raises(value: object) -> bool:
    raise ValueError(f"There is no {value}; there are: {HOSTILE}")


def asserts(value: object) -> object:
    raise AssertionError(f"There is no {value}; there are: {HOSTILE}")


def calls_it_so(value: object) -> object:
    raise PydanticCustomError("no_ticket", "There are: {open}", {"open": (value, HOSTILE)})


def looks_up(value: object) -> object:
    return [value, HOSTILE]


def looked_at(value: object) -> object:
    return value


class Page(BaseModel, Generic[Line]):
    lines: list[Line] = Field(default_factory=list)  # pyright: ignore[reportUnknownVariableType] - pydantic calls it


class Ticket(BaseModel):
    number: str

    @field_validator("number", mode="before")
    @classmethod
    def found(cls, value: object) -> object:
        return [value, HOSTILE]


class Made(BaseModel):
    number: str

    def __init__(self, **given: object) -> None:
        super().__init__(number=[given, HOSTILE])


class Found(list[object]):
    def __init__(self, value: object) -> None:
        super().__init__([value, HOSTILE])


@dataclass
class Checked:
    number: str

    def __post_init__(self) -> None:
        raises(self.number)


def looking(kind: Any, **options: Any) -> Tool:
    """Return a tool that takes a ticket of this type."""

    async def look(ticket: object, days: Annotated[int, Field(gt=0)] = 1) -> str:
        """Look."""
        return f"{ticket} is due in {days}"

    look.__annotations__["ticket"] = kind
    return tool(effect="read", **options)(look)


def is_heard(told: Story, code: str) -> bool:
    """Whether why the one call was refused counts for what anybody may have written."""
    (refused,) = [each for _, each in told.events if isinstance(each, e.ToolRefused)]
    assert refused.code == code
    assert decode(encode(refused)) == refused
    return told.readings.known.tainted


def refused(tool: Tool, arguments: object, **changes: Any) -> Story:
    """Return a story whose model asked for this call in vain."""
    told = Story(agent(tools=[tool], **changes)).asked()
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    told.calls(tool.name, arguments=text)
    return told


VALIDATED = Annotated[str, AfterValidator(raises)]


@pytest.mark.parametrize(
    "kind",
    [
        VALIDATED,
        list[VALIDATED],
        VALIDATED | None,
        Annotated[str, AfterValidator(asserts)],
        Annotated[str, AfterValidator(calls_it_so)],
        Annotated[str, BeforeValidator(looks_up)],
        Annotated[str, BeforeValidator(partial(looks_up))],
        Annotated[str, BeforeValidator(Found)],
        Annotated[str, Predicate(raises)],
        Ticket,
        list[Ticket],
        Made,
        Checked,
    ],
)
def test_what_a_validator_of_the_tool_s_author_says_is_heard(kind: Any) -> None:
    for number in ("t-1", ["t-1"], {"number": "t-1"}, [{"number": "t-1"}]):
        told = refused(looking(kind), {"ticket": number})
        if HOSTILE in str(told.events[-2]):
            assert is_heard(told, "arguments")
            break
    else:
        pytest.fail("the validator said nothing")


def breaks(number: str) -> str:
    """Break as validators do whose author thought of one kind of value only."""
    raise LookupError(f"{HOSTILE} {number}")


def test_a_validator_that_breaks_refuses_the_call_and_ends_no_turn() -> None:
    told = refused(looking(Annotated[str, AfterValidator(breaks)]), {"ticket": "t-1"})
    assert is_heard(told, "arguments")
    assert HOSTILE not in str(told.events)
    assert "could not be checked: a validator raised LookupError" in str(told.events)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (str, {"ticket": 7}),
        (Literal["a", "b"], {"ticket": "c"}),
        (Path | Ticket, {}),
        (VALIDATED, {}),
        (VALIDATED, {"tickets": 7}),
        (VALIDATED, "[1]"),
        (Annotated[str, BeforeValidator(looked_at)], {"ticket": "t", "days": 0}),
        (Annotated[int, BeforeValidator(str)], {"ticket": "t"}),
        (list[Page[str]], {"ticket": [{"lines": 7}]}),
        (Path, {"ticket": 7}),
        (HttpUrl, {"ticket": "no URL"}),
    ],
)
def test_what_jackline_and_its_library_say_of_arguments_is_not_heard(
    kind: Any, arguments: object
) -> None:
    assert not is_heard(refused(looking(kind), arguments), "arguments")


def test_what_a_validator_says_of_an_edit_is_heard() -> None:
    told = Story(agent(tools=[looking(Annotated[int, AfterValidator(odd)], approve=True)])).asked()
    told.calls("look", arguments='{"ticket":1}')
    question = told.session.questions[0]
    edit = '{"days":1,"ticket":2}'
    told.told(e.InputProvided(question, approved=True, by="ann", arguments=edit))
    told.goes_on()
    assert is_heard(told, "arguments")


def odd(value: int) -> int:
    if value % 2:
        return value
    raise ValueError(HOSTILE)


class Guards:
    name = "guards"
    gates: frozenset[e.Gate] = frozenset(("call",))
    hold_back = 0

    def __init__(self, decision: e.Decision) -> None:
        self.decision: e.Decision = decision

    def judge(self, gate: e.Gate, text: str) -> Verdict:
        del gate, text
        return Verdict(self.decision, HOSTILE)


@pytest.mark.parametrize("decision", ["block", "redact"])
def test_why_a_guard_lets_no_call_pass_is_heard(decision: e.Decision) -> None:
    told = refused(refund, {"cents": 5}, guards=[Guards(decision)])
    assert is_heard(told, "guard")


def test_why_a_call_wants_an_approval_is_heard_where_a_guard_says_it() -> None:
    told = refused(refund, {"cents": 5}, guards=[Guards("ask")], on_ask="refuse")
    assert is_heard(told, "needs_approval")
    assert not is_heard(refused(refund, {"cents": 5}, on_ask="refuse"), "needs_approval")


@pytest.mark.parametrize("code", ["unknown_tool", "policy", "forbidden", "expired", "rejected"])
def test_a_refusal_that_only_jackline_words_is_not_heard_and_any_other_is(code: str) -> None:
    for said, is_tainted in ((code, False), ("something_new", True)):
        journal = Journal().ask("Look.").add(e.ToolRefused("t", "No.", said))
        assert journal.readings.known.tainted is is_tainted
