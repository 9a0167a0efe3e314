"""Whoever acts in a session of somebody else, its turns run for the one whose they are."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from jackline import Agent, Context, Policy, Redactor, Rule, Runtime, ToolCall, User, tool
from jackline.adapters.memory import MemoryStore
from jackline.core import events as e
from jackline.core.agent import Limits
from jackline.core.errors import CallerError, ConflictError, ModelError, NotFoundError
from jackline.core.messages import Message, Text
from jackline.runtime.submission import Submission
from jackline.testing import ScriptedModel

ANN = User("ann", roles=("clerk",))
OLGA = User("olga", roles=("operator", "approver", "finance", "lead"))
S = e.SessionId("default", "s")
POLICY = """
[[rule]]
name = "leads-note"
tool = "note"
require_roles = ["lead"]

[[rule]]
name = "clerks-spend-little"
role = ["clerk"]
budget = { session_usd = "1.00" }

[[rule]]
name = "leads-spend-less"
role = ["lead"]
budget = { session_usd = "0.90" }
"""
EACH = [
    ToolCall("refund", '{"cents": 900000}'),
    ToolCall("note", '{"text": "Paid."}'),
    ToolCall("mailbox", "{}"),
]
DOWN = ModelError("The model is down.")
MAIL = "Write to bob@example.com."


class House:
    """A runtime, and for whom its tools have run."""

    def __init__(self, policy: Path, replies: Sequence[Any]) -> None:
        self.store = MemoryStore(asyncio.get_running_loop().time)
        self.ran: list[tuple[str, e.Principal, User]] = []
        self._policy = policy
        self._replies: Iterator[Any] = iter(replies)

    def runtime(self, **options: Any) -> Runtime:
        """Return a runtime over the one store."""
        return Runtime(
            [self._agent()], store=self.store, policy=self._policy, deps=_deps, **options
        )

    def _agent(self) -> Agent:
        ran = self.ran

        @tool(effect="once", roles={"finance"}, critical={})
        async def refund(ctx: Context[User], cents: int) -> None:
            """Refund."""
            ran.append((f"refund {cents}", ctx.user, ctx.deps))

        @tool(effect="once", critical={})
        async def note(ctx: Context[User], text: str) -> None:
            """Note."""
            ran.append((f"note {text}", ctx.user, ctx.deps))

        @tool(effect="once", approve=True, critical={})
        async def pay(ctx: Context[User], cents: int) -> None:
            """Pay."""
            ran.append((f"pay {cents}", ctx.user, ctx.deps))

        @tool(effect="read")
        async def mailbox(ctx: Context[User]) -> str:
            """Read the user's own mail."""
            ran.append(("mailbox", ctx.user, ctx.deps))
            return f"the mailbox of {ctx.deps.id}"

        def reply(_: object) -> Any:
            said = next(self._replies)
            if isinstance(said, Exception):
                raise said
            return said

        redactor = Redactor(Policy((Rule("allow", ("email",), roles=("lead",)),)))
        return Agent(
            "clerk",
            ScriptedModel(reply),
            tools=[refund, note, pay, mailbox],
            limits=Limits(model_tries=1, drivers=1),
            guards=[redactor],
        )

    async def events(self, *kinds: type) -> list[Any]:
        """Return the events of these kinds."""
        return [each.event for each in await self.store.read(S) if isinstance(each.event, kinds)]


@asynccontextmanager
async def _deps(user: User) -> AsyncGenerator[User]:
    yield user


@pytest.fixture
def within(tmp_path: Path) -> Callable[..., None]:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)

    def run(story: Callable[[House], Awaitable[None]], *replies: Any) -> None:
        async def told() -> None:
            async with asyncio.timeout(20):
                await story(House(policy, replies))

        asyncio.run(told())

    return run


def as_ann(house: House, *ran: str, user: User = ANN) -> bool:
    """Whether this ran, and all of it for its user, with what was made for them."""
    return house.ran == [(each, user.principal, user) for each in ran]


async def refusals(house: House) -> list[str]:
    return [each.code for each in await house.events(e.ToolRefused)]


