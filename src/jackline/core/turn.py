"""What happens next: the whole agent loop, as a value.

Every answer is a list of events. Those that begin something (`model.reserved`,
`tool.started`) are performed once they are in the journal, and by nothing else; so there is
no step that the journal does not know of.
"""

from collections.abc import Sequence
from typing import Literal

from jackline.core import calls, extracting, judging, spending
from jackline.core import events as e
from jackline.core.agent import Agent
from jackline.core.budget import Account, Terms
from jackline.core.calls import Desk
from jackline.core.extracting import is_extraction
from jackline.core.flow import Question, Source
from jackline.core.fold import fingerprint, fold
from jackline.core.judging import Judging
from jackline.core.outputs import Invalid
from jackline.core.session import Call, Session, Turn
from jackline.core.value import Value, replace

# For how long a session is its driver's unless renewed: so long it waits where that one dies.
LEASE_S = 4.0
_WAIT_HERE_S = 5.0


class Facts(Value, frozen=True, gc=True):
    """What is known beyond the journal.

    `account` is one that the last reservation did not fit into; `instructions` are those of
    this turn, once they have been rendered, and `problem` says why they could not be.
    `question` says what calls are judged by, where any are, and `requests` is all that the user
    typed: a plan is made of these and of the instructions. `judge` is asked about what the model
    reads next, where there is one.
    """

    now: float
    terms: Sequence[Terms]
    lease_s: float = LEASE_S
    account: Account | None = None
    instructions: str = ""
    problem: str = ""
    question: Question | None = None
    requests: Sequence[Source] = ()
    judge: Judging | None = None


def decide(session: Session, agent: Agent, facts: Facts) -> tuple[Session, list[e.Event]]:
    """Return what happens next, until only waiting is left, and the session that it leads to.

    A next turn on behalf of somebody else, or of another version of the agent, is left for later:
    the facts are not about that one.
    """
    turn, events = session.turn, list[e.Event]()
    while turn and (new := _next(session, turn, agent, facts)):
        if isinstance(last := new[-1], e.TurnEnded):
            new = [*new[:-1], totalled(turn, last)]
        events += new
        session, before = fold(session, new, facts.now), turn
        turn = session.turn
        if turn and turn.is_running:
            break  # What was begun has to come back first: there is nothing more to say.
        if turn and not _goes_on_alike(turn, before):
            break
    return session, events


def _goes_on_alike(turn: Turn, before: Turn) -> bool:
    """Whether one who drives the turn before may drive this one, too."""
    alike = turn.submitted.principal == before.submitted.principal
    return alike and turn.version == before.version


def broken(
    session: Session, agent: Agent, facts: Facts, text: str
) -> tuple[Session, list[e.Event]]:
    """Return how a turn ends in which jackline itself has failed."""
    turn = session.turn
    assert turn is not None, "only a turn can break"
    closing = calls.close(Desk(session, turn, agent, facts.now, facts.lease_s))
    session = fold(session, closing, facts.now)
    assert session.turn is not None, "only its end ends a turn"
    end = totalled(session.turn, e.TurnFailed(turn.id, "internal", text))
    return fold(session, [end], facts.now), [*closing, end]


def totalled(turn: Turn, end: e.TurnEnded) -> e.TurnEnded:
    """Return the end with what the turn used and cost."""
    return replace(end, usage=turn.usage, cost=turn.money.spent)


def _next(session: Session, turn: Turn, agent: Agent, facts: Facts) -> Sequence[e.Event]:
    desk = Desk(session, turn, agent, facts.now, facts.lease_s, facts.question)
    if end := _end(session, turn, agent, facts.now):
        return calls.close(desk) or [end]
    if turn.pause:
        return [e.TurnResumed(turn.pause.reason)] if _is_over(turn, facts.now) else []
    if lost := _lost(session, turn, agent):
        return lost
    if turn.asked:
        return []
    if turn.round and turn.round.open:
        return _begin(desk, facts)
    if turn.round and not turn.round.calls and not turn.steers:
        return _answer(turn, turn.round.replied, agent)
    return _stuck(turn, agent) or _read_on(session, turn, agent, facts)


