"""What must hold of every journal, whatever happened."""

from collections import Counter
from collections.abc import Sequence

from tests.simulation.outside import EVE, TERMS

from jackline.core.agent import Agent
from jackline.core.events import (
    Event,
    InputProvided,
    InputRequested,
    ModelReplied,
    ModelReserved,
    Record,
    SessionId,
    SessionTaken,
    ToolReconciled,
    ToolReturned,
    ToolStarted,
    TurnCancelled,
    TurnCompleted,
    TurnFailed,
    TurnResumed,
    TurnSteered,
    TurnStopped,
    TurnSubmitted,
    Usage,
)
from jackline.core.fold import fold, replay
from jackline.core.judging import Judge, unjudged
from jackline.core.messages import Text, ToolCall
from jackline.core.session import Call, Session
from jackline.core.turn import Facts, decide
from jackline.runtime.judges import Judges
from jackline.testing.model import ScriptedModel, validate

_MODEL = ScriptedModel("…", terms=TERMS)
_JUDGE = Judges(Judge(_MODEL), _MODEL).of(Session(SessionId("t", "s")))


def once_each(records: Sequence[Record], acknowledged: set[str]) -> None:
    """G1: each input that was acknowledged is there once, and each turn ends once."""
    events = [record.event for record in records]
    told = [event for event in events if isinstance(event, TurnSubmitted | TurnSteered)]
    found = Counter(event.request_id for event in told)
    assert found.keys() >= acknowledged, f"G1: lost {acknowledged - found.keys()}"
    assert set(found.values()) <= {1}, f"G1: inputs {found}"
    session, opened, ended = Session(SessionId("t", "s")), set[int](), Counter[int]()
    for record in records:
        before, session = session.turn, replay(session, [record])
        opened |= {session.turn.id} if session.turn else set()
        event = record.event
        if isinstance(event, TurnCompleted | TurnFailed | TurnStopped | TurnCancelled):
            assert before is not None
            ended[event.turn] += 1
            unread = isinstance(event, TurnCompleted) and before.steers
            assert not unread, f"G1: {unread} was never read"
    assert ended == Counter(opened), f"G1: {opened} opened, {ended} ended"


def results_are_final(records: Sequence[Record]) -> None:
    """G2: a call whose return is in the journal is not begun again."""
    returned = set[str]()
    for record in records:
        event = record.event
        if isinstance(event, ToolReturned):
            assert event.key not in returned, f"G2: {event} twice"
            returned.add(event.key)
        assert not (isinstance(event, ToolStarted) and event.key in returned), f"G2: {event}"


def answers_are_kept(records: Sequence[Record]) -> None:
    """G5: what was not approved is not called."""
    asked = {r.event.key: r.seq for r in records if isinstance(r.event, InputRequested)}
    said = {r.event.question: r.event for r in records if isinstance(r.event, InputProvided)}
    for record in records:
        event = record.event
        if isinstance(event, ToolStarted) and event.key in asked:
            answer = said.get(asked[event.key])
            assert answer, f"G5: nobody approved {event}"
            assert answer.approved, f"G5: somebody refused {event}"


def texts_are_judged(records: Sequence[Record]) -> None:
    """No model is asked for a reply before all that others wrote has its verdict, and only one."""
    session, asked = Session(SessionId("t", "s")), set[tuple[int, str]]()
    for record in records:
        before, event = session, record.event
        session = replay(session, [record])
        if isinstance(event, ModelReserved) and event.purpose == "judge":
            assert before.turn
            text = before.turn.id, event.digest
            assert text not in asked, f"judged twice: {event}"
            asked.add(text)
        elif isinstance(event, ModelReserved) and event.purpose == "reply":
            assert before.turn
            left = list(unjudged(before, before.turn, _JUDGE))
            assert not left, f"nobody has judged {left}"


def attackers_choose_nothing(records: Sequence[Record]) -> None:
    """G6: once something was read, what only that wants is called only where a person agreed."""
    read, asked = False, dict[int, InputRequested]()
    calls, agreed = dict[str, ToolCall](), set[tuple[str, str]]()
    for record in records:
        match record.event:
            case ModelReplied(key=key, calls=found):
                calls |= {f"{key}/tool/{n}": each for n, each in enumerate(found)}
            case ToolReturned():
                read = True
            case InputRequested() as question:
                asked[record.seq] = question
            case InputProvided(question=number, approved=True):
                agreed.add((asked[number].name, asked[number].arguments))
            case ToolStarted(key=key, name=name, attempt=1) if read:
                wanted = calls[key].arguments
                theirs = wanted == EVE and (name, wanted) not in agreed
                assert not theirs, f"G6: nobody asked for {name} {wanted}"
            case _:
                continue


def time_goes_on(records: Sequence[Record]) -> None:
    """An event is never before the one that it follows, whatever becomes of a machine's clock."""
    times = [record.at for record in records]
    assert times == sorted(times), f"time goes back: {times}"


def count(records: Sequence[Record], kind: type[Event]) -> int:
    """Return how many events are of this kind."""
    return sum(isinstance(record.event, kind) for record in records)


def returned_keys(records: Sequence[Record], name: str) -> set[str]:
    """Return the effect keys of the calls of this tool that returned."""
    started = [r.event for r in records if isinstance(r.event, ToolStarted)]
    keys = {event.key: event.effect_key for event in started if event.name == name}
    returned = {r.event.key for r in records if isinstance(r.event, ToolReturned)}
    return {effect_key for key, effect_key in keys.items() if key in returned}


def prefixes_live(session: SessionId, records: Sequence[Record], agent: Agent) -> None:
    """G3 and G9: wherever a history is cut, no limit is passed and a driver ends it well."""
    now = Session(session)
    for record in records:
        now = replay(now, [record])
        within(now, agent)
        taken = fold(now, [SessionTaken(99, "last")], now.at)
        rest = ended_well(taken, agent)
        assert rest.turn is None, f"G9: dead after {record}: {rest.turn}"
        reason = validate(rest.messages)
        assert not reason, f"G9: {reason}"


def within(session: Session, agent: Agent) -> None:
    """G3: what was spent and is held is within the limits of session and turn."""
    most = agent.budget.per_session
    assert most is None or session.money.spent + session.money.held <= most, "G3: session"
    turn, most = session.turn, agent.budget.per_turn
    assert turn is None or most is None or turn.money.spent + turn.money.held <= most, "G3: turn"


def ended_well(session: Session, agent: Agent) -> Session:
    """Return the session after a driver for whom all goes well."""
    at = session.at
    for _ in range(60):
        session, _ = decide(session, agent, Facts(at, (TERMS,)))
        turn = session.turn
        if turn is None:
            break
        if turn.pause and turn.pause.reason == "dead_letter":
            session = fold(session, [TurnResumed("looked at")], at)
        steps = turn.steps(at)
        if not steps:
            at += 90_000.0  # Whoever is waited for does not come.
        for step in steps:
            session = fold(session, [_well(step)], at)
    return session


def _well(step: ModelReserved | Call) -> Event:
    if isinstance(step, ModelReserved):
        return ModelReplied(step.key, (Text("Done."),), step.model, Usage())
    if step.state == "unknown":
        return ToolReconciled(step.key, happened=True, text="It did.")
    return ToolReturned(step.key, (Text("done"),))
