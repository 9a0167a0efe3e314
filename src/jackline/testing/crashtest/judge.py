"""Whether the guarantees held in a run, from what is in the journal and what the log saw."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from jackline.core import calls
from jackline.core import events as e
from jackline.core.agent import Agent
from jackline.core.budget import Account, dollars
from jackline.core.errors import CallerError
from jackline.core.fold import replay
from jackline.core.session import Session
from jackline.core.value import Value
from jackline.ports import Listing, SessionRow, Store
from jackline.testing.crashtest.log import Entry
from jackline.testing.crashtest.visitor import SESSION
from jackline.testing.model import validate
from jackline.testing.scenario import Scenario


class Breach(Value, frozen=True):
    """A guarantee that did not hold, and how."""

    guarantee: str
    text: str


class Verdict(Value, frozen=True):
    """What is wrong, and what the crash cost: calls that ran again, flagged ones, losses.

    `fenced` counts what the store refused because somebody else drove.
    """

    breaches: tuple[Breach, ...] = ()
    rerun: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    fenced: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a run: each prefix of its session, folded, and the log."""

    agent: Agent
    records: Sequence[e.Record]
    prefixes: Sequence[Session]
    row: SessionRow | None
    accounts: Sequence[Account]
    told: Sequence[Entry]

    @property
    def last(self) -> Session:
        """The session as the run left it."""
        return self.prefixes[-1]

    def effect(self, name: str) -> str:
        """Return what the tool of this name does, or nothing where there is none."""
        tool = self.agent.by_name.get(name)
        return tool.effect if tool else ""

    @property
    def started(self) -> dict[str, str]:
        """The calls that were begun, and of which tool."""
        events = [record.event for record in self.records]
        return {event.key: event.name for event in events if isinstance(event, e.ToolStarted)}


def judge(
    scenario: Scenario, open_store: Callable[[], Store], told: Sequence[Entry], ended: str
) -> Verdict:
    """Return the verdict on a run. `ended` says what was wrong with its end, or nothing."""
    errors = [each for each in told if each.what == "error"]
    said = "; ".join(each.text for each in errors if each.name != "check")
    ended = f"{ended} ({said})" if ended and said else ended
    try:
        evidence = asyncio.run(_evidence(scenario, open_store, told))
    except CallerError:
        return Verdict((Breach("G1", f"there is no session: {ended or 'it was lost'}"),))
    except (AssertionError, KeyError) as error:
        return Verdict((Breach("G1", f"the journal is no history: {error}"),))
    breaches = [Breach("G1", ended)] if ended else []
    breaches += [Breach("G2", each.text) for each in errors if each.name == "check"]
    for guarantee, found in (
        ("G1", _inputs(evidence)),
        ("G1", _rest(evidence)),
        ("G2", _effects(evidence)),
        ("G3", _money(evidence)),
        ("G3", _purchases(evidence)),
        ("G9", _histories(evidence)),
        ("G9", _zombies(evidence)),
    ):
        breaches += [Breach(guarantee, text) for text in found]
    fenced = sum(each.what == "fenced" for each in told)
    return Verdict(tuple(breaches), *_costs(evidence), fenced)


async def _evidence(
    scenario: Scenario, open_store: Callable[[], Store], told: Sequence[Entry]
) -> Evidence:
    session = e.SessionId(scenario.user.tenant, SESSION)
    store = open_store()
    try:
        records = await store.read(session)
        rows = await store.sessions(session.tenant, Listing(user=scenario.user.id))
        accounts = await store.accounts(session.tenant)
    finally:
        store.close()
    prefixes = [Session(session)]
    for record in records:
        prefixes.append(replay(prefixes[-1], [record]))
    row = next((row for row in rows if row.id == session), None)
    return Evidence(scenario.agent, records, prefixes, row, accounts, told)


def _inputs(evidence: Evidence) -> Iterator[str]:
    """G1: what was acknowledged belongs to exactly one turn."""
    events = [record.event for record in evidence.records]
    kept = Counter(event.request_id for event in events if isinstance(event, e.Submitted))
    acknowledged = {each.name for each in evidence.told if each.what == "acknowledged"}
    for name in sorted(acknowledged - kept.keys()):
        yield f"{name} was acknowledged, and is not in the journal"
    for name, times in kept.items():
        if times > 1:
            yield f"{name} is {times} times in the journal"


def _rest(evidence: Evidence) -> Iterator[str]:
    """G1: each turn ends once, and then nothing is left to do."""
    opened = {seen.turn.id for seen in evidence.prefixes if seen.turn}
    for record in evidence.records:
        if isinstance(record.event, e.TurnSubmitted):
            opened.add(record.seq)
    events = [record.event for record in evidence.records]
    ends = Counter(event.turn for event in events if isinstance(event, e.TurnEnded))
    for turn in sorted(opened | ends.keys()):
        if ends[turn] != 1:
            yield f"turn {turn} ended {ends[turn]} times"
    if evidence.row is None or evidence.row.state != "idle" or evidence.last.turn:
        yield f"the session is not at rest, but {evidence.row.state if evidence.row else 'gone'}"


