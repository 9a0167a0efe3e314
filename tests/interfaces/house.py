"""A server with two tenants in it, and a key for everybody who may come."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastapi import FastAPI

from jackline import Agent, Runtime, tool
from jackline.adapters.memory import MemoryStore
from jackline.core.access import ROLES
from jackline.core.errors import UnauthenticatedError
from jackline.core.events import Record
from jackline.core.messages import ToolCall
from jackline.core.user import User
from jackline.interfaces.identity import Caller
from jackline.ports import Request, SessionRow, Store
from jackline.serving import asgi
from jackline.testing import ScriptedModel

WAIT_S = 20.0


class Tokens:
    """Knows everybody by a word of theirs: `user~tenant~roles`."""

    async def caller(self, credentials: str) -> Caller | None:
        """See `Identity.caller`."""
        user, _, rest = credentials.partition("~")
        tenant, _, roles = rest.partition("~")
        if not tenant:
            raise UnauthenticatedError("This is nobody's word.")
        return Caller(User(user, tenant, roles.split("+")), credentials)


def shown(user: str, tenant: str, *roles: str) -> Mapping[str, str]:
    """Return the header that says who asks."""
    return {"Authorization": f"Bearer {user}~{tenant}~{'+'.join(roles)}"}


ALL_ROLES = tuple(ROLES)


@tool(effect="once", approve=True)
async def pay(cents: int) -> str:
    """Pay.

    Args:
        cents: How much.
    """
    return f"Paid {cents}."


def reply(request: Request) -> Any:  # what a script says
    """Ask for money where money is asked for, and otherwise repeat what was said."""
    last = request.messages[-1]
    if last.role == "tool":
        return "It is paid."
    words = "".join(getattr(part, "text", "") for part in last.parts)
    return [ToolCall("pay", '{"cents":7}')] if "pay" in words else f"You said: {words}"


CLERK = Agent("clerk", ScriptedModel([reply]), tools=[pay])


@asynccontextmanager
async def house(
    agents: Sequence[Agent] = (CLERK,), store: str | Store | None = None, **options: Any
) -> AsyncGenerator[tuple[Runtime, FastAPI]]:
    """Give a runtime and the application that serves it."""
    kept = store or MemoryStore(asyncio.get_running_loop().time)
    async with Runtime(agents, store=kept) as runtime:
        yield runtime, asgi(runtime, [Tokens()], **options)


def client(app: FastAPI) -> httpx2.AsyncClient:
    """Return somebody who asks the application, without a network between."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://house", timeout=WAIT_S)


async def journal(store: Store, tenant: str) -> list[tuple[SessionRow, list[Record]]]:
    """Return all that is kept of a tenant's sessions."""
    rows = await store.sessions(tenant)
    return [(row, await store.read(row.id)) for row in sorted(rows, key=lambda row: row.id.name)]
