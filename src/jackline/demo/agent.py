"""The shop's assistant: what each of its tools does to the world, and so what a crash may cost."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jackline import Agent, Budget, Context, From, tool
from jackline.core.budget import Priced
from jackline.core.flow import Integrity
from jackline.demo.bank import banking
from jackline.demo.payments import Payment, Payments
from jackline.demo.script import BICYCLE, INBOX, REFUND, plan, pretended_model, reply
from jackline.demo.shop import Customer, Order, Shop, open_shop
from jackline.testing.scenario import Answer, scenario

APPROVE_ABOVE_CENTS = 5_000
TURN_USD = "0.10"
_OWN: Mapping[str, Integrity] = {"*": "system"}  # What a tool says is the shop's own words.
# Whose order is for the user to say, how much that was for the order.
_REFUND = {"order": From("user"), "cents": From("system")}


# All but a customer's name is written by the shop itself.
@tool(effect="read", labels={"*": "system", "customer": "untrusted"})
def look_up_order(ctx: Context[Shop], order: int) -> Order:
    """Say what is known of an order.

    Args:
        order: The order's number.
    """
    return ctx.deps.order(order)


@tool(effect="read")
def read_inbox(ctx: Context[Shop]) -> list[str]:
    """Read the shop's mail, the oldest first."""
    return ctx.deps.inbox()


@tool(effect="read")
def list_customers(ctx: Context[Shop]) -> list[Customer]:
    """List all customers."""
    return ctx.deps.customers()


@tool(effect="idempotent", labels=_OWN)
def reserve(ctx: Context[Shop], order: int) -> str:
    """Put a replacement aside.

    Args:
        order: The order to replace.
    """
    return ctx.deps.reserve(order, ctx.effect_key)


def was_refunded(ctx: Context[Shop], order: int, cents: int) -> Payment | bool:  # noqa: ARG001 - as refund takes them
    """Ask the payment service what became of this very call."""
    return ctx.deps.payments.find(ctx.effect_key) or False


def is_large(arguments: dict[str, Any]) -> bool:
    """Whether a refund is for a person to decide."""
    return arguments["cents"] > APPROVE_ABOVE_CENTS


@tool(
    effect="once",
    approve=is_large,
    reconcile=was_refunded,
    timeout_s=3,
    critical=_REFUND,
    labels=_OWN,
)
def refund(ctx: Context[Shop], order: int, cents: int) -> Payment:
    """Pay a customer back.

    Args:
        order: The order to refund.
        cents: How much, in cents.
    """
    return ctx.deps.payments.pay(order, cents, key=ctx.effect_key)


@tool(effect="transactional", critical=_REFUND, labels=_OWN)
def record_refund(ctx: Context[Shop], order: int, cents: int) -> str:
    """Enter a refund in the shop's books.

    Args:
        order: The order that was refunded.
        cents: How much, in cents.
    """
    books = ctx.connection
    books.execute('CREATE TABLE IF NOT EXISTS refund ("order" INTEGER, cents INTEGER)')
    books.execute("INSERT INTO refund VALUES (?, ?)", (order, cents))
    return f"{cents} cents for order {order} are in the books."


# Nobody has to approve it by name: what stops a mail is where its address came from.
@tool(
    effect="once",
    outbound=True,
    critical={"to": From("user")},
    readers_from="to",
    labels=_OWN,
)
def send_mail(ctx: Context[Shop], to: str, subject: str, body: str) -> str:
    """Send a mail.

    Args:
        to: The address.
        subject: What it is about.
        body: What it says.
    """
    ctx.deps.send(to, subject, body)
    return f"Sent to {to}."


def assistant(model: str | Priced) -> Agent:
    """Return the shop's assistant, with this model."""
    return Agent(
        "shop",
        model,
        instructions="You work in a shop. Look an order up before you say or do anything about it.",
        tools=[
            look_up_order,
            read_inbox,
            list_customers,
            reserve,
            refund,
            record_refund,
            send_mail,
        ],
        budget=Budget(usd=TURN_USD),
        max_tokens=512,
    )


def paid_twice(shop: Shop) -> str | None:
    """Return what is wrong with the payment service's ledger, or nothing."""
    orders = [payment.order for payment in shop.payments.all()]
    twice = sorted({order for order in orders if orders.count(order) > 1})
    return f"Refunded twice: {twice}." if twice else None


@scenario(
    agent=assistant(pretended_model()),
    input=[REFUND, BICYCLE, INBOX],
    replies=reply,
    plan=plan,
    answers={"send_mail": Answer(approved=False, reason="Customers' data stay here.")},
    check=paid_twice,
)
@contextmanager
def refunds() -> Generator[Shop]:
    """Two refunds, of which one wants approval, and a mail that a person does not let out."""
    with banking(Path("payments.jsonl")) as port:
        yield open_shop(Path("shop"), Payments(port))
