"""What turns have used and cost, in sums that need no journal to be read."""

from datetime import date
from typing import Literal

from jackline.core.value import Value

By = Literal["tenant", "user", "agent", "day"]
DAY_S = 86_400
_DAY_ONE = date(1970, 1, 1).toordinal()


def day_of(date: date) -> int:
    """Return a date as a count of days since 1970."""
    return date.toordinal() - _DAY_ONE


class UsageAsked(Value, frozen=True):
    """Which sums are wanted: of the days from `since` to `until`, in days since 1970, by what.

    With `user` only what that user's sessions used. At most `limit` sums are given, in the order
    of their keys, of those `after` one.
    """

    by: By
    since: int
    until: int
    user: str | None = None
    limit: int = 1_000
    after: str = ""


class Used(Value, frozen=True):
    """What turns used that ended: `turns` of them, tokens, and micro-dollars.

    `key` is a tenant, a user, an agent, or a day like 1970-01-01.
    """

    key: str
    turns: int = 0
    cost: int = 0
    input: int = 0
    output: int = 0

    def plus(self, other: "Used") -> "Used":
        """Return the sum, under this key."""
        return Used(
            self.key,
            self.turns + other.turns,
            self.cost + other.cost,
            self.input + other.input,
            self.output + other.output,
        )
