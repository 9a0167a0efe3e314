"""What becomes of the tool calls of a reply: refused, asked about, begun, or given up."""

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

import msgspec

from jackline.core import events as e
from jackline.core.agent import Agent
from jackline.core.flow import FlowVerdict, Plan, Planned, Question, recipients
from jackline.core.flow import judge as judge_flow
from jackline.core.fold import fingerprint
from jackline.core.guards import Audience, Guard, fitted, judge, strictest
from jackline.core.permit import verdict as permit
from jackline.core.permit.rules import Bounds
from jackline.core.permit.verdict import Rights, Ruling
from jackline.core.readings import Readings
from jackline.core.session import Call, Session, Turn
from jackline.core.tools import ArgumentsError, Tool, digest, effect_key
from jackline.core.value import Value, replace

L = TypeVar("L", int, float)
_MADE = {e.ToolStarted, e.InputRequested}


class Desk(Value, frozen=True):
    """What is looked at when calls are decided on.

    `question` says what the model has read; None: that is not known, and the worst there is.
    `plans`: a plan can be had of what the user wants; calls that would be asked about wait for it.
    """

    session: Session
    turn: Turn
    agent: Agent
    now: float
    lease_s: float
    question: Question | None = None
    plans: bool = False

    @property
    def principal(self) -> e.Principal:
        """On whose behalf calls are made."""
        return self.turn.submitted.principal

    @property
    def rights(self) -> Rights:
        """What may be done for the user through the agent."""
        return Rights(self.agent.by_name, self.principal, self.agent.bounds)

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
        return limit(self.session, "tool_calls", self.agent.limits.tool_calls, self.agent.bounds)


def limit(
    session: Session, name: str, default: L | None, bounds: Bounds | None = None
) -> L | int | None:
    """Return a limit of the agent, or what it was raised to in this session. None: no limit.

    Nobody raises it above the cap of the operators.
    """
    raised = session.raised.get(name)
    most = default if raised is None else (raised or None)
    if bounds is None or name not in bounds.caps:
        return most
    cap = cast("L", bounds.caps[name])  # A cap is of the type of what it caps: see `reading`.
    return cap if most is None else min(most, cap)


def begin(desk: Desk, among: Iterable[Call] | None = None) -> list[e.Event] | None:
    """Return what happens now to the calls that wait to be made, for the first time or again.

    None: all wait for a plan, as one of them would be asked about without. With `among` only
    these are looked at.
    """
    events: list[e.Event] = []
    cap = desk.cap()
    made = desk.turn.tools + sum([call.state == "waiting" for call in desk.turn.calls])
    for call in desk.turn.calls if among is None else among:
        if call.state in {"running", "closed"}:
            continue
        if call.state == "asked" and cap is not None and made >= cap:
            text = f"Not made: a turn may make {cap} tool calls."
            events.append(e.ToolRefused(call.key, text, "tool_calls"))
            continue
        new = _begin(desk, call)
        if new is None:
            return None
        if call.state == "asked":
            made += sum([type(event) in _MADE for event in new])
        events += new
        desk = _spent(desk, new[-1]) if new else desk
    return events


def _spent(desk: Desk, event: e.Event) -> Desk:
    """Use up what was planned: what one call of a reply is made or asked for, no other is."""
    verdict = event.flow if isinstance(event, e.ToolStarted | e.InputRequested) else None
    if verdict is None or verdict.planned is None or desk.question is None:
        return desk
    spent = {*desk.question.spent, verdict.planned}
    return replace(desk, question=replace(desk.question, spent=spent))


