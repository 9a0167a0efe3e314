"""What the runtime asks of the outside world."""

from collections.abc import Callable

from jackline.ports.append import (
    NO_LIMITS,
    NO_MOVES,
    Appended,
    Batch,
    Behind,
    Claimed,
    Committed,
    Late,
    Loaded,
    Receipt,
    Refused,
)
from jackline.ports.bus import Bus, Delta, Grown, Listener
from jackline.ports.engine import Engine, Waker
from jackline.ports.fleet import Fleet, Presence, Unattended, Waiting, WorkerRow
from jackline.ports.model import Closing, Model, Reply, Request, ToolSpec
from jackline.ports.rates import Rates, SharesRates
from jackline.ports.store import EVERYONES, Archive, Journal, Listing, SessionRow, State, Store
from jackline.ports.usage import By, UsageAsked, Used

Clock = Callable[[], float]
Ids = Callable[[], str]

__all__ = [
    "EVERYONES",
    "NO_LIMITS",
    "NO_MOVES",
    "Appended",
    "Archive",
    "Batch",
    "Behind",
    "Bus",
    "By",
    "Claimed",
    "Clock",
    "Closing",
    "Committed",
    "Delta",
    "Engine",
    "Fleet",
    "Grown",
    "Ids",
    "Journal",
    "Late",
    "Listener",
    "Listing",
    "Loaded",
    "Model",
    "Presence",
    "Rates",
    "Receipt",
    "Refused",
    "Reply",
    "Request",
    "SessionRow",
    "SharesRates",
    "State",
    "Store",
    "ToolSpec",
    "Unattended",
    "UsageAsked",
    "Used",
    "Waiting",
    "Waker",
    "WorkerRow",
]
