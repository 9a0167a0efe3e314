"""How a turn that has no answer ends for clients of OpenAI's, and what outlives them."""

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest
from tests.interfaces.openai.desk import WAIT_S, Desk, served
from tests.labels import OWN

from jackline import Agent, Budget, Runtime, ToolError, User, tool
from jackline.core.budget import Price, Terms
from jackline.core.errors import AccessError, ConnectionFailedError
from jackline.core.events import TurnCompleted
from jackline.core.messages import Text, ToolCall
from jackline.interfaces.service import Bounds
from jackline.ports import Request
from jackline.testing import ScriptedModel
from jackline.testing.model import Pace

HI: Any = [{"role": "user", "content": "Hi"}]
DEAR = Terms("scripted", Price(1_000_000, 1_000_000))
ANN = User("ann", "acme")


def opened(desk: Desk) -> Runtime:
    """Return the runtime that is served."""
    assert desk.runtime is not None
    return desk.runtime


async def chunked(desk: Desk, **options: Any) -> list[Any]:
    """Return the chunks of a stream."""
    async with desk.client() as client:
        stream = await client.chat.completions.create(messages=HI, stream=True, **options)
        return [chunk async for chunk in stream]


def test_a_spent_budget_ends_in_a_length_and_says_so() -> None:
    poor = Agent("poor", ScriptedModel(["Hi"], terms=DEAR), budget=Budget(usd="0.01"))

    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served(poor) as desk, desk.client() as client:
            done = await client.responses.create(model="poor", input="Hi")
            assert (done.status, done.output) == ("incomplete", [])
            assert done.incomplete_details is not None
            assert done.incomplete_details.reason == "max_output_tokens"
            told = done.to_dict()["jackline"]
            assert isinstance(told, dict)
            assert (told["outcome"], told["code"]) == ("stopped", "budget")
            chat = await client.chat.completions.create(model="poor", messages=HI)
            assert chat.choices[0].finish_reason == "length"
            assert (await chunked(desk, model="poor"))[-1].choices[0].finish_reason == "length"
            stream = await client.responses.create(model="poor", input="Hi", stream=True)
            assert [event.type async for event in stream][-1] == "response.incomplete"

    asyncio.run(run())


def test_a_failed_turn_is_an_error_that_no_client_repeats_by_itself() -> None:
    asked: list[Request] = []

    def fail(request: Request) -> AccessError:
        asked.append(request)
        return AccessError("The key is wrong.")

    broken = Agent("broken", ScriptedModel([fail]))

    async def run() -> None:
        async with (
            asyncio.timeout(WAIT_S),
            served(broken) as desk,
            desk.client(max_retries=2) as client,
        ):
            with pytest.raises(openai.InternalServerError) as raised:
                await client.chat.completions.create(model="broken", messages=HI)
            assert (raised.value.status_code, raised.value.code) == (502, "access")
            assert len(asked) == 1, "a turn that had effects is not done once more"
            done = await client.responses.create(model="broken", input="Hi")
            assert (done.status, done.output) == ("failed", [])
            assert done.error is not None
            assert "key is wrong" in done.error.message
            stream = await client.responses.create(model="broken", input="Hi", stream=True)
            assert [event.type async for event in stream][-1] == "response.failed"
            with pytest.raises(openai.APIError, match="key is wrong"):
                await chunked(desk, model="broken")

    asyncio.run(run())


def test_a_cancelled_turn_says_so() -> None:
    async def run() -> None:
        begun = asyncio.Event()

        async def hang(request: Request) -> str:  # noqa: ARG001 - a script's shape
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("it is cancelled before")

        slow = Agent("slow", ScriptedModel([hang]))
        async with asyncio.timeout(WAIT_S), served(slow) as desk, desk.client() as client:
            runtime = opened(desk)
            for ask in (
                client.responses.create(model="slow", input="Hi"),
                client.chat.completions.create(model="slow", messages=HI),
            ):
                begun.clear()
                async with asyncio.TaskGroup() as group:
                    waiting = group.create_task(_raised(ask))
                    await begun.wait()
                    (row,) = [
                        row for row in await runtime.sessions.listed(ANN) if row.turn is not None
                    ]
                    await runtime.sessions.cancel(row.id, ANN)
                said = waiting.result()
                if isinstance(said, openai.ConflictError):
                    assert said.code == "cancelled"
                else:
                    assert said.status == "cancelled"

    asyncio.run(run())


async def _raised(asking: Any) -> Any:  # an answer, or the error in place of it
    try:
        return await asking
    except openai.APIError as error:
        return error


