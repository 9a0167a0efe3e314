"""OpenAI's own client completes a conversation with a tool call and an approval."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk
from tests.interfaces.openai.desk import DONE, STATE, WAIT_S, answer, chat, served, shown


def test_responses_tell_of_a_tool_call_and_an_approval(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(WAIT_S),
            served(store=f"sqlite:///{tmp_path}/desk.db") as desk,
            desk.client() as client,
        ):
            first = await client.responses.create(model="desk", input="Where is order 7?")
            call, text = first.output
            assert call.type == "mcp_call"
            assert (call.name, call.arguments, call.status) == (
                "look_up",
                '{"order":"7"}',
                "completed",
            )
            assert call.output == "order 7 is shipped"
            assert (text.type, first.output_text, first.status) == ("message", STATE, "completed")

            asked = await client.responses.create(
                model="desk", input="Refund it", previous_response_id=first.id
            )
            (question,) = asked.output
            assert question.type == "mcp_approval_request"
            assert (question.name, question.arguments) == ("refund", '{"cents":100}')
            assert question.model_extra == {"origins": {}}
            assert desk.paid == []

            done = await client.responses.create(
                model="desk",
                previous_response_id=asked.id,
                input=[answer(question.id)],
            )
            made, _ = done.output
            assert made.type == "mcp_call"
            assert (made.output, made.approval_request_id) == ("100 cents went back", question.id)
            assert (done.output_text, desk.paid) == (DONE, [100])

            for each in (first, asked, done):
                again = await client.responses.retrieve(each.id)
                assert (again.output, again.usage) == (each.output, each.usage)

    asyncio.run(run())


async def streamed(client: AsyncOpenAI, said: Any) -> tuple[Any, list[Any]]:
    """Return what a streamed response was in the end, and its events."""
    async with client.responses.stream(model="desk", input=said) as stream:
        events = [event async for event in stream]
        return await stream.get_final_response(), events


def test_responses_stream_a_tool_call_and_an_approval() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as client:
            asked, begun = await streamed(client, "Refund it")
            assert [each.type for each in asked.output] == ["mcp_approval_request"]
            ended, rest = await streamed(client, [answer(asked.output[0].id)])
            for each in (asked, ended):
                kept = await client.responses.retrieve(each.id)
                assert kept.output_text == each.output_text
                assert [item.id for item in kept.output] == [item.id for item in each.output]
            pieces = [each.delta for each in rest if each.type == "response.output_text.delta"]
            assert ("".join(pieces), ended.output_text, desk.paid) == (DONE, DONE, [100])
            assert len(pieces) > 2, "it came in pieces"
            kinds = Counter(each.type for each in [*begun, *rest])
            assert kinds["response.mcp_call_arguments.done"] == 1
            assert kinds["response.mcp_call.completed"] == 1
            assert kinds["response.completed"] == 2
            assert [each.sequence_number for each in rest] == list(range(len(rest)))

    asyncio.run(run())


def test_chat_completions_ask_in_words_and_take_yes_for_an_answer() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as client:
            said: Any = [{"role": "user", "content": "Where is order 7?"}]
            texts: list[str] = []
            for word in ("Refund it", "yes", "Thank you"):
                done = await client.chat.completions.create(model="desk", messages=said)
                (choice,) = done.choices
                text = choice.message.content or ""
                texts.append(text)
                assert choice.finish_reason == "stop"
                said += [
                    {"role": "assistant", "content": text},
                    {"role": "user", "content": word},
                ]
            assert texts[0] == STATE
            assert 'refund {"cents":100}' in texts[1]
            assert (texts[2], desk.paid) == (DONE, [100])
            await chat(client, said)
            history = shown(desk.heard[-1])
            assert ("assistant", "Text", "I had to ask.") in history
            assert "cents" not in str(history)

    asyncio.run(run())


async def chunks(client: AsyncOpenAI, said: Any) -> tuple[list[str], list[ChatCompletionChunk]]:
    """Return the pieces of a streamed chat completion in a session, and its chunks."""
    stream = await client.chat.completions.create(
        model="desk",
        messages=said,
        stream=True,
        stream_options={"include_usage": True},
        extra_headers={"X-Jackline-Session": "s%2B1"},
    )
    told = [chunk async for chunk in stream]
    return [each.choices[0].delta.content or "" for each in told if each.choices], told


def test_chat_completions_stream_the_question_and_the_answer() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as client:
            asked, _ = await chunks(client, [{"role": "user", "content": "Refund it"}])
            card = "".join(asked)
            assert 'Answer "approve" or "decline".' in card
            said = [{"role": "assistant", "content": card}, {"role": "user", "content": "Yes."}]
            pieces, told = await chunks(client, said)
            assert ("".join(pieces), desk.paid) == (DONE, [100])
            assert len(pieces) > 3, "it came in pieces"
            assert told[-1].usage is not None
            assert told[-1].usage.total_tokens > 0
            assert told[-2].choices[0].finish_reason == "stop"

    asyncio.run(run())
