"""What says whether a model or a tool may be called now, and remembers how it went."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from jackline.core.admission import Standing, Ticket, Toll, Went


class Rates(Protocol):
    """Rates, breakers and paces: of one process, or of all that share a database."""

    @property
    def troubled(self) -> Mapping[str, Standing]:
        """How those stand of which something is remembered, as far as is known here.

        Everything else passes without being asked for, where it counts for no rate, and `leave`
        need not hear that it went well.
        """
        ...

    def open_s(self, toll: Toll) -> float:
        """Return for how long it is left alone, as far as is known here. Nothing is taken."""
        ...

    async def enter(self, toll: Toll) -> Ticket:
        """Take what the call needs, or say how long it has to wait and take nothing.

        Where nobody can say it has to wait.
        """
        ...

    async def leave(self, toll: Toll, ticket: Ticket, went: Went) -> None:
        """Remember how it went. What cannot be kept is forgotten: this raises nothing.

        A call that says nothing has taken what it held for good, and is no probe any more after
        a cool-down.
        """
        ...

    async def exchange(self) -> None:
        """Tell other processes what is known here alone, and learn from them.

        Raises `StoreError` or `UnknownOutcomeError` where there is no way to.
        """
        ...

    async def watch(self) -> None:
        """Exchange again and again until cancelled. Where there is nobody else, return at once."""
        ...


@runtime_checkable
class SharesRates(Protocol):
    """A store whose database also keeps rates, for all processes that use it."""

    @property
    def rates(self) -> Rates:
        """Those of the database."""
        ...
