"""The loop of every tutorial does the harm that the demo says it does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackline.demo.bank import banking
from jackline.demo.naive import EnoughError, Meter, run, tools_of
from jackline.demo.payments import Payment, Payments
from jackline.demo.script import AUDIT, BICYCLE, INBOX, REFUND, WAIT
from jackline.demo.shop import ATTACKER, Shop, open_shop

PLENTY = 2**62


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with banking(tmp_path / "payments.jsonl") as port:
        yield open_shop(tmp_path / "shop", Payments(port))


def dying(shop: Shop) -> Callable[[int, int], Payment]:
    """Pay, and die before anybody hears of it."""

    def pay(order: int, cents: int) -> Payment:
        shop.payments.pay(order, cents)
        raise KeyboardInterrupt

    return pay


def test_started_again_after_a_crash_it_pays_a_second_time(shop: Shop, tmp_path: Path) -> None:
    saved = tmp_path / "checkpoint.json"
    with pytest.raises(KeyboardInterrupt):
        run(Meter(PLENTY), {**tools_of(shop), "refund": dying(shop)}, REFUND, saved)
    said = run(Meter(PLENTY), tools_of(shop), REFUND, saved)
    assert said.startswith("Done: $40.00 are refunded, once")
    assert [payment.order for payment in shop.payments.all()] == [7, 7]


def test_it_goes_on_from_its_checkpoint_and_asks_the_model_nothing_twice(
    shop: Shop, tmp_path: Path
) -> None:
    saved, first, second = tmp_path / "checkpoint.json", Meter(PLENTY), Meter(PLENTY)
    with pytest.raises(KeyboardInterrupt):
        run(first, {**tools_of(shop), "refund": dying(shop)}, REFUND, saved)
    run(second, tools_of(shop), REFUND, saved)
    assert (first.calls, second.calls) == (2, 2)


def test_it_pays_any_amount_and_asks_nobody(shop: Shop, tmp_path: Path) -> None:
    run(Meter(PLENTY), tools_of(shop), BICYCLE, tmp_path / "checkpoint.json")
    assert [payment.cents for payment in shop.payments.all()] == [90_000]


@pytest.mark.parametrize("said", [WAIT, AUDIT])
def test_only_the_meter_stops_it(shop: Shop, tmp_path: Path, said: str) -> None:
    meter = Meter(100_000)
    with pytest.raises(EnoughError):
        run(meter, tools_of(shop), said, tmp_path / "checkpoint.json")
    assert meter.spent > 100_000


def test_it_mails_all_customers_to_whoever_asks_in_a_mail(shop: Shop, tmp_path: Path) -> None:
    run(Meter(PLENTY), tools_of(shop), INBOX, tmp_path / "checkpoint.json")
    (mail,) = shop.sent()
    assert mail["to"] == ATTACKER
    assert mail["body"].count('"card"') == len(shop.customers()) == 6
