"""A stream has no gap and nothing twice, wherever its reader was cut off."""

import asyncio
import json
from contextlib import aclosing
from random import Random

import httpx2
import pytest
from tests.interfaces.reader import Reader
from tests.interfaces.served import serving

from jackline import Agent, Runtime, Submission, User
from jackline.core import events as e
from jackline.core.errors import InputError
from jackline.core.events import Record, SessionId
from jackline.core.messages import Message, Provider, Reasoning, Text
from jackline.interfaces import wire
from jackline.interfaces.identity import Development
from jackline.interfaces.streams import Frames, StreamReader, stream
from jackline.interfaces.wire import place
from jackline.ports import Delta
from jackline.serving import asgi
from jackline.testing import ScriptedModel
from jackline.testing.model import Pace

ANN = User("ann")
S = SessionId("default", "s")
WORDS = "The sea is wide — 海は広い 🌊 — and a line holds. " * 8


def lines_of(frames: bytes) -> list[list[str]]:
    return [frame.splitlines() for frame in frames.decode().split("\n\n") if frame]


async def hears(runtime: Runtime, after: str, frames: int, into: Reader) -> None:
    """Have the reader hear so many frames after a place, and leave in mid-stream."""
    row = await runtime.sessions.row(S, ANN)
    heard = 0
    async with aclosing(stream(runtime.sessions, row, place(after or "0"), Frames())) as batches:
        async for batch in batches:
            for frame in batch:
                for lines in lines_of(frame):
                    into.feed(lines)
                heard += 1
                if heard >= frames or is_over(into):
                    return


def is_over(reader: Reader) -> bool:
    return bool(reader.events) and reader.events[-1]["type"] == "turn.completed"


@pytest.mark.parametrize("seed", range(20))
def test_a_reader_that_leaves_anywhere_and_returns_gets_the_rest(seed: int) -> None:
    async def story() -> None:
        random = Random(seed)
        pace = Pace(random.randint(1, 30), delta_delay_s=0.0005)
        agent = Agent("poet", ScriptedModel([WORDS], pace=pace), "")
        async with Runtime([agent], store="memory://") as runtime, asyncio.timeout(30):
            await runtime.sessions.begin("poet", ANN, Submission("Sing."), "s")
            reader = Reader()
            while not is_over(reader):
                await hears(runtime, reader.last_id, random.randint(1, 12), reader)
            journal = await runtime.sessions.events(S, ANN)
            assert [each["seq"] for each in reader.events] == [each.seq for each in journal]
            assert reader.events[-1]["text"] == WORDS

    asyncio.run(story())


class Told:
    """A stream's reader, told batch by batch."""

    def __init__(self, after: str = "0") -> None:
        self.reader = Reader()
        self.inner = StreamReader(Frames(), place(after), None)

    def hear(self, *items: Record | Delta) -> list[str]:
        frames = self.inner.told(items)
        for frame in frames:
            for lines in lines_of(frame):
                self.reader.feed(lines)
        return [wire_type(frame) for frame in frames]


def wire_type(frame: bytes) -> str:
    return json.loads(frame.split(b"data: ")[1])["type"]


def said(offset: int, text: str, seq: int = 3, epoch: int = 1) -> Delta:
    return Delta(S, seq, epoch, offset, text)


OPENED = Record(1, 1.0, e.SessionOpened("poet", "ann"))
TAKEN = Record(2, 1.0, e.SessionTaken(1, "w"))
ASKED = Record(3, 1.0, e.ModelReserved("turn/1/model/0", "m", 0, 9, instructions="Be secret."))
REPLIED = Record(4, 1.0, e.ModelReplied("turn/1/model/0", (Text("one two"),), "m", e.Usage()))


def test_who_had_a_part_of_a_text_gets_only_the_rest() -> None:
    told = Told("3.1.4")
    assert told.inner.told([said(0, "one tw")]) == [wire.text_frame(said(4, "tw"))]
    assert told.inner.told([said(2, "e t")]) == []
    assert told.inner.told([said(6, "o")]) == [wire.text_frame(said(6, "o"))]


def test_what_was_heard_of_a_reply_whose_driver_is_gone_is_void() -> None:
    told = Told()
    told.hear(OPENED, TAKEN, ASKED, said(0, "one"))
    assert told.hear(Record(4, 1.0, e.SessionTaken(2, "v"))) == ["message.reset", "session.taken"]
    assert (
        Told("3.1.4")
        .inner.told([Record(4, 1.0, e.SessionTaken(2, "v"))])[0]
        .startswith(b'data: {"type":"message.reset","seq":3,"epoch":1}')
    )