def _begin(desk: Desk, facts: Facts) -> Sequence[e.Event]:
    """Begin the calls of the round, after a plan was asked for if one of them needs it."""
    turn, agent, among = desk.turn, desk.agent, None
    if agent.extracts:
        asked = [call for call in turn.calls if is_extraction(agent.by_name.get(call.asked.name))]
        if (extracted := _extract(desk, facts, asked)) is not None:
            return extracted
        among = [call for call in turn.calls if call not in asked]
    plans = turn.unplanned and bool(facts.requests)
    begun = calls.begin(replace(desk, plans=plans) if plans else desk, among)
    if begun is None:
        planned = _plan(desk.session, turn, agent, facts)
        if planned is not None:
            return planned
        begun = calls.begin(desk, among)
    return begun or _wait(turn, facts.now)


def _extract(desk: Desk, facts: Facts, asked: Sequence[Call]) -> Sequence[e.Event] | None:
    """Ask about a text that the agent's model has not read, one at a time, while nothing runs.

    None: no call wants that now. Nothing: it cannot be paid for at this moment.
    """
    if any(call.state == "running" for call in desk.turn.calls):
        return None
    for call in asked:
        begun = calls.begin(desk, [call])
        assert begun is not None, "nobody plans a mere read"
        if begun and isinstance(started := begun[-1], e.ToolStarted):
            return _reserved(desk, facts, started, begun)
        if begun:
            return begun
    return None


def _reserved(
    desk: Desk, facts: Facts, started: e.ToolStarted, begun: Sequence[e.Event]
) -> Sequence[e.Event]:
    """Begin an extraction with the money for it held, or say why it is not made."""
    session, turn, agent, key = desk.session, desk.turn, desk.agent, started.key
    assert turn.round, "a call is one of a round"
    written = started.arguments or turn.round.calls[key].asked.arguments
    said = extracting.posed(written)
    if isinstance(said, str):
        return [e.ToolRefused(key, said, "arguments", is_own=True)]
    chosen = spending.choose(session, turn, agent, facts.terms)
    if isinstance(chosen, e.TurnFailed):
        return [e.ToolRefused(key, f"Not made: {chosen.text}", "extraction")]
    told = fingerprint(started.name, written)
    held = spending.reserve_extract(session, agent, chosen, facts, (key, told, said[1]))
    if held is None:
        text = "Not made: the question about the text cannot be paid for."
        return [e.ToolRefused(key, text, "extraction")]
    return [*begun, *held] if held else []


def _lost(session: Session, turn: Turn, agent: Agent) -> Sequence[e.Event]:
    """Say what became of what a lost worker had asked a model, unless too many were lost."""
    if turn.drivers > agent.limits.drivers:
        text = f"{turn.drivers} workers were lost in this step: a person has to look at it."
        return [_paused(turn, "dead_letter", None, text)]
    if turn.asked and turn.lost:
        lost = e.HoldUnconfirmed(turn.asked.key, turn.asked.hold)
        return extracting.unanswered(session, turn.asked, [lost])
    return []


def _end(session: Session, turn: Turn, agent: Agent, now: float) -> e.TurnEnded | None:
    """Return how the turn ends now, whatever it is doing."""
    if turn.cancelled is not None:
        return e.TurnCancelled(turn.id, turn.cancelled)
    if turn.blocked:
        return e.TurnStopped(turn.id, "blocked", f"{turn.blocked.guard}: {turn.blocked.reason}.")
    if turn.deadline_at is not None and now >= turn.deadline_at:
        return e.TurnStopped(turn.id, "deadline", "The caller's deadline has passed.")
    driven = calls.limit(session, "driven_s", agent.limits.driven_s, agent.bounds)
    is_driven_s = turn.driven_s + max(0.0, now - turn.driven_at)
    if driven is not None and not turn.pause and is_driven_s >= driven:
        return e.TurnStopped(
            turn.id, "driven", f"The turn was driven for {driven:g} s, which is its limit."
        )
    if turn.capped and not (turn.round and turn.round.open):
        return e.TurnStopped(
            turn.id, "tool_calls", "The turn made all the tool calls that it may make."
        )
    return None


