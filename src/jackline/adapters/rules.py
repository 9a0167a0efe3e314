"""What every store decides alike: who may tell what, what repeats, what wakes, what is erased."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from jackline.core.budget import Account
from jackline.core.codec import decode, encode, erased
from jackline.core.errors import (
    BusyError,
    CallerError,
    ConflictError,
    FencedError,
    InputError,
    NotFoundError,
    StaleError,
    StoreError,
    ToolError,
)
from jackline.core.events import (
    ChildFinished,
    Event,
    HoldUnconfirmed,
    InputProvided,
    InputRequested,
    LimitsRaised,
    ModelFailed,
    ModelReplied,
    ModelReserved,
    Principal,
    SessionForked,
    SessionId,
    SessionOpened,
    SessionTaken,
    Told,
    TurnCancelRequested,
    TurnEnded,
    TurnResumed,
    TurnSteered,
    TurnSubmitted,
)
from jackline.ports import Clock, Listing, SessionRow, State, Used

HASHES_KEPT_S = 30 * 86_400.0
INPUTS_MAX = 100
_NAME_CHARACTERS_MAX = 512
_POSITION_MAX = 2**63 - 1
_LIMIT_MAX = 2**62  # Databases count in 64 bits, and something is spent beside it.


class SteadyClock:
    """A clock that goes on from where it was when the one beneath it is set back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = 0.0
        self._last = clock()

    def peek(self) -> float:
        """Return the time, for a reader: nothing depends on its going on."""
        return max(self._last, self._clock() + self._ahead)

    def __call__(self, not_before: float = 0.0) -> float:
        """Return the time, which is never before an earlier answer nor before `not_before`."""
        now = self._clock() + self._ahead
        if now < self._last or now < not_before:
            steady = max(self._last, not_before)
            self._ahead += steady - now
            now = steady
        self._last = now
        return now


@dataclass(frozen=True, slots=True)
class Request:
    """What tells a request from all others of its session, and its content from all others.

    Hashes: they outlive an erasure without saying what was said.
    """

    name: bytes
    content: bytes


def request(event: Told) -> Request | None:
    """Return how a repetition of this event is known, or None where each one counts.

    The content of an input is its parts, its user and who goes on for them: what a client that
    tries again cannot know (traces, deadlines, roles, versions, whether it queues or steers) may
    differ.
    """
    match event:
        case TurnSubmitted(request_id=name) | TurnSteered(request_id=name):
            by = event.by if isinstance(event, TurnSubmitted) else ""
            said = TurnSubmitted("", event.parts, Principal(event.principal.user), by=by)
            return _request(f"request {name}", encoded(said))
        case InputProvided(question=question):
            return _request(f"answer {question}", encoded(event))
        case ChildFinished(key=key, session=child):
            return _request(f"child {key}", child.encode())
        case _:
            return None


def _request(name: str, content: bytes) -> Request:
    return Request(_hash(name.encode("utf-8", "surrogatepass")), _hash(content))


def _hash(text: bytes) -> bytes:
    return sha256(text).digest()[:16]


def check_repeated(event: Told, asked: Request, content: bytes | None) -> None:
    """Raise unless the request of this name, which was told before, had the same content.

    `content` None: it was erased, and nobody can tell.
    """
    if content is None or content == asked.content:
        return
    if isinstance(event, InputProvided):
        raise StaleError(f"Question {event.question} was answered already, and otherwise.")
    name = event.request_id if isinstance(event, TurnSubmitted | TurnSteered) else "It"
    raise ConflictError(f"The request {name!r} was used for another input: take a new id.")


def check_answer(
    answer: InputProvided, still_open: Collection[int], asked: Event | None, at: float
) -> None:
    """Raise `StaleError` unless this answers an open question that is unexpired, as it was put.

    An answer with other arguments binds the call that they make: its driver checks that.
    """
    question = answer.question
    if question not in still_open or not isinstance(asked, InputRequested):
        raise StaleError(f"Question {question} is not open: it was answered, or withdrawn.")
    if at >= asked.expires_at:
        raise StaleError(f"Question {question} has expired: the call was not made.")
    if answer.arguments is None and answer.digest != asked.digest:
        raise StaleError(f"Question {question} was about another call than this answer.")


