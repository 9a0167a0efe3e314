"""What models cost, from a table that comes with a package: nothing is ever fetched."""

from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

from jackline.core.budget import Price, Terms
from jackline.core.errors import DefinitionError
from jackline.core.value import Value

FREE = Price(0, 0)
OVERRIDES: Mapping[str, Price] = {}
"""Prices that go before those of the table, by `provider:model`."""

_NAMES = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "azure-responses": "azure",
    "bedrock": "aws",
    "bedrock-mantle": "aws",
    "google-cloud": "google",
    "grok": "x-ai",
    "xai": "x-ai",
}
# What is charged beside tokens cannot be bounded by them.
_UNBOUNDED = ("requests_kcount",)


class Pricing(Value, frozen=True):
    """What somebody said of a model's price: the price itself, or a model that costs the same."""

    price: Price | None = None
    price_as: str = ""


def terms_of(
    name: str,
    pricing: Pricing | None = None,
    *,
    free: bool = False,
    overrides: Mapping[str, Price] = OVERRIDES,
) -> Terms:
    """Return what the model `provider:model` costs and takes.

    A price that was given goes first, then the overrides, then the table; a `free` model (one
    on this machine) costs nothing where none was given. Raises `DefinitionError` where there is
    no price: what has none is refused, not free.
    """
    pricing = pricing or Pricing()
    if pricing.price and pricing.price_as:
        raise DefinitionError(f"{name} has a price and price_as: say one of them.")
    known = _look_up(name)
    if pricing.price is not None:
        price = pricing.price
    elif pricing.price_as:
        price = terms_of(pricing.price_as, overrides=overrides).price
    elif free:
        price = FREE
    elif name in overrides:
        price = overrides[name]
    elif known is not None and (found := _price(known)) is not None:
        price = found
    else:
        raise DefinitionError(_unpriced(name))
    window = getattr(getattr(known, "model", None), "context_window", None)
    return Terms(name, price, window) if isinstance(window, int) else Terms(name, price)


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine, where nobody charges."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _unpriced(name: str) -> str:
    return (
        f"{name} has no price that jackline knows, and what has none is refused, not free. "
        f"Add one of these lines to the agent, in dollars for a million tokens: "
        f"price=Price(input='2.50', output='10.00') or price_as='openai:gpt-5.4-mini'."
    )


def _look_up(name: str) -> Any:
    """Return what the table has for the model now, or None."""
    import genai_prices  # noqa: PLC0415 - a table of 30,000 lines, for those who pay

    provider, _, model = name.partition(":")
    try:
        return genai_prices.calc_price(
            genai_prices.Usage(input_tokens=1, output_tokens=1),
            model,
            provider_id=_NAMES.get(provider, provider),
        )
    except LookupError:
        return None


def _price(found: Any) -> Price | None:
    """Return the price that the table holds, the dearest of a day where it changes by the hour."""
    from genai_prices.types import ModelPrice, TimeOfDateConstraint  # noqa: PLC0415 - as above

    prices: list[ModelPrice] = [found.model_price]
    stored = cast("list[Any]", found.model.prices) if found.model.prices is not prices[0] else []
    prices += [each.prices for each in stored if isinstance(each.constraint, TimeOfDateConstraint)]
    if any(getattr(price, name, None) for price in prices for name in _UNBOUNDED):
        return None
    if not all(price.input_mtok is not None and price.output_mtok is not None for price in prices):
        return None
    starts = sorted({start for price in prices for start in _starts(price)})
    return _at(prices, 0, tuple((start + 1, _at(prices, start + 1)) for start in starts))


def _at(prices: list[Any], tokens: int, tiers: tuple[tuple[int, Price], ...] = ()) -> Price:
    """Return the dearest of these prices for a request of so many input tokens."""

    def dearest(field: str) -> Decimal | None:
        found = [_amount(getattr(price, field, None), tokens) for price in prices]
        known = [amount for amount in found if amount is not None]
        return max(known) if known else None

    return Price(
        dearest("input_mtok") or 0,
        dearest("output_mtok") or 0,
        dearest("cache_read_mtok"),
        dearest("cache_write_mtok"),
        tiers,
    )


def _amount(price: Any, tokens: int) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return price
    above = [tier.price for tier in price.tiers if tokens > tier.start]
    return above[-1] if above else price.base


def _starts(price: Any) -> set[int]:
    names = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
    found = [getattr(price, name, None) for name in names]
    return {tier.start for each in found for tier in getattr(each, "tiers", ())}
