"""Money and wake-ups, computed anew from events and compared with what the store says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jackline.core.budget import moves
from jackline.core.events import (
    Erased,
    HoldUnconfirmed,
    ModelFailed,
    ModelReplied,
    ModelReserved,
    Record,
    SessionForked,
    TurnEnded,
)
from jackline.core.fold import replay
from jackline.core.session import Session
from jackline.core.value import Value
from jackline.ports import Listing, SessionRow, Store, UsageAsked

_ROWS = 1_000_000
_TRIES = 5
_FAR = 1 << 40


class Audit(Value, frozen=True):
    """What was found in a tenant: sentences for what is wrong, and how much was looked at."""

    sessions: int = 0
    events: int = 0
    erased: int = 0
    busy: int = 0
    money: tuple[str, ...] = ()
    asleep: tuple[str, ...] = ()


class _Look(Value, frozen=True):
    row: SessionRow
    records: Sequence[Record]


async def audit(store: Store, tenant: str) -> Audit:
    """Compare each session's money, the accounts and the wake-ups of a tenant with the events.

    What changes while we look is left out and counted as busy: look again when less goes on.
    Accounts may have spent more than the events say where sessions were erased or deleted.
    """
    accounts_before = await store.accounts(tenant)
    money, asleep, spent, held = list[str](), list[str](), Counter[str](), Counter[str]()
    used = Counter[str]()
    events = erased = busy = 0
    rows = await store.sessions(tenant, Listing(limit=_ROWS))
    for row in rows:
        look = await _look(store, row)
        if look is None:
            busy += 1
            continue
        events += len(look.records)
        if any(isinstance(record.event, Erased) for record in look.records):
            erased += 1
            continue
        state = replay(Session(row.id), look.records)
        money += _session_money(look.row, state)
        asleep += _asleep(look.row, state)
        for account, (holds, costs) in account_moves(look.records).items():
            held[account] += holds
            spent[account] += costs
        used.update(_used(look))
    money += await _usage(store, tenant, used)
    accounts = await store.accounts(tenant)
    quiet = not busy and accounts == accounts_before
    for account in accounts if quiet else ():
        said, found = (account.spent, account.held), (spent[account.name], held[account.name])
        exact = not erased and account.limit is not None
        if said[0] < found[0] or said[1] != found[1] or (exact and said != found):
            money.append(f"account {account.name} says {_pair(*said)}, its events {_pair(*found)}")
    return Audit(len(rows), events, erased, busy, tuple(money), tuple(asleep))


def _used(look: _Look) -> Mapping[str, int]:
    """Return what the turns cost that ended in a session, under the user whom they count for."""
    forked = [each.seq for each in look.records if isinstance(each.event, SessionForked)]
    since = forked[-1] if forked else 0
    ends = [each.event for each in look.records if each.seq > since]
    return {look.row.user: sum(each.cost for each in ends if isinstance(each, TurnEnded))}


async def _usage(store: Store, tenant: str, used: Mapping[str, int]) -> list[str]:
    """Return whose sums say less than the ends of their turns. They say more of what is gone."""
    asked = UsageAsked("user", 0, _FAR, limit=_ROWS)
    sums = {each.key: each.cost for each in await store.usage(tenant, asked)}
    return [
        f"what user {user} used says {sums.get(user, 0)}, the ends of their turns {cost}"
        for user, cost in sorted(used.items())
        if sums.get(user, 0) < cost
    ]


async def _look(store: Store, row: SessionRow) -> _Look | None:
    """Return a session's row and records of one moment. None: it changes all the time."""
    for _ in range(_TRIES):
        records = await store.read(row.id)
        if len(records) == row.head:
            return _Look(row, records)
        rows = await store.sessions(row.id.tenant, Listing(user=row.user, limit=_ROWS))
        row = next((each for each in rows if each.id == row.id), row)
    return None


def _session_money(row: SessionRow, state: Session) -> Iterable[str]:
    said, found = (row.spent, row.held), (state.money.spent, state.money.held)
    if said != found:
        yield f"session {row.id.name} says {_pair(*said)}, its events {_pair(*found)}"


def _pair(spent: int, held: int) -> str:
    return f"{spent} spent and {held} held"


def _asleep(row: SessionRow, state: Session) -> Iterable[str]:
    """Tell of an open turn that nothing would ever wake."""
    turn = state.turn
    if turn is None or row.state in {"due", "driven"}:
        return
    waits = turn.pause is not None and (turn.pause.reason != "person" or state.questions)
    if not waits or turn.cancelled is not None:
        yield f"session {row.id.name}: turn {turn.id} is open, and nothing will wake it"


def account_moves(records: Iterable[Record]) -> dict[str, tuple[int, int]]:
    """Return what a session holds in, and has charged to, each account. A copy has charged none."""
    asked: ModelReserved | None = None
    sums: dict[str, tuple[int, int]] = {}
    for record in records:
        match record.event:
            case SessionForked():
                asked, sums = None, {}
                continue
            case ModelReserved() as event:
                asked, changes = event, moves(None, 0, event)
            case ModelReplied(cost=cost) | ModelFailed(cost=cost) | HoldUnconfirmed(cost=cost):
                asked, changes = None, moves(asked, cost, None)
            case _:
                continue
        for account, (held, spent) in changes.items():
            before = sums.get(account, (0, 0))
            sums[account] = before[0] + held, before[1] + spent
    return sums