def test_a_text_of_another_epoch_begins_anew() -> None:
    told = Told()
    told.hear(OPENED, TAKEN, ASKED, said(0, "one"))
    assert told.hear(said(0, "uno", epoch=2)) == ["message.reset", "text.delta"]


def test_a_reader_that_misses_a_piece_looks_anew_and_then_waits_for_the_whole() -> None:
    told = Told()
    told.hear(OPENED, TAKEN, ASKED, said(0, "one"))
    assert told.hear(said(5, "wo")) == []
    assert told.inner.is_behind
    told.inner.is_behind = False
    assert told.hear(said(5, "wo")) == []
    assert not told.inner.is_behind
    assert told.hear(REPLIED) == ["model.replied"]
    assert told.reader.checked == 1


def test_an_erased_reply_is_void_for_who_had_a_part_of_it() -> None:
    told = Told("3.1.4")
    frames = told.inner.told([Record(4, 1.0, e.Erased("model.replied"))])
    assert [wire_type(each) for each in frames] == ["message.reset", "erased"]


def test_what_leaves_has_no_instructions_and_nothing_that_only_a_provider_may_read() -> None:
    mark = Provider("openai", '"signed"')
    parts = (Reasoning("hm", mark), Text("one", mark))
    replied = Record(4, 1.0, e.ModelReplied("turn/1/model/0", parts, "m", e.Usage()))
    opened = Record(1, 1.0, e.SessionOpened("poet", "ann", (Message("assistant", parts),)))
    for record in (ASKED, replied, opened):
        frame = Frames().event(record)
        assert b"secret" not in frame
        assert b"signed" not in frame
        assert b'"provider"' not in frame


def test_an_event_that_many_hear_is_encoded_once_and_what_is_read_anew_is_not_taken_for_it() -> (
    None
):
    frames, again = Frames(), Record(4, 1.0, e.Erased("model.replied"))
    assert frames.event(REPLIED) is frames.event(REPLIED)
    assert b"erased" in frames.event(again)
    for seq in range(2_000):
        frames.event(Record(seq, 1.0, TAKEN.event))
    assert len(frames._kept) < 1_000  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - what grows is looked at


@pytest.mark.parametrize(
    "wrong", ["", "x", "-1", "1.2", "1.2.3.4", "1.-2.3", "99999999999999999999", "\u0661", "1\n2"]
)
def test_what_is_no_place_is_refused(wrong: str) -> None:
    with pytest.raises(InputError):
        place(wrong)


@pytest.mark.parametrize("evil", ["a\nb", "a\r\nid: 9", "\r", "\u2028", "\x85", "data: x\n\n"])
def test_no_text_ends_the_field_that_it_stands_in(evil: str) -> None:
    replied = Record(4, 1.0, e.ModelReplied("k", (Text(evil),), evil, e.Usage()))
    for frame in (wire.text_frame(said(0, evil)), wire.event_frame(replied)):
        head, _, rest = frame.partition(b"data: ")
        assert head.count(b"\n") == 1
        assert rest.endswith(b"\n\n")
        assert b"\n" not in rest[:-2]
        assert b"\r" not in frame


def test_over_http_a_reader_returns_in_mid_message_and_a_foreign_place_begins_anew() -> None:
    async def story() -> None:
        pace = Pace(7, delta_delay_s=0.002)
        agent = Agent("poet", ScriptedModel([WORDS], pace=pace), "")
        async with (
            asyncio.timeout(30),
            Runtime([agent], store="memory://") as runtime,
            serving(asgi(runtime, [Development(ANN)])) as url,
            httpx2.AsyncClient(base_url=url) as client,
        ):
            body = {"agent": "poet", "input": "Sing."}
            accepted = await client.post("/v1/sessions/s/turns", json=body)
            assert accepted.status_code == 202, accepted.text
            reader = Reader()
            returns = 0
            while not is_over(reader):
                await follow(client, reader, 9)
                returns += 1
            assert returns > 3
            assert reader.events[-1]["text"] == WORDS
            reader.last_id = "99.1.7"
            await follow(client, reader, 3)
            assert reader.begun_anew == 1
            assert [each["seq"] for each in reader.events] == [1, 2]

    asyncio.run(story())


async def follow(client: httpx2.AsyncClient, reader: Reader, frames: int) -> None:
    headers = {"Accept": "text/event-stream", **reader.headers}
    async with client.stream("GET", "/v1/sessions/s/events", headers=headers) as answer:
        assert answer.status_code == 200
        lines: list[str] = []
        async for line in answer.aiter_lines():
            if line:
                lines.append(line)
                continue
            reader.feed(lines)
            lines, frames = [], frames - 1
            if not frames or is_over(reader):
                return