def test_who_goes_on_with_a_turn_of_somebody_else_lends_it_no_right(
    within: Callable[..., None],
) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            failed = await runtime.run("clerk", "Refund me.", user=ANN, session="s")
            assert failed.outcome == "failed"
            receipt = await runtime.sessions.go_on(S, OLGA)
            result = await runtime.result(S, receipt.turn or 0, ANN)
            assert (result.outcome, result.text) == ("completed", "Write to [redacted:email].")
        assert await refusals(house) == ["forbidden", "policy"]
        assert as_ann(house, "mailbox")
        asked, again = await house.events(e.TurnSubmitted)
        assert (asked.principal, asked.by) == (ANN.principal, "")
        assert (again.principal, again.by) == (ANN.principal, "olga")

    within(story, DOWN, EACH, MAIL)


def test_a_turn_that_was_set_aside_is_resumed_for_its_user(within: Callable[..., None]) -> None:
    async def story(house: House) -> None:
        async with house.runtime(drive=False) as front:
            await front.sessions.open("clerk", ANN, "s")
            receipt = await front.sessions.submit(S, ANN, Submission("Refund me."))
            for _ in range(2):
                await house.store.claim(S, "w", 1.0)
                house.store.rows[S].lease_until = 0.0
            async with house.runtime() as runtime:
                dead = await runtime.result(S, receipt.turn or 0, ANN)
                assert (dead.outcome, dead.code) == ("paused", "dead_letter")
                await front.sessions.go_on(S, OLGA)
                result = await runtime.result(S, receipt.turn or 0, ANN)
                assert (result.outcome, result.text) == ("completed", "Write to [redacted:email].")
        assert await refusals(house) == ["forbidden", "policy"]
        assert as_ann(house, "mailbox")
        (resumed,) = await house.events(e.TurnResumed)
        assert (resumed.reason, resumed.by) == ("asked", "olga")

    within(story, EACH, MAIL)


@pytest.mark.parametrize("arguments", [None, '{"cents": 7}'])
def test_who_approves_a_call_lends_it_and_what_follows_no_right(
    within: Callable[..., None], arguments: str | None
) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            asked = await runtime.run("clerk", "Pay.", user=ANN, session="s")
            (question,) = asked.questions
            await runtime.sessions.answer(S, question, OLGA, approved=True, arguments=arguments)
            result = await runtime.result(S, asked.turn, ANN)
            assert (result.outcome, result.text) == ("completed", "Write to [redacted:email].")
        assert await refusals(house) == ["forbidden", "policy"]
        assert as_ann(house, "pay 7" if arguments else "pay 5", "mailbox")

    within(story, [ToolCall("pay", '{"cents": 5}')], EACH, MAIL)


def test_who_cancels_is_in_the_journal_and_what_follows_runs_for_its_user(
    within: Callable[..., None],
) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            asked = await runtime.run("clerk", "Pay.", user=ANN, session="s")
            await runtime.sessions.cancel(S, OLGA, "Enough.")
            assert (await runtime.result(S, asked.turn, ANN)).outcome == "cancelled"
            receipt = await runtime.sessions.go_on(S, OLGA)
            assert (await runtime.result(S, receipt.turn or 0, ANN)).outcome == "completed"
        assert as_ann(house, "mailbox")
        assert await house.events(e.TurnCancelRequested) == [
            e.TurnCancelRequested("Enough.", by="olga")
        ]

    within(story, [ToolCall("pay", '{"cents": 5}')], EACH, MAIL)


def test_a_user_goes_on_as_they_are_now_and_a_withdrawn_role_is_gone(
    within: Callable[..., None],
) -> None:
    before = User("ann", roles=("clerk", "finance"))

    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            await runtime.run("clerk", "Refund me.", user=before, session="s")
            receipt = await runtime.sessions.go_on(S, ANN)
            assert (await runtime.result(S, receipt.turn or 0, ANN)).outcome == "completed"
        assert await refusals(house) == ["forbidden", "policy"]
        assert as_ann(house, "mailbox")
        _, again = await house.events(e.TurnSubmitted)
        assert (again.principal, again.by) == (ANN.principal, "")

    within(story, DOWN, EACH, MAIL)


