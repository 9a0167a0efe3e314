"""Each thing that goes wrong at a provider is the error that calls for the right reaction."""

import asyncio
import json
import socket
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from tests.wire import anthropic, openai_chat, openai_responses
from tests.wire.server import Answer, Wire, events, failing, serving

from jackline.adapters.models import resolve
from jackline.core import errors
from jackline.core.messages import Message, Text
from jackline.ports import Reply, Request

ALL: list[Any] = [openai_chat, openai_responses, anthropic]
OPENAI: list[Any] = [openai_chat, openai_responses]


def ask(**fields: Any) -> Request:
    return Request("turn/1/model/0", "Be kind.", [Message("user", (Text("hi"),))], (), 64, **fields)


def model_at(url: str, wire_format: Any) -> Any:
    path = "" if wire_format is anthropic else "/v1"
    return resolve(wire_format.NAME, base_url=f"{url}{path}", api_key="sk-secret-of-this-test")


@dataclass
class Failed:
    """What a failed request left behind."""

    error: errors.ModelError
    wire: Wire
    heard: list[str]


def fail(wire_format: Any, answer: Answer, **fields: Any) -> Failed:
    async def run() -> Failed:
        heard: list[str] = []
        async with serving(answer) as wire:
            with pytest.raises(errors.ModelError) as caught:
                async with aclosing(model_at(wire.url, wire_format).stream(ask(**fields))) as items:
                    async for item in items:
                        assert isinstance(item, str)
                        heard.append(item)
            return Failed(caught.value, wire, heard)

    return asyncio.run(run())


