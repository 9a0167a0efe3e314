"""A stream has no gap and nothing twice, wherever its reader was cut off."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from random import Random

import httpx2
import pytest
from tests.interfaces.reader import Reader
from tests.interfaces.served import serving
from websockets.asyncio.client import connect

from jackline import Agent, Runtime, Submission, User
from jackline.core import events as e
from jackline.core.errors import InputError
from jackline.core.events import Record, SessionId
from jackline.core.messages import Message, Provider, Reasoning, Text
from jackline.interfaces.identity import Development
from jackline.interfaces.streams import Frames, StreamReader, stream
from jackline.interfaces.wire import Place, place
from jackline.ports import Delta
from jackline.serving import asgi
from jackline.testing import ScriptedModel
from jackline.testing.model import Pace

ANN = User("ann")
S = SessionId("default", "s")
WORDS = "The sea is wide — 海は広い 🌊 — and a line holds. " * 8


def lines_of(frames: bytes) -> list[list[str]]:
    return [frame.splitlines() for frame in frames.decode().split("\n\n") if frame]


class Speaker:
    """Says something in a session, and more at any moment: for its open turn, or for another."""

    def __init__(self, runtime: Runtime, random: Random, more: int = 6) -> None:
        self.turns: set[int] = set()
        self._more = more
        self._runtime = runtime
        self._random = random

    async def begins(self) -> None:
        """Say the first of it."""
        receipt = await self._runtime.sessions.begin("poet", ANN, Submission("Sing."), "s")
        self.turns.add(receipt[1].turn or receipt[1].seq)

    async def may_interrupt(self) -> None:
        """Say something now and then, in the middle of a reply."""
        if not self._more or self._random.random() > 0.1:
            return
        self._more -= 1
        said = Submission("More.", on_busy=self._random.choice(["steer", "steer", "queue"]))
        receipt = await self._runtime.sessions.submit(S, ANN, said)
        self.turns.add(receipt.turn or receipt.seq)

    def is_heard(self, reader: Reader) -> bool:
        """Whether a reader has heard of the end of each turn."""
        return set(reader.ended) == self.turns


async def hears(speaker: Speaker, runtime: Runtime, frames: int, into: Reader) -> None:
    """Have the reader hear so many frames from where it was, and leave in mid-stream."""
    row, after = await runtime.sessions.row(S, ANN), place(into.last_id or "0")
    heard = 0
    async with aclosing(stream(runtime.sessions, row, after, Frames())) as batches:
        async for batch in batches:
            for frame in batch:
                for lines in lines_of(frame):
                    into.feed(lines)
                heard += 1
                if heard >= frames or speaker.is_heard(into):
                    return
            await speaker.may_interrupt()


@pytest.mark.parametrize("seed", range(20))
def test_a_reader_that_leaves_anywhere_and_returns_gets_the_rest(seed: int) -> None:
    async def story() -> None:
        random = Random(seed)
        pace = Pace(random.randint(1, 30), delta_delay_s=0.0005)
        agent = Agent("poet", ScriptedModel([WORDS], pace=pace), "")
        async with Runtime([agent], store="memory://") as runtime, asyncio.timeout(30):
            speaker, reader = Speaker(runtime, random), Reader()
            await speaker.begins()
            while not speaker.is_heard(reader):
                await hears(speaker, runtime, random.randint(1, 12), reader)
            journal = await runtime.sessions.events(S, ANN)
            assert [each["seq"] for each in reader.events] == [each.seq for each in journal]
            assert reader.events[-1]["text"] == WORDS

    asyncio.run(story())


def text_frame(at: str, text: str) -> bytes:
    return f'id: {at}\ndata: {{"type":"text.delta","id":"{at}","text":"{text}"}}\n\n'.encode()


class Told:
    """A stream's reader, told batch by batch."""

    def __init__(self, after: str = "0") -> None:
        self.reader = Reader()
        self.inner = StreamReader(Frames(), place(after))

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
STEERED = Record(4, 1.0, e.TurnSteered("r", (Text("More."),), e.Principal("ann")))
REPLIED = Record(4, 1.0, e.ModelReplied("turn/1/model/0", (Text("one two"),), "m", e.Usage()))


