"""The scripted model: the same answers from any process, however often it is asked."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from jackline.core.errors import ModelError, OverloadedError, RateLimitedError
from jackline.core.events import Usage
from jackline.core.messages import Message, Messages, Reasoning, Text, ToolCall, ToolResult
from jackline.ports import Reply, Request
from jackline.testing.model import Pace, ScriptedModel, validate

LOOK = ToolCall("look", '{"at":1}', "c1")
PAY = ToolCall("pay", '{"cents":5}', "c2")


def said(text: str) -> Message:
    return Message("user", (Text(text),))


def called(*calls: ToolCall) -> Message:
    return Message("assistant", calls)


def returned(*calls: ToolCall, round_: int = 0) -> Message:
    return Message(
        "tool",
        tuple(
            ToolResult(
                f"turn/1/model/{round_}/tool/{at}", call.name, (Text("ok"),), call.provider_id
            )
            for at, call in enumerate(calls)
        ),
    )


def answered(text: str) -> Message:
    return Message("assistant", (Text(text),))


def request(n: int, *messages: Message) -> Request:
    return Request(f"turn/1/model/{n}", "Be kind.", Messages.of(messages), (), 100)


async def collect(model: ScriptedModel, asked: Request) -> list[str | Reply]:
    async with aclosing(model.stream(asked)) as stream:
        return [item async for item in stream]


def ask(model: ScriptedModel, n: int, *messages: Message) -> tuple[object, ...]:
    reply = asyncio.run(collect(model, request(n, *messages)))[-1]
    assert isinstance(reply, Reply)
    return reply.parts


def test_the_nth_request_gets_the_nth_answer_however_often_it_is_asked() -> None:
    model = ScriptedModel([[LOOK], [PAY], "Done."])
    first = said("go")
    second = [first, called(LOOK), returned(LOOK)]
    third = [*second, called(PAY), returned(PAY, round_=1)]
    for _ in range(2):
        assert ask(model, 2, *third) == (Text("Done."),)
        assert ask(model, 0, first) == (LOOK,)
        assert ask(model, 1, *second) == (PAY,)


def test_an_attempt_that_was_lost_consumes_no_answer() -> None:
    model = ScriptedModel([[LOOK], [PAY], "Done."])
    asked = [said("go"), called(LOOK), returned(LOOK)]
    assert ask(model, 3, said("go")) == (LOOK,)
    assert ask(model, 4, *asked) == (PAY,)


def test_an_attempt_lost_in_a_later_turn_starts_at_the_first_answer() -> None:
    model = ScriptedModel([[LOOK], "Done."])
    before = [said("go"), called(LOOK), returned(LOOK), answered("Done.")]
    assert ask(model, 1, *before, said("again")) == (LOOK,)


def test_what_is_said_after_the_last_answer_of_an_open_turn_does_not_start_it_anew() -> None:
    model = ScriptedModel([[LOOK], "Done."])
    before = [said("go"), called(LOOK), returned(LOOK), answered("Done.")]
    assert ask(model, 2, *before, said("and now?")) == (Text("Done."),)


def test_an_answer_that_a_guard_has_changed_does_not_start_the_script_anew() -> None:
    model = ScriptedModel([[LOOK], "Done."])
    changed = ToolCall("look", '{"at":"[secret]"}', "c1")
    assert ask(model, 1, said("go"), called(changed), returned(changed)) == (Text("Done."),)


def test_the_last_answer_is_repeated() -> None:
    model = ScriptedModel([[LOOK]])
    rounds = [said("go"), *[called(LOOK), returned(LOOK)] * 5]
    assert ask(model, 5, *rounds) == (LOOK,)


def test_an_error_is_raised_once_and_then_the_script_goes_on() -> None:
    model = ScriptedModel([RateLimitedError("slow", retry_after_s=2, sent=False), [LOOK], "Done."])
    with pytest.raises(RateLimitedError) as caught:
        ask(model, 0, said("go"))
    assert (caught.value.retry_after_s, caught.value.sent) == (2, False)
    assert ask(model, 1, said("go")) == (LOOK,)
    assert ask(model, 2, said("go"), called(LOOK), returned(LOOK)) == (Text("Done."),)


def test_text_before_an_error_is_streamed() -> None:
    heard: list[str | Reply] = []

    async def listen() -> None:
        model = ScriptedModel([[Text("half a "), OverloadedError("cut")]])
        async with aclosing(model.stream(request(0, said("go")))) as stream:
            async for item in stream:
                heard.append(item)  # noqa: PERF401 - what came before the error is asked about

    with pytest.raises(OverloadedError):
        asyncio.run(listen())
    assert heard == ["half a "]


def test_text_comes_in_deltas_of_the_given_size_after_the_given_delays() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    model = ScriptedModel(["abcde"], pace=Pace(2, 7, 1, sleep))
    *deltas, reply = asyncio.run(collect(model, request(0, said("go"))))
    assert deltas == ["ab", "cd", "e"]
    assert isinstance(reply, Reply)
    assert slept == [7, 1, 1, 1]


def test_bytes_count_as_tokens_unless_usage_is_given() -> None:
    messages = [said("füll")]
    reply = asyncio.run(collect(ScriptedModel(["Ü"]), request(0, *messages)))[-1]
    assert isinstance(reply, Reply)
    assert reply.usage == Usage(len("füll".encode()) + len("Be kind."), 2)
    fixed = ScriptedModel(["Ü"], usage=Usage(7, 3))
    reply = asyncio.run(collect(fixed, request(0, *messages)))[-1]
    assert isinstance(reply, Reply)
    assert reply.usage == Usage(7, 3)


def test_an_answer_may_be_a_function_of_the_request_or_one_that_waits() -> None:
    async def later(asked: Request) -> Sequence[ToolCall]:
        await asyncio.sleep(0)
        return [ToolCall("look", asked.key)]

    model = ScriptedModel([lambda asked: f"{asked.max_tokens}", later])
    assert ask(model, 0, said("go")) == (Text("100"),)
    assert ask(model, 1, said("go"), answered("100"), said("more")) == (
        ToolCall("look", "turn/1/model/1"),
    )
    assert ask(ScriptedModel(lambda asked: asked.key), 3, said("go")) == (Text("turn/1/model/3"),)


def test_what_the_user_says_chooses_the_script() -> None:
    model = ScriptedModel({"pay": [[PAY], "Paid."], "": ["What?"]})
    assert ask(model, 0, said("hello")) == (Text("What?"),)
    spoken = [said("hello"), answered("What?"), said("pay")]
    assert ask(model, 0, *spoken) == (PAY,)
    paid = [*spoken, called(PAY), returned(PAY)]
    assert ask(model, 1, *paid) == (Text("Paid."),)
    assert ask(model, 1, *paid, said("faster!")) == (Text("Paid."),)


def test_a_whole_reply_is_given_as_it_is() -> None:
    whole = Reply((Reasoning("hm"), Text("so")), None, "other")
    assert asyncio.run(collect(ScriptedModel([whole]), request(0, said("go")))) == ["so", whole]


def test_an_error_is_a_new_one_each_time() -> None:
    model = ScriptedModel([OverloadedError("full")])
    caught: list[ModelError] = []
    for _ in range(2):
        with pytest.raises(OverloadedError) as error:
            ask(model, 0, said("go"))
        caught.append(error.value)
    assert caught[0] is not caught[1]


def test_a_history_with_one_result_for_each_call_is_valid() -> None:
    parallel = [said("go"), called(LOOK, PAY), returned(LOOK, PAY), answered("done")]
    assert validate(parallel) == ""
    split = [Message("tool", (part,)) for part in returned(LOOK, PAY).parts]
    assert validate([said("go"), called(LOOK, PAY), *split, said("and?")]) == ""


@pytest.mark.parametrize(
    ("history", "why"),
    [
        ([said("go"), called(LOOK)], "message 1: calls without a result: look"),
        (
            [said("go"), called(LOOK, PAY), returned(LOOK), said("x")],
            "message 1: calls without a result: pay",
        ),
        (
            [said("go"), called(LOOK), said("wait"), returned(LOOK)],
            "message 1: calls without a result: look",
        ),
        (
            [said("go"), called(LOOK), returned(LOOK), returned(LOOK)],
            "message 1: the call turn/1/model/0/tool/0 has more than one result",
        ),
        (
            [said("go"), called(LOOK), returned(LOOK, PAY)],
            "message 1: results without a call: pay",
        ),
        (
            [said("go"), returned(LOOK)],
            "message 1: a tool message that no provider expects here",
        ),
        (
            [said("go"), answered("so"), returned(LOOK)],
            "message 1: results without a call: look",
        ),
        (
            [said("go"), called(LOOK), returned(ToolCall("look", "{}", "other"))],
            "message 1: results with ids that no call has: other",
        ),
        (
            [said("go"), called(LOOK), Message("tool", (Text("ok"),))],
            "message 1: something in a tool message is no result",
        ),
    ],
)
def test_a_history_that_a_provider_would_refuse_is_told_why(
    history: list[Message], why: str
) -> None:
    assert validate(history) == why
