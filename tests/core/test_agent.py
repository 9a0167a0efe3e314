"""A definition that cannot be enforced cannot be made, and one sentence says why."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.core.story import look, put

from jackline.core.agent import Agent, Budget, Limits, Window
from jackline.core.app import App
from jackline.core.budget import Price
from jackline.core.errors import DefinitionError
from jackline.core.guards import DenyList
from jackline.core.outputs import Invalid, Output
from jackline.core.rates import Rate
from jackline.core.tools import Context
from jackline.testing import ScriptedModel


@dataclass
class Weather:
    """What an answer has to be."""

    degrees: int
    place: str = "here"


def agent(**changes: Any) -> Agent:
    fields: dict[str, Any] = {"name": "clerk", "model": "openai:gpt-5.4-mini", **changes}
    return Agent(**fields)


async def slow_instructions(ctx: Context[None]) -> str:
    return ctx.call_key


class Door:
    name = "door"
    gates = frozenset({"door"})
    hold_back = 0

    def judge(self, gate: str, text: str) -> None: ...


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "is no agent's name"),
    ({"name": "a b"}, "is no agent's name"),
    ({"name": "x" * 65}, "is no agent's name"),
    ({"name": 7}, "is no agent's name"),
    ({"model": []}, "has no model"),
    ({"model": ""}, "has no model"),
    ({"model": None}, "has no model"),
    ({"model": ["openai:x", 5]}, "5 is no model"),
    ({"instructions": None}, "neither a str nor a def"),
    ({"instructions": slow_instructions}, "neither a str nor a def"),
    ({"instructions": "a\ud800"}, "lone surrogate"),
    ({"tools": look}, r"tools=\[look\]"),
    ({"tools": [print]}, "is no tool: write @tool"),
    ({"tools": [look, look]}, "two tools named 'look'"),
    ({"output": "json"}, "has no JSON schema"),
    ({"output": 5}, "has no JSON schema"),
    ({"output": Callable[[], None]}, "has no JSON schema"),
    ({"budget": "0.50"}, r"budget of agent 'clerk' wants a Budget\(…\)"),
    ({"limits": None}, "limits of agent"),
    ({"window": 1}, "window of agent"),
    ({"rates": {"planet": Rate(requests_per_minute=1)}}, "for: model, session, user, tenant"),
    ({"rates": {"user": "30/min"}}, r"want a Rate\(…\)"),
    ({"rates": {"user": Rate(tokens_per_minute=4_096)}}, "never lets a request .* through"),
    ({"guards": [DenyList]}, "is no guard"),
    ({"guards": ["secret"]}, "is no guard"),
    ({"guards": [Door()]}, "door stands at no gate"),
    ({"max_tokens": 0}, "max_tokens=0"),
    ({"max_tokens": "many"}, "max_tokens='many'"),
    ({"max_tokens": True}, "max_tokens=True"),
    ({"price": Price(1, 1), "price_as": "openai:x"}, "two answers to one question"),
    ({"on_ask": "wait"}, "neither 'pause' nor 'refuse'"),
]


@pytest.mark.parametrize(("changes", "why"), REFUSED, ids=lambda value: str(value)[:40])
def test_an_agent_that_cannot_be_driven_cannot_be_made(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(DefinitionError, match=why) as caught:
        agent(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        (Budget, {"usd": 0}, "usd=0 lets nothing run"),
        (Budget, {"session_usd": -1}, "session_usd=-1 lets nothing run"),
        (Budget, {"user_usd_per_day": "0.0000001"}, "lets nothing run"),
        (Budget, {"tenant_usd_per_day": "much"}, "no amount of dollars"),
        (Budget, {"usd": "nan"}, "no amount of dollars"),
        (Budget, {"usd": "1e9999999999"}, "no amount of dollars"),
        (Limits, {"model_calls": 0}, "model_calls=0 is no limit.*or None for no limit"),
        (Limits, {"driven_s": float("nan")}, "driven_s=nan"),
        (Limits, {"answer_s": float("inf")}, "answer_s=inf is no limit"),
        (Limits, {"driven_s": "1"}, "driven_s='1'"),
        (Limits, {"tool_calls": 1.5}, "tool_calls=1.5"),
        (Limits, {"attempts": True}, "attempts=True"),
        (Limits, {"attempts": None}, "attempts=None is no limit: give a finite number above 0[.]"),
        (Limits, {"model_tries": -3}, "model_tries=-3"),
        (Window, {"fill": 0}, "Window wants"),
        (Window, {"fill": "all"}, "Window wants"),
        (Window, {"keep_last": 0}, "Window wants"),
        (Window, {"pin_first": -1}, "Window wants"),
        (Window, {"keep_last": 2.5}, "Window wants"),
    ],
)
def test_a_limit_that_lets_nothing_run_cannot_be_made(
    kind: Callable[..., object], changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(DefinitionError, match=why):
        kind(**changes)


def test_limits_can_be_removed_by_name() -> None:
    limits = Limits(
        driven_s=None, model_calls=None, tool_calls=None, input_bytes=None, stale_rounds=None
    )
    budget = Budget(usd=None, session_usd=None)
    assert agent(limits=limits, budget=budget).budget.per_turn is None


def test_rates_bound_requests_tokens_or_both() -> None:
    rates = {
        "model": Rate(requests_per_minute=1),
        "tenant": Rate(tokens_per_minute=5_000, requests_per_minute=9),
    }
    assert agent(rates=rates).rates == rates


def test_limits_are_on_by_default() -> None:
    made = agent()
    assert (made.budget.per_turn, made.budget.per_session) == (500_000, 2_000_000)
    assert (made.limits.driven_s, made.limits.model_calls, made.limits.tool_calls) == (120, 25, 50)


def test_an_agent_has_at_most_15_parameters() -> None:
    assert len(inspect.signature(Agent).parameters) <= 15


def test_one_model_or_several_are_models() -> None:
    scripted = ScriptedModel(["hi"])
    assert agent().models == ("openai:gpt-5.4-mini",)
    assert agent(model=scripted).models == (scripted,)
    assert agent(model=[scripted, "openai:x"]).models == (scripted, "openai:x")


def brief(ctx: Context[None]) -> str:
    return "".join(word for word in (ctx.user.user, "be brief"))


def rambling(ctx: Context[None]) -> str:
    return "".join(word for word in (ctx.user.user, "ramble"))


class Rendered:
    def __call__(self, ctx: Context[None]) -> str:
        return ctx.user.user


def test_a_version_changes_with_what_changes_how_a_turn_goes() -> None:
    versions = [
        agent(**changes).version
        for changes in (
            {},
            {"instructions": "Be brief."},
            {"instructions": brief},
            {"instructions": rambling},
            {"instructions": Rendered()},
            {"tools": [look]},
            {"tools": [look, put]},
            {"output": Weather},
            {"limits": Limits(model_calls=3)},
            {"budget": Budget(usd=1)},
            {"max_tokens": 7},
            {"version": "1.0"},
        )
    ]
    assert len(set(versions)) == len(versions)
    assert versions[-1] == "1.0"


def test_a_version_is_the_same_in_every_process() -> None:
    source = inspect.getsource(brief)
    spaces: list[dict[str, Any]] = [{"Context": Context}, {"Context": Context}]
    for space in spaces:
        exec(source, space)  # noqa: S102 - as another process would
    one, other = (agent(instructions=space["brief"]).version for space in spaces)
    assert one == other


def test_a_typed_output_says_its_schema_and_counts_in_the_bound() -> None:
    typed, plain = agent(output=Weather), agent()
    assert typed.typed is not None
    assert typed.typed.schema["required"] == ["degrees"]
    assert typed.tools_bytes > plain.tools_bytes


@pytest.mark.parametrize(
    "text",
    [
        '{"degrees": 7}',
        ' {"degrees":7,"place":"here"}\n',
        '```\n{"degrees": 7}\n```',
        '```json\n{"degrees": 7}\n```',
    ],
)
def test_an_answer_is_read_with_and_without_a_fence(text: str) -> None:
    output = Output(Weather)
    checked = output.check(text)
    assert isinstance(checked, str)
    assert checked == '{"degrees":7,"place":"here"}'
    assert output.load(checked) == Weather(7)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "answer: Invalid JSON"),
        ("It is warm.", "answer: Invalid JSON"),
        ("```", "Invalid JSON"),
        ('{"degrees":"warm"}', "degrees: Input should be a valid integer"),
        ("{}", "degrees: Field required"),
        ("[]", "answer: "),
        ('{"degrees":"\ud800"}', "unicode"),
    ],
)
def test_what_is_wrong_with_an_answer_is_told_to_the_model(text: str, why: str) -> None:
    checked = Output(Weather).check(text)
    assert isinstance(checked, Invalid)
    assert why in checked.text
    assert len(checked.text) < 1_200


def test_an_output_may_be_any_type_that_has_a_schema() -> None:
    output = Output(list[Weather])
    checked = output.check('[{"degrees":1}]')
    assert isinstance(checked, str)
    assert output.load(checked) == [Weather(1)]


@pytest.mark.parametrize(("agents", "why"), [([], "there is none"), (["x"], "'x' is none")])
def test_an_app_is_made_of_agents(agents: list[Any], why: str) -> None:
    with pytest.raises(DefinitionError, match=why):
        App(agents)
    assert App([agent()]).deps is None
