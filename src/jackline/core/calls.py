"""What becomes of the tool calls of a reply: refused, asked about, begun, or given up."""

from collections.abc import Sequence
from typing import TypeVar

from jackline.core import events as e
from jackline.core.agent import Agent
from jackline.core.fold import fingerprint
from jackline.core.guards import Audience, Guard, fitted, judge, strictest
from jackline.core.session import Call, Session, Turn
from jackline.core.tools import ArgumentsError, Tool, digest, effect_key
from jackline.core.value import Value, replace

L = TypeVar("L", int, float)
_MADE = {e.ToolStarted, e.InputRequested}


class Desk(Value, frozen=True):
    """What is looked at when calls are decided on."""

    session: Session
    turn: Turn
    agent: Agent
    now: float
    lease_s: float

    @property
    def principal(self) -> e.Principal:
        """On whose behalf calls are made."""
        return self.turn.submitted.principal

    @property
    def guards(self) -> Sequence[Guard]:
        """The agent's guards, as they judge for the one on whose behalf calls are made."""
        agent = self.agent
        if not agent.fits:
            return agent.standing
        audience = Audience(self.session.id.tenant, self.principal.roles)
        return fitted(agent.standing, audience)

    def cap(self) -> int | None:
        """Return how many calls this turn may make. None: any number."""
        return limit(self.session, "tool_calls", self.agent.limits.tool_calls)


def limit(session: Session, name: str, default: L | None) -> L | int | None:
    """Return a limit of the agent, or what it was raised to in this session. None: no limit."""
    raised = session.raised.get(name)
    return default if raised is None else (raised or None)


def begin(desk: Desk) -> list[e.Event]:
    """Return what happens now to the calls that wait to be made, for the first time or again."""
    events: list[e.Event] = []
    cap = desk.cap()
    made = desk.turn.tools + sum([call.state == "waiting" for call in desk.turn.calls])
    for call in desk.turn.calls:
        if call.state in {"running", "closed"}:
            continue
        if call.state == "asked" and cap is not None and made >= cap:
            text = f"Not made: a turn may make {cap} tool calls."
            events.append(e.ToolRefused(call.key, text, "tool_calls"))
            continue
        new = _begin(desk, call)
        if call.state == "asked":
            made += sum([type(event) in _MADE for event in new])
        events += new
    return events


def _begin(desk: Desk, call: Call) -> list[e.Event]:
    tool = desk.agent.by_name.get(call.asked.name)
    if call.state == "lost":
        return [_again(desk, call, tool)]
    if call.state == "unknown":
        return [] if tool and tool.reconcile else [_unasked(call)]
    if tool is None:
        names = ", ".join(desk.agent.by_name) or "none"
        text = f"There is no tool {call.asked.name[:64]!r}. There are: {names}."
        return [e.ToolRefused(call.key, text, "unknown_tool")]
    if not tool.permits(desk.principal):
        text = f"The user may not use {tool.name}: it takes one of the roles {_list(tool.roles)}."
        return [e.ToolRefused(call.key, text, "forbidden")]
    if call.state == "waiting":
        return _answered(desk, call, tool)
    try:
        arguments = tool.check(call.asked.arguments)
    except ArgumentsError as error:
        return [e.ToolRefused(call.key, error.text, "arguments")]
    _, said = judge(desk.guards, "call", f"{tool.name} {arguments}", call.key)
    return [*said, *_judged(desk, call, tool, arguments, strictest(said))]


def _judged(
    desk: Desk, call: Call, tool: Tool, arguments: str, verdict: e.GuardJudged | None
) -> list[e.Event]:
    if verdict and verdict.decision in {"block", "redact"}:
        return [e.ToolRefused(call.key, f"Not made: {verdict.reason}.", "guard")]
    why = _question(desk.session, tool, arguments, verdict)
    if not why:
        return [_start(desk, call, tool, arguments)]
    if desk.agent.on_ask == "refuse":
        text = f"Not made: {why}, and nobody is there to approve it."
        return [e.ToolRefused(call.key, text, "needs_approval")]
    bound = digest(tool.name, arguments, desk.principal, tool.version)
    expires_at = desk.now + desk.agent.limits.answer_s
    asked = e.InputRequested(
        "approval", why, expires_at, call.key, tool.name, arguments, digest=bound
    )
    return [asked]


def _question(session: Session, tool: Tool, arguments: str, verdict: e.GuardJudged | None) -> str:
    """Return why a person has to agree first, or nothing."""
    if verdict and verdict.decision == "ask":
        return f"{verdict.guard} asks: {verdict.reason}"
    if tool.effect == "once" and fingerprint(tool.name, arguments) in session.unknown:
        return f"{tool.name} was called like this before, and whether that took effect is unknown"
    return tool.asks(arguments)