def test_who_had_a_part_of_a_text_gets_only_the_rest() -> None:
    told = Told("3.1.4")
    assert told.inner.told([said(0, "one tw")]) == [text_frame("3.1.6", "tw")]
    assert told.inner.told([said(2, "e t")]) == []
    assert told.inner.told([said(6, "o")]) == [text_frame("3.1.7", "o")]


def test_an_event_that_comes_in_mid_reply_has_a_place_within_it_and_so_has_the_text_after_it() -> (
    None
):
    told = Told()
    told.hear(OPENED, TAKEN, ASKED, said(0, "one"), STEERED)
    assert told.reader.last_id == "3.1.3.4"
    assert told.inner.told([said(3, " tw")]) == [text_frame("3.1.6.4", " tw")]
    returned = Told("3.1.3.4")
    assert returned.inner.seq == 4
    assert returned.inner.told([said(0, "one tw")]) == [text_frame("3.1.6.4", " tw")]
    assert returned.inner.told([Record(5, 1.0, REPLIED.event)])[0].startswith(b"id: 5\n")


def test_who_was_cut_off_at_an_event_in_mid_reply_is_told_that_its_driver_is_gone() -> None:
    frames = Told("3.1.3.4").inner.told([Record(5, 1.0, e.SessionTaken(2, "v"))])
    assert [wire_type(each) for each in frames] == ["message.reset", "session.taken"]


def test_text_that_comes_late_of_a_reply_that_is_over_is_not_taken_for_the_one_that_is_open() -> (
    None
):
    told = Told("9.1.3")
    assert told.inner.told([said(0, "an old one")]) == []
    assert told.inner.told([said(3, " tw", seq=9)]) == [text_frame("9.1.6", " tw")]


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
        frame = Frames().event(record, Place(record.seq))
        assert b"secret" not in frame
        assert b"signed" not in frame
        assert b'"provider"' not in frame


def test_an_event_that_many_hear_is_encoded_once_and_what_is_read_anew_is_not_taken_for_it() -> (
    None
):
    frames, again = Frames(), Record(4, 1.0, e.Erased("model.replied"))
    assert frames.json(REPLIED, Place(4)) is frames.json(REPLIED, Place(4))
    assert b"erased" in frames.json(again, Place(4))
    for seq in range(2_000):
        frames.event(Record(seq, 1.0, TAKEN.event), Place(seq))
    assert len(frames._kept) < 1_000  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - what grows is looked at


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x",
        "-1",
        "1.2",
        "1.2.3.4.5",
        "1.-2.3",
        "2.1.1.1",
        "99999999999999999999",
        "\u0661",
        "1\n2",
    ],
)
def test_what_is_no_place_is_refused(wrong: str) -> None:
    with pytest.raises(InputError):
        place(wrong)


@pytest.mark.parametrize("evil", ["a\nb", "a\r\nid: 9", "\r", "\u2028", "\x85", "data: x\n\n"])
def test_no_text_ends_the_field_that_it_stands_in(evil: str) -> None:
    replied = Record(4, 1.0, e.ModelReplied("k", (Text(evil),), evil, e.Usage()))
    for frame in (Frames().text(said(0, evil), Place(3)), Frames().event(replied, Place(4))):
        head, _, rest = frame.partition(b"data: ")
        assert head.count(b"\n") == 1
        assert rest.endswith(b"\n\n")
        assert b"\n" not in rest[:-2]
        assert b"\r" not in frame


