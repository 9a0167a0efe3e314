"""Performs one step of a session: a model asked, a tool called, the outside asked about a call."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from dataclasses import dataclass
from typing import Any, Protocol, Self, cast

from jackline.core import extracting, judging
from jackline.core.agent import Agent
from jackline.core.detection.judge import question
from jackline.core.events import (
    Event,
    HoldUnconfirmed,
    ModelFailed,
    ModelReserved,
    Principal,
    ProgressReported,
    SessionId,
    ToolFailed,
    ToolReconciled,
    ToolReturned,
    ToolUnknown,
)
from jackline.core.guards import Audience, fitted
from jackline.core.permit.overlay import Overlay
from jackline.core.quarantine import HandleError
from jackline.core.results import explained, shortened
from jackline.core.session import Call, Session, Turn
from jackline.core.tools import Context, Tool
from jackline.core.user import User
from jackline.core.value import Value, replace
from jackline.ports import Bus, Clock, Delta, Observer, Store
from jackline.runtime.bounded import ended
from jackline.runtime.guards import naming
from jackline.runtime.inbox import Inbox
from jackline.runtime.models import Asked, Models
from jackline.runtime.progress import Progress
from jackline.runtime.quarantine import Quarantine
from jackline.runtime.readings import Reader
from jackline.runtime.secrecy import OPEN, Discretion, Passage, discretion
from jackline.runtime.tools import Invocation, ToolEngine

_LOG = logging.getLogger("jackline")
_DEPS_S = 30.0
_NOTE_CHARACTERS = 1_000
_NOTHING = nullcontext()
_NO_POLICY = Overlay()
Provider = Callable[[User], AbstractAsyncContextManager[Any]]
Deps = Any  # a value, or a function of the user that gives an async context manager


@dataclass(frozen=True, slots=True)
class Served:
    """An agent, and its models ready to be asked."""

    agent: Agent
    models: Models


@dataclass(frozen=True, slots=True)
class Crew:
    """What the drives of one worker share. `clock` must advance while the process is stopped.

    `versioned`: there may be workers with other versions of its agents, and a turn goes on with
    the version that it began with.
    """

    store: Store
    clock: Clock
    served: Mapping[str, Served]
    tools: ToolEngine
    deps: Deps
    worker: str
    lease_s: float
    bus: Bus
    versioned: bool = False
    snapshot_events: int = 256
    policy: Overlay = _NO_POLICY
    observers: Sequence[Observer] = ()


class Driver(Protocol):
    """What a step needs to know of its drive."""

    epoch: int
    inbox: Inbox
    reader: Reader | None

    def now(self) -> float:
        """Return the database's time."""
        ...

    def check_lease(self) -> None:
        """Raise `FencedError` unless the lease holds at this very moment."""
        ...