def _begin(desk: Desk, call: Call) -> list[e.Event] | None:
    tool = desk.agent.by_name.get(call.asked.name)
    if call.state == "lost":
        return [_again(desk, call, tool)]
    if call.state == "unknown":
        return [] if tool and tool.reconcile else [_unasked(call)]
    if tool is None:
        names = ", ".join(desk.agent.by_name) or "none"
        text = f"There is no tool {call.asked.name[:64]!r}. There are: {names}."
        return [e.ToolRefused(call.key, text, "unknown_tool")]
    if refused := permit.barred(desk.rights, tool.name):
        return [_refused(call, refused)]
    if call.state == "waiting":
        return _answered(desk, call, tool)
    try:
        arguments = tool.check(call.asked.arguments)
    except ArgumentsError as error:
        return [e.ToolRefused(call.key, error.text, error.code, is_own=error.is_own)]
    _, said = judge(desk.guards, "call", f"{tool.name} {arguments}", call.key)
    judged = _judged(desk, call, tool, arguments, strictest(said))
    return None if judged is None else [*said, judged]


def _judged(
    desk: Desk, call: Call, tool: Tool, arguments: str, verdict: e.GuardJudged | None
) -> e.Event | None:
    if verdict and verdict.decision in {"block", "redact"}:
        return e.ToolRefused(call.key, f"Not made: {verdict.reason}.", "guard")
    ruling = permit.judge(desk.rights, tool.name, arguments)
    if ruling.decision == "refuse":
        return _refused(call, ruling)
    why = _joined(_question(desk.session, tool, arguments, verdict), ruling.text)
    flow = _flow(desk, tool, arguments)
    kept = flow.kept if flow else None
    if not why and (flow is None or flow.decision == "allow"):
        return replace(_start(desk, call, tool, arguments, rules=ruling.rules), flow=kept)
    if flow and not why:
        if desk.plans and tool.flow.effectful:
            return None
        if flow.decision == "refuse":
            return e.ToolRefused(call.key, flow.advice, "flow", kept)
        why = flow.reason
    elif desk.agent.on_ask == "refuse":
        text = f"Not made: {why}, and nobody is there to approve it."
        is_own = verdict is None or verdict.decision != "ask"
        return e.ToolRefused(call.key, text, "needs_approval", kept, ruling.by, is_own)
    else:
        why = _joined(why, _objection(desk, tool, arguments, flow))
    bound = digest(tool.name, arguments, desk.principal, tool.version)
    expires_at = desk.now + desk.agent.limits.answer_s
    asked = e.InputRequested(
        "approval", why, expires_at, call.key, tool.name, arguments, digest=bound
    )
    asked = replace(asked, rules=ruling.by) if ruling.by else asked
    return replace(asked, origins=flow.shown, flow=kept) if flow else asked


def _joined(*reasons: str) -> str:
    """Return all reasons: who decides on one has to know of the others."""
    return "; ".join(filter(None, reasons))


def _objection(desk: Desk, tool: Tool, arguments: str, flow: FlowVerdict | None) -> str:
    """Return what flow has against a call that somebody decides on anyway, or nothing.

    No plan is bought for it. Where one might say that it was asked for, this says that nobody
    knows, and what there is against it even if it was.
    """
    if flow is None or flow.tier != "taint" or not desk.plans:
        return flow.reason if flow else ""
    given: dict[str, object] = msgspec.json.decode(arguments)
    wanted = Planned(tool.name, {name: given[name] for name in tool.flow.critical if name in given})
    question = replace(_known(desk), plan=Plan((wanted,)), spent=())
    left = judge_flow(tool.flow, given, question)
    unknown = "untrusted text was read, and no plan says whether anybody asked for this call"
    return _joined(unknown, left.reason if left.tier == "readers" else "")


def _refused(call: Call, ruling: Ruling) -> e.ToolRefused:
    text, code, is_own = ruling.text, ruling.code, ruling.is_own
    return e.ToolRefused(call.key, text, code, rules=ruling.by, is_own=is_own)


def _flow(desk: Desk, tool: Tool, arguments: str) -> FlowVerdict | None:
    """Return what flow says of the call. None: it only reads, or nothing untrusted was read."""
    if not tool.flow.judges(arguments):
        return None
    question = replace(_known(desk), on_ask=desk.agent.on_ask)
    verdict = judge_flow(tool.flow, msgspec.json.decode(arguments), question)
    plain = verdict.tier == "clean" and verdict.planned is None
    return None if plain else verdict


