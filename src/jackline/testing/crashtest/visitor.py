"""The user of a run, at the front: says, answers, and waits until all is at rest."""

from collections.abc import Sequence
from contextlib import aclosing, suppress

from jackline.app import Runtime
from jackline.core.errors import StaleError
from jackline.core.events import Record, SessionId
from jackline.core.session import Session
from jackline.ports import Clock
from jackline.runtime.submission import Submission
from jackline.testing.crashtest.log import Entry, Log
from jackline.testing.crashtest.watched import PROBE
from jackline.testing.scenario import Answer, Say, Scenario

SESSION = "crashtest"
_PATIENCE_S = 0.1


class Visitor:
    """The user: says what the scenario says, answers questions, and trusts acknowledgements.

    What was acknowledged is not said again; what was not is, with the same request id.
    """

    def __init__(
        self, runtime: Runtime, scenario: Scenario, log: Log, clock: Clock, told: Sequence[Entry]
    ) -> None:
        self._runtime = runtime
        self._scenario = scenario
        self._log = log
        self._clock = clock
        self._acknowledged = {each.name for each in told if each.what == "acknowledged"}
        self._id = SessionId(scenario.user.tenant, SESSION)

    async def visit(self) -> float | None:
        """Stay until the agent has nothing left to do; or return for how long it only waits."""
        sessions, user = self._runtime.sessions, self._scenario.user
        await sessions.open(self._scenario.agent.name, user, SESSION)
        turns = [*self._scenario.turns, Say(PROBE)]
        for number, say in enumerate(turns):
            await self._say(f"input {number}", say)
            if say.wait or number == len(turns) - 1:
                waits_s = await self._rest()
                if waits_s is not None:
                    return waits_s
        return None

    async def _say(self, request_id: str, say: Say) -> None:
        if request_id in self._acknowledged:
            return
        submission = Submission(say.said, request_id, say.on_busy)
        await self._runtime.sessions.submit(self._id, self._scenario.user, submission)
        self._log.write(Entry(self._log.life, "acknowledged", request_id))

    async def _rest(self) -> float | None:
        """Wait until no turn is open, and answer what is asked once nothing else goes on.

        Answered in the middle of a call, one run would commit together what another does apart.
        """
        sessions, user = self._runtime.sessions, self._scenario.user
        while True:
            state = await sessions.state(self._id, user)
            if state.turn is None and not state.queue:
                return None
            if state.questions and state.turn and state.turn.pause:
                await self._answer()
                continue
            if waits_s := self._waits_s(state):
                return waits_s
            if state.turn and state.turn.pause and state.turn.pause.reason == "dead_letter":
                await sessions.go_on(self._id, user)
                continue
            await self._grown(state.head)

    async def _answer(self) -> None:
        sessions, user = self._runtime.sessions, self._scenario.user
        for question, asked in (await sessions.questions(self._id, user)).items():
            answer: Answer = self._scenario.answer(asked.name)
            with suppress(StaleError):  # It was withdrawn while it was read.
                await sessions.answer(
                    self._id,
                    question,
                    user,
                    approved=answer.approved,
                    arguments=answer.arguments if answer.approved else None,
                    reason=answer.reason,
                )

    def _waits_s(self, state: Session) -> float | None:
        """Return for how long nothing will happen, where that is too long to be waited for."""
        turn, now = state.turn, self._clock()
        if turn is None or turn.steps(now):
            return None
        times = [call.reconcile_at for call in turn.calls if call.state == "unknown"]
        if turn.pause and turn.pause.reason == "timer":
            times.append(turn.pause.until or 0.0)
        waits_s = min(times, default=0.0) - now
        return waits_s if waits_s > _PATIENCE_S else None

    async def _grown(self, head: int) -> None:
        listened = self._runtime.sessions.subscribe(self._id, self._scenario.user, head)
        async with aclosing(listened) as events:
            async for event in events:
                if isinstance(event, Record):
                    return
