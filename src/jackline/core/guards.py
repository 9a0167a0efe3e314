"""Guards: what may pass each of the gates, and what a verdict means.

Four gates: `input` (user to agent), `result` (tool to model), `call` (model to tool) and
`output` (model to user). The strictest verdict wins, and a guard that fails counts as block
on `call` and `output`, as flag elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, cast, runtime_checkable

import msgspec

from jackline.core.errors import DefinitionError
from jackline.core.events import Decision, Finding, Gate, GuardJudged
from jackline.core.value import Value, replace

GATES: tuple[Gate, ...] = ("input", "result", "call", "output")
_STRICTNESS: tuple[Decision, ...] = ("allow", "flag", "redact", "ask", "block")


class Verdict(Value, frozen=True):
    """What a guard decides on a text, and why. `text` replaces it where it is to be redacted."""

    decision: Decision = "allow"
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    text: str | None = None


ALLOW = Verdict()


class Guard(Protocol):
    """Judges text at some gates. A call's text is its tool's name, a space and its arguments.

    `hold_back` is how many characters of a stream have to follow before earlier ones may go
    out, and how many before them it looks back on. 0: what follows changes nothing, and it is
    shown all that was said so far. None: the whole text has to be seen.
    """

    @property
    def name(self) -> str:
        """Names the guard in events."""
        ...

    @property
    def gates(self) -> frozenset[Gate]:
        """Where it stands."""
        ...

    @property
    def hold_back(self) -> int | None:
        """How much of a stream it needs to see."""
        ...

    def judge(self, gate: Gate, text: str) -> Verdict:
        """Return what may become of `text`."""
        ...


class Filter(Protocol):
    """Reads one text in pieces, and gives it on without what a guard takes out of it.

    Whatever the pieces are, what it gives is together what `judge` makes of the whole.
    """

    def feed(self, delta: str) -> str:
        """Return what may go on now that `delta` has come."""
        ...

    def finish(self) -> str:
        """Return what was held back, at the end of the text."""
        ...


@runtime_checkable
class Filtering(Guard, Protocol):
    """A guard that does not end a stream where it objects: the rest goes on without that.

    What it has given on it may be shown again, before a text that a client reads behind that.
    """

    def stream(self) -> Filter:
        """Return what reads one text, from its beginning."""
        ...


def _nowhere(url: str) -> bool:  # noqa: ARG001 - nothing is known of any
    return False


class Audience(Value, frozen=True, gc=True):
    """For whom is judged: a tenant's user with these roles.

    `named` says of a URL whether somebody has named it whom this user trusts.
    """

    tenant: str
    roles: frozenset[str] = frozenset()
    named: Callable[[str], bool] = _nowhere


NOBODY = Audience("")
"""Somebody without a role, in no tenant."""


class Fitting(Guard, Protocol):
    """A guard that does not judge for everybody alike."""

    def fit(self, audience: Audience) -> Guard:
        """Return what judges for them. It has the same name and stands at the same gates."""
        ...


def fitted(guards: Sequence[Guard], audience: Audience) -> Sequence[Guard]:
    """Return the guards as they judge for this audience. One that cannot say fails when asked."""
    return [_fitted(guard, audience) if hasattr(guard, "fit") else guard for guard in guards]


def _fitted(guard: Guard, audience: Audience) -> Guard:
    try:
        return cast("Fitting", guard).fit(audience)  # It has `fit`: the caller has looked.
    except Exception as error:  # noqa: BLE001 - somebody's guard broke: that is a verdict
        return _Unfit(guard, error)


class _Unfit:
    """Stands for a guard that could not say how it judges: to judge fails."""

    def __init__(self, guard: Guard, error: Exception) -> None:
        self.name = guard.name
        self.gates = guard.gates
        self.hold_back = None
        self._error = error

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        del gate, text
        raise self._error


class Unguarded:
    """Stands where a guard of the stack stood, and says why it does not: it judges nothing."""

    gates: frozenset[Gate] = frozenset()
    hold_back = 0

    def __init__(self, name: str, *, reason: str) -> None:
        if not isinstance(reason, str) or not reason.strip():  # pyright: ignore[reportUnnecessaryIsInstance] - users are not type-checked
            raise DefinitionError(
                f"Unguarded({name!r}) wants a reason that somebody else can judge: reason='…'."
            )
        self.name = name
        self.reason = reason

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        del gate, text
        return ALLOW


class Secrets:
    """Says that secrets become handles wherever a text is written down, and so at no one gate."""

    name = "secrets"
    gates: frozenset[Gate] = frozenset()
    hold_back = 0

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        del gate, text
        return ALLOW


def stacked(stack: Sequence[Guard], given: Sequence[Guard]) -> tuple[Guard, ...]:
    """Return the stack's guards and then those given, of which the first of a name replaces its.

    Raises `DefinitionError` where one is to be taken away that is not there.
    """
    guards = list(stack)
    places = {guard.name: place for place, guard in enumerate(stack)}
    for guard in given:
        place = places.pop(guard.name, None)
        if place is not None:
            guards[place] = guard
        elif isinstance(guard, Unguarded):
            known = ", ".join([each.name for each in stack])
            raise DefinitionError(
                f"Unguarded({guard.name!r}) takes nothing away: name each of {known} once."
            )
        else:
            guards.append(guard)
    return tuple(guards)


class MaximumSize:
    """Blocks input and calls that are too large, and cuts what is read or said."""

    name = "maximum_size"
    gates: frozenset[Gate] = frozenset(GATES)
    hold_back = 0

    def __init__(self, characters: int = 1 << 20) -> None:
        if characters < 1:
            raise DefinitionError(f"MaximumSize({characters}) lets nothing through: give more.")
        self.characters = characters

    def judge(self, gate: Gate, text: str) -> Verdict:
        """See `Guard.judge`."""
        if len(text) <= self.characters:
            return ALLOW
        reason = f"{len(text)} characters are more than the {self.characters} allowed here"
        findings = (Finding("too_large", self.characters, len(text)),)
        if gate in {"input", "call"}:
            return Verdict("block", reason, findings)
        return Verdict("redact", reason, findings, text[: self.characters])


class DenyList:
    """Blocks, or redacts, text that contains one of these words, whatever its case."""

    name = "deny_list"

    def __init__(
        self,
        words: Sequence[str],
        *,
        decision: Decision = "block",
        gates: Sequence[Gate] = GATES,
    ) -> None:
        if isinstance(words, str) or not any(words):
            raise DefinitionError("DenyList wants a list of words, as in ['secret'].")
        if decision not in _STRICTNESS[1:] or not set(gates) <= set(GATES):
            raise DefinitionError(
                f"DenyList knows the decisions {', '.join(_STRICTNESS[1:])} and the gates "
                f"{', '.join(GATES)}."
            )
        self.gates: frozenset[Gate] = frozenset(gates)
        self._words = tuple(dict.fromkeys(_lower(word) for word in words if word))
        self._decision: Decision = decision
        self.hold_back = max(map(len, self._words))

    def judge(self, gate: Gate, text: str) -> Verdict:  # noqa: ARG002 - the same at every gate
        """See `Guard.judge`."""
        lower = _lower(text)
        found = [word for word in self._words if word in lower]
        if not found:
            return ALLOW
        spans = _spans(lower, found)
        if len(lower) != len(text):
            spans = _original(text, spans)
        findings = tuple(Finding("deny_list", start, end) for start, end in spans)
        redacted = _cut(text, spans) if self._decision == "redact" else None
        return Verdict(self._decision, "it contains a denied word", findings, redacted)


def _lower(text: str) -> str:
    """Return text in lower case, whatever follows: a sigma at a word's end is one like others."""
    return text.lower().replace("\u03c2", "\u03c3")


