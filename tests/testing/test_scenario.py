import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from jackline import Agent, DefinitionError, Runtime, SessionId, ToolCall, User, tool
from jackline.core.events import (
    Event,
    ModelReplied,
    ModelReserved,
    Principal,
    Record,
    SessionOpened,
    TurnCompleted,
    TurnSubmitted,
    Usage,
)
from jackline.core.messages import Message, Text
from jackline.ports import Reply, Request
from jackline.testing import Answer, Say, Scenario, ScriptedModel, Takes, scenario
from jackline.testing.model import NOTHING_PLANNED
from jackline.testing.recording import Recorded, by_input, plans, recorded, scripts, write


@tool(effect="once", approve=True)
def pay(cents: int) -> str:
    """Pay."""
    return f"paid {cents}"


REPLIES = [[ToolCall("pay", '{"cents": 5}')], "It is paid."]
agent = Agent("clerk", ScriptedModel(REPLIES), tools=[pay])


def entered(provide: Callable[..., Any]) -> tuple[object, list[str]]:
    """Return what tools are given by a scenario of this function, and what it then released."""
    made: Scenario = scenario(agent=agent, input="Pay.")(provide)

    async def run() -> object:
        given: AbstractAsyncContextManager[object] = made.dependencies(User("tess"))
        async with given as deps:
            return deps

    return asyncio.run(run()), released


released: list[str] = []


async def generator(user: User) -> AsyncGenerator[str]:
    yield f"a shop for {user.id}"
    released.append("generator")


@asynccontextmanager
async def manager() -> AsyncGenerator[str]:
    yield "a shop"
    released.append("manager")


@contextmanager
def blocking_manager(user: User) -> Generator[str]:
    yield f"a shop for {user.id}"
    released.append("blocking manager")


async def coroutine() -> str:
    return "a shop"


def plain(user: User) -> str:
    return f"a shop for {user.id}"


@pytest.mark.parametrize(
    ("provide", "deps", "name"),
    [
        (generator, "a shop for tess", "generator"),
        (manager, "a shop", "manager"),
        (blocking_manager, "a shop for tess", "blocking manager"),
        (coroutine, "a shop", ""),
        (plain, "a shop for tess", ""),
    ],
)
def test_any_way_to_make_dependencies_is_taken_and_they_are_released(
    provide: Callable[..., Any], deps: str, name: str
) -> None:
    released.clear()
    assert entered(provide) == (deps, [name] if name else [])


def test_a_scenario_approves_unless_it_says_otherwise() -> None:
    said = scenario(agent=agent, input="Pay.", answers={"pay": False})(plain)
    assert not said.answer("pay").approved
    silent = scenario(agent=agent, input=["Pay.", Say("Now.", wait=False)])(plain)
    assert silent.answer("pay") == Answer(approved=True)
    assert [say.wait for say in silent.turns] == [True, False]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"replies": ["Yes."], "record": "file"}, "give one of them"),
        ({"input": []}, "A scenario says something"),
        ({"answers": {"buy": True}}, "answers names 'buy'; the tools are: pay."),
    ],
)
def test_a_scenario_that_says_nothing_clear_is_refused(
    options: dict[str, Any], sentence: str
) -> None:
    given: dict[str, Any] = {"input": "Pay.", **options}
    with pytest.raises(DefinitionError, match=sentence):
        scenario(agent=agent, **given)


def test_recorded_replies_are_said_again(tmp_path: Path) -> None:
    async def run(model: Any) -> tuple[str, list[Recorded]]:
        ready = Agent("clerk", model, tools=[tool(effect="read", name="pay")(pay.function)])
        async with Runtime([ready], store="memory://") as runtime:
            result = await runtime.run("clerk", "Pay.", session="s")
            records = await runtime.store.read(SessionId("default", "s"))
            return result.text, recorded(records)

    text, replies = asyncio.run(run(ScriptedModel(REPLIES)))
    assert text == "It is paid."
    assert [each.said for each in replies] == ["Pay.", "Pay."]
    write(tmp_path / "replies", replies)
    made = scenario(agent=agent, input="Pay.", record=tmp_path / "replies")(plain)
    text, again = asyncio.run(run(made.model()))
    assert (text, again) == ("It is paid.", replies)