def check_room(waiting: int) -> None:
    """Raise `BusyError` where so many inputs wait already that one more would wait for ever."""
    if waiting >= INPUTS_MAX:
        raise BusyError(f"{waiting} inputs wait in this session already: let it answer first.")


def wakes(event: Told, turn: int | None) -> bool:
    """Whether a driver has something to do now. `turn` is the one that is open."""
    match event:
        case TurnSubmitted() | TurnSteered() | InputProvided():
            return True
        case LimitsRaised() | TurnCancelRequested() | TurnResumed() | ChildFinished():
            return turn is not None
        case _:
            return False


def goes_to(event: Told, seq: int, turn: int | None) -> int | None:
    """Return the turn that the event at `seq` belongs to, where `turn` is open."""
    if isinstance(event, TurnSubmitted) or (turn is None and isinstance(event, TurnSteered)):
        return seq
    return turn


def encoded(event: Event) -> bytes:
    """Return the event as bytes. Raises `InputError` where a text in it is no Unicode."""
    return all_encoded((event,))[0]


def all_encoded(events: Sequence[Event]) -> list[bytes]:
    """Return the events as bytes. Raises `InputError` where a text in them is no Unicode."""
    try:
        return [encode(event) for event in events]
    except UnicodeEncodeError as error:
        raise InputError(
            f"A text has a lone surrogate (U+{ord(error.object[error.start]):04X}), which is no "
            "character: replace it before it is sent."
        ) from error


def check_name(session: SessionId) -> None:
    """Raise `InputError` unless tenant and name can be a session's."""
    for what, name in (("tenant", session.tenant), ("session", session.name)):
        if not name or len(name) > _NAME_CHARACTERS_MAX or not name.isprintable():
            raise InputError(
                f"{name[:40]!r} is no name of a {what}: it takes 1 to {_NAME_CHARACTERS_MAX} "
                "printable characters."
            )


def unknown_session(session: SessionId) -> NotFoundError:
    """Return the error that says there is no such session. It does not say for whom."""
    return NotFoundError(f"There is no session {session.name!r}.")


def fenced(session: SessionId, epoch: int) -> FencedError:
    """Return the error that tells a driver to stop."""
    return FencedError(f"Session {session.name!r} is under epoch {epoch}: another worker drives.")


def check_opened(session: SessionId, wanted: SessionOpened, user: str, agent: str) -> None:
    """Raise unless the session, which is `user`'s with `agent`, is the one that is wanted."""
    if user != wanted.user:
        raise NotFoundError(f"There is no session {session.name!r} of {wanted.user!r}.")
    if agent != wanted.agent:
        raise CallerError(f"Session {session.name!r} is one with {agent!r}.")


def check_idle(
    session: SessionId, turn: int | None, head: int, *, idle_only: bool, after: int | None
) -> None:
    """Raise `BusyError` where a turn is open, or the journal has grown, and it must not."""
    if idle_only and turn is not None:
        raise BusyError(f"Turn {turn} of session {session.name!r} is open.")
    if after is not None and head != after:
        raise BusyError(f"Session {session.name!r} has gone on meanwhile: look at it again.")


def check_driver(session: SessionId, epoch: int | None, current: int) -> None:
    """Raise `FencedError` unless this is the session's epoch. None: it is no driver who asks."""
    if epoch is not None and epoch != current:
        raise fenced(session, current)


def check_turn(turn: int, open_turn: int | None) -> None:
    """Raise `ToolError` unless this turn is open: after its end nobody reads what a call did."""
    if turn != open_turn:
        raise ToolError("The turn has ended, so nothing was written.")


def tightened(account: Account, limit: int | None) -> Account:
    """Return the account as it is for whoever brings this limit: the lower of the two holds.

    An account without a limit stays so: somebody who runs jackline has said that it only counts.
    """
    if account.limit is None or limit is None or limit >= account.limit:
        return account
    return Account(account.name, limit, account.spent, account.held)


def check_limit(limit: int | None) -> None:
    """Raise `InputError` unless an account may have this limit, on every store."""
    # What callers give is not type-checked, and a database takes True for 1 and keeps 0.5.
    if limit is not None and (type(limit) is not int or not 0 <= limit <= _LIMIT_MAX):
        raise InputError(
            f"{limit!r} is no limit of an account: give whole micro-dollars, at most "
            f"{_LIMIT_MAX}, or None for no limit."
        )