def _is_over(turn: Turn, now: float) -> bool:
    """Whether what the turn waits for is there."""
    assert turn.pause is not None
    if turn.pause.until is not None and now >= turn.pause.until:
        return True
    answered = any(call.state == "waiting" and call.answer for call in turn.calls)
    return answered and turn.pause.reason == "person"


def _wait(turn: Turn, now: float) -> Sequence[e.Event]:
    """Let go of a turn that only waits, for a person or for long."""
    if turn.is_running:
        return []
    waits = [call for call in turn.calls if call.state in {"waiting", "unknown"}]
    until = min(call.wakes_at for call in waits)
    if any(call.state == "unknown" and call.reconcile_at <= now for call in waits):
        return []
    if any(call.state == "waiting" for call in turn.calls):
        return [_paused(turn, "person", until)]
    return [_paused(turn, "timer", until)] if until - now > _WAIT_HERE_S else []


def _paused(
    turn: Turn,
    reason: Literal["person", "timer", "dead_letter"],
    until: float | None,
    text: str = "",
) -> e.TurnPaused:
    """Let go of the turn, at most until the caller no longer wants an answer."""
    times = [each for each in (until, turn.deadline_at) if each is not None]
    return e.TurnPaused(reason, min(times, default=None), text)


def set_aside(turn: Turn, agent: Agent) -> Sequence[e.Event]:
    """Let go of a turn whose version of the agent nobody serves: `agent` is another one."""
    if turn.pause and turn.pause.reason == "version":
        return []
    text = (
        f"No worker serves {agent.name} {turn.version}: start one, or `jackline resume` the "
        f"session to go on with {agent.version}."
    )
    return [e.TurnPaused("version", turn.deadline_at, text)]


def _answer(turn: Turn, replied: e.ModelReplied, agent: Agent) -> Sequence[e.Event]:
    """Take the model's last words as the answer, if they are one."""
    text, value, wrong, note = replied.text, None, "", ""
    if agent.typed:
        checked = agent.typed.check(text)
        if isinstance(checked, Invalid):
            wrong, note = "output_invalid", checked.text
        else:
            value = checked
    elif not text.strip():
        wrong, note = "empty_reply", "You said nothing. Answer the user, or call a tool."
    if not wrong:
        return [e.TurnCompleted(turn.id, text, value, cut=replied.cut)]
    if turn.rejected + 1 >= agent.limits.output_tries:
        return [
            e.TurnFailed(turn.id, wrong, f"The model was asked {turn.rejected + 1} times. {note}")
        ]
    return [e.GuardJudged("output", wrong, "flag", note=note)]


def _stuck(turn: Turn, agent: Agent) -> Sequence[e.Event]:
    """Tell a model that goes round in circles, then stop it."""
    rounds = agent.limits.stale_rounds
    if rounds is None or turn.stale < rounds:
        return []
    if turn.stale >= 2 * rounds:
        text = f"The last {turn.stale} rounds of tool calls brought nothing new."
        return [e.TurnStopped(turn.id, "loop", text)]
    if turn.warned:
        return []
    note = (
        f"Your last {turn.stale} rounds of tool calls had the same arguments and results as "
        "before. Do something else, or answer with what you know."
    )
    return [e.GuardJudged("loop", "loop", "flag", note=note)]