def test_what_is_said_twice_is_answered_as_it_was_each_time(tmp_path: Path) -> None:
    async def run(model: Any) -> tuple[list[str], list[Recorded]]:
        async with Runtime([Agent("clerk", model)], store="memory://") as runtime:
            texts = [
                (await runtime.run("clerk", said, session="s")).text
                for said in ("And?", "Yes.", "And?", "And?")
            ]
            return texts, recorded(await runtime.store.read(SessionId("default", "s")))

    spoken = {"And?": Takes([["One."], ["Two."]]), "Yes.": ["I see."]}
    texts, replies = asyncio.run(run(ScriptedModel(spoken)))
    assert texts == ["One.", "I see.", "Two.", "Two."]
    assert [each.time for each in replies] == [1, 1, 2, 3]
    write(tmp_path / "replies", replies)
    made = scenario(agent=agent, input="And?", record=tmp_path / "replies")(plain)
    assert asyncio.run(run(made.model())) == (texts, replies)


def test_a_plan_is_recorded_and_planned_again(tmp_path: Path) -> None:
    said = {"First.": "one", "Second.": "two"}
    records = [Record(1, 0.0, SessionOpened("a", "u"))]
    events = list[Event]()
    for turn, (text, plan) in enumerate(said.items()):
        key = f"turn/{2 + 8 * turn}"
        events += [
            TurnSubmitted(text, (Text(text),), Principal("u")),
            ModelReserved(f"{key}/plan/0", "m", 0, 9, purpose="plan"),
            ModelReplied(f"{key}/plan/0", (Text(plan),), "m", Usage()),
            ModelReserved(f"{key}/plan/1", "m", 0, 9, purpose="plan"),
            ModelReplied(f"{key}/plan/1", (Text(f"{plan} more"),), "m", Usage()),
            ModelReserved(f"{key}/model/0", "m", 0, 9),
            ModelReplied(f"{key}/model/0", (Text("Done."),), "m", Usage()),
            TurnCompleted(2 + 8 * turn, "Done."),
        ]
    records += [Record(seq, 0.0, event) for seq, event in enumerate(events, 2)]
    write(tmp_path / "replies", recorded(records))
    plan_again = plans(tmp_path / "replies")

    def again(number: int, typed: list[str]) -> Reply | str:
        message = Message("user", (Text("\n\n".join(typed)),))
        return plan_again(Request(f"turn/9/plan/{number}", "", (message,), (), 9, purpose="plan"))

    asked = (0, ["First."]), (1, ["First."]), (2, ["First."]), (0, ["First.", "Second."])
    found = [again(number, typed) for number, typed in asked]
    parts = [reply.parts[0] for reply in found if isinstance(reply, Reply)]
    assert parts == [Text("one"), Text("one more"), Text("one more"), Text("two")]
    assert again(0, ["Third."]) == NOTHING_PLANNED
    assert list(scripts(tmp_path / "replies")) == ["First.", "Second."]


def test_a_summary_is_not_recorded() -> None:
    usage, parts = Usage(1, 1), (Text("Yes."),)
    events = [
        TurnSubmitted("r", (Text("Pay."),), User("u").principal),
        ModelReserved("turn/1/model/0", "m", 0, 9, purpose="compact"),
        ModelReplied("turn/1/model/0", (Text("In short."),), "m", usage),
        ModelReserved("turn/1/model/1", "m", 0, 9),
        ModelReplied("turn/1/model/1", parts, "m", usage),
    ]
    records = [Record(seq, 0.0, event) for seq, event in enumerate(events, 1)]
    assert recorded(records) == [Recorded("Pay.", parts, "m", usage)]
    assert by_input(recorded(records)) == {"Pay.": [Reply(parts, usage, "m")]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"no JSON\n", "holds no recorded replies"),
        (b'{"said": 5}\n', "holds no recorded replies"),
    ],
)
def test_a_bad_recording_is_said_in_one_sentence(
    content: bytes | None, sentence: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "replies").write_bytes(content)
    with pytest.raises(DefinitionError, match=sentence):
        scripts(tmp_path / "replies")
