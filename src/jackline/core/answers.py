"""Typed answers: what is left of one is still JSON, and is blocked where it has the wrong type.

How one is written hides nothing: what counts is the value that is read from it, as JSON has it.
"""

from collections.abc import Callable, Sequence
from functools import partial

from jackline.core.events import Gate, GuardJudged
from jackline.core.fields import rewritten
from jackline.core.guards import ALLOW, Filtering, Guard, Verdict, judge
from jackline.core.outputs import Invalid, Output, bare
from jackline.core.redaction.redactor import Redactor
from jackline.core.secrecy import Writing
from jackline.core.value import replace


def kept(typed: Output, text: str, written: Callable[[str], str]) -> str:
    """Return an answer as it may be written down: as its value is, where that changes it."""
    checked = typed.check(text)
    if isinstance(checked, Invalid) or (value := written(checked)) == checked:
        return text
    return value


def judged(
    guards: Sequence[Guard], typed: Output, text: str, subject: str
) -> tuple[str, tuple[GuardJudged, ...]]:
    """Return an answer as it may pass, and what the guards said: see `judge`.

    They judge what is written, and the value that is read from it; those that filter, field by
    field. Where it was of its type, and is not without what was taken out of it, it is blocked:
    to ask the model for the same once more would only cost.
    """
    guards = [*map(_fieldwise, guards)]
    passed, said = judge(guards, "output", text, subject)
    checked = typed.check(text)
    if isinstance(checked, Invalid):
        return passed, said
    value, more = judge(guards, "output", checked, subject)
    heard = {each.guard for each in said}
    said += tuple([each for each in more if each.guard not in heard])
    for told in (passed, value):
        if typed.check(told) == value:
            return told, said
    return passed, tuple([_blocking(each) for each in said])


def _blocking(said: GuardJudged) -> GuardJudged:
    if said.decision != "redact":
        return said
    reason = f"{said.reason}, and without that it does not match its JSON schema"
    return replace(said, decision="block", reason=reason)


def _fieldwise(guard: Guard) -> Guard:
    if isinstance(guard, Redactor):
        return _Fieldwise(guard, Writing(guard.search, guard.blank).json)
    return _Fieldwise(guard, partial(_filtered, guard)) if isinstance(guard, Filtering) else guard


class _Fieldwise:
    """A guard that filters JSON, which stays JSON: in the place of a number stands a text."""

    hold_back = None

    def __init__(self, guard: Guard, filtered: Callable[[str], str]) -> None:
        self.name = guard.name
        self.gates = guard.gates
        self._guard = guard
        self._filtered = filtered

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        answer = bare(text)
        start = text.rindex(answer)
        pieces = text[:start], answer, text[start + len(answer) :]
        passed = "".join(map(self._filtered, pieces))
        verdict = self._guard.judge(gate, text)
        if verdict.decision in {"ask", "block"}:
            return verdict
        if passed == text:
            return ALLOW if verdict.decision == "redact" else verdict
        if verdict.decision != "redact":
            verdict = Verdict("redact", "one of its fields contains what may not be told")
        return replace(verdict, text=passed)


def _filtered(guard: Filtering, text: str) -> str:
    """Return what a guard that filters makes of each text in JSON, or of what is none."""

    def told(said: str) -> str:
        reading = guard.stream()
        return reading.feed(said) + reading.finish()

    def value(said: str | float, _: str) -> object:
        return told(said) if isinstance(said, str) else said

    found = rewritten(text, value, told)
    return told(text) if found is None else found
