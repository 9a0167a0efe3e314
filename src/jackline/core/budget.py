"""Budgets: hold the worst case before a call, settle what it cost after.

Amounts are whole micro-dollars: integers add up alike in any order, on any machine.
"""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Protocol

import msgspec

from jackline.core.errors import DefinitionError
from jackline.core.events import (
    ModelReserved,
    Usage,
)
from jackline.core.value import Value

_MILLION = 1_000_000
_MOST = 1 << 62  # What databases count in has 64 bits.
Moves = Mapping[str, tuple[int, int]]


class Money(Value, frozen=True):
    """What was spent, and what is held for calls that run. Their sum never passes the limit."""

    spent: int = 0
    held: int = 0

    def hold(self, amount: int) -> "Money":
        """Set `amount` aside."""
        return Money(self.spent, self.held + amount)

    def settle(self, hold: int, cost: int) -> "Money":
        """Give `hold` back and charge `cost`, even above the hold: it is owed."""
        return Money(self.spent + cost, self.held - hold)


class Account(Value, frozen=True):
    """A budget that several sessions pay from. `limit` None: it only counts."""

    name: str
    limit: int | None
    spent: int = 0
    held: int = 0

    def admits(self, held: int, spent: int) -> bool:
        """Whether this change leaves it within its limit."""
        return self.limit is None or self.spent + spent + self.held + held <= self.limit


class Price(Value, frozen=True):
    """Micro-dollars for a million tokens. Caches cost as input where they have no price.

    `tiers` are prices that hold for the whole request from so many input tokens on, in
    ascending order.
    """

    input: int
    output: int
    cache_read: int | None = None
    cache_write: int | None = None
    tiers: tuple[tuple[int, "Price"], ...] = ()

    def cost(self, usage: Usage) -> int:
        """Return the price of these tokens, rounded up."""
        price = self
        for tokens, tier in self.tiers:
            price = tier if usage.input >= tokens else price
        read = price.input if price.cache_read is None else price.cache_read
        write = price.input if price.cache_write is None else price.cache_write
        plain = max(0, usage.input - usage.cache_read - usage.cache_write)
        total = plain * price.input + usage.cache_read * read + usage.cache_write * write
        return -(-(total + usage.output * price.output) // _MILLION)

    @property
    def dearest(self) -> "Price":
        """The highest price at which a token of input or of output may be charged."""
        prices = [self, *(tier for _, tier in self.tiers)]
        inputs = [max(p.input, p.cache_read or 0, p.cache_write or 0) for p in prices]
        return Price(max(inputs), max(price.output for price in prices))

    def affordable(self, free: int, input_tokens: int) -> int | None:
        """Return how many output tokens `free` pays for, beside the input. None: any number."""
        left = free * _MILLION - input_tokens * self.input
        if left < 0:
            return 0
        return left // self.output if self.output else None


class Terms(Value, frozen=True):
    """What a model costs and takes. `bound` is its price at its worst.

    `message_tokens` and `tool_tokens` bound what a provider adds to each of them.
    """

    model: str
    price: Price
    window_tokens: int = 128_000
    output_tokens_max: int = 16_384
    message_tokens: int = 16
    tool_tokens: int = 64
    bound: Price = Price(0, 0)

    def __post_init__(self) -> None:
        """Derive the bound."""
        if self.bound == Price(0, 0):
            msgspec.structs.force_setattr(self, "bound", self.price.dearest)


class Priced(Protocol):
    """Something that can be asked at a price: a model."""

    @property
    def terms(self) -> Terms:
        """What it costs and takes."""
        ...


def micro_dollars(usd: str | float | Decimal) -> int:
    """Return the whole micro-dollars of an amount in dollars, rounded down."""
    try:
        amount = int((Decimal(str(usd)) * _MILLION).to_integral_value(ROUND_FLOOR))
    except (InvalidOperation, ValueError, OverflowError):
        raise DefinitionError(f"{usd!r} is no amount of dollars, like '0.50'.") from None
    if abs(amount) > _MOST:
        raise DefinitionError(f"{usd!r} is more dollars than there are: give None for no limit.")
    return amount


def dollars(amount: int) -> str:
    """Return micro-dollars as people read them: `$0.0123`, at least two decimals."""
    whole, micro = divmod(abs(amount), _MILLION)
    decimals = f"{micro:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}${whole}.{decimals}"


def moves(settled: ModelReserved | None, cost: int, reserved: ModelReserved | None) -> Moves:
    """Return what changes in each account outside the session: (held, spent).

    `settled` has turned out to cost `cost`. It settles in the accounts that it names, whichever
    window has begun since.
    """
    sums: dict[str, tuple[int, int]] = {}
    if settled:
        sums = dict.fromkeys(settled.accounts, (-settled.hold, cost))
    if reserved:
        for name in reserved.accounts:
            held, spent = sums.get(name, (0, 0))
            sums[name] = held + reserved.hold, spent
    return sums