def formats(*which: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("wire", which, ids=lambda each: each.NAME)


@dataclass(frozen=True)
class Case:
    """A refusal by status, and what it means."""

    status: int
    kind: str
    message: str
    meaning: type[errors.ModelError]
    sent: bool = False
    code: str | None = None


COMMON = [
    Case(400, "invalid_request_error", "tools.0: bad", errors.RequestRefusedError),
    Case(401, "authentication_error", "invalid key", errors.AccessError),
    Case(402, "billing_error", "pay first", errors.AccessError),
    Case(403, "permission_error", "not for you", errors.AccessError),
    Case(404, "not_found_error", "no such model", errors.RequestRefusedError),
    Case(413, "request_too_large", "too many bytes", errors.ContextTooLongError),
    Case(418, "teapot", "short and stout", errors.RequestRefusedError),
    Case(429, "rate_limit_error", "slow down", errors.RateLimitedError),
    Case(500, "api_error", "oops", errors.OverloadedError, sent=True),
    Case(503, "api_error", "away", errors.OverloadedError, sent=True),
    Case(529, "overloaded_error", "Overloaded", errors.OverloadedError),
]
OF_OPENAI = [
    Case(
        400,
        "invalid_request_error",
        "This model's maximum context length is 8192 tokens.",
        errors.ContextTooLongError,
        code="context_length_exceeded",
    ),
    Case(
        400,
        "invalid_request_error",
        "Your input exceeds the context window of this model.",
        errors.ContextTooLongError,
    ),
    Case(
        429,
        "insufficient_quota",
        "You exceeded your current quota.",
        errors.AccessError,
        code="insufficient_quota",
    ),
    Case(
        400,
        "invalid_request_error",
        "Your request was rejected by our safety system.",
        errors.ContentRefusedError,
        code="content_policy_violation",
    ),
]
OF_ANTHROPIC = [
    Case(
        400,
        "invalid_request_error",
        "prompt is too long: 210000 tokens > 200000 maximum",
        errors.ContextTooLongError,
    ),
    Case(
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the API.",
        errors.AccessError,
    ),
]


def cases() -> list[Any]:
    found = [(wire, case) for wire in ALL for case in COMMON]
    found += [(wire, case) for wire in OPENAI for case in OF_OPENAI]
    found += [(anthropic, case) for case in OF_ANTHROPIC]
    return [pytest.param(w, c, id=f"{w.NAME}-{c.status}-{c.message[:12]}") for w, c in found]


@pytest.mark.parametrize(("wire", "case"), cases())
def test_a_refusal_is_told_by_its_kind_and_asked_only_once(wire: Any, case: Case) -> None:
    answer = failing(case.status, wire.error(case.kind, case.message, case.code))
    failed = fail(wire, answer)
    assert type(failed.error) is case.meaning
    assert failed.error.sent is case.sent
    assert case.message in failed.error.text
    assert len(failed.wire.asked) == 1


@formats(*ALL)
def test_retry_after_is_read_in_seconds_and_as_a_date(wire: Any) -> None:
    body = wire.error("rate_limit_error", "slow down")
    assert fail(wire, failing(429, body, retry_after="17")).error.retry_after_s == 17
    dated = fail(wire, failing(429, body, retry_after="Wed, 21 Oct 2099 07:28:00 GMT")).error
    assert dated.retry_after_s is not None
    assert dated.retry_after_s > 1e6
    assert fail(wire, failing(429, body, retry_after="soon")).error.retry_after_s is None


@formats(*ALL)
def test_a_key_that_a_provider_repeats_does_not_show(wire: Any) -> None:
    body = wire.error("authentication_error", "Incorrect key: sk-secret-of-this-test.")
    assert "sk-secret" not in fail(wire, failing(401, body)).error.text


@formats(*ALL)
def test_a_reply_that_is_cut_is_a_broken_connection(wire: Any) -> None:
    failed = fail(wire, wire.saying("Good", end="cut"))
    assert type(failed.error) is errors.ConnectionFailedError
    assert failed.error.sent is True
    assert failed.heard == ["Good"]


@formats(*ALL)
def test_a_reply_that_ends_before_its_end_is_a_broken_connection(wire: Any) -> None:
    begun = wire.saying("Good", end="cut")
    failed = fail(wire, Answer(begun.chunks))
    assert type(failed.error) is errors.ConnectionFailedError
    assert failed.error.sent is True


@formats(*ALL)
def test_a_connection_that_is_reset_may_have_been_heard(wire: Any) -> None:
    failed = fail(wire, Answer(end="reset"))
    assert type(failed.error) is errors.ConnectionFailedError
    assert failed.error.sent is True
    assert len(failed.wire.asked) == 1


@formats(*ALL)
def test_a_refused_connection_was_surely_not_heard(wire: Any) -> None:
    async def run() -> errors.ModelError:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
            with pytest.raises(errors.ConnectionFailedError) as caught:
                async with aclosing(model_at(url, wire).stream(ask())) as items:
                    await anext(items)
            return caught.value

    assert asyncio.run(run()).sent is False


@formats(*ALL)
def test_silence_before_the_first_event_has_a_deadline(wire: Any) -> None:
    failed = fail(wire, Answer(end="hang"), first_event_s=0.1)
    assert type(failed.error) is errors.ModelTimeoutError
    assert failed.error.sent is True
    assert "had not begun to answer after 0.1 s" in failed.error.text


@formats(*ALL)
def test_a_whole_reply_has_a_deadline(wire: Any) -> None:
    failed = fail(wire, wire.saying("Good", end="hang"), timeout_s=0.3)
    assert type(failed.error) is errors.ModelTimeoutError
    assert failed.heard == ["Good"]
    assert "had not finished after 0.3 s" in failed.error.text


@formats(*ALL)
@pytest.mark.parametrize(
    "garbage",
    [b"data: {not json\n\n", b"data: [1, 2]\n\n", b"\xff\xfe\x00", b"<html>busy</html>"],
    ids=["no json", "a list", "no text", "a page"],
)
def test_garbage_is_no_reply(wire: Any, garbage: bytes) -> None:
    named = b"event: message_start\n" if wire is anthropic else b""
    failed = fail(wire, Answer([named + garbage]))
    assert type(failed.error) in {errors.GarbledReplyError, errors.ConnectionFailedError}
    assert failed.error.retryable


@formats(openai_chat, anthropic)
def test_a_reply_that_was_filtered_is_a_refusal(wire: Any) -> None:
    extra = {"reason": "refusal"} if wire is anthropic else {"finish": "content_filter"}
    failed = fail(wire, wire.saying("I", **extra))
    assert type(failed.error) is errors.ContentRefusedError
    assert failed.error.sent is True


def test_an_error_within_a_stream_may_have_been_worked_on() -> None:
    failed = fail(anthropic, anthropic.failing_in_stream("overloaded_error", "Overloaded"))
    assert type(failed.error) is errors.OverloadedError
    assert failed.error.sent is True
    body = {"error": {"message": "The server had an error", "type": "server_error", "code": None}}
    failed = fail(openai_chat, Answer(events(openai_chat.chunk({"content": "Good"}), body)))
    assert type(failed.error) is errors.OverloadedError
    assert failed.heard == ["Good"]


def test_a_response_that_fails_is_an_error_of_its_kind() -> None:
    error = {"code": "rate_limit_exceeded", "message": "Slow down."}
    whole = openai_responses.response("failed", error=error)
    created = {"type": "response.created", "response": openai_responses.response("in_progress")}
    answer = openai_responses.numbered(created, {"type": "response.failed", "response": whole})
    failed = fail(openai_responses, Answer(answer))
    assert type(failed.error) is errors.RateLimitedError
    assert failed.error.sent is True


@formats(*ALL)
def test_closing_the_stream_closes_the_connection(wire: Any) -> None:
    async def run() -> None:
        async with serving(wire.saying("Good", end="hang")) as server:
            stream = model_at(server.url, wire).stream(ask())
            assert await anext(stream) == "Good"
            await stream.aclose()
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(run())


@formats(*ALL)
@pytest.mark.parametrize("texts", [(), ("Good",)], ids=["before the first event", "mid-stream"])
def test_cancelling_closes_the_connection(wire: Any, texts: tuple[str, ...]) -> None:
    async def listen(model: Any, begun: asyncio.Event) -> None:
        async with aclosing(model.stream(ask())) as items:
            async for _ in items:
                begun.set()

    async def run() -> None:
        answer = wire.saying(*texts, end="hang") if texts else Answer(end="hang")
        async with serving(answer) as server, asyncio.TaskGroup() as group:
            begun = asyncio.Event()
            task = group.create_task(listen(model_at(server.url, wire), begun))
            await asyncio.wait_for(begun.wait() if texts else server.called.wait(), 5)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert task.cancelled()
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(run())


def test_a_model_serves_one_event_loop_after_another() -> None:
    async def run(model: Any) -> Any:
        async with aclosing(model.stream(ask())) as items:
            found = [item async for item in items][-1]
        await model.close()
        return found

    async def first() -> None:
        async with serving(openai_chat.saying("hi")) as server:
            model = model_at(server.url, openai_chat)
            assert isinstance(await run(model), Reply)
            again = await asyncio.to_thread(asyncio.run, run(model))
            assert isinstance(again, Reply)
            assert isinstance(await run(model), Reply)
            assert [json.dumps(asked.body) for asked in server.asked] == [
                json.dumps(server.asked[0].body)
            ] * 3

    asyncio.run(first())
