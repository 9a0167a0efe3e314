"""The classifier that comes with the package: a guard that says where a text instructs the model.

Nothing is fetched, and nothing is loaded before the first text is judged.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files

from jackline.core.detection.linear import CHARACTERS_MAX, Linear
from jackline.core.errors import DefinitionError
from jackline.core.events import Decision, Finding, Gate
from jackline.core.guards import ALLOW, Verdict

WEIGHTS = "weights.bin"
_DECISIONS: tuple[Decision, ...] = ("flag", "ask", "block")
_GATES: tuple[Gate, ...] = ("input", "result")


@cache
def shipped() -> Linear:
    """Return the head that comes with the package, read once in a process."""
    return Linear.of((files("jackline.core.detection") / WEIGHTS).read_bytes())


def _no_views(text: str) -> Sequence[str]:  # noqa: ARG001 - a text has none unless told
    return ()


class Classifier:
    """Flags texts that read as if they instructed the model, with how likely and where.

    `threshold` is the probability from which on it does; without one it is that of the weights,
    which one benign text in a hundred reaches (docs/detector.md). `views` are other readings of a
    text, decoded or unfolded, which are judged like it: the likeliest counts. A text that is too
    long to be read whole is flagged for that.
    """

    name = "classifier"
    hold_back = 0

    def __init__(
        self,
        *,
        decision: Decision = "flag",
        threshold: float | None = None,
        gates: Sequence[Gate] = _GATES,
        views: Callable[[str], Iterable[str]] = _no_views,
    ) -> None:
        if decision not in _DECISIONS or not set(gates) <= set(_GATES):
            raise DefinitionError(
                f"Classifier knows the decisions {', '.join(_DECISIONS)} and the gates "
                f"{', '.join(_GATES)}."
            )
        if threshold is not None and not 0 < threshold <= 1:
            raise DefinitionError(
                f"Classifier(threshold={threshold}) is no probability: give one above 0, up to 1."
            )
        self.gates: frozenset[Gate] = frozenset(gates)
        self._decision: Decision = decision
        self._threshold = threshold
        self._views = views

    def judge(self, gate: Gate, text: str) -> Verdict:  # noqa: ARG002 - the same at both gates
        """See `Guard.judge`."""
        head = shipped()
        score = head.score(text)
        whole = score.whole
        for view in self._views(text):
            other = head.score(view)
            whole = whole and other.whole
            if other.probability > score.probability:
                # Where in a view says nothing of where in the text.
                score = other._replace(start=0, end=len(text))
        threshold = head.scale.threshold if self._threshold is None else self._threshold
        if score.probability >= threshold:
            reason = f"it reads like an instruction to the model (p = {score.probability:.3f})"
            findings = (Finding("injection", score.start, score.end),)
            return Verdict(self._decision, reason, findings)
        if not whole:
            findings = (Finding("unread", min(CHARACTERS_MAX, len(text)), len(text)),)
            return Verdict("flag", "it is too long to be read whole", findings)
        return ALLOW
