"""The turn loop, performed: claim, fold, then decide, append, perform and wait.

What is performed follows from the folded journal alone, never from what was just decided.
So a start, a take-over and a lost acknowledgement are one case: read, fold, go on.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence

from jackline.core.budget import Account
from jackline.core.errors import FencedError, StoreError, UnknownOutcomeError
from jackline.core.events import (
    Event,
    GuardJudged,
    ModelReserved,
    Record,
    SessionId,
    ToolReconciled,
)
from jackline.core.fold import fold, replay
from jackline.core.session import Session, Turn
from jackline.core.spending import account_limit
from jackline.core.turn import Facts, broken, decide, set_aside, wakes_at
from jackline.core.value import replace
from jackline.ports import (
    Appended,
    Behind,
    Claimed,
    Committed,
    Grown,
    Late,
    Refused,
)
from jackline.runtime.batches import batch_of
from jackline.runtime.inbox import Heard, Inbox
from jackline.runtime.lease import Lease
from jackline.runtime.observing import tell
from jackline.runtime.readings import UNJUDGED, Reader
from jackline.runtime.secrecy import without_reasons_secrets
from jackline.runtime.steps import Crew, Steps
from jackline.runtime.tasks import Step, Task, Tasks

_RETRY_ACCOUNT_S = 0.1
_SNAPSHOT_SHARE = 0.5
_TRIES = 8
_IN_A_ROW = 8
_LATE = (ToolReconciled, GuardJudged)  # They count for a step that is over, too.


class Drive:
    """One worker's drive of one session: from claim to release, fence, or crash.

    Each step has a task. Whichever brings the last outcome carries on from there: it commits,
    and performs what comes next. The drive's own task sees to signals and times, and to whatever
    is not that plain. Only one of them is at it: a step's task holds the inbox meanwhile.
    """

    def __init__(self, crew: Crew, session: SessionId, claimed: Claimed, lease: Lease) -> None:
        self.epoch = claimed.epoch
        self.lease = lease
        self.inbox = Inbox()
        self.handing_over = False
        self.abandoning = False
        self._crew = crew
        self._session = Session(session)
        self._loaded = claimed.loaded
        self._snapshot = 0
        self._ahead_s = claimed.at - crew.clock()
        self._heard: list[Heard] = []
        self._account: Account | None = None
        self._decided_at = self._took_s = 0.0
        self._steps: Steps | None = None
        self.reader: Reader | None = None
        self._group = asyncio.TaskGroup()
        self._tasks = Tasks(self._group)
        self._over = False
        self._waits_for = 0

    @property
    def id(self) -> SessionId:
        """Which session is driven."""
        return self._session.id

    @property
    def turn(self) -> Turn | None:
        """The turn that is open."""
        return self._session.turn

    @property
    def head(self) -> int:
        """How much of the journal this driver knows."""
        return self._session.head

    async def run(self) -> None:
        """Drive until no turn is left that can go on. What is not in the journal then is lost."""
        await self._load()
        opened = self._session.opened
        assert opened is not None, f"{self.id} was never opened"
        steps = self._steps = await Steps.of(self._crew, opened.agent, self.id, self)
        try:
            async with steps.dependencies(self._session.turn), self._group:
                try:
                    await self._go_on()
                    while not self._over:
                        await self._wait()
                        if not self._over:
                            await self._go_on()
                finally:
                    self._tasks.stop()
        finally:
            self.inbox.close()
        await self._keep()

    async def _keep(self) -> None:
        """Keep a snapshot where there is more to read again than the state itself has.

        It holds what was read back, so that it is the journal's and no driver's.
        """
        read = self._session.head - self._snapshot
        if read < max(self._crew.snapshot_events, _SNAPSHOT_SHARE * len(self._session.messages)):
            return
        loaded = await self._crew.store.load(self.id)
        session = replay(loaded.session, loaded.records)
        if session.epoch == self.epoch:
            await self._crew.store.save(session)

    def check_lease(self) -> None:
        """Raise `FencedError` unless the lease holds at this very moment."""
        if self._crew.clock() >= self.lease.until:
            raise FencedError(f"The lease of {self.id} is over.")

    async def fail(self, text: str) -> None:
        """End the turn after a bug of ours, so that it is not driven into it again."""
        outcome: Appended | None = None
        while not isinstance(outcome, Committed):
            await self._load()
            if self._session.turn is None:
                return
            assert self._steps is not None
            facts, said = Facts(self.now(), (), self._crew.lease_s), self._steps.noted(text)
            session, events = broken(self._session, self._steps.agent, facts, said)
            outcome = await self._append(session, events, release=True)
            if isinstance(outcome, Committed):
                self._announce(events, outcome.at, ended=True)

    def hand_over(self) -> None:
        """Begin nothing new, and let go as soon as nothing runs."""
        self.handing_over = True
        self.inbox.signal()

    def abandon(self) -> None:
        """Let go at once. What runs is cancelled, and found lost by the next driver."""
        self.abandoning = True
        self.hand_over()

    def now(self) -> float:
        """Return the database's time: the last one heard, and what has passed since."""
        return self._crew.clock() + self._ahead_s

    async def _load(self) -> None:
        loaded = self._loaded or await self._crew.store.load(self.id)
        self._loaded = self.reader = None
        self._session = loaded.session
        self._snapshot = loaded.session.head
        self._learn(loaded.records)
        if opened := self._session.opened:
            agent = self._crew.served[opened.agent].agent
            flows = self._crew.policy.flows(agent, self.id.tenant)
            self.reader = Reader(self._crew.store, flows, loaded) if flows else None

    def _learn(self, records: Sequence[Record]) -> None:
        """Take in what others wrote. Of another's epoch nothing may be performed."""
        tell(self._crew.observers, self._session, records)
        self._session = replay(self._session, records)
        if self.reader:
            self.reader.add(records)
        if self._session.epoch != self.epoch:
            raise FencedError(f"{self.id} is driven by another worker.")

    async def _go_on(self, carrier: Task | None = None) -> Step | None:
        """Commit what came back, and begin what follows. Return what `carrier` has to perform.

        If this fails or is cancelled the drive is over: what it then knows may not be acted on.
        """
        self._over = True
        self._over = not await self._advance()
        turn = self._session.turn
        if self._over or turn is None:
            return None
        return self._tasks.perform(turn.steps(self.now()), self._carry, carrier)

    async def _advance(self) -> bool:
        """Commit what came back and what follows from it. False where the drive is over."""
        tries = 0
        while True:
            session, events = await self._next()
            release = self._releases(session)
            if not events and not release:
                return True
            try:
                outcome = await self._append(session, events, release=release)
            except UnknownOutcomeError:
                tries += 1
                await self._recover(tries)
                continue
            match outcome:
                case Committed(at):
                    self._ahead_s = at - self._crew.clock()
                    ended = release or session.ended is not self._session.ended
                    self._announce(events, at, ended=ended)
                    self._session, self._heard = session, []
                    # What was refused, and is not in it, has to be asked for again: see `_wait`.
                    asked = session.turn and session.turn.asked
                    self._account = None if asked else self._account
                    return not release
                case Behind(records):
                    self._learn(records)
                case Refused(account):
                    self._account = account
                case Late(at):
                    self._ahead_s = at - self._crew.clock()

    def _announce(self, events: Sequence[Event], at: float, *, ended: bool) -> None:
        """Hand on what was appended, to whoever listens or reads along."""
        hears, observers = self._crew.bus.hears(self.id, resting=ended), self._crew.observers
        if not (hears or self.reader or observers):
            return
        records = [Record(n, at, event) for n, event in enumerate(events, self.head + 1)]
        tell(observers, self._session, records, self._took_s)
        if self.reader:
            self.reader.add(records)
        if hears:
            self._crew.bus.grown(Grown(self.id, records), resting=ended)

    async def _recover(self, tries: int) -> None:
        """Nobody knows whether it was written: look, and go on from what is there."""
        if tries > _TRIES:
            raise StoreError(f"The outcome of {tries} commits of {self.id} in a row is unknown.")
        await asyncio.sleep(0.01 * 2**tries)
        self._session = Session(self.id)
        await self._load()

    async def _next(self) -> tuple[Session, Sequence[Event]]:
        now = self._decided_at = self.now()
        events = self._open_outcomes() if self._heard else []
        session = fold(self._session, events, now)
        judged = await self.reader.judged(session, events) if self.reader else UNJUDGED
        if self.handing_over or session.turn is None:
            return session, events
        assert self._steps is not None
        turn, steps = 0, self._steps
        if steps.is_strange(session.turn):
            events += set_aside(session.turn, steps.agent)
            return fold(session, events, now), events
        while session.turn and session.turn.id != turn and steps.serves(session.turn):
            turn = session.turn.id
            told, lease_s = steps.instructions(session), self._crew.lease_s
            terms, problem = steps.models.terms, steps.problem
            judge = steps.models.judge and steps.models.judge.of(session)
            facts = Facts(now, terms, lease_s, self._account, told, problem, *judged, judge)
            after, made = decide(session, steps.permitted(session.turn), facts)
            made = after, await steps.quarantine.shown(self.id, made)
            session, decided = without_reasons_secrets(steps.secrets, session, made, now)
            events += decided
        return session, events

    def _open_outcomes(self) -> list[Event]:
        """Return what was heard of steps that are still open: each is heard once."""
        turn, events = self._session.turn, list[Event]()
        if turn is None:
            return events
        for key, outcome in self._heard:
            if turn.is_open(key) or isinstance(outcome[0], _LATE):
                events += outcome
        return events

    def _releases(self, session: Session) -> bool:
        """Whether the drive ends with this commit."""
        turn = session.turn
        if turn is None or turn.pause:
            return True
        if self.abandoning:
            self._tasks.stop()
            return True
        assert self._steps is not None
        leaves = self.handing_over or not self._steps.serves(turn)
        return leaves and not turn.steps(self.now())

    async def _append(
        self, session: Session, events: Sequence[Event], *, release: bool
    ) -> Appended:
        turn = session.turn
        batch = batch_of(self._session, session, events, self.epoch, self._limits)
        if release:
            batch = replace(batch, release=True, due_at=self._due_at(turn))
        asked_at = self._crew.clock()
        outcome = await self._crew.store.drive(self.id, batch, self._crew.lease_s)
        self._took_s = self._crew.clock() - asked_at
        if isinstance(outcome, Committed):
            self.lease.until = asked_at + self._crew.lease_s
        return outcome

    def _due_at(self, turn: Turn | None) -> float | None:
        """Return when somebody has to drive again. None: when something is told."""
        if turn is None:
            return None
        if turn.pause is None or self.handing_over:
            return self.now()
        until = turn.pause.until
        return math.inf if until is None and turn.pause.reason == "version" else until

    def _limits(self, turn: Turn, reserved: ModelReserved) -> Mapping[str, int]:
        """Return what the accounts that are charged may spend, where they do not exist yet."""
        assert self._steps is not None
        agent = self._steps.permitted(turn)
        limits = {name: account_limit(name, agent) for name in reserved.accounts}
        return {name: most for name, most in limits.items() if most is not None}

    async def _carry(self, step: Step | None) -> None:
        """Perform the step, and go on from there as long as nobody else has anything to do."""
        assert self._steps is not None
        in_a_row = 0
        try:
            while step:
                performing = self._steps.perform(self._session, step)
                events = await self._tasks.outcome(step, performing)
                if events is None:
                    events = self._steps.cancelled(self._session, step)
                step = await self._carried(step, events)
                in_a_row += 1
                if in_a_row % _IN_A_ROW == 0:
                    await asyncio.sleep(0)  # Where nothing waits for anything, others need a turn.
        except Exception:
            self._tasks.stop()
            raise

    async def _carried(self, step: Step, events: Sequence[Event]) -> Step | None:
        """Hand in what came of the step, and return the next one, if it is for us to go on."""
        if not events:
            self.inbox.signal()
            return None
        me = asyncio.current_task()
        assert me is not None, "a step is performed in a task"
        others = self._tasks.others(me)
        if others or not self.inbox.hold():
            self.inbox.put(step.key, events, last=not others)
            return None
        asleep = False
        try:
            self._heard += [*self.inbox.take(), (step.key, events)]
            following = await self._go_on(me)
            asleep = following is not None and self._is_plain()
        except asyncio.CancelledError:
            if self._tasks.stopped:
                raise
            # Code of a step has cancelled this task later. What was kept is found by reading.
            following, self._session, self._over = None, Session(self.id), False
        finally:
            self.inbox.let_go(wake=not asleep)
        return following

    def _is_plain(self) -> bool:
        """Whether the drive's own task would only go on to wait until the same time."""
        turn = self._session.turn
        return turn is not None and turn.id == self._waits_for and not turn.waits

    async def _wait(self) -> None:
        turn = self._session.turn
        assert turn is not None, "the drive ends where no turn is left"
        assert self._steps is not None, "steps are there while the drive runs"
        self._waits_for = turn.id
        terms = self._steps.models.terms
        wakes = wakes_at(self._session, self._steps.permitted(turn), terms, self._decided_at)
        loop_now = asyncio.get_running_loop().time()
        until = None if wakes is None else loop_now + wakes - self.now()
        if self._account:
            until = min(until or loop_now + _RETRY_ACCOUNT_S, loop_now + _RETRY_ACCOUNT_S)
        await self.inbox.wait(until)
        self._account = None
        self._heard += self.inbox.take()
        if self._over:
            return  # A signal that came too late for this drive is the worker's: it looks for one.
        if not self._session.head:
            await self._load()
        if self.inbox.signalled:
            self.inbox.signalled = False
            self._learn(await self._crew.store.read(self.id, self.head))
