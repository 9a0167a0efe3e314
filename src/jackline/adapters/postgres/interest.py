"""Who follows which sessions: listeners of this process, and others as far as they have said."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jackline.adapters.postgres.news import Follow, line_of
from jackline.core.events import SessionId


class Interest:
    """What is followed here, and elsewhere.

    What others follow is over when they have not said it again in time. So nobody has to say that
    they have left, and who was killed is not written to for long.
    """

    def __init__(self) -> None:
        self._here = Counter[tuple[SessionId, bool]]()
        self._lines = Counter[int]()
        # Until when: in all that happens, and in that the session comes to rest.
        self._followed: dict[SessionId, float] = {}
        self._awaited: dict[SessionId, float] = {}

    def begin(self, session: SessionId, *, rest_only: bool) -> bool:
        """Remember a listener of this process. True where it is the first of its kind."""
        self._here[session, rest_only] += 1
        first = self._here[session, rest_only] == 1
        if first and not rest_only:
            self._lines[line_of(session)] += 1
        return first

    def end(self, session: SessionId, *, rest_only: bool) -> bool:
        """Forget a listener of this process. True where it was the last of its kind."""
        self._here[session, rest_only] -= 1
        if self._here[session, rest_only]:
            return False
        del self._here[session, rest_only]
        if not rest_only:
            line = line_of(session)
            self._lines[line] -= 1
            if not self._lines[line]:
                del self._lines[line]
        return True

    def here(self, *, afresh: bool) -> list[Follow]:
        """Return what to say to others of what is followed here."""
        return [Follow(session, rest_only, afresh) for session, rest_only in self._here]

    def is_followed_here(self, session: SessionId) -> bool:
        """Whether a listener of this process follows all that happens."""
        return (session, False) in self._here

    def followed_here(self, lines: Iterable[int]) -> Sequence[int]:
        """Return which of these lines may have to do with what is followed here."""
        return [line for line in lines if line in self._lines]

    def hear(self, follow: Follow, until: float) -> bool:
        """Take in what another process follows. True where that was not known."""
        group = self._awaited if follow.rest_only else self._followed
        known = follow.session in group
        group[follow.session] = until
        return not known

    def is_followed(self, session: SessionId) -> bool:
        """Whether another process follows all that happens."""
        return session in self._followed

    def is_elsewhere(self, session: SessionId, *, resting: bool) -> bool:
        """Whether another process wants to hear of this."""
        return session in self._followed or (resting and session in self._awaited)

    def expire(self, now: float) -> Sequence[SessionId]:
        """Drop what is over, and return what nobody elsewhere follows any more."""
        for session in _over(self._awaited, now):
            del self._awaited[session]
        over = _over(self._followed, now)
        for session in over:
            del self._followed[session]
        return over


def _over(group: Mapping[SessionId, float], now: float) -> Sequence[SessionId]:
    return [session for session, until in group.items() if until <= now]
