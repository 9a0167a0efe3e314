"""Sessions that wait for a slot of a worker: their tenants take turns."""

from collections import Counter

from jackline.core.events import SessionId


class Pending:
    """What waits, and what of each tenant was begun. Of one tenant at most `most` are at once.

    Next is whose sessions are driven least, and of those who was served the longest ago; who has
    just come counts as served before the last one. So a flood of one tenant is one place in the
    line, and nobody's turn waits for more than the next turn that ends.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._waiting: dict[str, dict[SessionId, None]] = {}
        self._begun: Counter[str] = Counter()
        self._served: dict[str, int] = {}
        self._turns = 0
        self.begun = 0
        """How many sessions were begun, and are not ended."""

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._waiting)

    def add(self, session: SessionId) -> None:
        """Have a session wait. Once more changes nothing."""
        tenant = session.tenant
        self._served.setdefault(tenant, self._turns - 1)
        self._waiting.setdefault(tenant, {})[session] = None

    def take(self) -> SessionId | None:
        """Begin the next session, if one may."""
        free = [
            each for each in self._waiting if self._most is None or self._begun[each] < self._most
        ]
        if not free:
            return None
        tenant = min(free, key=lambda each: (self._begun[each], self._served[each]))
        sessions = self._waiting[tenant]
        session = next(iter(sessions))
        del sessions[session]
        if not sessions:
            del self._waiting[tenant]
        self._turns += 2  # There is always a place between two who were served.
        self._served[tenant] = self._turns
        self._begun[tenant] += 1
        self.begun += 1
        return session

    def end(self, session: SessionId) -> None:
        """End a session that was begun."""
        tenant = session.tenant
        self.begun -= 1
        self._begun[tenant] -= 1
        if not self._begun[tenant]:
            del self._begun[tenant]
            if tenant not in self._waiting:
                del self._served[tenant]

    def clear(self) -> None:
        """Let nothing wait any more."""
        self._waiting.clear()
        self._served = {tenant: self._served[tenant] for tenant in self._begun}