def test_a_client_that_leaves_leaves_the_turn_to_go_on() -> None:
    async def run() -> None:
        goes_on = asyncio.Event()

        async def wait(request: Request) -> str:  # noqa: ARG001 - a script's shape
            await goes_on.wait()
            return "Done."

        slow = Agent("slow", ScriptedModel([wait]))
        async with asyncio.timeout(WAIT_S), served(slow) as desk, desk.client() as client:
            stream = await client.responses.create(model="slow", input="Hi", stream=True)
            begun = await anext(aiter(stream))
            assert begun.type == "response.created"
            name = begun.response.id
            await stream.close()
            assert (await client.responses.retrieve(name)).status == "in_progress"
            goes_on.set()
            (row,) = await opened(desk).sessions.listed(ANN)
            await opened(desk).result(row.id, 2, ANN)
            kept = await client.responses.retrieve(name)
            assert (kept.status, kept.output_text) == ("completed", "Done.")

    asyncio.run(run())


def test_a_request_that_is_repeated_is_one_turn() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as client:
            headers = {"Idempotency-Key": "k1"}
            said: Any = [*HI, {"role": "assistant", "content": "Hello"}, *HI]
            chats = [
                await client.chat.completions.create(
                    model="desk", messages=said, extra_headers=headers
                )
                for _ in range(2)
            ]
            assert chats[0] == chats[1]
            first = await client.responses.create(model="desk", input="Hi")
            both = [
                await client.responses.create(
                    model="desk",
                    input="Again",
                    previous_response_id=first.id,
                    extra_headers={"Idempotency-Key": "k2"},
                )
                for _ in range(2)
            ]
            assert both[0] == both[1]
            assert len(desk.heard) == 3
            with pytest.raises(openai.ConflictError) as raised:
                await client.chat.completions.create(
                    model="desk",
                    messages=[*said[:-1], {"role": "user", "content": "Ho"}],
                    extra_headers=headers,
                )
            assert raised.value.code == "conflict"

    asyncio.run(run())


def test_what_was_used_is_what_the_turn_used() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as client:
            done = await client.responses.create(model="desk", input="Where is order 7?")
            (row,) = await opened(desk).sessions.listed(ANN)
            events = [each.event for each in await opened(desk).store.read(row.id)]
            (end,) = [each for each in events if isinstance(each, TurnCompleted)]
            assert done.usage is not None
            used = (done.usage.input_tokens, done.usage.output_tokens)
            assert used == (end.usage.input, end.usage.output)
            assert min(used) > 0

    asyncio.run(run())


def test_text_that_had_to_be_taken_back_ends_a_stream_with_an_error() -> None:
    """A model that breaks in mid-answer is asked again, and says something else."""
    agent = Agent(
        "brittle",
        ScriptedModel([[Text("Half of "), ConnectionFailedError("It broke.")], "Something else."]),
    )

    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served(agent) as desk, desk.client() as client:
            with pytest.raises(openai.APIError) as raised:
                await chunked(desk, model="brittle")
            assert raised.value.code == "reset"
            name = ""
            with pytest.raises(openai.APIError):
                stream = await client.responses.create(model="brittle", input="Hi", stream=True)
                async for event in stream:
                    name = event.response.id if event.type == "response.created" else name
            rows = await opened(desk).sessions.listed(ANN)
            for row in rows:
                await opened(desk).result(row.id, 2, ANN)
            assert (await client.responses.retrieve(name)).output_text == "Something else."

    asyncio.run(run())


@pytest.mark.parametrize(
    "said",
    [
        '{"note":"\\u20ac4111111111111111 due"}',
        json.dumps({"password": ["y" * 200, "hunter2-and-more"]}),
    ],
)
def test_an_answer_that_is_json_ends_as_the_text_that_has_streamed(said: str) -> None:
    """Field by field more may be found in it than in the text, which is said by then."""
    agent = Agent("clerk", ScriptedModel([said], pace=Pace(delta=5)))

    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served(agent) as desk, desk.client() as client:
            chunks = await chunked(desk, model="clerk")
            assert chunks[-1].choices[0].finish_reason == "stop"
            streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            done = await client.responses.create(model="clerk", input="Hi")
            assert done.output_text == streamed, "however it is asked for"

    asyncio.run(run())


