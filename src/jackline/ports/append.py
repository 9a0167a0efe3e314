"""What a driver appends, and what becomes of it."""

from collections.abc import Mapping, Sequence

from jackline.core.budget import Account, Moves
from jackline.core.events import Event, Record
from jackline.core.session import Session
from jackline.core.value import Value

NO_MOVES: Moves = {}
NO_LIMITS: Mapping[str, int] = {}


class Batch(Value, frozen=True):
    """What a driver appends: all of it, or nothing.

    `after` is how much of the journal the driver has seen. `held` and `spent` change the
    session's own money, `moves` the accounts' that it pays from; `limits` are for those of them
    that do not exist yet. `turn` is the turn that is open afterwards. Where `release`, the driver
    lets go, and the session is due again at `due_at`; at infinity, once somebody serves `version`,
    which is the open turn's. From the time `before` on it is too late for the batch: an approval
    that it acts on has expired then.
    """

    epoch: int
    after: int
    events: Sequence[Event]
    turn: int | None
    held: int = 0
    spent: int = 0
    moves: Moves = NO_MOVES
    limits: Mapping[str, int] = NO_LIMITS
    questions: tuple[int, ...] = ()
    reserves: bool = False
    release: bool = False
    due_at: float | None = None
    before: float | None = None
    version: str = ""


class Committed(Value, frozen=True):
    """The batch is durable, since database time `at`."""

    at: float


class Behind(Value, frozen=True):
    """Nothing was written: `records` came first, and the driver has not seen them."""

    records: Sequence[Record]


class Refused(Value, frozen=True):
    """Nothing was written: the holds do not fit in this account."""

    account: Account


class Late(Value, frozen=True):
    """Nothing was written: by the database's time, `at`, what the batch acts on had expired."""

    at: float


Appended = Committed | Behind | Refused | Late


class Receipt(Value, frozen=True):
    """Where what was told stands, which turn it went to, and whether it was told before.

    `queued`: that turn begins when another one has ended. Of a repetition it is not said.
    """

    seq: int
    turn: int | None
    at: float
    repeated: bool = False
    queued: bool = False


class Loaded(Value, frozen=True):
    """A session as its snapshot has it, or a new one, and the records since."""

    session: Session
    records: Sequence[Record]


class Claimed(Value, frozen=True):
    """The session is yours: under this epoch, and the database's time was `at`.

    `loaded` is what a driver starts from, as of the claim, where a store could bring it along.
    """

    epoch: int
    at: float
    loaded: Loaded | None = None
