"""What the user wants done in the open turn, and what of it is done: a plan and its calls.

A plan may come when some of what it has is done already, and again when the user has typed more.
So each is charged with all calls that were made or asked about since the user began to speak of
it: what was wished for once is done once.
"""

from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from jackline.core import events as e
from jackline.core.flow import Plan, Planned, ToolFlow, plan_of, same
from jackline.core.flow.shapes import completed, is_set
from jackline.core.messages import ToolCall
from jackline.core.value import Value

_TAKEN_BACK = Planned("")  # No tool is called so: it keeps its place, and matches no call.


class Wishes:
    """The plan of the open turn, which of it is `spent`, and the calls that it is charged with."""

    def __init__(self, flows: Mapping[str, ToolFlow]) -> None:
        self.plan: Plan | None = None
        self.spent: set[int] = set()
        self._flows = flows
        self._planning = ""
        self._written: dict[str, ToolCall] = {}
        self._made: dict[str, _Made] = {}
        self._uses: dict[str, int] = {}
        self._unwanted: set[str] = set()

    def begin(self, *, anew: bool) -> None:
        """Begin a turn. What goes on with the last one is charged with what that has done."""
        self.end()
        if anew:
            self._made.clear()
            self._unwanted.clear()

    def end(self) -> None:
        """Let go of what was planned for a turn."""
        self.plan, self.spent, self._planning = None, set(), ""
        self._written.clear()
        self._uses.clear()

    def take_back(self) -> None:
        """Leave nothing of the plan: what was typed now may be that it is not to be done.

        A plan that is being made has not seen it, either. The next one has.
        """
        self._planning = ""
        self.reject(self._flows)
        self._unwanted.clear()

    def reject(self, tools: Iterable[str]) -> None:
        """Leave nothing planned for these tools until something is typed, now nor later."""
        self._unwanted.update(tools)
        self.plan = self.plan and self._wanted(self.plan)

    def expect(self, key: str) -> None:
        """Take it that the answer of this key is a plan of all that was typed so far."""
        self._planning = key

    def with_reply(self, event: e.ModelReplied) -> tuple[Plan | None, frozenset[int]]:
        """Return plan and what of it is spent, as they stand once this reply is taken in."""
        plan, uses = self._planned(event)
        return plan, frozenset(self.spent.union(uses.values()))

    def replied(self, event: e.ModelReplied) -> None:
        """Take in what a model said: a plan, or calls that it wants made."""
        self.plan, uses = self._planned(event)
        self._uses |= uses
        self.spent.update(uses.values())
        self._written |= event.keyed

    def _planned(self, event: e.ModelReplied) -> tuple[Plan | None, dict[str, int]]:
        """Return the plan, behind what was taken back of another, and what it is charged with."""
        plan = plan_of(event.text, self._flows) if event.key == self._planning else None
        if plan is None:
            return self.plan, {}
        plan, before = self._wanted(plan), self.plan.calls if self.plan else ()
        uses = {key: len(before) + at for key, at in self._charged(plan).items()}
        return Plan(before + plan.calls), uses

    def _wanted(self, plan: Plan) -> Plan:
        """Return the plan without what it has for tools of which a person rejected a call."""
        kept = [_TAKEN_BACK if each.tool in self._unwanted else each for each in plan.calls]
        return Plan(tuple(kept))

    def _charged(self, plan: Plan) -> dict[str, int]:
        """Return which entry each call that was made has used up.

        Whoever had read nothing untrusted did something that the user wants: it was the entry
        that is nearest, however it is written. Any other call was an entry that it fits.
        """
        uses = dict[str, int]()
        for key, made in self._made.items():
            left = [
                (_differences(planned, made), -len(planned.known), at)
                for at, planned in enumerate(plan.calls)
                if planned.tool == made.flow.name and at not in uses.values()
            ]
            if left and (made.is_clean or not min(left)[0]):
                uses[key] = min(left)[-1]
        return uses

    def make(self, event: e.ToolStarted | e.InputRequested, *, is_clean: bool) -> None:
        """Use up what was planned: what one call is made or asked for, no other is.

        `is_clean`: nothing untrusted had been read.
        """
        pins: Mapping[str, object] = {}
        if event.flow and (at := event.flow.planned) is not None:
            self._uses[event.key] = at
            self.spent.add(at)
            pins = self.plan.calls[at].known if self.plan and at < len(self.plan.calls) else {}
        flow, before = self._flows.get(event.name), self._made.get(event.key)
        if flow is None or not flow.effectful or (before and event.arguments is None):
            return
        written = self._written.get(event.key)
        text = event.arguments or (written.arguments if written else "")
        arguments = {**flow.defaults, **arguments_of(text), **pins}
        self._made[event.key] = _Made(flow, arguments, before.is_clean if before else is_clean)

    def undo(self, key: str) -> None:
        """Let what a call was planned for be done by another one: it has done nothing."""
        self._made.pop(key, None)
        if key in self._uses:
            self.spent.discard(self._uses.pop(key))


class _Made(Value, frozen=True, gc=True):
    """A call that was made or asked about, with what it was as far as that is known."""

    flow: ToolFlow
    arguments: Mapping[str, object]
    is_clean: bool


def arguments_of(text: str) -> dict[str, object]:
    """Return the arguments that a text says; none where it says none."""
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _differences(planned: Planned, made: _Made) -> int:
    """Return how many of the values that are planned a call did not have."""
    flow = made.flow
    had, pinned = completed(flow.schema, made.arguments), completed(flow.schema, planned.known)
    return sum(
        name not in had
        or not same(
            had[name],
            value,
            in_order=not is_set(flow.schema, name, is_said=name in flow.readers_from),
        )
        for name, value in pinned.items()
    )