def _known(desk: Desk) -> Question:
    if desk.question:
        return desk.question
    readings = Readings(desk.principal.user, {})
    readings.forget()
    return readings.question()


def _question(session: Session, tool: Tool, arguments: str, verdict: e.GuardJudged | None) -> str:
    """Return why a person has to agree first, or nothing."""
    if verdict and verdict.decision == "ask":
        return f"{verdict.guard} asks: {verdict.reason}"
    if tool.effect == "once" and fingerprint(tool.name, arguments) in session.unknown:
        return f"{tool.name} was called like this before, and whether that took effect is unknown"
    return ""


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
        asked = tool.check(call.asked.arguments)
        arguments = tool.check(answer.arguments) if answer.arguments is not None else asked
    except ArgumentsError as error:
        return [e.ToolRefused(call.key, error.text, error.code, is_own=error.is_own)]
    if answer.digest != digest(tool.name, arguments, desk.principal, tool.version):
        text = f"{tool.name} has changed since it was approved: the approval is void."
        return [e.ToolRefused(call.key, text, "void")]
    if expired:
        return [e.ToolRefused(call.key, f"The approval of {tool.name} has expired.", "expired")]
    if edited and (refused := _unfit(desk, call, tool, asked, arguments)):
        return refused
    ruling = permit.judge(desk.rights, tool.name, arguments)
    if ruling.decision == "refuse":
        return [_refused(call, ruling)]
    return [_start(desk, call, tool, arguments, edited=edited, rules=ruling.rules)]


def _unfit(desk: Desk, call: Call, tool: Tool, asked: str, arguments: str) -> list[e.Event]:
    """Return why a call is not made with what a person put in place of its arguments, if so.

    Guards judge them like the model's. By flow what a person typed is endorsed by them, so that
    only those are refused who may not read what was read here, and whom the call that they were
    asked about did not have: of those nobody has been told.
    """
    _, said = judge(desk.guards, "call", f"{tool.name} {arguments}", call.key)
    verdict = strictest(said)
    if verdict and verdict.decision in {"block", "redact"}:
        return [*said, e.ToolRefused(call.key, f"Not made: {verdict.reason}.", "guard")]
    flow = _flow(replace(desk, question=_typed(desk, tool)), tool, arguments)
    if flow and flow.decision != "allow" and _tells_others(tool, asked, arguments):
        return [*said, e.ToolRefused(call.key, flow.advice, "flow", flow.kept)]
    return []


def _tells_others(tool: Tool, asked: str, arguments: str) -> bool:
    """Whether a call tells somebody, or everybody, whom the one that was asked about did not."""
    before, now = (
        {str(each) for each in recipients(tool.flow, msgspec.json.decode(call))}
        for call in (asked, arguments)
    )
    return not now <= before or bool(before) != bool(now)


def _typed(desk: Desk, tool: Tool) -> Question:
    """Return what a call is judged by that a person has made themselves: it is planned."""
    plan = Plan((Planned(tool.name, unknown=frozenset(tool.flow.critical)),))
    return replace(_known(desk), plan=plan, spent=())


def _start(
    desk: Desk,
    call: Call,
    tool: Tool,
    arguments: str,
    *,
    edited: bool = False,
    rules: tuple[str, ...] = (),
) -> e.ToolStarted:
    """Begin a call with these arguments, as the tool reads them."""
    key = effect_key(desk.session.id, desk.session.born, call.key)
    started = e.ToolStarted(call.key, tool.name, call.attempt + 1, key, tool.version)
    if rules:
        started = replace(started, rules=rules)
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
    ruling = permit.judge(desk.rights, tool.name, call.arguments)
    approved = call.answer is not None and call.answer.approved
    if ruling.decision == "refuse" or (ruling.decision == "ask" and not approved):
        text = "The worker was lost during this call, and it may not be made again."
        return give_up(desk, call, text)
    edited = call.arguments != call.asked.arguments
    again = _start(desk, call, tool, call.arguments, edited=edited, rules=ruling.rules)
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