def test_who_goes_on_for_a_user_goes_on_with_the_rights_that_the_turn_had(
    within: Callable[..., None],
) -> None:
    before = User("ann", roles=("clerk", "finance"))
    plain = User("olga", roles=("operator",))

    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            await runtime.run("clerk", "Refund me.", user=before, session="s")
            for outcome in ("failed", "completed"):
                receipt = await runtime.sessions.go_on(S, plain)
                assert (await runtime.result(S, receipt.turn or 0, ANN)).outcome == outcome
        assert as_ann(house, "refund 900000", "mailbox", user=before)

    within(story, DOWN, DOWN, EACH, MAIL)


def test_what_a_user_says_into_an_open_turn_is_done_with_the_rights_of_the_turn(
    within: Callable[..., None],
) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            asked = await runtime.run("clerk", "Pay.", user=ANN, session="s")
            more = User("ann", roles=OLGA.roles)
            said = Submission("And refund me.", on_busy="steer")
            await runtime.sessions.submit(S, more, said)
            (question,) = asked.questions
            await runtime.sessions.answer(S, question, OLGA, approved=False)
            assert (await runtime.result(S, asked.turn, ANN)).outcome == "completed"
        assert as_ann(house, "mailbox")

    within(story, [ToolCall("pay", '{"cents": 5}')], EACH, MAIL)


def test_nobody_but_its_user_says_anything_in_a_session_or_copies_it(
    within: Callable[..., None],
) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            await runtime.run("clerk", "Pay.", user=ANN, session="s")
            before = await house.store.read(S)
            admin = User("root", roles=("admin",))
            for said in (Submission("Go."), Submission("Go.", on_busy="steer")):
                with pytest.raises(NotFoundError):
                    await runtime.sessions.submit(S, admin, said)
            with pytest.raises(NotFoundError):
                await runtime.sessions.fork(S, admin, "copy")
            assert await house.store.read(S) == before

    within(story, [ToolCall("pay", '{"cents": 5}')])


def test_a_limit_is_raised_as_far_as_the_policy_lets_the_user_whose_turn_it_is(
    within: Callable[..., None],
) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            await runtime.run("clerk", "Refund me.", user=ANN, session="s")
            with pytest.raises(CallerError, match=r"holds session_usd at \$1"):
                await runtime.sessions.raise_limits(S, OLGA, {"session_usd": "1.10"})
            await runtime.sessions.raise_limits(S, OLGA, {"session_usd": "0.95"})
        assert await house.events(e.LimitsRaised) == [
            e.LimitsRaised({"session_usd": 950_000}, "olga")
        ]

    within(story, DOWN)


def test_nobody_goes_on_for_a_user_whose_rights_are_not_known(
    within: Callable[..., None],
) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            said = (Message("user", (Text("Hi."),)), Message("assistant", (Text("Hello."),)))
            await runtime.sessions.open("clerk", ANN, "s", said)
            with pytest.raises(CallerError, match="is not known any more"):
                await runtime.sessions.go_on(S, OLGA)
            await runtime.sessions.raise_limits(S, OLGA, {"session_usd": "5.00"})
            receipt = await runtime.sessions.go_on(S, ANN)
            assert (await runtime.result(S, receipt.turn or 0, ANN)).outcome == "completed"

    within(story, MAIL)


def test_a_repetition_is_one_of_whoever_asked_first(within: Callable[..., None]) -> None:
    async def story(house: House) -> None:
        async with house.runtime(drive=False) as front, house.runtime() as runtime:
            await runtime.run("clerk", "Hi.", user=ANN, session="s")
            first = await front.sessions.go_on(S, OLGA, "r")
            assert (await runtime.result(S, first.turn or 0, ANN)).outcome == "completed"
            again = await front.sessions.go_on(S, OLGA, "r")
            assert (again.turn, again.repeated) == (first.turn, True)
            with pytest.raises(ConflictError):
                await front.sessions.go_on(S, ANN, "r")

    within(story, DOWN, MAIL)


def test_nobody_goes_on_with_what_somebody_else_said(within: Callable[..., None]) -> None:
    async def story(house: House) -> None:
        async with house.runtime() as runtime:
            await runtime.sessions.open("clerk", ANN, "s")
            said = e.TurnSubmitted("r", (Text("Refund me."),), OLGA.principal)
            await house.store.tell(S, [said])
            assert (await runtime.result(S, 2, ANN)).outcome == "failed"
            with pytest.raises(CallerError, match="is not known any more"):
                await runtime.sessions.go_on(S, OLGA)

    within(story, DOWN)