class Steps:
    """The steps of one drive, and the dependencies that they share."""

    def __init__(
        self,
        crew: Crew,
        served: Served,
        session: SessionId,
        driver: Driver,
        secrets: Discretion = OPEN,
    ) -> None:
        self.secrets = secrets
        self.agent = served.agent
        self.models = served.models
        self._crew = crew
        self._id = session
        self._driver = driver
        self.quarantine = Quarantine(crew.store, self.agent, self.permitted)
        self._unfitted = Passage(self.agent.standing, secrets)
        self._serves_all = not callable(crew.deps) or not served.agent.tools
        self._deps: Any = None
        self._lacking = ""
        self._entered: Principal | None = None
        self._rendered: tuple[int, str] = (0, "")
        self._told: str | None = None
        self.problem = ""

    @classmethod
    async def of(cls, crew: Crew, agent: str, session: SessionId, driver: Driver) -> Self:
        """Return the steps of a drive of this agent, with what handles the session's secrets."""
        served = crew.served[agent]
        secrets = await discretion(crew.store, session, served.agent.guards)
        return cls(crew, served, session, driver, secrets)

    def dependencies(self, turn: Turn | None) -> AbstractAsyncContextManager[None]:
        """Hold what the tools work with, in the drive's own task, as long as this is entered."""
        if not self._serves_all and turn is not None:
            return self._held(turn.submitted.principal)
        self._deps = None if callable(self._crew.deps) else self._crew.deps
        return _NOTHING

    @asynccontextmanager
    async def _held(self, principal: Principal) -> AsyncGenerator[None]:
        left = False
        try:
            async with AsyncExitStack() as stack:
                await self._enter(stack, principal)
                yield
                left = True
        except Exception:
            if not left:
                raise
            _LOG.exception("What the tools of %s worked with could not be let go.", self._id)

    async def _enter(self, stack: AsyncExitStack, principal: Principal) -> None:
        """Get what the tools work with. Where it cannot be had the calls that need it say so."""
        # What is called is a factory: nobody can check more.
        factory, self._entered = cast("Provider", self._crew.deps), principal
        user = User(principal.user, self._id.tenant, principal.roles)
        try:
            async with asyncio.timeout(_DEPS_S):
                self._deps = await stack.enter_async_context(factory(user))
        except Exception as error:  # noqa: BLE001 - somebody else's factory: its task goes on
            self._lacking = f"what the tools work with could not be had ({self._explained(error)})"

    def permitted(self, turn: Turn) -> Agent:
        """Return the agent that decides for the user of this turn, as operators bound it."""
        roles = turn.submitted.principal.roles
        return self._crew.policy.tightened(self.agent, self._id.tenant, roles)

    def serves(self, turn: Turn) -> bool:
        """Whether the turn is one of this agent's, for whom what the tools work with was made."""
        alike = self._serves_all or turn.submitted.principal == self._entered
        return alike and not self.is_strange(turn)

    def is_strange(self, turn: Turn) -> bool:
        """Whether the turn began with another version of the agent, which others may serve.

        What nobody wants any more can be ended by any version.
        """
        if not self._crew.versioned or turn.version in {"", self.agent.version}:
            return False
        return turn.is_wanted(self._driver.now())

    def instructions(self, session: Session) -> str:
        """Return the agent's instructions for this turn: rendered once, then as journaled."""
        given, turn = self.agent.instructions, session.turn
        if isinstance(given, str):
            if self._told is None:
                self._told = self.secrets.said(given)
            return self._told
        assert turn is not None, "instructions are those of a turn"
        if turn.models:
            return session.instructions
        if self._rendered[0] != turn.id:
            principal = turn.submitted.principal
            context = Context[Any](self._deps, principal, session.id, f"turn/{turn.id}")
            self._rendered = turn.id, self._render(given, context)
        return self._rendered[1]

    def _render(self, given: Callable[[Context[Any]], str], context: Context[Any]) -> str:
        """Call somebody's function. It may fail in any way: then `problem` says how."""
        self.problem = ""
        end = ended(lambda: given(context))
        if end.error:
            self.problem = f"The instructions could not be made: {self._explained(end.error)}"
            return ""
        text: object = end.value
        if isinstance(text, str):
            return self.secrets.said(text.encode("utf-8", "replace").decode())
        self.problem = f"The instructions have to be a str, and not a {type(text).__name__}."
        return ""

    async def perform(self, session: Session, step: ModelReserved | Call) -> Sequence[Event]:
        """Return what came of the step. Nothing where the store has it already."""
        if isinstance(step, ModelReserved):
            return await self._ask(session, step)
        tool = self.agent.by_name[step.asked.name]
        if step.state == "unknown":
            found = await self._reconcile(session, step, tool)
            return self._passage(session).outcomes([replace(found, readers=tool.flow.readers)])
        return await self._call(session, step, tool)

    def cancelled(self, session: Session, step: ModelReserved | Call) -> Sequence[Event]:
        """Return what came of a step whose own code has cancelled the task that it runs in."""
        text = "The code that ran cancelled the task that it ran in."
        if isinstance(step, ModelReserved):
            events = [HoldUnconfirmed(step.key, step.hold, "connection", text)]
            return extracting.unanswered(session, step, events)
        tool = self.agent.by_name[step.asked.name]
        if step.state == "unknown":
            return [ToolReconciled(step.key, None, f"{text} Whether it took effect is unknown.")]
        if tool.effect == "read":
            return [ToolFailed(step.key, text)]
        text = f"{text} Whether it took effect is unknown."
        return [ToolUnknown(step.key, text, "error", once=tool.effect == "once")]

    async def _ask(self, session: Session, reserved: ModelReserved) -> Sequence[Event]:
        assert session.turn is not None
        seq, offset, say = session.turn.asked_seq, 0, self._crew.bus.say

        def said(text: str) -> None:
            nonlocal offset
            say(Delta(self._id, seq, self._driver.epoch, offset, text))
            offset += len(text)

        try:
            asked = Asked(session, reserved, self._passage(session), said, self._artifact)
            if reserved.purpose == "plan" and (reader := self._driver.reader):
                asked = replace(asked, typed=await reader.typed(session, seq))
            if reserved.purpose == "judge":
                return await self._judge(asked)
            if reserved.purpose == "extract":
                return await self.quarantine.extract(asked, self.models)
            return await self.models.ask(asked)
        except Exception as error:  # noqa: BLE001 - a model's adapter broke: its task ends here
            events = [
                HoldUnconfirmed(reserved.key, reserved.hold, "internal", self._explained(error))
            ]
            return extracting.unanswered(session, reserved, events)

    async def _judge(self, asked: Asked) -> Sequence[Event]:
        """Ask the judge, and return its verdict with what came of it."""
        session, reserved, judge = asked.session, asked.reserved, self.models.judge
        piece = judging.piece_of(session, reserved)
        if not piece or not judge:
            text = "What was to be judged, or who was to judge it, is not there any more."
            events = [ModelFailed(reserved.key, "request_refused", text)]
            return judging.heard(session, reserved, events)[0]
        text = piece.text
        if piece.file:
            data, _ = await self._artifact(piece.file.artifact)
            text = judging.decoded(data)
        posed = question(piece.author, text, reserved.model)
        events = await self.models.ask(replace(asked, posed=posed))
        events, said = judging.heard(session, reserved, events, posed)
        if said:
            judge.of(session).keep(reserved.digest, said)
        return events

    def noted(self, text: str) -> str:
        """Return what is written down of a bug that ends the turn."""
        return shortened(self.secrets.said(text), _NOTE_CHARACTERS)

    def _explained(self, error: BaseException) -> str:
        return explained(error, self.secrets.said)

    def _passage(self, session: Session) -> Passage:
        """Return how texts pass for the one on whose behalf the turn runs."""
        if not self.agent.fits:
            return self._unfitted
        assert session.turn is not None, "a step is one of a turn"
        roles = session.turn.submitted.principal.roles
        audience = Audience(self._id.tenant, roles, naming(session))
        return Passage(fitted(self.agent.standing, audience), self.secrets)

    async def _artifact(self, handle: str) -> tuple[bytes, str]:
        return await self._crew.store.get(self._id, handle)

    async def _call(self, session: Session, call: Call, tool: Tool) -> Sequence[Event]:
        if self._lacking:
            return [ToolFailed(call.key, f"Not made: {self._lacking}.", "dependencies")]
        try:
            call = await self.quarantine.opened(session, call)
        except HandleError as error:
            return [ToolFailed(call.key, f"Not made: {error}", "handle")]
        progress = self._progress(call)
        invocation = self._invocation(session, call, tool, progress)
        try:
            outcome = await self._crew.tools.run(invocation)
        finally:
            progress.close()
        if outcome is None:
            return []
        outcome = replace(outcome, readers=tool.flow.readers)
        if isinstance(outcome, ToolUnknown) and tool.reconcile:
            outcome = replace(outcome, reconcile_at=self._driver.now() + tool.timeout_s)
        return self._passage(session).outcomes([outcome])

    async def _reconcile(self, session: Session, call: Call, tool: Tool) -> ToolReconciled:
        if self._lacking:
            text = f"Whether it took effect could not be asked: {self._lacking}."
            return ToolReconciled(call.key, None, text)
        try:
            call = await self.quarantine.opened(session, call)
        except HandleError as error:
            return ToolReconciled(call.key, None, f"Whether it took effect is unknown: {error}")
        progress = self._progress(call)
        try:
            return await self._crew.tools.reconcile(self._invocation(session, call, tool, progress))
        finally:
            progress.close()

    def _progress(self, call: Call) -> Progress:
        return Progress(call.key, self._crew.clock, self._progressed, self.secrets.said)

    def _invocation(
        self, session: Session, call: Call, tool: Tool, progress: Progress
    ) -> Invocation:
        turn = session.turn
        assert turn is not None, "a call is one of a turn"
        principal = turn.submitted.principal
        context: Context[Any] = Context(
            self._deps, principal, self._id, call.key, call.attempt, session.born, progress
        )
        passage = self._passage(session)
        around = Around(self._crew.store, self._id, turn.id, self._driver, passage)
        return Invocation(tool, call.key, call.arguments, context, around)

    def _progressed(self, report: ProgressReported) -> None:
        self._driver.inbox.put(report.key, [report])


