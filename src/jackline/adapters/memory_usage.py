"""Sums of what was used, as the store in memory keeps them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from jackline.ports import UsageAsked, Used
from jackline.ports.usage import DAY_S


class Usages:
    """What was used, by tenant, user, agent and day."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, str, int], Used] = {}

    def add(self, of: tuple[str, str, str], at: float, used: Used | None) -> None:
        """Count what a turn `of` a tenant's user and agent used, if one ended."""
        if used is not None:
            key = (*of, int(at // DAY_S))
            self._sums[key] = self._sums.get(key, Used("")).plus(used)

    def sums(self, of_tenant: str, asked: UsageAsked) -> Sequence[Used]:
        """See `Archive.usage`."""
        found: dict[str, Used] = {}
        for (tenant, user, agent, day), used in self._sums.items():
            wanted = asked.since <= day <= asked.until and asked.user in (None, user)
            if tenant == of_tenant and wanted:
                date = datetime.fromtimestamp(day * DAY_S, UTC).date().isoformat()
                key = {"tenant": tenant, "user": user, "agent": agent, "day": date}[asked.by]
                found[key] = found.get(key, Used(key)).plus(used)
        return [found[key] for key in sorted(found) if key > asked.after][: asked.limit]
