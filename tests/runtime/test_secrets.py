"""No secret is written down, streams out or is logged, whoever says it, wherever."""

import asyncio
import json
import logging
import random
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.redaction.fragments import chunks
from tests.core.redaction.fragments import text as fragment

from jackline import (
    Agent,
    Context,
    Delta,
    Message,
    ModelError,
    Pasted,
    Record,
    Runtime,
    SessionId,
    Text,
    ToolCall,
    ToolError,
    Unguarded,
    Upload,
    User,
    tool,
)
from jackline.adapters.memory import MemoryStore
from jackline.core.events import (
    InputRequested,
    ModelReplied,
    ModelReserved,
    ToolReturned,
    TurnCompleted,
    TurnFailed,
)
from jackline.core.messages import File, Provider, Reasoning, ToolResult
from jackline.ports import Appended, Batch, Reply, Request
from jackline.testing.model import FREE, Pace, ScriptedModel

ANN = User("ann", "acme")


def planted(number: int) -> str:
    """Return a secret that is found nowhere else: an access key with this number in it."""
    return f"AKIAPLANTED{number:05d}ABCD"


def count(text: str | bytes) -> list[str]:
    """Return the planted secrets of a text, and whether a part of one is left."""
    said = text if isinstance(text, str) else text.decode("latin-1")
    found = [f"number {n}" for n in range(40) if planted(n) in said]
    return found or (["a part"] if planted(0)[:10] in said else [])


@tool(effect="read")
async def look(ctx: Context[None], password: str) -> dict[str, Any]:
    """Look something up."""
    ctx.report(f"It is {planted(1)}", 0.5)
    assert "[secret:" in password, "the tool gets what is written down"
    return {"key": planted(2), "password": 12345678, "deep": [{"note": f"see {planted(3)}"}]}


@tool(effect="read", result_bytes=1_024)
def big() -> str:
    """Return more than is shown."""
    # It is cut in the middle of the first, and the second lies in the artifact alone.
    return "x " * 507 + planted(4) + " y" * 3_000 + " " + planted(5)


@tool(effect="read", retries=0)
def breaks() -> str:
    """Fail."""
    raise RuntimeError("z " * 983 + planted(6) + " and so on" * 90)


@tool(effect="read")
def refuses() -> str:
    """Refuse."""
    raise ToolError(f"Not with {planted(7)}.")


@tool(effect="transactional")
def writes(ctx: Context[None]) -> str:
    """Return from within a transaction."""
    del ctx
    return f"Written: {planted(8)}"


@tool(effect="once", approve=True)
def pays(note: str) -> str:
    """Pay."""
    return f"Paid: {note}"


EVENTS = (sys.executable, "-m", "jackline", "events", "s1", "--json", "--user", "ann")


def hidden(text: str) -> str:
    """Return a text that no eye sees and a model reads."""
    return "".join([chr(0xE0000 + ord(sign)) for sign in text])


@tool(effect="read")
def smuggles() -> str:
    """Return what nobody sees."""
    return f"Nothing here.{hidden(planted(9))} Nor AK\u200bIAPLANTED00010ABCD."


TOOLS = [look, big, breaks, refuses, writes, pays, smuggles]
CALLS = [
    ToolCall("look", json.dumps({"password": planted(11)}), "a"),
    ToolCall("big", "{}", "b", Provider("p", json.dumps({"blob": planted(12)}))),
    ToolCall("breaks", "{}"),
    ToolCall("refuses", "{}"),
    ToolCall("writes", "{}"),
    ToolCall("smuggles", "{}"),
    ToolCall("pays", json.dumps({"note": f"token: {planted(13)}"})),
    ToolCall(f"no such tool {planted(14)}", "{}"),
]
SAID = f"I was told {planted(15)}, and the password is hunter2!x, so it goes on."
PARTS = [Reasoning(f"I think of {planted(16)}"), Text("Let me see. "), *CALLS]


def agent(model: Any, **options: Any) -> Agent:
    told = f"Never tell {planted(17)}."
    return Agent("support", model, lambda _: told, tools=TOOLS, **options)


@asynccontextmanager
async def running(path: Path, *agents: Agent) -> AsyncGenerator[Runtime]:
    async with Runtime(agents, store=f"sqlite:///{path}/jackline.db") as runtime:
        yield runtime


