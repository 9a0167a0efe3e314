"""The few people, sessions and events that the promises are told with."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

from jackline.core.events import (
    Event,
    InputRequested,
    ModelReserved,
    Principal,
    Record,
    SessionId,
    SessionOpened,
    TurnCompleted,
    TurnSteered,
    TurnSubmitted,
)
from jackline.core.messages import Text
from jackline.ports import Batch, Claimed, Store

LEASE_S = 10.0
S1 = SessionId("acme", "s1")
S2 = SessionId("acme", "s2")
OPENED = SessionOpened("support", "ann")
ANN = Principal("ann")
DONE = TurnCompleted(2, "Done.")
ASKED = InputRequested("approval", "May I?", 2_000.0, key="k", digest="d1")


class ManualClock:
    """A clock that stands still unless it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass; below zero, somebody sets the clock back."""
        self.now += seconds


Promise = Callable[[Store, ManualClock], Awaitable[None]]


def name(promise: Callable[..., Awaitable[None]]) -> str:
    """Return the promise as words, to call a test by."""
    return getattr(promise, "__name__", str(promise)).lstrip("_")


def submitted(request_id: str, text: str = "Hello.") -> TurnSubmitted:
    """Return an input of this request id."""
    return TurnSubmitted(request_id, (Text(text),), ANN)


def steered(request_id: str, text: str = "And this.") -> TurnSteered:
    """Return an addition of this request id."""
    return TurnSteered(request_id, (Text(text),), ANN)


def reserved(key: str, *accounts: str, hold: int = 10) -> ModelReserved:
    """Return a hold in these accounts."""
    return ModelReserved(key, "scripted", hold, 100, accounts=accounts)


def released(*events: Event, after: int, epoch: int = 1, due_at: float | None = None) -> Batch:
    """Return a batch that ends the drive, with no turn open."""
    return Batch(epoch, after, events, None, release=True, due_at=due_at)


async def opened(store: Store, session: SessionId = S1) -> None:
    """Open the session."""
    await store.open(session, OPENED)


async def driven(store: Store, session: SessionId = S1, worker: str = "w1") -> Claimed:
    """Open a session, submit something, and claim it: three events, turn 2, epoch 1."""
    await opened(store, session)
    await store.tell(session, [submitted("r1")])
    claimed = await store.claim(session, worker, LEASE_S)
    assert claimed is not None, "something was due, and nobody drove"
    return claimed


async def events(store: Store, session: SessionId = S1) -> list[Event]:
    """Return what happened to the session."""
    return [record.event for record in await store.read(session)]


async def head(store: Store, session: SessionId = S1) -> int:
    """Return how much happened to the session."""
    return len(await store.read(session))


def numbered(records: list[Record]) -> list[int]:
    """Return the records' positions."""
    return [record.seq for record in records]


@contextmanager
def raises(*kinds: type[Exception]) -> Generator[None]:
    """Hold only if what is inside raises one of these."""
    try:
        yield
    except kinds:
        return
    raise AssertionError(f"nothing raised {' or '.join(kind.__name__ for kind in kinds)}")
