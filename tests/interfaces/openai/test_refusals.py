"""What cannot be done is said in OpenAI's form, with a status that is none of a bug."""

import asyncio
import json
import re
from base64 import urlsafe_b64encode
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI
from tests.interfaces.openai.desk import DONE, WAIT_S, Desk, answer, chat, served

from jackline.interfaces.openai import ids
from jackline.interfaces.openai.saying import typed

HI: Any = [{"role": "user", "content": "Hi"}]


def raw(desk: Desk) -> httpx2.AsyncClient:
    """Return somebody who sends whatever they want."""
    headers = {"Authorization": "Bearer ann@acme:user", "Content-Type": "application/json"}
    return httpx2.AsyncClient(base_url=desk.url, headers=headers, timeout=WAIT_S)


def test_whatever_is_sent_there_is_no_internal_error() -> None:
    chat, response = "/v1/chat/completions", "/v1/responses"
    many = [{"role": "user", "content": "Hi"}] * 2_000
    bodies = [
        (chat, b"{", 400),
        (chat, b"", 400),
        (chat, b"[]", 400),
        (chat, b"\xff\xfe", 400),
        (chat, b'{"model":"desk"}', 400),
        (chat, b'{"model":7,"messages":[]}', 400),
        (chat, b'{"model":"desk","messages":[]}', 400),
        (chat, b'{"model":"desk","messages":[{"role":"user","content":"\\ud800"}]}', 400),
        (chat, b'{"model":"\\ud800","messages":[{"role":"user","content":"Hi"}]}', 404),
        (chat, b'{"model":"desk","messages":[{"role":"\\ud800","content":"Hi"}]}', 400),
        (chat, b'{"model":"desk","\\ud800":1,"messages":[{"role":"user","content":"Hi"}]}', 400),
        (chat, b'{"model":"desk","messages":[{"role":"user","content":"a\\u0000b"}]}', 400),
        (chat, b'{"model":"desk","messages":[{"role":"robot","content":"Hi"}]}', 400),
        (chat, b'{"model":"desk","messages":[{"role":"user","content":" "}]}', 400),
        (chat, b'{"model":"desk","messages":[{"role":"assistant","content":"Hi"}]}', 400),
        (chat, b'{"model":"desk","messages":' + b"[" * 50_000, 400),
        (chat, json.dumps({"model": "desk", "messages": many}).encode(), 200),
        (chat, json.dumps({"model": "nobody", "messages": HI}).encode(), 404),
        (response, b'{"model":"desk","input":[{"type":"item_reference","id":"x"}]}', 400),
        (response, b'{"model":"desk","input":[{"type":"mcp_approval_response"}]}', 400),
        (response, b'{"model":"desk","input":[]}', 400),
        (response, b'{"model":"desk","input":"Hi","previous_response_id":"resp_x"}', 404),
        (response, b'{"model":"desk","input":"Hi","previous_response_id":"\\ud800"}', 404),
        (response, b'{"model":"desk","input":"Hi","store":false}', 400),
    ]

    async def run() -> None:
        async with asyncio.timeout(WAIT_S * 2), served() as desk, raw(desk) as client:
            for path, body, status in bodies:
                said = await client.post(path, content=body)
                assert said.status_code == status, (body[:90], said.text[:200])
                if status >= 400:
                    assert set(said.json()) == {"error"}, body[:90]
                    error = said.json()["error"]
                    assert error.keys() == {"message", "type", "code", "param"}
                    assert error["message"]
                    assert error["code"]
            names = {"X-Jackline-Session": "%ff%00/.."}
            said = await client.post(chat, json={"model": "desk", "messages": HI}, headers=names)
            assert said.status_code == 400

    asyncio.run(run())


@pytest.mark.parametrize(
    ("parameter", "why"),
    [
        ({"tools": [{"type": "function"}]}, "tools of its own"),
        ({"n": 2}, "one answer"),
        ({"logprobs": True}, "logprobs"),
        ({"max_tokens": 5}, "limits"),
        ({"response_format": {"type": "json_object"}}, "type its answers"),
        ({"anything_else": 1}, "anything_else"),
    ],
)
def test_what_would_not_be_done_is_refused_by_name(parameter: Any, why: str) -> None:
    async def run() -> openai.BadRequestError:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as client:
            with pytest.raises(openai.BadRequestError) as raised:
                await client.chat.completions.create(
                    model="desk", messages=HI, extra_body=parameter
                )
            assert desk.heard == []
            return raised.value

    error = asyncio.run(run())
    assert why in error.message
    assert error.param == next(iter(parameter))
    assert error.type == "invalid_request_error"


