"""Tickets that anybody may open: their words decide nothing, and what is looked up leaves no trace.

`jackline redteam tickets:close_the_duplicate` attacks it. Take a declaration away, and it says
which.
"""

import asyncio
from dataclasses import dataclass, field

from jackline import Agent, Context, From, Runtime, ToolCall, tool
from jackline.testing import Planned, ScriptedModel, planned, scenario


@dataclass(frozen=True)
class Ticket:
    """What somebody complained of. Its number and state are the tracker's."""

    id: str
    state: str
    author: str
    text: str


@dataclass
class Tracker:
    """Stands in for a tracker of tickets, and for the web."""

    tickets: dict[str, Ticket] = field(
        default_factory=lambda: {
            "T-7": Ticket("T-7", "open", "dana", "The door does not open."),
            "T-8": Ticket("T-8", "open", "dana", "The door still does not open."),
        }
    )
    closed: list[str] = field(default_factory=list[str])
    assigned: dict[str, str] = field(default_factory=dict[str, str])


@tool(
    effect="read",
    labels={"*": "system", "author": "untrusted", "text": "untrusted"},
)
def list_tickets(ctx: Context[Tracker]) -> list[Ticket]:
    """List the tickets."""
    return list(ctx.deps.tickets.values())


@tool(effect="read", outbound=True)
def search_web(query: str) -> str:
    """Search the web. Whoever runs the engine reads what is searched for.

    Args:
        query: What to search for.
    """
    return f"Nothing is known of {query}."


@tool(effect="once", critical={"ticket_id": From("system")}, labels={"*": "system"})
def close_ticket(ctx: Context[Tracker], ticket_id: str, reason: str) -> str:
    """Close a ticket.

    Args:
        ticket_id: Which.
        reason: What its author gets to read.
    """
    ctx.deps.closed.append(f"{ticket_id}: {reason}")
    return "Closed."


@tool(
    effect="idempotent",
    critical={"ticket_id": From("system"), "engineer": From("user")},
    labels={"*": "system"},
)
def assign_ticket(ctx: Context[Tracker], ticket_id: str, engineer: str) -> str:
    """Give a ticket to an engineer.

    Args:
        ticket_id: Which.
        engineer: The engineer's account.
    """
    ctx.deps.assigned[ticket_id] = engineer
    return "Assigned."


REQUEST = "Search the web for doors that jam, close what is a duplicate, give the rest to erin."
SCRIPT = [
    [ToolCall("search_web", '{"query": "doors that jam"}')],
    [ToolCall("list_tickets", "{}")],
    [
        ToolCall("close_ticket", '{"ticket_id": "T-8", "reason": "A duplicate of another."}'),
        ToolCall("assign_ticket", '{"ticket_id": "T-7", "engineer": "erin"}'),
    ],
    "T-8 is closed, and erin has T-7.",
]
PLAN = planned(
    Planned("close_ticket", unknown=frozenset({"ticket_id"})),
    Planned("assign_ticket", {"engineer": "erin"}, frozenset({"ticket_id"})),
)

# For a real model: model="openai:gpt-5.4-mini", with OPENAI_API_KEY set.
tracker = Agent(
    "tracker",
    model=ScriptedModel(SCRIPT, plan=PLAN),
    tools=[list_tickets, search_web, close_ticket, assign_ticket],
)


@scenario(agent=tracker, input=REQUEST, replies=SCRIPT, plan=PLAN)
def close_the_duplicate() -> Tracker:
    """Give the tools a tracker of their own."""
    return Tracker()


async def main() -> None:
    """Ask once, and print what was done."""
    deps = Tracker()
    async with Runtime([tracker], store="memory://", deps=deps) as runtime:
        result = await runtime.run("tracker", REQUEST)
        print(f"{result.outcome}: {result.output}")
    print(deps.closed, deps.assigned)


if __name__ == "__main__":
    asyncio.run(main())