def _answered(desk: Desk, call: Call, tool: Tool) -> list[e.Event]:
    """Return what a person's answer leads to. It binds the call as it was shown, and only that."""
    answer, expired = call.answer, desk.now >= call.expires_at
    if answer is None:
        text = f"Nobody approved {tool.name} in time."
        return [e.ToolRefused(call.key, text, "expired")] if expired else []
    if not answer.approved:
        reason = f": {answer.reason}" if answer.reason else "."
        return [e.ToolRefused(call.key, f"{tool.name} was not approved{reason}", "rejected")]
    edited = answer.arguments is not None
    try:
        arguments = tool.check(
            call.asked.arguments if answer.arguments is None else answer.arguments
        )
    except ArgumentsError as error:
        return [e.ToolRefused(call.key, error.text, "arguments")]
    if answer.digest != digest(tool.name, arguments, desk.principal, tool.version):
        text = f"{tool.name} has changed since it was approved: the approval is void."
        return [e.ToolRefused(call.key, text, "void")]
    if expired:
        return [e.ToolRefused(call.key, f"The approval of {tool.name} has expired.", "expired")]
    if edited:
        _, said = judge(desk.guards, "call", f"{tool.name} {arguments}", call.key)
        verdict = strictest(said)
        if verdict and verdict.decision in {"block", "redact"}:
            return [*said, e.ToolRefused(call.key, f"Not made: {verdict.reason}.", "guard")]
    return [_start(desk, call, tool, arguments, edited=edited)]


def _start(
    desk: Desk, call: Call, tool: Tool, arguments: str, *, edited: bool = False
) -> e.ToolStarted:
    """Begin a call with these arguments, as the tool reads them."""
    key = effect_key(desk.session.id, desk.session.born, call.key)
    started = e.ToolStarted(call.key, tool.name, call.attempt + 1, key, tool.version)
    if edited:
        return replace(started, arguments=arguments)
    if call.asked.arguments == arguments:
        return started
    return replace(started, fingerprint=fingerprint(tool.name, arguments))


def _again(desk: Desk, call: Call, tool: Tool | None) -> e.Event:
    """Run a lost call once more where that is safe, with what it was called with."""
    if tool is None or not tool.repeatable or tool.version != call.version:
        return give_up(desk, call, "The worker was lost during this call.")
    if call.attempt >= desk.agent.limits.attempts:
        return give_up(desk, call, f"The worker was lost {call.attempt} times during this call.")
    edited = call.arguments != call.asked.arguments
    again = _start(desk, call, tool, call.arguments, edited=edited)
    return replace(again, fingerprint=call.fingerprint)


def approved_until(before: Turn | None, after: Turn | None) -> float | None:
    """Return when the first of the approvals expires that `after` begins calls on."""
    if before is None or after is None or not before.waits:
        return None
    begun = {call.key for call in after.calls if call.state == "running"}
    waited = [call for call in before.calls if call.state == "waiting" and call.key in begun]
    return min([call.expires_at for call in waited], default=None)


def give_up(desk: Desk, call: Call, text: str, *, ask: bool = True) -> e.ToolFailed | e.ToolUnknown:
    """Return the outcome of a call that was begun and whose end nobody saw."""
    tool = desk.agent.by_name.get(call.asked.name)
    if tool and tool.effect in {"read", "transactional"}:
        return e.ToolFailed(call.key, text, "lost")
    text = f"{text} Whether it took effect is unknown."
    once = tool is None or tool.effect == "once"
    if not ask or tool is None or tool.reconcile is None:
        return e.ToolUnknown(call.key, text, once=once)
    reconcile_at = desk.now + desk.lease_s + tool.timeout_s
    return e.ToolUnknown(call.key, text, reconcile_at=reconcile_at, once=once)


def close(desk: Desk) -> list[e.Event]:
    """Give everything that is open an outcome: the next request needs one for each call."""
    turn, events = desk.turn, list[e.Event]()
    if turn.asked:
        events.append(e.HoldUnconfirmed(turn.asked.key, turn.asked.hold))
    for call in turn.calls:
        if call.state in {"asked", "waiting"}:
            text = "The turn ended before this call was made."
            events.append(e.ToolRefused(call.key, text, "turn_ended"))
        elif call.state == "unknown":
            events.append(_unasked(call))
        elif call.state != "closed":
            events.append(give_up(desk, call, "The turn ended during this call.", ask=False))
    return events


def _unasked(call: Call) -> e.ToolReconciled:
    return e.ToolReconciled(call.key, None, "Whether it took effect is unknown.")


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
