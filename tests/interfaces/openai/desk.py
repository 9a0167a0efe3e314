"""A desk that refunds, behind a real server on the loopback, and real clients of OpenAI's."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from openai import AsyncOpenAI
from tests.interfaces.served import serving
from tests.labels import OWN

from jackline import Agent, Runtime, Settings, tool
from jackline.core.errors import UnauthenticatedError
from jackline.core.messages import ToolCall
from jackline.core.user import User
from jackline.interfaces.identity import Caller
from jackline.interfaces.readers import Readers
from jackline.interfaces.service import Bounds
from jackline.ports import Request, Store
from jackline.serving import asgi
from jackline.testing import ScriptedModel
from jackline.testing.model import Pace

WAIT_S = 20.0
STATE = 'The order is "shipped", on its way.'
DONE = "The refund of order 7 is on its way."


class Tokens:
    """Knows everybody by a word of theirs: `user@tenant:roles`."""

    async def caller(self, credentials: str) -> Caller | None:
        """See `Identity.caller`."""
        who, _, roles = credentials.partition(":")
        user, _, tenant = who.partition("@")
        if not tenant:
            raise UnauthenticatedError("This is nobody's word.")
        return Caller(User(user, tenant, roles.split("+")), credentials)


@dataclass
class Desk:
    """The agent, what it did, and where its server is."""

    paid: list[int] = field(default_factory=list[int])
    heard: list[Request] = field(default_factory=list[Request])
    url: str = ""
    runtime: Runtime | None = None
    readers: Readers = field(default_factory=Readers)

    def client(self, who: str = "ann@acme:user", **options: Any) -> AsyncOpenAI:
        """Return a client of somebody's, who asks once."""
        options = {"timeout": WAIT_S, "max_retries": 0, **options}
        return AsyncOpenAI(api_key=who, base_url=f"{self.url}/v1", **options)

    def agent(self) -> Agent:
        """Return an agent that looks an order up, and refunds where somebody allows it."""

        @tool(effect="read", labels=OWN)
        async def look_up(order: str) -> str:
            """Look an order up."""
            return f"order {order} is shipped"

        @tool(effect="once", approve=True, labels=OWN)
        async def refund(cents: int) -> str:
            """Refund."""
            self.paid.append(cents)
            return f"{cents} cents went back"

        model = ScriptedModel([self._reply], pace=Pace(delta=5))
        return Agent("desk", model, tools=[look_up, refund])

    def _reply(self, request: Request) -> Any:  # what a script says
        self.heard.append(request)
        last = request.messages[-1]
        said = request.messages[-1].text
        if last.role == "tool":
            result = str(last.parts)
            if "went back" in result:
                return DONE
            return "It was not allowed." if "refund" in result else STATE
        if "Refund" in said:
            cents = 100 * (1 + said.count("twice"))
            calls = [ToolCall("refund", f'{{"cents":{cents}}}')]
            return [*calls, *([ToolCall("refund", '{"cents":9}')] if "twice" in said else [])]
        return [ToolCall("look_up", '{"order":"7"}')] if "Where" in said else f"You said: {said}"


@asynccontextmanager
async def served(
    *agents: Agent,
    approve_own: bool = True,
    store: str | Store = "memory://",
    bounds: Bounds = Bounds(),  # noqa: B008 - it is frozen
) -> AsyncGenerator[Desk]:
    """Serve a desk, or other agents, until the block is left."""
    desk = Desk()
    async with Runtime(agents or [desk.agent()], store=store) as runtime:
        app = asgi(runtime, [Tokens()], Settings(approve_own=approve_own))
        app.state.service = replace(app.state.service, bounds=bounds, readers=desk.readers)
        desk.runtime = runtime
        async with serving(app) as desk.url:
            yield desk


def answer(question: str | None, *, approve: bool = True) -> Any:  # one of many types
    """Return an answer to an approval request."""
    return {
        "type": "mcp_approval_response",
        "approval_request_id": question,
        "approve": approve,
    }


async def chat(client: AsyncOpenAI, messages: Any, session: str = "") -> str:
    """Return what the desk says to this."""
    headers = {"X-Jackline-Session": session} if session else None
    done = await client.chat.completions.create(
        model="desk", messages=messages, extra_headers=headers
    )
    return done.choices[0].message.content or ""


def shown(request: Request) -> list[tuple[str, str, str]]:
    """Return what a model was shown: each part's role, kind and words."""
    return [
        (message.role, type(part).__name__, getattr(part, "text", ""))
        for message in request.messages
        for part in message.parts
    ]
