"""What a test of an agent needs: what is said to it, what its model answers, what its tools get.

    @scenario(agent=support, input="Refund order 7", replies=[…])
    @asynccontextmanager
    async def refund(user: User) -> AsyncGenerator[Shop]:
        async with open_test_shop() as shop:
            yield shop

The function below the decorator gives the tools their dependencies. In a test they get these
and never production's.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any, Literal

from jackline.core.agent import Agent
from jackline.core.budget import Price, Terms
from jackline.core.errors import CallerError, DefinitionError
from jackline.core.inputs import Given
from jackline.core.user import User
from jackline.ports import Request
from jackline.testing.model import NOTHING_PLANNED, Script, ScriptedModel, Takes
from jackline.testing.model import Answer as Planning
from jackline.testing.model import Said as Answered
from jackline.testing.recording import plans, scripts

OnBusy = Literal["queue", "steer"]
Replies = (
    Script | Mapping[str, Script | Takes] | Callable[[Request], Answered | Awaitable[Answered]]
)
Check = Callable[[Any], str | None]

# Scripted replies cost something, so that a budget is there to be kept.
SCRIPTED = Terms("scripted", Price("0.15", "0.60"))


class ScenarioError(CallerError):
    """The scenario does not come to its end, or shows nothing, where nobody interferes."""

    code = "scenario"


@dataclass(frozen=True, slots=True)
class Say:
    """One thing that the user says.

    What comes next is said once the turn has ended; with `wait=False` at once, in its midst.
    """

    said: str | Sequence[str | Given]
    _: KW_ONLY
    on_busy: OnBusy = "queue"
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person answers to a request for approval, perhaps with other arguments (JSON)."""

    approved: bool = True
    _: KW_ONLY
    arguments: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An agent at work for a test: see `scenario`. Made by it, and equal to itself alone."""

    name: str
    agent: Agent
    turns: tuple[Say, ...]
    provide: Callable[..., Any]
    replies: Replies | None
    record: Path | None
    plan: Planning
    answers: Mapping[str, Answer]
    user: User
    check: Check | None
    terms: Terms = SCRIPTED

    def model(self) -> ScriptedModel | None:
        """Return the model that answers as the scenario says. None: the agent's own is asked."""
        replies, plan = self.replies, self.plan
        if replies is None and self.record is not None:
            replies, plan = scripts(self.record), plans(self.record)
        return None if replies is None else ScriptedModel(replies, terms=self.terms, plan=plan)

    def answer(self, tool: str) -> Answer:
        """Return what is answered where a call of this tool waits for a person."""
        return self.answers.get(tool, Answer())

    def dependencies(self, user: User) -> AbstractAsyncContextManager[Any]:
        """Give what the tools find in `ctx.deps`, for as long as a drive of this user takes."""
        return _entered(self.provide, user)


def scenario(  # noqa: PLR0913 - a scenario names them all
    *,
    agent: Agent,
    input: str | Say | Sequence[str | Say],  # noqa: A002 - it is one
    replies: Replies | None = None,
    record: str | Path | None = None,
    plan: Planning = NOTHING_PLANNED,
    answers: Mapping[str, bool | Answer] | None = None,
    user: User | None = None,
    check: Check | None = None,
) -> Callable[[Callable[..., Any]], Scenario]:
    """Make a scenario of a function that gives the tools their test dependencies.

    The function takes the `User` or nothing, and returns the dependencies or a context manager
    of them (async or not), or is an async generator. It is called in each process; the processes
    of one run share a working directory, which is fresh. `replies` is the script of a
    `ScriptedModel` and `plan` what it plans, `record` a file that `jackline run --record` has
    written; without either the agent's own model is asked, once. `answers` says for a tool
    whether its calls are approved; they are where nothing is said. `check` is given the
    dependencies when all is over, and returns what is wrong with the world, or nothing.
    """
    if replies is not None and record is not None:
        raise DefinitionError("A scenario has replies=… or record=…: give one of them.")
    turns = tuple(map(_say, [input] if isinstance(input, str | Say) else input))
    if not turns:
        raise DefinitionError("A scenario says something: give input='…'.")
    unknown = sorted((answers or {}).keys() - agent.by_name.keys())
    if unknown:
        names = ", ".join(agent.by_name) or "none"
        raise DefinitionError(f"answers names {unknown[0]!r}; the tools are: {names}.")
    said = {tool: _answer(answer) for tool, answer in (answers or {}).items()}

    def define(provide: Callable[..., Any]) -> Scenario:
        return Scenario(
            name=getattr(provide, "__name__", agent.name),
            agent=agent,
            turns=turns,
            provide=provide,
            replies=replies,
            record=None if record is None else Path(record).absolute(),
            plan=plan,
            answers=said,
            user=user or User("tester"),
            check=check,
        )

    return define


def _say(said: str | Say) -> Say:
    return Say(said) if isinstance(said, str) else said


def _answer(answer: bool | Answer) -> Answer:  # noqa: FBT001 - the short form of one
    return Answer(answer) if isinstance(answer, bool) else answer


@asynccontextmanager
async def _entered(provide: Callable[..., Any], user: User) -> AsyncGenerator[Any]:
    if inspect.isasyncgenfunction(provide):
        provide = asynccontextmanager(provide)
    made: Any = provide(user) if inspect.signature(provide).parameters else provide()
    if inspect.isawaitable(made):
        made = await made
    async with AsyncExitStack() as stack:
        if hasattr(made, "__aenter__"):
            made = await stack.enter_async_context(made)
        elif hasattr(made, "__enter__"):
            made = stack.enter_context(made)
        yield made
