"""The shop and its payment service: real enough that what is done twice is there twice."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from jackline.core.errors import ToolError
from jackline.demo.bank import banking
from jackline.demo.payments import Payment, Payments
from jackline.demo.shop import ORDERS, Shop, open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with banking(tmp_path / "payments.jsonl") as port:
        yield open_shop(tmp_path / "shop", Payments(port))


def test_the_payment_service_pays_as_often_as_it_is_asked(shop: Shop) -> None:
    first = shop.payments.pay(7, 4_000, "k")
    second = shop.payments.pay(7, 4_000, "k")
    assert shop.payments.all() == [first, second]
    assert (first.number, second.number) == (1, 2)


def test_a_payment_is_found_by_its_key_and_by_no_other(shop: Shop) -> None:
    shop.payments.pay(7, 4_000, "k")
    assert shop.payments.find("k") == Payment(1, 7, 4_000, "k")
    assert shop.payments.find("another") is None


def test_the_payment_service_books_what_nobody_waits_for(tmp_path: Path) -> None:
    with banking(tmp_path / "payments.jsonl", answer_s=0.2) as port:
        gone = HTTPConnection("127.0.0.1", port)
        gone.request("POST", "/payments", json.dumps({"order": 1, "cents": 1, "key": "k"}))
        while not Payments(port).all():
            continue
        gone.close()
        assert [payment.key for payment in Payments(port).all()] == ["k"]


@pytest.mark.parametrize(
    "body", ["", "[]", '{"order": 1}', '{"order": "x", "cents": 1, "key": ""}']
)
def test_the_payment_service_refuses_what_is_no_payment(shop: Shop, body: str) -> None:
    connection = HTTPConnection("127.0.0.1", shop.payments.port)
    connection.request("POST", "/payments", body)
    assert connection.getresponse().status == 400
    connection.close()
    assert shop.payments.all() == []


def test_a_reservation_with_one_key_is_made_once(shop: Shop) -> None:
    for key in ("k", "k", "another"):
        shop.reserve(7, key)
    assert shop.reserved(7) == 2


def test_an_order_that_does_not_exist_is_refused_in_words_for_the_model(shop: Shop) -> None:
    with pytest.raises(ToolError, match=f"no order {ORDERS + 1}: they go from 1 to {ORDERS}"):
        shop.order(ORDERS + 1)


def test_a_shop_that_is_opened_again_has_what_it_had(shop: Shop) -> None:
    shop.reserve(7, "k")
    again = open_shop(shop.folder, shop.payments)
    assert again.reserved(7) == 1
    assert again.order(7).item == "tea kettle"


def test_a_mail_that_was_sent_can_be_read_where_it_arrived(shop: Shop) -> None:
    assert shop.sent() == []
    shop.send("a@b.example", "Hello", "Line\nline")
    assert shop.sent() == [{"to": "a@b.example", "subject": "Hello", "body": "Line\nline"}]