async def everything(runtime: Runtime, model: ScriptedModel) -> list[Record | Delta]:
    """Say secrets in every way there is, and return what streamed."""
    del model
    sessions, heard = runtime.sessions, list[Record | Delta]()
    history = [
        Message("user", (Text(f"Mine is {planted(18)}"),)),
        Message("assistant", (ToolCall("old", json.dumps({"a": planted(19)}), "1"),)),
        Message("tool", (ToolResult("k", "old", (Text(planted(20)),), "1"),)),
        Message("assistant", (Text(f"So {planted(21)}"),)),
    ]
    session = await sessions.open("support", ANN, "s1", history)
    said = [
        Text(f"Here is {planted(22)}; my password is "),
        Pasted("S3cret-9x!"),
        Pasted(f"{planted(23)}"),
        Upload(f"a: {planted(24)}".encode(), "text/plain", f"{planted(25)}.txt"),
        Upload(f"ü: {planted(26)}".encode("utf-16"), "text/csv"),
        Upload(f"ü: {planted(27)}".encode("latin-1"), "text/csv"),
        Upload(b"\x89PNG" + b"0" * 40, "image/png"),
    ]
    answered = set[str]()
    async for each in runtime.stream("support", said, session="s1", user=ANN):
        heard.append(each)
        asked = each.event if isinstance(each, Record) else None
        if isinstance(asked, InputRequested):
            edited = json.dumps({"note": planted(28)}) if asked.name == "pays" else None
            reason = f"Because of {planted(29)}"
            seq = each.seq
            await sessions.answer(session, seq, ANN, approved=True, arguments=edited, reason=reason)
            answered.add(asked.name)
    assert answered == {"pays", "writes"}
    await sessions.cancel(session, ANN, f"Enough of {planted(30)}")
    return heard


def test_no_sink_has_a_secret_after_a_turn_that_says_them_everywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    asked: list[Request] = []

    def first(request: Request) -> Any:
        asked.append(request)
        return PARTS

    def last(request: Request) -> str:
        asked.append(request)
        return SAID

    async def run() -> tuple[list[Record | Delta], list[Record], bytes]:
        model = ScriptedModel([first, last], pace=Pace(delta=3))
        async with running(tmp_path, agent(model)) as runtime:
            heard = await everything(runtime, model)
            logging.getLogger("jackline").error("About %s", planted(31))
            session = SessionId("acme", "s1")
            events = await runtime.store.read(session)
            parts = [part for each in events for part in _uploads(each)]
            kept = [await runtime.store.get(session, part.artifact) for part in parts]
            (cut,) = [e for e in _of(ToolReturned, events) if e.artifact]
            whole, _ = await runtime.store.get(session, cut.artifact)
            files = _bytes(tmp_path)
            assert len(kept) == 3
            assert kept[1][0].decode("utf-16").startswith("ü: [secret:aws-key:")
            assert kept[2][0].decode("latin-1").startswith("ü: [secret:aws-key:")
            assert whole.count(b"[secret:aws-key:") == 2
            assert count(whole) == []
            return heard, events, files

    heard, events, files = asyncio.run(run())
    streamed = "".join([each.text for each in heard if isinstance(each, Delta)])
    (completed,) = _of(TurnCompleted, events)
    replies = [each.text for each in _of(ModelReplied, events)]
    for seq in {each.seq for each in heard if isinstance(each, Delta)}:
        # A reader that is behind is told the whole reply instead of its rest.
        said = "".join([each.text for each in heard if isinstance(each, Delta) and each.seq == seq])
        assert any(reply.startswith(said) for reply in replies)
    assert completed.text.startswith("I was told [secret:aws-key:")
    sinks = {
        "files": files,
        "deltas": streamed,
        "events": repr(events),
        "requests": repr([(each.instructions, list(each.messages)) for each in asked]),
        "logs": caplog.text,
        "stdout and stderr": "".join(capfd.readouterr()),
    }
    assert {name: count(said) for name, said in sinks.items() if count(said)} == {}
    for name, said in sinks.items():
        text = said.decode("latin-1") if isinstance(said, bytes) else said
        assert "S3cret-9x" not in text, name
        assert "hunter2" not in text, name
        assert hidden(planted(9)) not in text, name
    printed = _printed(tmp_path)
    assert "[secret:aws-key:" in printed
    assert count(printed) == []
    _has_each_handle(events)