class Around(Value, frozen=True, gc=True):
    """What surrounds one call. Its turn may end while the call goes on."""

    store: Store
    session: SessionId
    turn: int
    driver: Driver
    passage: Passage

    def clean(self, text: str) -> str:
        """Return a text as it may be written down."""
        return self.passage.secrets.said(text)

    def check_lease(self) -> None:
        """Raise `FencedError` unless the drive's lease holds at this very moment."""
        self.driver.check_lease()

    def late(self, outcome: ToolReconciled) -> None:
        """Take in what a call returned after it had been given up."""
        outcomes = self.passage.outcomes([outcome])
        self.driver.inbox.put(outcome.key, outcomes)

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep a result that is too large to be read at once, and return its handle."""
        return await self.store.put(self.session, data, media_type, epoch=self.driver.epoch)

    async def transact(self, work: Callable[[Any], ToolReturned]) -> None:
        """Run `work` in the store's own database, where its result commits with what it wrote.

        The guards judge the result before it commits; what they said follows.
        """
        said: Sequence[Event] = ()

        def within(connection: Any) -> ToolReturned:
            """Run the work, and return its result as the model may read it."""
            nonlocal said
            returned, *said = self.passage.outcomes([work(connection)])
            assert isinstance(returned, ToolReturned), returned
            return returned

        await self.store.transact(self.session, self.driver.epoch, self.turn, within)
        if said:
            self.driver.inbox.put("", said)
