"""The judge of an agent, ready to be asked, and what it has said of the texts that came last."""

from collections import OrderedDict

from jackline.core.admission import Toll
from jackline.core.breaker import Breaker
from jackline.core.budget import Terms
from jackline.core.detection.judge import Judgement
from jackline.core.judging import Judge
from jackline.core.session import Session
from jackline.core.value import Value
from jackline.ports import Model

_BREAKER = Breaker(failures=10)
_KEPT_MAX = 4_096
Whose = tuple[str, str]


class Judges:
    """A model that judges, and its latest verdicts, for each user of each tenant apart.

    What cannot be understood is not kept: it may be said better the next time.
    """

    def __init__(self, judge: Judge, model: Model, kept_max: int = _KEPT_MAX) -> None:
        self.model = model
        self.terms = model.terms
        self.typed = judge.typed
        self.timeout_s = judge.timeout_s
        self.toll = Toll(f"judge/{self.terms.model}", _BREAKER)
        self._kept: OrderedDict[tuple[Whose, str], Judgement] = OrderedDict()
        self._kept_max = kept_max

    def of(self, session: Session) -> "Opinion":
        """Return the judge of this session."""
        user = session.opened.user if session.opened else ""
        return Opinion(self, (session.id.tenant, user))

    def keep(self, whose: Whose, key: str, said: Judgement) -> None:
        """Remember what was said, and forget what was not asked for the longest."""
        if said.understood:
            self._kept[whose, key] = said
            self._kept.move_to_end((whose, key))
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)

    def known(self, whose: Whose, key: str) -> Judgement | None:
        """Return what was said of a text."""
        if (said := self._kept.get((whose, key))) is not None:
            self._kept.move_to_end((whose, key))
        return said


class Opinion(Value, frozen=True, gc=True):
    """What a judge is known to have said to one user."""

    judges: Judges
    whose: Whose

    @property
    def terms(self) -> Terms:
        """See `Judging`."""
        return self.judges.terms

    @property
    def typed(self) -> bool:
        """See `Judging`."""
        return self.judges.typed

    def known(self, key: str) -> Judgement | None:
        """See `Judging`."""
        return self.judges.known(self.whose, key)

    def keep(self, key: str, said: Judgement) -> None:
        """Remember it."""
        self.judges.keep(self.whose, key, said)