def _read_on(session: Session, turn: Turn, agent: Agent, facts: Facts) -> Sequence[e.Event]:
    """Ask a model, after the judge was asked about what it reads next, where there is one."""
    judged = _judge(session, turn, agent, facts, facts.judge) if facts.judge else None
    return _ask(session, turn, agent, facts) if judged is None else judged


def _judge(
    session: Session, turn: Turn, agent: Agent, facts: Facts, judge: Judging
) -> Sequence[e.Event] | None:
    """Ask the judge about one text, and flag those that it cannot be asked about.

    None: all is judged. Nothing: it cannot be asked now.
    """
    flags = list[e.Event]()
    for key, piece in judging.unjudged(session, turn, judge):
        if known := judge.known(key):
            flags += [judging.suspicion(key, piece, known)] if known.attack else []
            continue
        why = spending.hindrance(session, turn, agent, judge.terms)
        if not why:
            asked = spending.reserve_judge(session, agent, judge.terms, facts, (key, piece))
            if asked is not None:
                return [*flags, *asked]
            why = "the judge cannot be paid for"
        flags.append(judging.flag(key, piece, why))
    return flags or None


def _ask(session: Session, turn: Turn, agent: Agent, facts: Facts) -> Sequence[e.Event]:
    """Ask a model: again after a while, another one, or with less to read."""
    most = calls.limit(session, "model_calls", agent.limits.model_calls, agent.bounds)
    if most is not None and _asked(turn) >= most:
        return [
            e.TurnStopped(
                turn.id, "model_calls", f"The turn asked a model {most} times, its limit."
            )
        ]
    if facts.problem:
        return [e.TurnFailed(turn.id, "instructions", facts.problem)]
    chosen = spending.choose(session, turn, agent, facts.terms)
    if isinstance(chosen, e.TurnFailed):
        return [chosen]
    if (retry_at := spending.retry_at(turn, chosen)) > facts.now:
        return _held_up(turn, retry_at, facts.now)
    return spending.reserve(session, turn, agent, chosen, facts)


def _plan(session: Session, turn: Turn, agent: Agent, facts: Facts) -> Sequence[e.Event] | None:
    """Ask a model what the user wants done. None: that cannot be had, and is done without.

    It never takes the last call that the turn may ask a model for.
    """
    most = calls.limit(session, "model_calls", agent.limits.model_calls, agent.bounds)
    chosen = spending.choose(session, turn, agent, facts.terms)
    if isinstance(chosen, e.TurnFailed) or (most is not None and _asked(turn) + 1 >= most):
        return None
    if (retry_at := spending.retry_at(turn, chosen)) > facts.now:
        return _held_up(turn, retry_at, facts.now)
    return spending.reserve_plan(session, turn, agent, chosen, facts)


def _asked(turn: Turn) -> int:
    """Return how often a model was asked in this turn."""
    return turn.models + turn.plans - turn.throttled


def _held_up(turn: Turn, until: float, now: float) -> Sequence[e.Event]:
    """Wait here, or let go of the turn where that takes long."""
    return [_paused(turn, "timer", until)] if until - now > _WAIT_HERE_S else []


def wakes_at(session: Session, agent: Agent, terms: Sequence[Terms], after: float) -> float | None:
    """Return when next, `after` a time, `decide` may have news though nothing happens."""
    turn = session.turn
    if turn is None:
        return None
    times = [call.wakes_at for call in turn.calls if call.state in {"waiting", "unknown"}]
    if turn.deadline_at is not None:
        times.append(turn.deadline_at)
    driven = calls.limit(session, "driven_s", agent.limits.driven_s, agent.bounds)
    if driven is not None:
        times.append(turn.driven_at + driven - turn.driven_s)
    if turn.failure and not turn.is_running:
        chosen = spending.choose(session, turn, agent, terms)
        times += [] if isinstance(chosen, e.TurnFailed) else [spending.retry_at(turn, chosen)]
    return min((each for each in times if each > after), default=None)