def test_over_http_a_reader_returns_in_mid_message_and_a_foreign_place_begins_anew() -> None:
    async def story() -> None:
        async with singing(Random(7)) as (speaker, client, _):
            reader = Reader()
            returns = 0
            while not speaker.is_heard(reader):
                await follow(client, speaker, reader, 9)
                returns += 1
            assert returns > 3
            assert reader.events[-1]["text"] == WORDS
            reader.last_id = "99.1.7"
            await follow(client, speaker, reader, 3)
            assert reader.begun_anew == 1
            assert [each["seq"] for each in reader.events] == [1, 2]

    asyncio.run(story())


@pytest.mark.parametrize("seed", range(8))
def test_whichever_road_a_reader_takes_the_next_time_it_gets_the_rest(seed: int) -> None:
    async def story() -> None:
        random = Random(seed)
        async with singing(random) as (speaker, client, runtime):
            reader, roads = Reader(), [follow, converse, look]
            while not speaker.is_heard(reader):
                await random.choice(roads)(client, speaker, reader, random.randint(1, 12))
            journal = await runtime.sessions.events(S, ANN)
            assert [each["seq"] for each in reader.events] == [each.seq for each in journal]
            assert reader.events[-1]["text"] == WORDS

    asyncio.run(story())


def test_the_stream_of_a_turn_that_has_to_wait_tells_no_text_of_another() -> None:
    async def story() -> None:
        async with singing(Random(7), more=0) as (speaker, client, runtime):
            await follow(client, speaker, Reader(), 6)
            steered = Submission("More.", on_busy="steer")
            texts: dict[int, str] = {}
            asked = client.stream(
                "POST",
                "/v1/sessions/s/turns",
                json={"input": "And another."},
                headers={"Accept": "text/event-stream"},
            )
            async with asked as answer:
                await runtime.sessions.submit(S, ANN, steered)
                async for line in answer.aiter_lines():
                    if line.startswith('data: {"type":"text.delta"'):
                        said: dict[str, str] = json.loads(line.removeprefix("data: "))
                        began = int(said["id"].split(".")[0])
                        texts[began] = texts.get(began, "") + said["text"]
            journal = await runtime.sessions.events(S, ANN)
            begun = [each.seq for each in journal if isinstance(each.event, e.ModelReserved)]
            assert len(begun) == 3
            assert texts == {begun[-1]: WORDS}

    asyncio.run(story())


@asynccontextmanager
async def singing(
    random: Random, more: int = 6
) -> AsyncGenerator[tuple[Speaker, httpx2.AsyncClient, Runtime]]:
    """Serve a session in which somebody speaks."""
    agent = Agent("poet", ScriptedModel([WORDS], pace=Pace(7, delta_delay_s=0.002)), "")
    async with (
        asyncio.timeout(30),
        Runtime([agent], store="memory://") as runtime,
        serving(asgi(runtime, [Development(ANN)])) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        speaker = Speaker(runtime, random, more)
        await speaker.begins()
        yield speaker, client, runtime


async def follow(client: httpx2.AsyncClient, speaker: Speaker, reader: Reader, frames: int) -> None:
    """Follow a stream of server-sent events for so many of them."""
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
            if not frames or speaker.is_heard(reader):
                return
            await speaker.may_interrupt()


async def converse(
    client: httpx2.AsyncClient, speaker: Speaker, reader: Reader, frames: int
) -> None:
    """Follow by a WebSocket for so many messages."""
    at = f"{client.base_url}/v1/sessions/s/ws?after={reader.last_id}".replace("http", "ws", 1)
    async with connect(at) as connection:
        for _ in range(frames):
            reader.take(json.loads(await connection.recv()))
            if speaker.is_heard(reader):
                return
            await speaker.may_interrupt()


async def look(client: httpx2.AsyncClient, speaker: Speaker, reader: Reader, frames: int) -> None:
    """Read a page of so many events."""
    params = {"after": reader.last_id, "limit": frames}
    page = await client.get("/v1/sessions/s/events", params=params)
    for each in page.json()["events"]:
        reader.take(each)
    await speaker.may_interrupt()
