"""A session to tell events to, and to ask what happens next: no store, no loop, no clock."""

from collections.abc import Sequence
from typing import Any, TypeVar

from jackline.core import events as e
from jackline.core.agent import Agent
from jackline.core.budget import Account, Price, Terms
from jackline.core.fold import fold
from jackline.core.judging import Judging
from jackline.core.messages import InputPart, Message, ReplyPart, Text, ToolCall
from jackline.core.readings import Readings
from jackline.core.session import Session, Turn
from jackline.core.tools import Context, Tool, tool
from jackline.core.turn import Facts, decide, wakes_at
from jackline.core.value import replace

E = TypeVar("E")
ID = e.SessionId("t", "s")
ANN = e.Principal("ann", frozenset({"support"}))
FREE = Terms("free", Price(0, 0))
LEASE_S = 10.0
NO_USAGE = e.Usage()


@tool(effect="read")
async def look(place: str = "") -> str:
    """Look somewhere."""
    return f"{place} is there"


@tool(effect="idempotent")
async def put(place: str = "") -> str:
    """Put something somewhere."""
    return place


@tool(effect="once")
async def pay(cents: int = 1) -> str:
    """Pay."""
    return f"{cents} paid"


@tool(effect="once", approve=True, version="1")
async def refund(cents: int) -> str:
    """Pay back."""
    return f"{cents} paid back"


async def did_charge(ctx: Context[None], cents: int) -> bool:
    return bool(ctx.effect_key) and cents > 0


@tool(effect="once", reconcile=did_charge, timeout_s=7)
async def charge(ctx: Context[None], cents: int) -> str:
    """Charge a card."""
    return f"{cents} charged by {ctx.effect_key}"


@tool(effect="transactional")
def write(row: str = "") -> str:
    """Write a row."""
    return row


@tool(effect="read", roles={"admin"})
async def secrets() -> str:
    """Read what only admins may."""
    return "…"


TOOLS: Sequence[Tool] = (look, put, pay, refund, charge, write, secrets)


def agent(**changes: Any) -> Agent:
    """Return an agent with a tool of each kind."""
    fields: dict[str, Any] = {"name": "clerk", "model": "free", "tools": TOOLS, **changes}
    return Agent(**fields)


class Story:
    """One session, whose journal is `events`."""

    def __init__(
        self, who: Agent | None = None, *terms: Terms, history: tuple[Message, ...] = ()
    ) -> None:
        self.agent = who or agent()
        self.terms = terms or (FREE,)
        self.now = 1_000.0
        self.account: Account | None = None
        self.judge: Judging | None = None
        self.instructions = ""
        self.problem = ""
        self.session = Session(ID)
        self.readings = Readings("ann", self.agent.flows)
        self.events: list[tuple[float, e.Event]] = []
        self.told(e.SessionOpened("clerk", "ann", history))

    def told(self, *events: e.Event) -> "Story":
        """Let something happen."""
        self.readings.take(
            e.Record(seq, self.now, event)
            for seq, event in enumerate(events, self.session.head + 1)
        )
        self.session = fold(self.session, events, self.now)
        self.events += [(self.now, event) for event in events]
        return self

    def asked(self, *parts: str | InputPart, **options: Any) -> "Story":
        """Let a user say something, and a worker take the session."""
        said = tuple(Text(part) if isinstance(part, str) else part for part in parts or ("Hi",))
        event = e.TurnSubmitted(f"r{self.session.head}", said, ANN)
        return self.told(replace(event, **options), self.taken())

    def taken(self) -> e.SessionTaken:
        """Return that a worker drives from here on."""
        return e.SessionTaken(self.session.epoch + 1, "w")

    def goes_on(self, after_s: float = 0.0) -> list[e.Event]:
        """Return what happens next, having let it happen."""
        self.now += after_s
        told, asked = (self.instructions, self.problem), self.readings.question()
        judged = asked, self.readings.requests, self.judge
        facts = Facts(self.now, self.terms, LEASE_S, self.account, *told, *judged)
        session, events = decide(self.session, self.agent, facts)
        assert session == fold(self.session, events, self.now), "decide says what it has folded"
        self.told(*events)
        return events

    def next(self, kind: type[E], after_s: float = 0.0) -> E:
        """Return the one thing that happens next, which is of this kind."""
        events = self.goes_on(after_s)
        assert len(events) == 1, events
        assert isinstance(events[0], kind), events
        return events[0]

    @property
    def turn(self) -> Turn:
        """The open turn."""
        assert self.session.turn, "no turn is open"
        return self.session.turn

    @property
    def key(self) -> str:
        """The key of the model that was asked."""
        assert self.turn.asked, "no model was asked"
        return self.turn.asked.key

    def replied(self, *parts: str | ReplyPart, usage: e.Usage = NO_USAGE, cost: int = 0) -> "Story":
        """Let the model reply."""
        said = tuple(Text(part) if isinstance(part, str) else part for part in parts)
        return self.told(e.ModelReplied(self.key, said, "free", usage, cost))

    def calls(self, *names: str, arguments: str = "{}") -> list[e.Event]:
        """Let the model ask for tools, and return what becomes of that."""
        self.goes_on()
        self.replied(*(ToolCall(name, arguments, f"id{n}") for n, name in enumerate(names)))
        return self.goes_on()

    def failed(self, code: str, after_s: float | None = None, text: str = "no") -> "Story":
        """Let the model fail."""
        return self.told(e.ModelFailed(self.key, code, text, retry_after_s=after_s))

    def tool_key(self, number: int = 0) -> str:
        """Return the key of a call of the last reply."""
        assert self.turn.round, "the model has not replied"
        return f"{self.turn.round.replied.key}/tool/{number}"

    def returned(self, text: str = "done", number: int = 0) -> "Story":
        """Let a call return."""
        return self.told(e.ToolReturned(self.tool_key(number), (Text(text),)))

    def wakes_at(self) -> float | None:
        """Return when `decide` may have news though nothing happens."""
        return wakes_at(self.session, self.agent, self.terms, self.now)


def kinds(events: Sequence[e.Event]) -> list[str]:
    """Return the names of events."""
    return [e.kind(type(event).__name__) for event in events]