def _printed(folder: Path) -> str:
    """Return what `jackline events` says of the session."""
    done = subprocess.run(
        [*EVENTS, "--tenant", "acme", "--store", f"sqlite:///{folder}/jackline.db"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _has_each_handle(events: Sequence[Record]) -> None:
    """Assert that what was said is there, by its handle: nothing was just left out."""
    kinds = {type(each.event).__name__ for each in events if "[secret:" in repr(each.event)}
    assert kinds >= {
        "SessionOpened",
        "TurnSubmitted",
        "GuardJudged",
        "ModelReserved",
        "ModelReplied",
        "ToolReturned",
        "ToolFailed",
        "ToolRefused",
        "ProgressReported",
        "InputRequested",
        "InputProvided",
        "TurnCancelRequested",
        "TurnCompleted",
    }


def _bytes(folder: Path) -> bytes:
    """Return what the database's files hold while it is open: its log, too."""
    return b"".join([each.read_bytes() for each in sorted(folder.iterdir())])


def _of(kind: Any, events: Sequence[Record]) -> list[Any]:
    return [each.event for each in events if isinstance(each.event, kind)]


def _uploads(record: Record) -> list[File]:
    return [part for part in getattr(record.event, "parts", ()) if isinstance(part, File)]


def test_a_handle_is_the_same_in_another_process_and_another_one_elsewhere(tmp_path: Path) -> None:
    async def say(session: str, path: Path, request_id: str = "r1") -> str:
        made = Agent("support", ScriptedModel([SAID]))
        async with running(path, made) as runtime:
            said = f"Here is {planted(15)}."
            result = await runtime.run(
                "support", said, session=session, user=ANN, request_id=request_id
            )
            return result.text

    def handle(session: str, path: Path = tmp_path, request_id: str = "r1") -> str:
        return asyncio.run(say(session, path, request_id))

    (other := tmp_path / "other").mkdir()
    first = handle("s1")
    assert handle("s1") == first, "it was told before, and its body is the same"
    assert handle("s1", request_id="r2") == first
    assert len({first, handle("s2"), handle("s1", other)}) == 3


def test_without_the_guard_secrets_stay_and_the_redactor_still_keeps_them_from_the_output() -> None:
    gone = Unguarded("secrets", reason="It rotates keys, and has to see them.")

    async def run() -> tuple[list[Record], str]:
        made = agent(ScriptedModel([PARTS, SAID]), guards=[gone], on_ask="refuse")
        async with Runtime([made], store="memory://") as runtime:
            with pytest.raises(AssertionError):
                await runtime.run("support", planted(0), session="s1", user=ANN)
                raise AssertionError
            events = await runtime.store.read(SessionId("acme", "s1"))
            return events, _of(TurnCompleted, events)[0].text

    events, said = asyncio.run(run())
    assert planted(0) in repr(events)
    assert planted(17) in repr(_of(ModelReserved, events))
    assert said.startswith("I was told [redacted:aws-key], and the password is [redacted:password]")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32))
def test_what_streams_is_what_is_journaled_whatever_the_pieces(seed: int) -> None:
    draw = random.Random(seed)
    said = (fragment(draw) * draw.choice((1, 1, 4))).replace("\ud83d", "?") + "."

    class Chopping:
        """Says one text, in pieces of its own."""

        terms = FREE

        async def stream(self, request: Request) -> AsyncGenerator[str | Reply]:
            del request
            for piece in chunks(draw, said):
                yield piece
            yield Reply((Text(said),), None, "chopping")

    async def run() -> tuple[str, str]:
        made = Agent("support", Chopping())
        async with Runtime([made], store="memory://") as runtime:
            heard = [each async for each in runtime.stream("support", "Hi.", session="s1")]
        streamed = "".join([each.text for each in heard if isinstance(each, Delta)])
        (replied,) = _of(ModelReplied, [each for each in heard if isinstance(each, Record)])
        return streamed, replied.text

    streamed, journaled = asyncio.run(run())
    assert streamed == journaled


def test_an_error_of_a_model_or_of_instructions_is_told_without_its_secret() -> None:
    def fails(_: Any) -> str:
        raise ValueError("q " * 985 + planted(0) + " tail" * 20)

    async def run(made: Agent) -> str:
        async with Runtime([made], store="memory://") as runtime:
            result = await runtime.run("support", "Hi.", session="s1")
            return repr(await runtime.store.read(SessionId(result.session.tenant, "s1")))

    broken = ScriptedModel([ModelError(f"401: {planted(1)} is no key")])
    for made in (Agent("support", ScriptedModel(["x"]), fails), Agent("support", broken)):
        events = asyncio.run(run(made))
        assert "TurnFailed" in events
        assert count(events) == []


class Buggy(MemoryStore):
    """A store whose first append by a driver is a bug."""

    def __init__(self) -> None:
        super().__init__(lambda: 1_000.0)
        self.told = 0

    async def drive(self, session: SessionId, batch: Batch, lease_s: float) -> Appended:
        self.told += 1
        if self.told == 1:
            raise KeyError("b " * 488 + planted(0) + " tail" * 9)
        return await super().drive(session, batch, lease_s)


def test_a_bug_that_ends_a_turn_is_told_and_logged_without_its_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def run() -> list[Record]:
        made, store = Agent("support", ScriptedModel(["Hi."])), Buggy()
        async with Runtime([made], store=store) as runtime:
            result = await runtime.run("support", "Hello.", session="s1")
            return await store.read(result.session)

    (failed,) = _of(TurnFailed, asyncio.run(run()))
    assert failed.code == "internal"
    assert len(failed.text) == 1_000
    assert count(failed.text) == count(caplog.text) == []
    assert "[redacted:aws-key]" in caplog.text
