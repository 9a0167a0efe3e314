"""Budgets: hold the worst case before a call, settle what it cost after.

Amounts are whole micro-dollars: integers add up alike in any order, on any machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
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
Dollars = str | float | Decimal


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


def _priced(name: str, usd: Dollars | None) -> int:
    """Return the micro-dollars of a price in dollars, rounded up."""
    try:
        amount = int((Decimal(str(usd)) * _MILLION).to_integral_value(ROUND_CEILING))
    except (ArithmeticError, ValueError):
        amount = -1
    if not 0 <= amount <= _MOST:
        raise DefinitionError(
            f"{name}={usd!r} is no price: say dollars for a million tokens, like '3.00'."
        )
    return amount


@dataclass(frozen=True, slots=True, init=False)
class Price:
    """What a million tokens cost, said in dollars: `Price(input="3.00", output="15.00")`.

    Kept are whole micro-dollars, rounded up. Caches cost as input where they have no price.
    `tiers` are prices that hold for the whole request from so many input tokens on, in
    ascending order. Raises `DefinitionError` for what is no amount, or less than nothing.
    """

    input: int
    output: int
    cache_read: int | None
    cache_write: int | None
    tiers: tuple[tuple[int, "Price"], ...]

    def __init__(
        self,
        input: Dollars,  # noqa: A002 - it is what a model takes in
        output: Dollars,
        cache_read: Dollars | None = None,
        cache_write: Dollars | None = None,
        tiers: tuple[tuple[int, "Price"], ...] = (),
    ) -> None:
        said = {
            "input": input,
            "output": output,
            "cache_read": cache_read,
            "cache_write": cache_write,
        }
        for name, usd in said.items():
            price = None if usd is None and name.startswith("cache") else _priced(name, usd)
            object.__setattr__(self, name, price)
        object.__setattr__(self, "tiers", tiers)

    def cost(self, usage: Usage) -> int:
        """Return the price of these tokens, rounded up."""
        if not self.tiers and not usage.cache_read and not usage.cache_write:
            return -(-(usage.input * self.input + usage.output * self.output) // _MILLION)
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
        return Price(exact(max(inputs)), exact(max(price.output for price in prices)))

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


def micro_dollars(usd: Dollars) -> int:
    """Return the whole micro-dollars of an amount in dollars, rounded down."""
    try:
        amount = int((Decimal(str(usd)) * _MILLION).to_integral_value(ROUND_FLOOR))
    except (ArithmeticError, ValueError):
        raise DefinitionError(f"{usd!r} is no amount of dollars, like '0.50'.") from None
    if abs(amount) > _MOST:
        raise DefinitionError(f"{usd!r} is more dollars than there are: give None for no limit.")
    return amount


def exact(amount: int) -> Decimal:
    """Return micro-dollars as dollars."""
    return Decimal(amount) / _MILLION


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