def test_what_harms_nobody_is_ignored() -> None:
    harmless: dict[str, Any] = {
        "temperature": 0.3,
        "user": "ann",
        "metadata": {"a": "b"},
        "n": 1,
        "tools": [],
        "stream": False,
        "logprobs": None,
        "response_format": {"type": "text"},
        "store": False,
    }

    async def run() -> str | None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as client:
            said = await client.chat.completions.create(
                model="desk", messages=HI, extra_body=harmless
            )
            return said.choices[0].message.content

    assert asyncio.run(run()) == "You said: Hi"


async def ask(client: AsyncOpenAI, said: Any, before: str | None = None) -> Any:  # a response
    """Say something to the desk, or answer it."""
    return await client.responses.create(model="desk", input=said, previous_response_id=before)


def test_ids_of_others_are_not_found() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as ann:
            mine = await ask(ann, "Refund it")
            question = mine.output[0].id
            for who in ("ann@other:user", "ann@other:admin", "bob@acme:user"):
                async with desk.client(who) as other:
                    with pytest.raises(openai.NotFoundError):
                        await other.responses.retrieve(mine.id)
                    with pytest.raises(openai.NotFoundError):
                        await ask(other, "Hi", mine.id)
                    with pytest.raises(openai.NotFoundError):
                        await ask(other, [answer(question)])
            session: Any = mine.to_dict()["jackline"]
            async with desk.client("bob@acme:user") as bob:
                with pytest.raises(openai.NotFoundError):
                    await chat(bob, HI, session["session"])
            async with desk.client("bob@acme:approver") as viewer:
                with pytest.raises(openai.PermissionDeniedError):
                    await ask(viewer, "Hi")
            async with desk.client("nobody") as nobody:
                with pytest.raises(openai.AuthenticationError):
                    await nobody.models.list()
            for bent in (mine.id[:-2], mine.id + "AA", "resp_", question, "resp_" + "A" * 900):
                with pytest.raises(openai.NotFoundError):
                    await ann.responses.retrieve(bent)
            assert desk.paid == []

    asyncio.run(run())


def test_an_answer_holds_for_the_call_that_was_shown_and_once() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as ann:
            asked = await ask(ann, "Refund it")
            other = await ask(ann, "Refund it twice")
            question = asked.output[0].id
            with pytest.raises(openai.ConflictError):
                await ask(ann, "Something else", asked.id)
            with pytest.raises(openai.ConflictError) as raised:
                await ask(ann, [answer(question)], other.id)
            assert raised.value.code == "stale"
            known = ids.question(question)
            forged = f"{known.number}.{'0' * 64}.{known.session}".encode()
            bent = f"mcpr_{urlsafe_b64encode(forged).decode().rstrip('=')}"
            with pytest.raises(openai.ConflictError) as raised:
                await ask(ann, [answer(bent)], asked.id)
            assert raised.value.code == "stale"
            done = await ask(ann, [answer(question, approve=False)], asked.id)
            assert done.output[0].status == "failed"
            assert done.output_text == "It was not allowed."
            with pytest.raises(openai.ConflictError) as raised:
                await ask(ann, [answer(question)], asked.id)
            assert (raised.value.code, desk.paid) == ("stale", [])
            with pytest.raises(openai.BadRequestError) as gone:
                await ask(ann, "Go on", asked.id)
            assert gone.value.param == "previous_response_id"
            # Of two questions one answer leaves the other, and both together end the turn.
            left = await ask(ann, [answer(other.output[0].id)])
            assert [each.type for each in left.output] == ["mcp_call", "mcp_approval_request"]
            assert left.output[1].id == other.output[1].id
            last = await ask(ann, [answer(other.output[1].id)], left.id)
            assert (desk.paid, last.output_text) == (
                [200, 9],
                "The refund of order 7 is on its way.",
            )

    asyncio.run(run())


