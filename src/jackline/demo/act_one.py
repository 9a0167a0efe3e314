"""Act 1: the loop of every tutorial, and what becomes of it on an ordinary day."""

import inspect
import signal
from pathlib import Path

from jackline.core.errors import OperatorError
from jackline.demo import naive
from jackline.demo.folder import Folder
from jackline.demo.naive import EnoughError, Meter
from jackline.demo.payments import Payments, Point
from jackline.demo.processes import bank, started
from jackline.demo.proofs import Naive
from jackline.demo.script import AUDIT, BICYCLE, INBOX, REFUND, WAIT
from jackline.demo.shop import Shop, open_shop
from jackline.demo.stage import Stage

_ENOUGH = 5_000_000  # Micro-dollars: the demo has made its point.
_ANSWER_S = 0.2


async def act_one(stage: Stage, folder: Folder) -> Naive:
    """Show the loop, let it work, and return what it did."""
    stage.act(
        1,
        "the loop of every tutorial",
        "The shop's database, its payment service (HTTP, with a ledger of its own) and the "
        "processes are real. The model is scripted: it needs no key, and obeys all it reads.",
    )
    stage.code(inspect.getsource(naive.run))
    ledger = folder.path / "naive.jsonl"
    async with bank(ledger, _ANSWER_S, folder.log) as port:
        shop = open_shop(folder.naive, Payments(port))
        await _crash(stage, shop, folder.log)
        paid = [payment for payment in shop.payments.all() if payment.order == 7]  # noqa: PLR2004 - the kettle's
        for payment in paid:
            stage.note(f"ledger: payment {payment.number}, order 7, ${payment.cents / 100:.2f}")
        stage.note(f"[red]paid {len(paid)} times[/red], {shop.reserved(7)} replacements put aside")
        large = _large(stage, shop)
        loop, audit = _endless(stage, shop, WAIT), _endless(stage, shop, AUDIT)
        rows = _obeys(stage, shop)
    return Naive(
        payments=len(paid),
        paid_cents=sum(payment.cents for payment in paid),
        large_cents=large,
        loop_calls=loop.calls,
        loop_cost=loop.spent,
        audit_calls=audit.calls,
        audit_cost=audit.spent,
        rows_mailed=rows,
    )


async def _crash(stage: Stage, shop: Shop, log: Path) -> None:
    stage.user(REFUND)
    point: Point | None
    for point in ("booked", None):
        arguments = (shop.folder, shop.payments.port, REFUND, point or "")
        async with started("naive", *arguments, log=log) as process:
            assert process.stdout is not None, "it is a pipe"
            said = await process.stdout.read()
            code = await process.wait()
        if code != (-signal.SIGKILL if point else 0):
            raise OperatorError(f"The naive loop ended with code {code}: see {log}.")
        if point:
            stage.note(
                f"[red]process {process.pid} is dead (SIGKILL)[/red], after the payment was booked "
                "and before the answer came"
            )
        else:
            stage.note(f"process {process.pid} goes on from the last checkpoint:")
            stage.stream(said.decode())
            stage.say("")


def _large(stage: Stage, shop: Shop) -> int:
    stage.user(BICYCLE)
    before = len(shop.payments.all())
    _ran(shop, BICYCLE, Meter(_ENOUGH))
    cents = sum(payment.cents for payment in shop.payments.all()[before:])
    stage.note(f"[red]${cents / 100:,.2f} paid[/red], and nobody was asked")
    return cents


def _endless(stage: Stage, shop: Shop, said: str) -> Meter:
    stage.user(said)
    meter = Meter(_ENOUGH)
    try:
        _ran(shop, said, meter)
    except EnoughError:
        cost = f"${meter.spent / 1_000_000:,.2f}"
        stage.note(f"[red]{meter.calls} calls, {cost}[/red], when the demo stopped counting")
    return meter


def _obeys(stage: Stage, shop: Shop) -> int:
    stage.user(INBOX)
    for line in shop.inbox()[-1].splitlines():
        stage.note(f"[dim]| {line}[/dim]" if line else "[dim]|[/dim]")
    _ran(shop, INBOX, Meter(_ENOUGH))
    rows = sum(mail["body"].count('"card"') for mail in shop.sent())
    stage.note(
        f"that mail says so: [red]{rows} customers, with their cards, mailed[/red] to "
        f"{shop.sent()[0]['to']}"
    )
    return rows


def _ran(shop: Shop, said: str, meter: Meter) -> None:
    saved = shop.folder / "conversation.json"
    try:
        naive.run(meter, naive.tools_of(shop), said, saved)
    finally:
        saved.unlink()
