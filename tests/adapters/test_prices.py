"""What models cost: known, said, or refused."""

import socket
import sys
from typing import NoReturn

import pytest

from jackline.adapters.models import resolve
from jackline.adapters.prices import Pricing, is_loopback, terms_of
from jackline.core.budget import Price
from jackline.core.errors import DefinitionError
from jackline.core.events import Usage


def test_a_known_model_costs_what_the_table_says() -> None:
    terms = terms_of("openai:gpt-4o")
    assert terms.model == "openai:gpt-4o"
    assert (terms.price.input, terms.price.output) == (2_500_000, 10_000_000)
    assert terms.price.cache_read == 1_250_000
    assert terms.window_tokens == 128_000


@pytest.mark.parametrize("name", ["openai-chat:gpt-4o", "openai-responses:gpt-4o"])
def test_a_provider_costs_the_same_by_each_of_its_apis(name: str) -> None:
    assert terms_of(name).price == terms_of("openai:gpt-4o").price


def test_a_long_context_costs_more_from_the_first_token_above_the_threshold() -> None:
    terms = terms_of("anthropic:claude-sonnet-4-5")
    [(tokens, tier)] = terms.price.tiers
    assert tokens == 200_001
    assert terms.price.cost(Usage(200_000, 0)) == 600_000
    assert terms.price.cost(Usage(200_001, 0)) == 1_200_006
    assert tier.output == 22_500_000


def test_the_bound_is_the_dearest_of_tiers_and_cache_writes() -> None:
    terms = terms_of("anthropic:claude-sonnet-4-5")
    assert (terms.bound.input, terms.bound.output) == (7_500_000, 22_500_000)


def test_a_model_without_a_price_is_refused_and_the_line_to_add_is_said() -> None:
    with pytest.raises(DefinitionError) as caught:
        terms_of("openai:gpt-unheard-of")
    assert "price=Price(input='2.50', output='10.00')" in str(caught.value)
    assert "price_as='openai:gpt-5.4-mini'" in str(caught.value)


def test_the_line_that_is_said_names_a_model_that_has_a_price() -> None:
    assert terms_of("openai:gpt-5.4-mini").price.input > 0


def test_a_price_may_be_said_outright_or_by_another_model() -> None:
    said = Price(1, 2)
    assert terms_of("openai:own", Pricing(said)).price == said
    alike = terms_of("openai:own", Pricing(price_as="openai:gpt-4o"))
    assert (alike.model, alike.price) == ("openai:own", terms_of("openai:gpt-4o").price)
    with pytest.raises(DefinitionError, match="say one of them"):
        terms_of("openai:own", Pricing(said, "openai:gpt-4o"))
    with pytest.raises(DefinitionError, match="openai:also-unheard-of has no price"):
        terms_of("openai:own", Pricing(price_as="openai:also-unheard-of"))


def test_an_override_goes_before_the_table_and_what_was_said_before_both() -> None:
    overrides = {"openai:gpt-4o": Price(7, 8)}
    assert terms_of("openai:gpt-4o", overrides=overrides).price == Price(7, 8)
    assert terms_of("openai:gpt-4o", Pricing(Price(1, 2)), overrides=overrides).price == Price(1, 2)


def test_a_price_per_request_has_no_bound_by_tokens() -> None:
    with pytest.raises(DefinitionError, match="no price"):
        terms_of("perplexity:sonar")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://[::1]:80/", True),
        ("https://api.openai.com/v1", False),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_everything_else(url: str, *, local: bool) -> None:
    assert is_loopback(url) is local


def test_a_model_on_loopback_costs_nothing_unless_it_was_said() -> None:
    url = "http://127.0.0.1:1/v1"
    assert resolve("openai:own", base_url=url, api_key="k").terms.price == Price(0, 0)
    priced = resolve("openai:own", base_url=url, api_key="k", price=Price(5, 6))
    assert priced.terms.price == Price(5, 6)
    with pytest.raises(DefinitionError, match="no price"):
        _ = resolve("openai:own", base_url="https://example.com/v1", api_key="k").terms


def test_a_price_is_found_without_any_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a price asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in [name for name in sys.modules if name.startswith("genai_prices")]:
        monkeypatch.delitem(sys.modules, name)
    assert terms_of("openai:gpt-4o").price.input == 2_500_000