def _spans(lower: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where the words stand, overlaps joined, in order."""
    found: list[tuple[int, int]] = []
    for word in words:
        at = lower.find(word)
        while at >= 0:
            found.append((at, at + len(word)))
            at = lower.find(word, at + 1)
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _original(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where spans of the lower-case text stand in `text`, which may be shorter."""
    at = [place for place, character in enumerate(text) for _ in character.lower()]
    return [(at[start], at[end - 1] + 1) for start, end in spans]


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    pieces, at = list[str](), 0
    for start, end in spans:
        pieces += text[at:start], "[redacted]"
        at = end
    return "".join([*pieces, text[at:]])


def judge(
    guards: Sequence[Guard], gate: Gate, text: str, subject: str
) -> tuple[str, tuple[GuardJudged, ...]]:
    """Return `text` as it may pass, and what the guards that did not allow it said.

    A redacted text goes on to the next guard, so that none sees what another has removed.
    """
    said: tuple[GuardJudged, ...] = ()
    for guard in guards:
        if gate not in guard.gates:
            continue
        try:
            if (verdict := guard.judge(gate, text)) is ALLOW:
                continue
            verdict = _checked(verdict)
        except Exception as error:  # noqa: BLE001 - somebody's guard broke: that is a verdict
            decision: Decision = "block" if gate in {"call", "output"} else "flag"
            verdict = Verdict(decision, f"the guard failed: {type(error).__name__}")
        if verdict.decision == "allow":
            continue
        judged = GuardJudged(gate, guard.name, verdict.decision, subject, verdict.findings)
        said += (replace(judged, reason=verdict.reason),)
        if verdict.decision == "redact":
            text = verdict.text or ""
    return text, said


def _checked(verdict: Verdict) -> Verdict:
    """Return a verdict as a journal can hold it. Raises where it is none."""
    return _DECODER.decode(_ENCODER.encode(verdict))


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Verdict)


def strictest(said: Sequence[GuardJudged]) -> GuardJudged | None:
    """Return the verdict that wins. None: all allow."""
    return max(said, key=lambda judged: _STRICTNESS.index(judged.decision), default=None)
