"""Before a model is asked: which one, when, for how much, and whether that may be spent."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Protocol
from zlib import crc32

from jackline.core import events as e
from jackline.core import extracting, judging, planning, window
from jackline.core.agent import Agent
from jackline.core.backoff import delay_s
from jackline.core.budget import Account, Money, Terms, dollars
from jackline.core.calls import limit
from jackline.core.flow import Extraction, Source
from jackline.core.messages import digest
from jackline.core.session import Session, Turn
from jackline.core.value import replace

_OUTPUT_TOKENS_MIN = 256
_BACKOFF_MAX_S = 30.0
_RETRY_AFTER_MAX_S = 3_600.0
_DAY_S = 86_400
_DAY_ONE = date(1970, 1, 1).toordinal()
_TOKENS: Mapping[e.Purpose, int] = {
    "compact": window.SUMMARY_TOKENS,
    "plan": planning.PLAN_TOKENS,
    "judge": judging.JUDGE_TOKENS,
    "extract": extracting.EXTRACT_TOKENS,
}
_RETRYABLE = {
    "rate_limited",
    "overloaded",
    "model_timeout",
    "connection",
    "garbled",
    "lost",
    "throttled",
}


class Facts(Protocol):
    """What is known beyond the journal: see `turn.Facts`."""

    @property
    def now(self) -> float:
        """The time."""
        ...

    @property
    def account(self) -> Account | None:
        """One that the last reservation did not fit into."""
        ...

    @property
    def instructions(self) -> str:
        """Those of this turn."""
        ...

    @property
    def requests(self) -> Sequence[Source]:
        """What the user typed."""
        ...


def choose(
    session: Session, turn: Turn, agent: Agent, terms: Sequence[Terms]
) -> Terms | e.TurnFailed:
    """Return the model to ask: the last one, or the next where that has failed too often."""
    allowed = [each for each in terms if not (agent.bounds and agent.bounds.forbids(each.model))]
    if not allowed:
        text = "The operator's policy forbids every model of this agent for this user."
        return e.TurnFailed(turn.id, "model_forbidden", text)
    usable = [each for each in allowed if each.model not in session.breached]
    at = next((n for n, each in enumerate(usable) if each.model == turn.model), 0)
    failure = turn.failure
    if failure and usable and failure.model == usable[at].model:
        if failure.code not in _RETRYABLE and not _shortens(session, turn, agent):
            return e.TurnFailed(turn.id, failure.code, failure.text)
        if failure.tries >= agent.limits.model_tries:
            at += 1
    if at < len(usable):
        return usable[at]
    if failure:
        return e.TurnFailed(turn.id, failure.code, failure.text)
    return e.TurnFailed(turn.id, "breached", "Every model has billed more than it was held to.")


def _shortens(session: Session, turn: Turn, agent: Agent) -> bool:
    """Whether the request was too long, and can be made shorter once."""
    too_long = turn.failure is not None and turn.failure.code == "context_too_long"
    if not too_long or turn.compacting:
        return too_long and (turn.compacting != "done" or bool(turn.summary))
    return window.elidable(session, agent) is not None


def retry_at(turn: Turn, terms: Terms) -> float:
    """Return when this model may be asked: after a failure with backoff and jitter."""
    failure = turn.failure
    if failure is None or failure.model != terms.model or failure.code not in _RETRYABLE:
        return 0.0
    if failure.code == "lost":
        return failure.at
    jitter = crc32(f"{turn.id} {turn.models} {turn.submitted.request_id}".encode()) / 2**32
    if failure.code == "throttled":
        # Many were told the same time: half as much again spreads them.
        return failure.at + (failure.retry_after_s or 0.0) * (1 + jitter / 2)
    after_s = min(failure.retry_after_s or 0.0, _RETRY_AFTER_MAX_S)
    most_s = _BACKOFF_MAX_S
    return failure.at + delay_s(failure.tries, jitter, most_s=most_s, retry_after_s=after_s)


def accounts(session: Session, turn: Turn, agent: Agent, now: float) -> tuple[str, ...]:
    """Return the accounts that a call pays from beside the session's own, in their order.

    They are the tenant's: its name need not be in theirs.
    """
    inherited = session.opened.accounts if session.opened else ()
    budget = agent.budget
    if budget.user_per_day is None and budget.tenant_per_day is None:
        return inherited
    day = _day(int(now // _DAY_S))
    found = inherited
    if budget.tenant_per_day is not None:
        found += (f"tenant/{day}",)
    if budget.user_per_day is not None:
        found += (f"user/{turn.submitted.principal.user}/{day}",)
    return found


@lru_cache
def _day(number: int) -> str:
    return date.fromordinal(_DAY_ONE + number).isoformat()


def account_limit(account: str, agent: Agent) -> int | None:
    """Return the limit that an account begins with. None: it only counts."""
    if account.startswith("tenant/"):
        return agent.budget.tenant_per_day
    return agent.budget.user_per_day if account.startswith("user/") else None


def reserve(
    session: Session, turn: Turn, agent: Agent, terms: Terms, facts: Facts
) -> Sequence[e.Event]:
    """Hold the worst case of the next request, or make it smaller first, or stop."""
    if turn.compacting == "done" and turn.summary:
        return [_compacted(session, agent, turn.summary)]
    unmeasured = window.unmeasured(session, turn, agent, terms)
    if _is_full(session, turn, agent, terms, unmeasured):
        if turn.compacting == "failed" or not window.to_summarise(session, agent, terms):
            return [_compacted(session, agent, "")]
        tokens_in = window.summary_bound_tokens(session, agent, terms)
        asked = _reserved(session, agent, terms, facts, tokens_in, "compact")
        refused = bool(asked) and isinstance(asked[0], e.TurnStopped)
        return [_compacted(session, agent, "")] if refused else asked
    tokens_in = window.bound_tokens(unmeasured, terms)
    return _reserved(session, agent, terms, facts, tokens_in)


def reserve_plan(
    session: Session, turn: Turn, agent: Agent, terms: Terms, facts: Facts
) -> Sequence[e.Event] | None:
    """Hold the worst case of a plan. None: it cannot be paid for. Nothing: not now."""
    asked = planning.asked(agent, session.instructions, facts.requests)
    tokens_in = planning.bound_tokens(agent, asked, terms)
    held = _reserved(session, agent, terms, facts, tokens_in, "plan")
    return _aside(held, f"turn/{turn.id}/plan/{turn.plans}", digest("", asked))


def hindrance(session: Session, turn: Turn, agent: Agent, terms: Terms) -> str:
    """Return why a judge of these terms may not be asked any more, or nothing."""
    if len(turn.judged) >= judging.JUDGED_MAX:
        return f"the judge is asked about {judging.JUDGED_MAX} texts in a turn at most"
    if terms.model in session.breached:
        return "the judge has billed more than it was held to"
    if agent.bounds and agent.bounds.forbids(terms.model):
        return "the operator's policy forbids the judge's model"
    return ""


def reserve_judge(
    session: Session, agent: Agent, terms: Terms, facts: Facts, posed: tuple[str, judging.Piece]
) -> Sequence[e.Event] | None:
    """Hold the worst case of a verdict. None: it cannot be paid for. Nothing: not now."""
    assert session.turn is not None, "money is held for a turn"
    turn, (key, piece) = session.turn, posed
    tokens_in = piece.bound_tokens(terms)
    held = _reserved(session, agent, terms, facts, tokens_in, "judge")
    return _aside(held, f"turn/{turn.id}/judge/{len(turn.judged)}", key)


def reserve_extract(
    session: Session, agent: Agent, terms: Terms, facts: Facts, asked: tuple[str, str, Extraction]
) -> Sequence[e.Event] | None:
    """Hold the worst case of an extraction. None: it cannot be paid for. Nothing: not now.

    `asked` is the tool call's key, what tells it from others, and what it asks.
    """
    call, told, extraction = asked
    tokens_in = extracting.bound_tokens(extraction, terms)
    held = _reserved(session, agent, terms, facts, tokens_in, "extract")
    return _aside(held, extracting.key_of(call), told)


def _aside(held: Sequence[e.Event], key: str, told: str) -> Sequence[e.Event] | None:
    """Return the hold as that of a question beside the conversation, which `told` tells apart."""
    if not held or not isinstance(reserved := held[0], e.ModelReserved):
        return None if held else held
    return [replace(reserved, key=key, digest=told, instructions=None, tools=None)]


def _compacted(session: Session, agent: Agent, summary: str) -> e.ContextCompacted:
    found = window.elidable(session, agent)
    assert found is not None, "what was too long can be elided"
    first, last = found
    return e.ContextCompacted(first, last, window.told_summary(summary, last - first))


def _is_full(
    session: Session, turn: Turn, agent: Agent, terms: Terms, unmeasured: window.Unmeasured
) -> bool:
    if turn.compacting == "done":
        return False
    too_long = turn.failure is not None and turn.failure.code == "context_too_long"
    room = terms.window_tokens * agent.window.fill
    if not too_long and window.likely_tokens(unmeasured, terms) <= room:
        return False
    return window.elidable(session, agent) is not None


def _reserved(
    session: Session,
    agent: Agent,
    terms: Terms,
    facts: Facts,
    tokens_in: int,
    purpose: e.Purpose = "reply",
) -> Sequence[e.Event]:
    turn = session.turn
    assert turn is not None, "money is held for a turn"
    instructions = facts.instructions if turn.models == 0 else session.instructions
    changed = instructions != session.instructions
    wanted = min(agent.max_tokens, terms.output_tokens_max)
    wanted = min(wanted, _TOKENS.get(purpose, wanted))
    if purpose == "reply" and changed:
        tokens_in += len(instructions.encode())
    free, whose = _free(session, turn, agent, facts.account)
    tokens = wanted
    if free is not None:
        affordable = terms.bound.affordable(free, tokens_in)
        tokens = wanted if affordable is None else min(wanted, affordable)
    if tokens < min(_OUTPUT_TOKENS_MIN, wanted):
        needed = terms.bound.cost(e.Usage(tokens_in, min(_OUTPUT_TOKENS_MIN, wanted)))
        text = f"{whose} has {dollars(free or 0)} left, and the next request may cost "
        return [e.TurnStopped(turn.id, "budget", f"{text}{dollars(needed)}.")]
    hold = terms.bound.cost(e.Usage(tokens_in, tokens))
    account = facts.account
    if account and not account.admits(hold, 0):
        return []
    return [
        e.ModelReserved(
            f"turn/{turn.id}/model/{turn.models}",
            terms.model,
            hold,
            tokens,
            _digest(session, turn),
            accounts(session, turn, agent, facts.now),
            purpose,
            instructions if changed else None,
            agent.tools_digest if agent.tools_digest != session.tools else None,
        )
    ]


def _digest(session: Session, turn: Turn) -> str:
    """Return what tells the request from all others, made from that of the last and the news."""
    return digest(session.digest, [*session.messages[session.digested :], *turn.steers])


def _free(
    session: Session, turn: Turn, agent: Agent, account: Account | None
) -> tuple[int | None, str]:
    """Return what may be spent, and whose limit that is. None: there is no limit.

    What others hold may come back: an account refuses for good only by what it has spent.
    """
    most = limit(session, "usd", agent.budget.per_turn, agent.bounds)
    rooms = [] if most is None else [(_left(most, turn.money), "The turn")]
    most = limit(session, "session_usd", agent.budget.per_session, agent.bounds)
    rooms += [] if most is None else [(_left(most, session.money), "The session")]
    if account and account.limit is not None:
        rooms.append((max(0, account.limit - account.spent), f"The account {account.name}"))
    return min(rooms, default=(None, ""))


def _left(most: int, money: Money) -> int:
    """Return what is left of a limit that may have been lowered since, or breached by a bill."""
    return max(0, most - money.spent - money.held)
