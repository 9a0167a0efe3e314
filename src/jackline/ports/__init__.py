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
from jackline.ports.bus import Bus, Delta, Grown, Listener, Noticing
from jackline.ports.engine import Engine, Waker
from jackline.ports.fleet import Fleet, Presence, Unattended, Waiting, WorkerRow
from jackline.ports.keys import ApiKey, KeepsKeys, KeyFound, Keys
from jackline.ports.model import Closing, Model, Reply, Request, ToolSpec
from jackline.ports.observer import Observer
from jackline.ports.rates import Rates, SharesRates
from jackline.ports.store import Archive, Journal, Probed, SessionRow, State, Store

Clock = Callable[[], float]
Ids = Callable[[], str]

__all__ = [
    "NO_LIMITS",
    "NO_MOVES",
    "ApiKey",
    "Appended",
    "Archive",
    "Batch",
    "Behind",
    "Bus",
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
    "KeepsKeys",
    "KeyFound",
    "Keys",
    "Late",
    "Listener",
    "Loaded",
    "Model",
    "Noticing",
    "Observer",
    "Presence",
    "Probed",
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
    "Waiting",
    "Waker",
    "WorkerRow",
]
