"""Engines that have a URL of their own, beside the store's. Theirs is imported where it is used."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from jackline.adapters.temporal.address import Address, parse
from jackline.core.errors import DefinitionError
from jackline.ports import Engine, Fleet, Store, Waker

if TYPE_CHECKING:
    from jackline.adapters.temporal.waker import TemporalWaker


def checked(url: str, *, shared: bool) -> Address:
    """Return where the engine is. Raises `DefinitionError` where it cannot be used."""
    address = parse(url)
    if not shared:
        raise DefinitionError(
            "Temporal wakes workers that share a database: give a store like "
            "postgresql://user@host/database, or no engine."
        )
    if find_spec("temporalio") is None:
        raise DefinitionError("This engine needs an extra: pip install 'jackline[temporal]'.")
    return address


def open_engine(
    url: str, store: Store, served: Mapping[str, str], *, slots: int, lease_s: float
) -> Engine:
    """Return what wakes workers for these versions of agents. Raises `DefinitionError`."""
    fleet, waker = _temporal(url, store, lease_s)
    from jackline.adapters.temporal.engine import TemporalEngine  # noqa: PLC0415 - only for those who use it

    return TemporalEngine(waker, fleet, served, slots=slots, lease_s=lease_s)


def open_waker(url: str, store: Store, *, lease_s: float) -> Waker:
    """Return what has others woken, from a process that drives nothing."""
    return _temporal(url, store, lease_s)[1]


def _temporal(url: str, store: Store, lease_s: float) -> "tuple[Fleet, TemporalWaker]":
    address = checked(url, shared=isinstance(store, Fleet))
    assert isinstance(store, Fleet), "it was checked"
    from jackline.adapters.temporal.waker import TemporalWaker  # noqa: PLC0415 - as above

    return store, TemporalWaker(store, address, lease_s=lease_s)