def test_a_turn_that_takes_long_is_waited_for_no_longer_than_it_may() -> None:
    async def run() -> None:
        goes_on = asyncio.Event()

        async def wait(request: Request) -> str:  # noqa: ARG001 - a script's shape
            await goes_on.wait()
            return "Done."

        slow, bounds = Agent("slow", ScriptedModel([wait])), Bounds(wait_s=0.1)
        async with (
            asyncio.timeout(WAIT_S),
            served(slow, bounds=bounds) as desk,
            desk.client(max_retries=2) as client,
        ):
            done = await client.responses.create(model="slow", input="Hi")
            assert done.status == "in_progress"
            headers = {"Idempotency-Key": "k1"}
            with pytest.raises(openai.InternalServerError) as raised:
                await client.chat.completions.create(
                    model="slow", messages=HI, extra_headers=headers
                )
            assert (raised.value.status_code, raised.value.code) == (504, "timeout")
            with pytest.raises(openai.ConflictError) as busy:
                await client.responses.create(
                    model="slow", input="And?", previous_response_id=done.id
                )
            assert busy.value.code == "busy"
            goes_on.set()
            for row in await opened(desk).sessions.listed(ANN):
                await opened(desk).result(row.id, 2, ANN)
            chat = await client.chat.completions.create(
                model="slow", messages=HI, extra_headers=headers
            )
            assert chat.choices[0].message.content == "Done."

    asyncio.run(run())


def test_a_silent_stream_is_kept_open_and_a_server_that_ends_says_so() -> None:
    async def run() -> None:
        goes_on = asyncio.Event()

        async def wait(request: Request) -> str:  # noqa: ARG001 - a script's shape
            await goes_on.wait()
            return "Done."

        slow, bounds = Agent("slow", ScriptedModel([wait])), Bounds(ping_s=0.0)
        async with asyncio.timeout(WAIT_S), served(slow, bounds=bounds) as desk:
            headers = {"Authorization": "Bearer ann@acme:user"}
            body = {"model": "slow", "input": "Hi", "stream": True}
            async with (
                httpx2.AsyncClient(base_url=desk.url, headers=headers, timeout=WAIT_S) as raw,
                raw.stream("POST", "/v1/responses", json=body) as stream,
            ):
                lines = stream.aiter_lines()
                while await anext(lines) != ": ping":
                    continue
                desk.readers.send_away()
                rest = [line async for line in lines if line.startswith("data: ")]
            goes_on.set()
            last = json.loads(rest[-1].removeprefix("data: "))
            assert (last["type"], last["code"]) == ("error", "drain")
            assert last["error"]["message"] == last["message"]

    asyncio.run(run())


def test_a_call_that_failed_says_so_and_why() -> None:
    @tool(effect="read", labels=OWN)
    async def look_up(order: str) -> str:
        """Look an order up."""
        raise ToolError(f"There is no order {order}.")

    calls = [[ToolCall("look_up", '{"order":"9"}'), ToolCall("nothing", "{}")], "There is none."]
    agent = Agent("clerk", ScriptedModel(calls), tools=[look_up])

    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served(agent) as desk, desk.client() as client:
            stream = await client.responses.create(model="clerk", input="Hi", stream=True)
            events = [event async for event in stream]
            kinds = [event.type for event in events]
            assert kinds.count("response.mcp_call.failed") == 2
            assert "response.mcp_call.completed" not in kinds
            last = events[-1]
            assert last.type == "response.completed"
            made = {each.name: each for each in last.response.output if each.type == "mcp_call"}
            assert [each.status for each in made.values()] == ["failed", "failed"]
            assert "There is no order 9." in str(made["look_up"].error)
            assert "unknown_tool" in str(made["nothing"].error)
            assert last.response.output_text == "There is none."
            kept = await client.responses.retrieve(last.response.id)
            assert kept.output == last.response.output

    asyncio.run(run())


@pytest.mark.parametrize("form", ["responses", "chat"])
def test_a_stream_whose_session_is_erased_ends_with_an_error(form: str) -> None:
    async def run() -> None:
        goes_on = asyncio.Event()

        async def wait(request: Request) -> str:  # noqa: ARG001 - a script's shape
            await goes_on.wait()
            return "Done."

        slow = Agent("slow", ScriptedModel([wait]))
        async with asyncio.timeout(WAIT_S), served(slow) as desk, desk.client() as client:
            if form == "chat":
                ask: Any = client.chat.completions.create(model="slow", messages=HI, stream=True)
            else:
                ask = client.responses.create(model="slow", input="Hi", stream=True)
            stream = await ask
            await anext(aiter(stream))
            (row,) = await opened(desk).sessions.listed(ANN)
            await opened(desk).store.erase("acme", None, row.id.name)
            with pytest.raises(openai.APIError) as raised:
                async for _ in stream:
                    continue
            assert raised.value.code == "not_found"
            goes_on.set()

    asyncio.run(run())
