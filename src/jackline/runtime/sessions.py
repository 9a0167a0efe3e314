"""What people and programs do with sessions: open, submit, steer, answer, cancel, fork, listen."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any

from jackline.core.access import Right
from jackline.core.agent import Agent
from jackline.core.errors import (
    BusyError,
    CallerError,
    InputError,
    NotFoundError,
    ThrottledError,
)
from jackline.core.events import (
    InputProvided,
    InputRequested,
    LimitsRaised,
    Record,
    SessionId,
    SessionOpened,
    Told,
    TurnCancelRequested,
    TurnCompleted,
    TurnEnded,
    TurnResumed,
    TurnSteered,
    TurnSubmitted,
)
from jackline.core.fold import replay
from jackline.core.guards import Secrets
from jackline.core.inputs import Upload, given, imported
from jackline.core.messages import Message, Pasted, Text
from jackline.core.permit.overlay import Overlay
from jackline.core.results import shortened
from jackline.core.session import Session
from jackline.core.tools import ArgumentsError, digest
from jackline.core.user import User, known
from jackline.core.value import replace
from jackline.ports import EVERYONES, Bus, Delta, Grown, Ids, Listing, Receipt, SessionRow, Store
from jackline.runtime.behalf import behalf
from jackline.runtime.following import POSITION_MAX, Heard, follow
from jackline.runtime.inputs import checked_name, keep, passing, short
from jackline.runtime.raised import Amount, raised
from jackline.runtime.results import PAGE
from jackline.runtime.secrecy import Discretion, discretion, uploaded
from jackline.runtime.submission import Submission

_NO_POLICY = Overlay()
_NAME_MAX = 200
_TRIES = 5
_QUEUE_S = 1.0  # In a second some of a queue are served.


class Sessions:
    """The sessions of a store, for users: every call names one, and sees only what is theirs."""

    def __init__(  # noqa: PLR0913 - what they stand on
        self,
        store: Store,
        bus: Bus,
        agents: Mapping[str, Agent],
        ids: Ids,
        wake: Callable[[SessionId, str], None],
        policy: Overlay = _NO_POLICY,
        *,
        queue_max: int | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._agents = agents
        self._ids = ids
        self._wake = wake
        self._policy = policy
        self._queue_max = queue_max

    async def open(
        self, agent: str, user: User, name: str = "", history: Sequence[Message] = ()
    ) -> SessionId:
        """Create the session unless it exists. Raises `NotFoundError` where it is another's.

        `history` is a conversation that began elsewhere: its tools need not exist here.
        """
        session, found = self._id(user, name), self._named(agent)
        secrets = await discretion(self._store, session, found.guards)
        opened = SessionOpened(agent, user.id, imported(history))
        await self._store.open(session, secrets.of(opened))
        return session

    async def begin(
        self, agent: str, user: User, submission: Submission, name: str = ""
    ) -> tuple[SessionId, Receipt]:
        """Open the session like `open`, and say something in it like `submit`: both or neither.

        An upload is kept in its session, which is opened before it, then.
        """
        session, found = self._id(user, name), self._named(agent)
        opened = SessionOpened(agent, user.id)
        return session, await self._say(session, user, found, submission, opened)

    async def upload(self, row: SessionRow, upload: Upload) -> tuple[str, int]:
        """Keep a file in a session, without secrets, and return its handle and how large it is."""
        kept = uploaded(await self._secrets(row), upload)
        return await self._store.put(row.id, kept.data, kept.media_type), len(kept.data)

    async def submit(self, session: SessionId, user: User, submission: Submission) -> Receipt:
        """Say something to the agent. What is acknowledged belongs to exactly one turn.

        Of what a guard blocks nothing is kept. Raises `BusyError` where too much waits already,
        and `ThrottledError` where that is true of all of the tenant.
        """
        row = await self.row(session, user)
        return await self._say(session, user, self._agent(row), submission)

    async def _say(
        self,
        session: SessionId,
        user: User,
        agent: Agent,
        submission: Submission,
        opened: SessionOpened | None = None,
    ) -> Receipt:
        if self._queue_max is not None:
            await self._check_queue(session, self._queue_max)
        bounded = self._policy.tightened(agent, user.tenant, user.roles)
        parts = given(submission.said, bounded.limits.input_bytes)
        request_id = submission.request_id or self._ids()
        passed, said = passing(agent, user, parts, request_id)
        if opened and not all(isinstance(part, Text | Pasted) for part in passed):
            await self._store.open(session, opened)
        secrets = await discretion(self._store, session, agent.guards)
        kept = await keep(self._store, session, passed, secrets)
        allowed = () if said else tuple(g.name for g in agent.standing if "input" in g.gates)
        event: Told
        if submission.on_busy == "steer":
            event = TurnSteered(request_id, kept, user.principal, agent.version)
        else:
            event = TurnSubmitted(
                request_id,
                kept,
                user.principal,
                agent.version,
                submission.deadline_at,
                submission.traceparent,
                allowed,
            )
        idle_only = submission.on_busy == "reject"
        events = [secrets.of(each) for each in (event, *said)]
        told = self._store.tell(session, events, opened=opened, idle_only=idle_only)
        return await self._told(session, agent.name, told)

    async def _check_queue(self, session: SessionId, most: int) -> None:
        """Raise `ThrottledError` where the session would have to queue up, and too many have.

        It is looked at before, and not with, the input: those who come at once may all pass.
        """
        if await self._store.queued(session.tenant, most) < most:
            return
        with suppress(NotFoundError):
            if (await self._store.row(session)).state in ("due", "driven"):
                return  # It waits already, or need not.
        raise ThrottledError(
            f"{most:,} sessions of tenant {session.tenant!r} wait for a worker already: try again.",
            _QUEUE_S,
        )

    async def go_on(self, session: SessionId, user: User, request_id: str = "") -> Receipt:
        """Resume a paused turn, or go on where the last one was stopped or failed.

        It runs with the rights of the session's user, whoever asks for it: with those that they
        have now where they ask themselves, and with those of that turn where others do. Raises
        `BusyError` where the session changes too often to say what goes on.
        """
        row = await self.row(session, user, "operate")
        agent, name = self._agent(row), short(request_id) or self._ids()
        for _ in range(_TRIES):
            with suppress(BusyError):  # It has changed since it was looked at.
                return await self._goes_on(row, agent, user, name)
        raise BusyError(f"Session {session.name!r} changes all the time: wait until it rests.")

    async def _goes_on(self, row: SessionRow, agent: Agent, user: User, name: str) -> Receipt:
        state = await self._loaded(row.id)
        if turn := state.turn:
            aside = turn.pause and turn.pause.reason == "version"
            event = TurnResumed("asked", agent.version if aside else "", user.id)
            return await self._tell(row, event)
        if not state.messages:
            raise InputError("Nothing was said yet that one could go on with.")
        principal = await behalf(self._store, row, state, user)
        if principal is None:
            raise CallerError(
                f"Whose rights this would run with is not known any more: {row.user!r} can go on."
            )
        by = "" if user.id == row.user else user.id
        event = TurnSubmitted(name, (), principal, agent.version, by=by)
        if not isinstance(state.ended, TurnCompleted):
            told = self._store.tell(row.id, [event], after=state.head)
            return await self._told(row.id, row.agent, told)
        try:
            # It may have been asked before, by this request id, and this be the answer that was
            # lost: only the store knows. New it must not be, and as no journal has 0 events, what
            # is new is refused, in the same transaction that looks for what was told before.
            return await self._store.tell(row.id, [event], after=0)
        except BusyError:
            why = "There is nothing to go on with: the last turn was completed."
            raise CallerError(why) from None

    async def cancel(
        self, session: SessionId, user: User, reason: str = "", *, turn: int | None = None
    ) -> Receipt:
        """End the open turn, or `turn` if it is open. What came of what runs is kept."""
        row = await self.row(session, user, "operate")
        secrets = await self._secrets(row)
        event = TurnCancelRequested(shortened(secrets.said(reason)), turn, user.id)
        return await self._tell(row, event)

    async def raise_limits(
        self, session: SessionId, user: User, limits: Mapping[str, Amount]
    ) -> Receipt:
        """Let the session go further: `usd` and `session_usd` in dollars, others as `Limits`.

        They are in all, not added to what was spent. None removes a limit.
        """
        row = await self.row(session, user, "operate")
        agent = self._agents.get(row.agent)
        if agent:
            principal = await behalf(self._store, row, await self._loaded(session), user)
            roles = principal.roles if principal else frozenset[str]()
            agent = self._policy.tightened(agent, user.tenant, roles)
        return await self._tell(row, LimitsRaised(raised(limits, agent), user.id))

    async def answer(
        self,
        session: SessionId,
        question: int,
        user: User,
        *,
        approved: bool,
        arguments: str | None = None,
        reason: str = "",
    ) -> Receipt:
        """Answer a question, once. Other arguments pass validation and guards like the model's.

        Raises `StaleError` where it was answered, has expired or was asked about another call.
        """
        row = await self.row(session, user, "answer")
        asked = await self.asked(session, question)
        bound, secrets = asked.digest, await self._secrets(row)
        if approved and arguments is not None:
            arguments = secrets.json(arguments)
            arguments, bound = await self._edited(session, self._agent(row), asked, arguments)
        why = shortened(secrets.said(reason))
        provided = InputProvided(question, approved, user.id, bound, arguments, why)
        return await self._tell(row, provided)

    async def fork(self, session: SessionId, user: User, name: str = "") -> SessionId:
        """Copy the session up to the end of its last turn. Costs so far are history there."""
        await self.row(session, user)
        target, end, page = self._id(user, name), 1, await self._store.read(session, 0, PAGE)
        while page:
            ends = [record.seq for record in page if isinstance(record.event, TurnEnded)]
            end = ends[-1] if ends else end
            page = await self._store.read(session, page[-1].seq, PAGE)
        await self._store.fork(session, end, target)
        return target

    async def row(self, session: SessionId, user: User, right: Right | None = None) -> SessionRow:
        """Return whose the session is and how it stands, without what was said in it.

        Raises `NotFoundError` unless it is the user's, or they have the right in those of others.
        """
        missing = NotFoundError(f"There is no session {session.name!r} of {known(user).id!r}.")
        if session.tenant != user.tenant:
            raise missing
        try:
            row = await self._store.row(session)
        except NotFoundError:
            raise missing from None
        if row.user != user.id and not (right and user.may(right)):
            raise missing
        return row

    async def state(self, session: SessionId, user: User) -> Session:
        """Return the session as it stands."""
        await self.row(session, user, "see")
        return await self._loaded(session)

    async def listed(self, user: User, listing: Listing = EVERYONES) -> list[SessionRow]:
        """Return those of the user's sessions that are wanted; of all, to who may see them."""
        if not known(user).may("see"):
            if listing.user not in (None, user.id):
                return []
            listing = replace(listing, user=user.id)
        return await self._store.sessions(user.tenant, listing)

    async def questions(self, session: SessionId, user: User) -> Mapping[int, InputRequested]:
        """Return the questions that wait, by their names."""
        state = await self.state(session, user)
        return {each: await self.asked(session, each) for each in state.questions}

    async def subscribe(
        self, session: SessionId, user: User, after: int = 0
    ) -> AsyncGenerator[Record | Delta]:
        """Yield the events after position `after`, each once and in order, then those to come.

        Between them comes text as it is said. Ends when the caller stops; raises `NotFoundError`
        where the session is erased meanwhile.
        """
        row = await self.row(session, user, "see")
        async with aclosing(self.follow(row, after)) as batches:
            async for batch in batches:
                for item in batch:
                    yield item

    def follow(self, row: SessionRow, after: int = 0) -> AsyncGenerator[Heard]:
        """Yield the same in batches as it comes, for somebody who may: see `following.follow`."""
        return follow(self._store, self._bus, row, after)

    async def events(self, session: SessionId, user: User, after: int = 0) -> list[Record]:
        """Return the events so far, leaving out the first `after`."""
        await self.row(session, user, "see")
        return await self._store.read(session, max(0, after))

    async def _tell(self, row: SessionRow, event: Told) -> Receipt:
        return await self._told(row.id, row.agent, self._store.tell(row.id, [event]))

    async def _told(
        self, session: SessionId, agent: str, telling: Coroutine[Any, Any, Receipt]
    ) -> Receipt:
        """Tell, and have woken whoever serves the agent."""
        receipt = await telling
        self._bus.grown(Grown(session, told=True))
        self._wake(session, agent)
        return receipt

    async def _loaded(self, session: SessionId) -> Session:
        loaded = await self._store.load(session)
        return replay(loaded.session, loaded.records)

    async def asked(self, session: SessionId, question: int) -> InputRequested:
        """Return a question, for somebody who may see it. Raises `NotFoundError` for none."""
        event = None
        if 0 < question <= POSITION_MAX:
            records = await self._store.read(session, question - 1, 1)
            event = records[0].event if records else None
        if not isinstance(event, InputRequested):
            raise NotFoundError(f"{question} is no question of session {session.name!r}.")
        return event

    async def _edited(
        self, session: SessionId, agent: Agent, asked: InputRequested, arguments: str
    ) -> tuple[str, str]:
        """Return other arguments in canonical form, and the digest of the call that they make."""
        tool = agent.by_name.get(asked.name)
        if tool is None:
            raise CallerError(f"Agent {agent.name!r} no longer has a tool {asked.name!r}.")
        most = agent.limits.input_bytes
        if most is not None and len(arguments.encode("utf-8", "replace")) > most:
            raise InputError(f"The arguments are larger than {most} bytes: send less.")
        try:
            arguments = tool.check(arguments)
        except ArgumentsError as error:
            raise InputError(f"These arguments do not fit {tool.name}: {error.text}") from None
        turn = (await self._loaded(session)).turn
        if turn is None:
            raise NotFoundError("The turn that asked is over.")
        who = turn.submitted.principal
        bounded = self._policy.tightened(agent, session.tenant, who.roles)
        version = bounded.by_name[tool.name].version
        return arguments, digest(tool.name, arguments, who, version)

    async def _secrets(self, row: SessionRow) -> Discretion:
        """Return how the session's secrets are handled. Of an agent that is not here: all are."""
        agent = self._agents.get(row.agent)
        return await discretion(self._store, row.id, agent.guards if agent else [Secrets()])

    def _id(self, user: User, name: str) -> SessionId:
        return SessionId(known(user).tenant, checked_name(name) if name else self._ids())

    def _named(self, agent: str) -> Agent:
        if found := self._agents.get(agent):
            return found
        served = ", ".join(sorted(self._agents)) or "none"
        raise NotFoundError(f"There is no agent {agent!r}. There are: {served}.")

    def _agent(self, row: SessionRow) -> Agent:
        if agent := self._agents.get(row.agent):
            return agent
        raise NotFoundError(f"This process does not serve the agent {row.agent!r}.")
