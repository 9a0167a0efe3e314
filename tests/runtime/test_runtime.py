"""What a user of the runtime sees: the loop, the sessions and the store in one."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from jackline.adapters.memory import MemoryStore
from jackline.app import LOCAL_USER, Runtime
from jackline.core import events as e
from jackline.core.agent import Agent, Limits
from jackline.core.errors import (
    BusyError,
    CallerError,
    ConflictError,
    DefinitionError,
    InputError,
    NotFoundError,
    OverloadedError,
    StaleError,
)
from jackline.core.guards import DenyList
from jackline.core.inputs import Upload
from jackline.core.messages import (
    File,
    Image,
    Message,
    Pasted,
    ReplyPart,
    Text,
    ToolCall,
    ToolResult,
)
from jackline.core.rates import Rate
from jackline.core.tools import Context, tool
from jackline.core.user import User
from jackline.ports import Reply, Request
from jackline.runtime.submission import Submission
from jackline.testing import ScriptedModel
from jackline.testing.model import FREE

CENTS = '{"cents":500}'
PNG = b"\x89PNG\r\n"


@tool(effect="read")
async def look() -> str:
    """Look."""
    return "here"


@tool(effect="once", approve=True)
async def refund(cents: int) -> str:
    """Pay back."""
    return f"{cents} paid back"


@tool(effect="read", result_bytes=1_024)
async def report() -> str:
    """Write a long report."""
    return "".join(f"line {n}\n" for n in range(1_000))


class Lines:
    """A model that answers by functions of the request, and remembers what it was shown."""

    def __init__(self, *answers: Any) -> None:
        self.requests: list[Request] = []
        self._answers = answers
        self.model = ScriptedModel([self._answer(n) for n in range(len(answers))])

    def _answer(self, number: int) -> Callable[[Request], Any]:
        def said(request: Request) -> Any:
            self.requests.append(request)
            return self._answers[number]

        return said


def agent(*script: Any, **changes: Any) -> Agent:
    fields: dict[str, Any] = {"tools": [look, refund, report], **changes}
    return Agent("clerk", ScriptedModel(script or ["Hello."]), **fields)


def within(work: Callable[[Runtime], Awaitable[Any]], *agents: Agent, **options: Any) -> Any:
    """Run `work` with a runtime in memory."""

    async def run() -> Any:
        async with Runtime(agents or [agent()], store="memory://", **options) as runtime:
            async with asyncio.timeout(20):
                return await work(runtime)

    return asyncio.run(run())


async def events(runtime: Runtime, session: e.SessionId) -> Sequence[e.Event]:
    return [record.event for record in await runtime.store.read(session)]


def test_a_turn_runs_from_input_to_answer() -> None:
    result = within(lambda runtime: runtime.run("clerk", "Hi"))
    assert (result.outcome, result.text, result.output) == ("completed", "Hello.", "Hello.")


def test_instructions_that_raise_fail_the_turn_once_and_the_worker_lives() -> None:
    calls: list[str] = []

    def broken(ctx: Context[Any]) -> str:
        calls.append(ctx.call_key)
        raise KeyError("name")

    async def work(runtime: Runtime) -> Any:
        return [await runtime.run("clerk", "Hi", session="s") for _ in range(2)]

    first, second = within(work, agent(instructions=broken))
    assert (first.outcome, first.code) == ("failed", "instructions")
    assert first.text == "The instructions could not be made: KeyError: 'name'"
    assert second.outcome == "failed"
    assert len(calls) == 2


@pytest.mark.parametrize("said", [None, 7, b"bytes"])
def test_instructions_that_are_no_text_fail_the_turn(said: Any) -> None:
    def strange(ctx: Context[Any]) -> Any:
        return said if ctx.user.user else ""

    result = within(lambda r: r.run("clerk", "Hi"), agent(instructions=strange))
    assert result.code == "instructions"
    assert "have to be a str" in result.text


def test_instructions_may_depend_on_the_user_and_on_what_tools_work_with() -> None:
    shown = Lines("Hello.")

    def rendered(ctx: Context[Any]) -> str:
        return f"{ctx.user.user} of {ctx.deps} \ud800"

    who = Agent("clerk", shown.model, rendered)
    within(lambda r: r.run("clerk", "Hi", user=User("ann")), who, deps="the shop")
    assert shown.requests[0].instructions == "ann of the shop ?"


def test_a_cancellation_that_names_a_turn_hits_no_other() -> None:
    async def work(runtime: Runtime) -> None:
        session = await runtime.sessions.open("clerk", LOCAL_USER, "s")
        receipt = await runtime.sessions.submit(session, LOCAL_USER, Submission("one"))
        await runtime.sessions.cancel(session, LOCAL_USER, turn=1)
        state = await runtime.sessions.state(session, LOCAL_USER)
        assert state.turn
        assert state.turn.cancelled is None
        await runtime.sessions.cancel(session, LOCAL_USER, "why", turn=receipt.turn)
        state = await runtime.sessions.state(session, LOCAL_USER)
        assert state.turn
        assert state.turn.cancelled == "why"

    within(work, drive=False)


@pytest.mark.parametrize("position", [2**63, 2**70])
def test_positions_that_no_journal_reaches_are_the_caller_s_error(position: int) -> None:
    async def work(runtime: Runtime) -> None:
        session = await runtime.sessions.open("clerk", LOCAL_USER, "s")
        with pytest.raises(NotFoundError):
            await runtime.sessions.answer(session, position, LOCAL_USER, approved=True)
        with pytest.raises(InputError):
            await anext(runtime.sessions.subscribe(session, LOCAL_USER, position))

    within(work, drive=False)


def test_other_arguments_may_be_no_larger_than_an_input() -> None:
    @tool(effect="once", approve=True)
    async def send(to: str) -> str:
        """Send."""
        return to

    async def work(runtime: Runtime) -> None:
        asked = await runtime.run("clerk", "Hi")
        large = '{"to":"' + "y" * 2_000 + '"}'
        with pytest.raises(InputError, match="1000 bytes"):
            await runtime.sessions.answer(
                asked.session, asked.questions[0], LOCAL_USER, approved=True, arguments=large
            )

    script = [ToolCall("send", '{"to":"x"}')], "Sent."
    within(work, agent(*script, tools=[send], limits=Limits(input_bytes=1_000)))


@asynccontextmanager
async def credentials(user: User) -> AsyncGenerator[str]:
    yield f"credentials of {min(user.roles)}"


def test_a_turn_works_with_nothing_that_was_made_for_another_one_s_roles() -> None:
    begun, ready, used = asyncio.Event(), asyncio.Event(), list[tuple[str, str]]()

    @tool(effect="read")
    async def work_with(ctx: Context[str]) -> str:
        """Use it."""
        begun.set()
        await ready.wait()
        used.append((min(ctx.user.roles), ctx.deps))
        return ctx.deps

    async def work(runtime: Runtime) -> None:
        admin, guest = User("ann", roles={"admin"}), User("ann", roles={"guest"})
        session = await runtime.sessions.open("clerk", admin, "s")
        await runtime.sessions.submit(session, admin, Submission("one"))
        await begun.wait()
        receipt = await runtime.sessions.submit(session, guest, Submission("two"))
        ready.set()
        result = await runtime.result(session, receipt.turn or 0, guest)
        assert result.outcome == "completed"

    script = [[ToolCall("work_with", "{}")], "Done."]
    within(work, agent(*script, tools=[work_with]), deps=credentials)
    assert used == [("admin", "credentials of admin"), ("guest", "credentials of guest")]


def test_turns_of_other_roles_follow_each_other_in_one_drive_where_nothing_is_made_for_them() -> (
    None
):
    shown = Lines("One.", "Two.")

    def whose(ctx: Context[Any]) -> str:
        return f"for {min(ctx.user.roles)}"

    async def work(runtime: Runtime) -> None:
        admin, guest = User("ann", roles={"admin"}), User("ann", roles={"guest"})
        session = await runtime.sessions.open("clerk", admin, "s")
        await runtime.sessions.submit(session, admin, Submission("one"))
        receipt = await runtime.sessions.submit(session, guest, Submission("two"))
        await runtime.result(session, receipt.turn or 0, guest)

    within(work, Agent("clerk", shown.model, whose))
    assert [each.instructions for each in shown.requests] == ["for admin", "for guest"]


@asynccontextmanager
async def no_deps(user: User) -> AsyncGenerator[str]:
    if user.id:
        raise ConnectionError("the shop is closed")
    yield ""


@asynccontextmanager
async def sticky_deps(user: User) -> AsyncGenerator[str]:
    yield user.id
    raise ConnectionError("the shop does not let go")


def test_tools_whose_dependencies_cannot_be_had_fail_and_the_model_is_told() -> None:
    async def work(runtime: Runtime) -> Any:
        result = await runtime.run("clerk", "Hi", session="s")
        return result, await events(runtime, result.session)

    result, happened = within(work, agent([ToolCall("look", "{}")], "Sorry."), deps=no_deps)
    assert result.text == "Sorry."
    (failed,) = [event for event in happened if isinstance(event, e.ToolFailed)]
    assert failed.code == "dependencies"
    assert "the shop is closed" in failed.text


def test_dependencies_that_do_not_let_go_end_no_turn_that_waits() -> None:
    async def work(runtime: Runtime) -> Any:
        asked = await runtime.run("clerk", "Hi", session="s")
        assert asked.outcome == "paused"
        (question,) = asked.questions
        await runtime.sessions.answer(asked.session, question, LOCAL_USER, approved=True)
        return await runtime.result(asked.session, asked.turn)

    script = [[ToolCall("refund", CENTS)], "Done."]
    result = within(work, agent(*script), deps=sticky_deps)
    assert (result.outcome, result.text) == ("completed", "Done.")


def test_a_large_result_can_be_read_on_by_the_model() -> None:
    def page(request: Request) -> Any:
        (result,) = request.messages[-1].parts
        assert isinstance(result, ToolResult)
        head = result.parts[0]
        assert isinstance(head, Text)
        handle = head.text.partition('handle="')[2].partition('"')[0]
        return [ToolCall("read_result", f'{{"handle":"{handle}","offset":1024}}')]

    def last(request: Request) -> str:
        (result,) = request.messages[-1].parts
        assert isinstance(result, ToolResult)
        assert isinstance(result.parts[0], Text)
        return result.parts[0].text[-60:]

    result = within(lambda r: r.run("clerk", "Hi"), agent([ToolCall("report", "{}")], page, last))
    assert "line 999" in result.text


def test_pictures_and_files_reach_the_model() -> None:
    shown = Lines("Nice.")

    async def work(runtime: Runtime) -> Any:
        said = ["See", Upload(PNG, "image/png"), Upload(b"a,b", "text/csv", "t.csv")]
        await runtime.run("clerk", said, session="s")
        request = shown.requests[0]
        _, image, file = request.messages[0].parts
        assert isinstance(image, Image)
        assert isinstance(file, File)
        assert (file.name, file.size_bytes) == ("t.csv", 3)
        assert request.artifact is not None
        again = Image(image.artifact, "text/html")
        await runtime.run("clerk", ["Again", again], session="s")
        return [await request.artifact(part.artifact) for part in (image, file)], image

    (picture, table), image = within(work, Agent("clerk", shown.model))
    assert picture == (PNG, "image/png")
    assert table == (b"a,b", "text/csv")
    repeated = shown.requests[1].messages[2].parts[1]
    assert repeated == image, "it is what was kept, whatever it is called"


def test_a_handle_of_another_session_is_none() -> None:
    with pytest.raises(NotFoundError, match="no artifact"):
        within(lambda r: r.run("clerk", ["See", Image("0" * 64, "image/png")]))


def test_redacted_words_keep_their_picture_and_their_origin() -> None:
    shown = Lines("ok")
    guard = DenyList(["secret"], decision="redact", gates=["input"])
    said = ["a secret", Upload(PNG, "image/png"), Pasted("more secret")]
    within(lambda r: r.run("clerk", said), Agent("clerk", shown.model, guards=[guard]))
    words, picture = shown.requests[0].messages[0].parts
    assert words == Pasted("a [redacted]\nmore [redacted]")
    assert isinstance(picture, Image)


def test_of_a_blocked_input_nothing_is_kept_and_the_next_turn_does_not_see_it() -> None:
    shown = Lines("ok")
    guard = DenyList(["secret"], gates=["input"])

    async def work(runtime: Runtime) -> Any:
        blocked = await runtime.run("clerk", "my secret", session="s")
        await runtime.run("clerk", "hello", session="s")
        return blocked, await events(runtime, blocked.session)

    blocked, happened = within(work, Agent("clerk", shown.model, guards=[guard]))
    assert (blocked.outcome, blocked.code) == ("stopped", "blocked")
    assert "secret" not in repr(happened)
    assert "secret" not in repr(list(shown.requests[0].messages))


def test_a_conversation_that_began_elsewhere_goes_on_though_its_tools_are_gone() -> None:
    shown = Lines("As I said.")
    history = [
        Message("user", (Text("hi"),)),
        Message("assistant", (ToolCall("gone", "{}", "c1"),)),
        Message("tool", (ToolResult("k", "gone", (Text("r"),), "c1"),)),
        Message("assistant", (Text("It was so."),)),
    ]

    async def work(runtime: Runtime) -> Any:
        session = await runtime.sessions.open("clerk", LOCAL_USER, "s", history)
        result = await runtime.run("clerk", "Really?", session="s")
        with pytest.raises(InputError, match="ends before 'gone' has a result"):
            await runtime.sessions.open("clerk", LOCAL_USER, "s2", history[:2])
        return session, result

    _, result = within(work, Agent("clerk", shown.model))
    assert result.text == "As I said."
    assert [*shown.requests[0].messages][:4] == history


def test_one_runtime_submits_and_another_drives() -> None:
    async def run() -> Any:
        store = MemoryStore(asyncio.get_running_loop().time)
        front = Runtime([agent()], store=store, drive=False)
        async with front, asyncio.timeout(20):
            session = await front.sessions.open("clerk", LOCAL_USER, "s")
            receipt = await front.sessions.submit(session, LOCAL_USER, Submission("Hi"))
            assert (await front.sessions.state(session, LOCAL_USER)).epoch == 0
            async with Runtime([agent()], store=store):
                return await front.result(session, receipt.turn or 0)

    assert asyncio.run(run()).text == "Hello."


def test_a_session_of_an_agent_that_is_not_served_here_is_left_alone() -> None:
    other = Agent("other", ScriptedModel(["Hi."]))

    async def run() -> Any:
        store = MemoryStore(asyncio.get_running_loop().time)
        async with Runtime([other], store=store, drive=False) as there:
            session = await there.sessions.open("other", LOCAL_USER, "s")
            await there.sessions.submit(session, LOCAL_USER, Submission("Hi"))
            async with Runtime([agent()], store=store) as here:
                await here.sessions.cancel(session, LOCAL_USER)
                with pytest.raises(NotFoundError, match="does not serve the agent 'other'"):
                    await here.sessions.submit(session, LOCAL_USER, Submission("Hi"))
                assert (await here.run("clerk", "Hi")).text == "Hello."
                return (await here.sessions.state(session, LOCAL_USER)).epoch

    assert asyncio.run(run()) == 0


def test_a_rate_that_nothing_ever_fits_fails_the_turn_instead_of_waiting_for_ever() -> None:
    rates = {"user": Rate(tokens_per_minute=5_000)}
    result = within(lambda r: r.run("clerk", "x" * 9_000), agent(rates=rates))
    assert (result.outcome, result.code) == ("failed", "rate_too_low")


def test_a_failing_model_is_tried_again_and_then_the_turn_fails() -> None:
    who = agent(OverloadedError("busy", sent=False), limits=Limits(model_tries=1))
    result = within(lambda r: r.run("clerk", "Hi"), who)
    assert (result.outcome, result.code, result.text) == ("failed", "overloaded", "busy")


def test_a_dead_letter_is_seen_and_can_be_resumed() -> None:
    async def run() -> Any:
        store = MemoryStore(asyncio.get_running_loop().time)
        who = agent(limits=Limits(drivers=1))
        async with Runtime([who], store=store, drive=False) as front, asyncio.timeout(20):
            session = await front.sessions.open("clerk", LOCAL_USER, "s")
            receipt = await front.sessions.submit(session, LOCAL_USER, Submission("Hi"))
            row = store.rows[session]
            for _ in range(2):
                await store.claim(session, "w", 1.0)
                row.lease_until = 0.0
            async with Runtime([who], store=store) as runtime:
                dead = await runtime.result(session, receipt.turn or 0)
                assert (dead.outcome, dead.code) == ("paused", "dead_letter")
                assert "3 workers were lost" in dead.text
                await runtime.sessions.go_on(session, LOCAL_USER)
                return await runtime.result(session, receipt.turn or 0)

    result = asyncio.run(run())
    assert (result.outcome, result.text) == ("completed", "Hello.")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"on_busy": "wait"}, "on_busy='wait' is none of queue, reject, steer"),
        ({"on_busy": "steer", "deadline_at": 1.0}, "no deadline"),
        ({"on_busy": "steer", "traceparent": "x"}, "no trace"),
        ({"request_id": "x" * 201}, "no request id"),
        ({"request_id": "a\nb"}, "no request id"),
        ({"traceparent": "x" * 201}, "no traceparent"),
    ],
)
def test_a_submission_that_could_not_be_kept_to_is_refused(
    options: dict[str, Any], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        Submission("Hi", **options)


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"usd": -1}, "lets nothing run"),
        ({"usd": "0.0000001"}, "lets nothing run"),
        ({"usd": "much"}, "is no number"),
        ({"model_calls": "many"}, "is no number"),
        ({"tool_calls": float("nan")}, "is no number"),
        ({"driven_s": 0.5}, "lets nothing run"),
        ({"usd": 0}, "or None for no limit"),
        ({"usd": True}, "is no number"),
        ({"usd": float("nan")}, "is no number"),
        ({}, "Say which limit"),
        ({"patience": 1}, "cannot be raised: it is one of usd"),
    ],
)
def test_a_limit_that_cannot_be_raised_is_refused(limits: dict[str, Any], why: str) -> None:
    async def work(runtime: Runtime) -> None:
        session = await runtime.sessions.open("clerk", LOCAL_USER, "s")
        await runtime.sessions.raise_limits(session, LOCAL_USER, limits)

    with pytest.raises(CallerError, match=why):
        within(work)


def test_a_stopped_session_is_given_more_and_goes_on() -> None:
    async def work(runtime: Runtime) -> Any:
        stopped = await runtime.run("clerk", "Hi", session="s")
        await runtime.sessions.raise_limits(stopped.session, LOCAL_USER, {"model_calls": 9})
        receipt = await runtime.sessions.go_on(stopped.session, LOCAL_USER)
        return stopped, await runtime.result(stopped.session, receipt.turn or 0)

    script = [[ToolCall("look", "{}")], "Done."]
    stopped, result = within(work, agent(*script, limits=Limits(model_calls=1)))
    assert (stopped.outcome, stopped.code) == ("stopped", "model_calls")
    assert (result.outcome, result.text) == ("completed", "Done.")


def test_there_has_to_be_something_to_go_on_with() -> None:
    async def work(runtime: Runtime) -> None:
        session = await runtime.sessions.open("clerk", LOCAL_USER, "s")
        await runtime.sessions.go_on(session, LOCAL_USER)

    with pytest.raises(InputError, match="Nothing was said yet"):
        within(work)


def test_the_same_request_is_taken_once_and_another_under_its_id_is_refused() -> None:
    async def work(runtime: Runtime) -> Any:
        session = await runtime.sessions.open("clerk", LOCAL_USER, "s")
        said = Submission("Hi", request_id="r1")
        first = await runtime.sessions.submit(session, LOCAL_USER, said)
        again = await runtime.sessions.submit(session, LOCAL_USER, said)
        with pytest.raises(ConflictError):
            await runtime.sessions.submit(session, LOCAL_USER, Submission("Ho", request_id="r1"))
        return first, again

    first, again = within(work)
    assert (again.turn, again.repeated) == (first.turn, True)


def test_whoever_wants_no_queue_hears_that_a_turn_is_open() -> None:
    async def work(runtime: Runtime) -> None:
        asked = await runtime.run("clerk", "Hi", session="s")
        reject = Submission("Ho", on_busy="reject")
        with pytest.raises(BusyError):
            await runtime.sessions.submit(asked.session, LOCAL_USER, reject)

    within(work, agent([ToolCall("refund", CENTS)], "Done."))


def test_a_session_is_its_user_s_and_nobody_else_s() -> None:
    async def work(runtime: Runtime) -> None:
        session = (await runtime.run("clerk", "Hi", session="s", user=User("ann"))).session
        for stranger in (User("bob"), User("ann", "other"), User("bob", roles={"approver"})):
            with pytest.raises(NotFoundError):
                await runtime.sessions.submit(session, stranger, Submission("Hi"))
            with pytest.raises(NotFoundError):
                await runtime.sessions.cancel(session, stranger)
        with pytest.raises(NotFoundError):
            await runtime.sessions.state(session, User("bob"))
        assert await runtime.sessions.state(session, User("bob", roles={"approver"}))
        assert await runtime.sessions.listed(User("bob")) == []

    within(work)


def test_an_answer_is_checked_given_once_and_its_edit_runs() -> None:
    async def work(runtime: Runtime) -> Any:
        sessions = runtime.sessions
        asked = await runtime.run("clerk", "Hi", session="s")
        session, (question,) = asked.session, asked.questions
        assert (await sessions.questions(session, LOCAL_USER))[question].arguments == CENTS
        for edit, why in (('{"cents":"x"}', "do not fit refund"), ("[", "do not fit")):
            with pytest.raises(InputError, match=why):
                await sessions.answer(session, question, LOCAL_USER, approved=True, arguments=edit)
        with pytest.raises(NotFoundError, match="no question"):
            await sessions.answer(session, 1, LOCAL_USER, approved=True)
        edit = ' {"cents": 1}'
        await sessions.answer(session, question, LOCAL_USER, approved=True, arguments=edit)
        with pytest.raises(StaleError):
            await sessions.answer(session, question, LOCAL_USER, approved=False)
        return await runtime.result(session, asked.turn)

    def last(request: Request) -> str:
        (result,) = request.messages[-1].parts
        assert isinstance(result, ToolResult)
        return "".join(part.text for part in result.parts if isinstance(part, Text))

    result = within(work, agent([ToolCall("refund", CENTS)], last))
    assert result.text == '[A person changed the arguments to {"cents":1}]\n1 paid back'


def test_a_fork_goes_its_own_way() -> None:
    async def work(runtime: Runtime) -> Any:
        first = await runtime.run("clerk", "Hi", session="s")
        fork = await runtime.sessions.fork(first.session, LOCAL_USER, "f")
        result = await runtime.run("clerk", "Ho", session="f")
        source = await runtime.sessions.state(first.session, LOCAL_USER)
        state = await runtime.sessions.state(fork, LOCAL_USER)
        return result, source, state

    result, source, state = within(work)
    assert result.text == "Hello."
    assert [each.text for each in state.messages] == ["Hi", "Hello.", "Ho", "Hello."]
    assert len(source.messages) == 2


def test_events_before_the_first_are_the_first() -> None:
    async def work(runtime: Runtime) -> Any:
        session = (await runtime.run("clerk", "Hi", session="s")).session
        async with aclosing(runtime.sessions.subscribe(session, LOCAL_USER, -7)) as heard:
            return await anext(heard)

    assert within(work).seq == 1


class Cut:
    """A model whose reply was cut in the middle of characters."""

    terms = FREE

    async def stream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        parts: tuple[ReplyPart, ...] = (Text("bye \ud800"),)
        if request.key.endswith("/0"):
            calls = ToolCall("look", "{}", "i\udfff"), ToolCall("lo\ud800k", '{"\ud800"')
            parts = (*parts, *calls)
        yield Reply(parts, None, "cut")


def test_a_reply_that_was_cut_in_the_middle_of_characters_ends_no_session() -> None:
    result = within(lambda r: r.run("clerk", "Hi"), Agent("clerk", Cut(), tools=[look]))
    assert (result.outcome, result.text) == ("completed", "bye ?")


def test_there_is_nothing_to_go_on_with_after_a_completed_turn() -> None:
    async def work(runtime: Runtime) -> Any:
        done = await runtime.run("clerk", "Hi", session="s")
        with pytest.raises(CallerError, match="nothing to go on with"):
            await runtime.sessions.go_on(done.session, LOCAL_USER)
        return await runtime.sessions.events(done.session, LOCAL_USER, done.turn - 1)

    records = within(work, agent())
    assert records[0].seq == 2, "the events of a session that is over can be read"


def test_what_stands_behind_a_question_returns_with_it() -> None:
    @tool(effect="once", approve=True)
    async def send() -> str:
        """Send it."""
        return "sent"

    async def work(runtime: Runtime) -> Any:
        first = await runtime.run("clerk", "Send it", session="s")
        return first, await runtime.run("clerk", "And?", session="s")

    first, second = within(work, agent([ToolCall("send", "{}")], tools=[send]))
    assert first.questions == second.questions != ()
    assert (second.outcome, second.turn == first.turn) == ("paused", False)


def test_what_is_said_wrongly_is_told_in_a_sentence() -> None:
    assert User("a", roles="approver").roles == {"approver"}
    with pytest.raises(DefinitionError, match="at least one agent"):
        Runtime([])

    async def work(runtime: Runtime) -> None:
        anybody: Any = "bob"
        with pytest.raises(InputError, match="'bob' is no user"):
            await runtime.run("clerk", "Hi", user=anybody)
        with pytest.raises(InputError, match="no option 'timeout', but request_id"):
            await runtime.run("clerk", "Hi", timeout=3)
        with pytest.raises(InputError, match="'bob' is no user"):
            await runtime.sessions.listed(anybody)

    within(work, agent())