def _effects(evidence: Evidence) -> Iterator[str]:
    """G2: nothing `once` is invoked twice, nothing after its return, and nothing is guessed."""
    started, returned = evidence.started, set[str]()
    invoked = Counter[str]()
    for each in evidence.told:
        if each.what == "returned" or (each.what == "commit" and each.side == "after"):
            returned.update(each.keys)
        if each.what != "call" or each.side != "before":
            continue
        name = started.get(each.name, "")
        invoked[each.name] += 1
        if not name:
            yield f"{each.name} was invoked, and its start is not in the journal"
        if each.name in returned:
            yield f"{name} was invoked again after its return was in the journal ({each.name})"
    for key, times in invoked.items():
        if times > 1 and evidence.effect(started.get(key, "")) == "once":
            yield f"{started[key]} must run once, and was invoked {times} times ({key})"
    yield from _guesses(evidence)


def _guesses(evidence: Evidence) -> Iterator[str]:
    """A call that must not repeat and whose driver died is unknown, and nothing else."""
    epoch, begun = 0, dict[str, tuple[str, int]]()
    for record in evidence.records:
        match record.event:
            case e.SessionTaken():
                epoch = record.event.epoch
            case e.ToolStarted(key=key, name=name):
                if key in begun and evidence.effect(name) == "once":
                    yield f"{name} must run once, and was begun again ({key})"
                begun[key] = name, epoch
            case e.ToolReturned(key=key) | e.ToolFailed(key=key) | e.ToolRefused(key=key):
                name, began = begun.get(key, ("", epoch))
                if evidence.effect(name) == "once" and began != epoch:
                    yield f"the end of {name} was lost, and guessed ({key})"
            case _:
                continue


def _money(evidence: Evidence) -> Iterator[str]:
    """G3: within every limit at every moment, and the row says what the events do."""
    budget, last, row = evidence.agent.budget, evidence.last, evidence.row
    for seen in evidence.prefixes:
        most = calls.limit(seen, "session_usd", budget.per_session)
        used = seen.money.spent + seen.money.held
        if most is not None and used > most:
            yield f"after event {seen.head} the session has {dollars(used)} of {dollars(most)}"
        most = calls.limit(seen, "usd", budget.per_turn)
        used = seen.turn.money.spent + seen.turn.money.held if seen.turn else 0
        if most is not None and used > most:
            yield f"after event {seen.head} the turn has {dollars(used)} of {dollars(most)}"
    if last.money.held:
        yield f"{dollars(last.money.held)} are still held at rest"
    if row and (row.spent, row.held, row.head) != (last.money.spent, last.money.held, last.head):
        yield f"the session's row has {row.spent}, {row.held} at {row.head}, its events otherwise"
    for account in evidence.accounts:
        if account.held or not account.admits(0, 0):
            yield f"account {account.name}: {account.spent} spent, {account.held} held at rest"


def _purchases(evidence: Evidence) -> Iterator[str]:
    """G3: a model is asked once for each reservation, and only for one."""
    events = [record.event for record in evidence.records]
    reserved = {event.key for event in events if isinstance(event, e.ModelReserved)}
    asked = Counter(each.name for each in evidence.told if each.what == "asked")
    for key, times in asked.items():
        if key not in reserved:
            yield f"a model was asked without a reservation ({key})"
        if times > 1:
            yield f"a model was asked {times} times for one reservation ({key})"


def _histories(evidence: Evidence) -> Iterator[str]:
    """G9: each request was one that a provider takes, and the session goes on."""
    for each in evidence.told:
        if each.what == "asked" and each.text:
            yield f"no provider would take the request {each.name}: {each.text}"
    if wrong := validate(evidence.last.messages):
        yield f"no provider would take what is said next: {wrong}"
    match evidence.last.ended:
        case e.TurnCompleted() | e.TurnStopped(code="budget"):
            return
        case None:
            yield "no turn ended"
        case ended:
            yield f"a further turn ended with {e.kind(type(ended).__name__)}"


def _zombies(evidence: Evidence) -> Iterator[str]:
    """G9: nothing is written by who drove before, once somebody else does."""
    taken = [(r.event.epoch, r.at) for r in evidence.records if isinstance(r.event, e.SessionTaken)]
    for each in evidence.told:
        if each.epoch and any(epoch > each.epoch and at < each.at for epoch, at in taken):
            yield f"process {each.life} was not fenced when another one drove: {each.name}"


def _costs(evidence: Evidence) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return which calls ran again in another process, which are flagged unknown, what was lost."""
    started = evidence.started
    invoked = {
        (each.name, each.life)
        for each in evidence.told
        if each.what == "call" and each.side == "before"
    }
    lives = Counter(key for key, _ in invoked)
    rerun = [started.get(key, key) for key, n in sorted(lives.items()) for _ in range(n - 1)]
    unknown, lost = list[str](), list[str]()
    for record in evidence.records:
        match record.event:
            case e.ToolUnknown(key=key, code="lost"):
                unknown.append(started.get(key, key))
            case e.HoldUnconfirmed(code="lost", cost=cost):
                lost.append(f"a reply ({dollars(cost)} charged)")
            case e.ToolFailed(key=key, code="lost"):
                lost.append(f"the result of {started.get(key, key)}")
            case _:
                continue
    return tuple(rerun), tuple(unknown), tuple(lost)