def position(number: int) -> int:
    """Return the number as one that a database can hold: nothing is before 0, or after the last."""
    return min(max(0, number), _POSITION_MAX)


def cut_short(session: SessionId) -> StoreError:
    """Return the error that says that a driver has read what is no longer there."""
    return StoreError(
        f"The journal of {session.name!r} ends before what its driver has read: was a backup put "
        "in its place? Restart the worker."
    )


def tombstone(body: bytes) -> bytes:
    """Return what is left of an event: who drives and whose it is, nothing of what was said."""
    match decode(body):
        case SessionOpened(agent, user, _, accounts, parent, ceiling):
            return encode(SessionOpened(agent, user, (), accounts, parent, ceiling))
        case SessionTaken() | SessionForked():
            return body
        case _:
            return erased(body)


def open_holds(bodies: Collection[bytes]) -> list[ModelReserved]:
    """Return the holds that nothing has settled."""
    holds: dict[str, ModelReserved] = {}
    for body in bodies:
        match decode(body):
            case ModelReserved() as reserved:
                holds[reserved.key] = reserved
            case ModelReplied(key=key) | ModelFailed(key=key) | HoldUnconfirmed(key=key):
                holds.pop(key, None)
            case _:
                continue
    return list(holds.values())


def first(events: Sequence[Told]) -> Told:
    """Return the event that decides. Raises `InputError` where there is none."""
    if not events:
        raise InputError("Nothing was told: there has to be at least one event.")
    return events[0]


def check_fork(source: SessionId, after: int, target: SessionId, head: int) -> None:
    """Raise `InputError` unless `after` events can be copied from `source` to `target`."""
    check_name(target)
    if source.tenant != target.tenant:
        raise InputError("A fork stays with its tenant: name a session of the same one.")
    if not 0 < after <= head:
        raise InputError(f"{after} events cannot be copied: {source.name!r} has 1 to {head}.")


def state(lease_until: float, due_at: float | None, turn: int | None, now: float) -> State:
    """Return what the session does now. A lease that is over counts as no driver."""
    if lease_until > now:
        return "driven"
    if due_at is not None and due_at <= now:
        return "due"
    return "idle" if turn is None else "paused"


def listed(tenant: str, columns: Sequence[Any], questions: Sequence[int]) -> SessionRow:
    """Return what a session's columns say, whose last three are lease, wake-up and the time."""
    number, name, user, agent, head, epoch, turn, spent, held, *rest = columns
    updated_at, worker, erased_at, lease_until, due_at, at = rest
    now = state(lease_until, due_at, turn, at)
    return SessionRow(
        SessionId(tenant, name),
        user,
        agent,
        now,
        head,
        epoch,
        turn,
        spent,
        held,
        tuple(questions),
        updated_at,
        worker if now == "driven" else "",
        erased_at,
        number,
    )


def used(events: Iterable[Event]) -> Used | None:
    """Return what the turns used that end with these events. None: none of them ends one."""
    ends = [event for event in events if isinstance(event, TurnEnded)]
    if not ends:
        return None
    return Used(
        "",
        len(ends),
        sum(each.cost for each in ends),
        sum(each.usage.input for each in ends),
        sum(each.usage.output for each in ends),
    )


def is_wanted(row: SessionRow, listing: Listing) -> bool:
    """Whether a session is one of those that are wanted."""
    pairs = (row.user, listing.user), (row.agent, listing.agent), (row.state, listing.state)
    fits = all(wanted in (None, is_so) for is_so, wanted in pairs)
    return fits and row.number < listing.before and (bool(row.questions) or not listing.waiting)


async def erase_each(found: Iterable[int], erase: Callable[[int], Awaitable[Iterable[int]]]) -> int:
    """Erase sessions by their numbers, and those that `erase` says were derived; count them."""
    erased, left = set[int](), set(found)
    while left:
        no = min(left)
        erased.add(no)
        left |= set(await erase(no))
        left -= erased
    return len(erased)


def in_turn(due: Sequence[SessionId], limit: int) -> list[SessionId]:
    """Return the first of those that are due. Where there are more, tenants take turns."""
    if len(due) <= limit:
        return list(due)
    seen, places = Counter[str](), dict[SessionId, int]()
    for session in due:
        places[session] = seen[session.tenant]
        seen[session.tenant] += 1
    return sorted(due, key=places.__getitem__)[:limit]
