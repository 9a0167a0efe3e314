"""Typed answers: what is left of one is still JSON, and is blocked where it has the wrong type."""

from collections.abc import Sequence

from jackline.core.events import Gate, GuardJudged
from jackline.core.guards import ALLOW, Guard, Verdict, judge
from jackline.core.outputs import Invalid, Output, bare
from jackline.core.redaction.redactor import Redactor
from jackline.core.secrecy import Writing
from jackline.core.value import replace


def judged(
    guards: Sequence[Guard], typed: Output, text: str, subject: str
) -> tuple[str, tuple[GuardJudged, ...]]:
    """Return an answer as it may pass, and what the guards said: see `judge`.

    Redactors read it field by field. Where it was of its type, and is not without what was taken
    out of it, it is blocked: to ask the model for the same once more would only cost.
    """
    passed, said = judge([*map(_fieldwise, guards)], "output", text, subject)
    if passed == text or _is_wrong(typed, text) or not _is_wrong(typed, passed):
        return passed, said
    return passed, tuple([_blocking(each) for each in said])


def _is_wrong(typed: Output, text: str) -> bool:
    return isinstance(typed.check(text), Invalid)


def _blocking(said: GuardJudged) -> GuardJudged:
    if said.decision != "redact":
        return said
    reason = f"{said.reason}, and without that it does not match its JSON schema"
    return replace(said, decision="block", reason=reason)


def _fieldwise(guard: Guard) -> Guard:
    return _Fieldwise(guard) if isinstance(guard, Redactor) else guard


class _Fieldwise:
    """A redactor of JSON, which stays JSON: in the place of a number stands a text."""

    hold_back = None

    def __init__(self, redactor: Redactor) -> None:
        self.name = redactor.name
        self.gates = redactor.gates
        self._redactor = redactor
        self._writing = Writing(redactor.search, redactor.blank)

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        answer, writing = bare(text), self._writing
        start = text.index(answer)
        end = start + len(answer)
        passed = writing.text(text[:start]) + writing.json(answer) + writing.text(text[end:])
        if passed == text:
            return ALLOW
        verdict = self._redactor.judge(gate, text)
        if verdict is ALLOW:
            verdict = Verdict("redact", "one of its fields contains what may not be told")
        return replace(verdict, text=passed)