@pytest.mark.parametrize("form", ["responses", "chat"])
def test_of_several_answers_none_holds_where_one_cannot_be_given(form: str) -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as ann:
            messages: Any = [{"role": "user", "content": "Refund it twice"}]
            card = await chat(ann, messages, "s")
            messages += [
                {"role": "assistant", "content": card},
                {"role": "user", "content": "approve"},
            ]
            async with raw(desk) as web:
                at = "/v1/sessions/s/questions"
                first, last = (await web.get(at)).json()["questions"]
                said = {"approved": False, "digest": last["digest"], "reason": "Too much."}
                declined = await web.post(f"{at}/{last['question']}", json=said)
                assert declined.status_code == 202
                keys = [f"{each['question']}.{each['digest']}" for each in (first, last)]
                session = ids.Span("s", 0, 0, 0)
                both = [answer(session.item(ids.QUESTION, each)) for each in keys]
                with pytest.raises(openai.ConflictError) as raised:
                    await (ask(ann, both) if form == "responses" else chat(ann, messages))
                assert raised.value.code == "stale"
                (waits,) = (await web.get(at)).json()["questions"]
                assert (waits, desk.paid) == (first, [])
            two_minds = [both[0], {**both[0], "approve": False}]
            with pytest.raises(openai.BadRequestError):
                await ask(ann, two_minds)
            done = await ask(ann, [both[0], both[0]])
            again = await ask(ann, [both[0]])
            assert (done.output_text, again.output_text, desk.paid) == (DONE, DONE, [200])

    asyncio.run(run())


def test_who_asked_does_not_approve_unless_that_is_allowed() -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(WAIT_S),
            served(approve_own=False) as desk,
            desk.client() as ann,
        ):
            asked = await ask(ann, "Refund it")
            with pytest.raises(openai.PermissionDeniedError):
                await ask(ann, [answer(asked.output[0].id)], asked.id)
            said: Any = [{"role": "user", "content": "Refund it"}]
            told = await ann.chat.completions.create(model="desk", messages=said)
            card = told.choices[0].message.content or ""
            assert "Somebody else has to approve" in card
            said += [{"role": "assistant", "content": card}, {"role": "user", "content": "yes"}]
            with pytest.raises(openai.PermissionDeniedError):
                await ann.chat.completions.create(model="desk", messages=said)
            said[-1]["content"] = "Is it done?"
            again = await ann.chat.completions.create(model="desk", messages=said)
            assert again.choices[0].message.content == card
            assert desk.paid == []

    asyncio.run(run())


@pytest.mark.parametrize("who", ["bob@acme:approver", "bob@acme:user+approver"])
def test_somebody_with_the_role_approves_what_another_asked_for(who: str) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(WAIT_S),
            served(approve_own=False) as desk,
            desk.client() as ann,
            desk.client(who) as bob,
            desk.client("eve@acme:viewer") as eve,
        ):
            asked = await ask(ann, "Refund it")
            with pytest.raises(openai.NotFoundError):
                await ask(eve, [answer(asked.output[0].id)])
            done = await ask(bob, [answer(asked.output[0].id)])
            assert (done.output_text, desk.paid) == (DONE, [100])
            with pytest.raises(openai.NotFoundError):
                await bob.responses.retrieve(done.id)

    asyncio.run(run())


def test_the_document_has_every_schema_that_it_names() -> None:
    async def run() -> Any:
        async with asyncio.timeout(WAIT_S), served() as desk, raw(desk) as client:
            return (await client.get("/v1/openapi.json")).json()

    document = asyncio.run(run())
    named = set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(document)))
    assert named - document["components"]["schemas"].keys() == set()
    assert {"ModelResponse", "Completion", "Models", "Refused"} <= named


def test_yes_holds_for_the_card_that_was_shown_and_once() -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), served() as desk, desk.client() as ann:
            said: Any = [{"role": "user", "content": "Refund it"}]
            card = await chat(ann, said, "s1")
            yes: Any = {"role": "user", "content": "yes"}
            for shown in ("Shall I?", card.replace("100", "1"), card.replace("(session: s1)", "")):
                bent = [*said, {"role": "assistant", "content": shown}, yes]
                assert await chat(ann, bent, "s1") == card, "it asks once more"
            for role, word in (("system", "yes"), ("user", "> yes"), ("user", "yes, please")):
                bent = [*said, {"role": "assistant", "content": card}]
                assert await chat(ann, [*bent, {"role": role, "content": word}], "s1") == card
            assert desk.paid == []
            true = [*said, {"role": "assistant", "content": card}, yes]
            assert [await chat(ann, true, "s1") for _ in range(2)] == [DONE, DONE]
            assert desk.paid == [100]
            true[-1] = {"role": "user", "content": "decline: too much"}
            with pytest.raises(openai.ConflictError):
                await chat(ann, true, "s1")

    asyncio.run(run())


@settings(max_examples=200)
@given(st.text(alphabet="ab>`~ \n\r\t", max_size=60))
def test_no_word_is_lost_between_what_is_typed_and_what_is_pasted(text: str) -> None:
    kept = "".join(part.text for part in typed(text))
    assert kept.split() == text.split()
