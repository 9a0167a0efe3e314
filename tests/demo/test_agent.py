"""The shop's assistant on jackline, in this process: each tool does what its effect says."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jackline.app import LOCAL_USER, Runtime
from jackline.core.messages import Message, Text, ToolCall, ToolResult
from jackline.demo.agent import APPROVE_ABOVE_CENTS, assistant, paid_twice, refund, refunds
from jackline.demo.bank import banking
from jackline.demo.payments import Payments
from jackline.demo.script import BICYCLE, INBOX, REFUND, pretended_model, reply
from jackline.demo.shop import Shop, open_shop
from jackline.ports import Request
from jackline.runtime.results import Result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def turn(said: str, shop: Shop, *, approved: bool | None = None) -> Result:
    agent = assistant(pretended_model())
    async with Runtime([agent], store="sqlite:///journal.db", deps=shop) as runtime:
        result = await runtime.run("shop", said, session="s")
        if approved is None or not result.questions:
            return result
        question = result.questions[0]
        await runtime.sessions.answer(result.session, question, LOCAL_USER, approved=approved)
        while (later := await runtime.result(result.session, result.turn)).questions:
            continue
        return later


def test_a_refund_is_paid_and_stands_in_the_books(folder: Path) -> None:
    with banking(Path("ledger")) as port:
        shop = open_shop(Path("shop"), Payments(port))
        result = asyncio.run(turn(REFUND, shop))
        assert [payment.cents for payment in shop.payments.all()] == [4_000]
        assert shop.reserved(7) == 1
    assert (result.outcome, result.text[:5]) == ("completed", "Done:")
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        assert journal.execute("SELECT * FROM refund").fetchall() == [(7, 4_000)]


@pytest.mark.usefixtures("folder")
def test_a_large_refund_waits_and_a_no_keeps_the_money() -> None:
    with banking(Path("ledger")) as port:
        shop = open_shop(Path("shop"), Payments(port))
        result = asyncio.run(turn(BICYCLE, shop))
        assert result.outcome == "paused"
        assert shop.payments.all() == []


@pytest.mark.usefixtures("folder")
def test_a_mail_that_a_person_declines_does_not_leave() -> None:
    shop = open_shop(Path("shop"), Payments(0))
    result = asyncio.run(turn(INBOX, shop, approved=False))
    assert result.outcome == "completed"
    assert shop.sent() == []


def test_only_what_is_above_the_amount_is_for_a_person() -> None:
    at, above = APPROVE_ABOVE_CENTS, APPROVE_ABOVE_CENTS + 1
    assert not refund.asks(f'{{"order":1,"cents":{at}}}')
    assert refund.asks(f'{{"order":1,"cents":{above}}}')


@pytest.mark.usefixtures("folder")
def test_the_scenario_sees_an_order_that_was_paid_twice() -> None:
    async def check() -> list[str | None]:
        async with refunds.dependencies(refunds.user) as shop:
            shop.payments.pay(7, 4_000)
            before = paid_twice(shop)
            shop.payments.pay(7, 4_000)
            return [before, paid_twice(shop)]

    assert asyncio.run(check()) == [None, "Refunded twice: [7]."]


def test_the_pretended_model_pays_only_after_it_heard_that_nothing_was_paid() -> None:
    said = [Message("user", (Text(REFUND),))]
    answers = [
        {"look_up_order": False},
        {"reserve": False, "refund": True},
        {"refund": False},
        {"record_refund": False},
    ]
    for answer in answers:
        parts = reply(Request("turn/1/model/0", "", said, (), 100))
        assert [part.name for part in parts if isinstance(part, ToolCall)] == list(answer)
        results = [
            ToolResult(name, name, (Text("ok"),), failed=failed) for name, failed in answer.items()
        ]
        said += [Message("assistant", tuple(parts)), Message("tool", tuple(results))]
    (last,) = reply(Request("turn/1/model/0", "", said, (), 100))
    assert isinstance(last, Text)
    assert last.text.startswith("Done")
