"""The gates at results and at the output: what a model reads, and what streams to a user."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby

from jackline.core.events import (
    Event,
    GuardJudged,
    ToolFailed,
    ToolReconciled,
    ToolReturned,
    ToolUnknown,
)
from jackline.core.guards import Filter, Filtering, Guard, judge
from jackline.core.messages import Content, Text
from jackline.core.session import Session
from jackline.core.value import replace
from jackline.core.window import named_by


def judged(guards: Sequence[Guard], outcomes: Sequence[Event]) -> Sequence[Event]:
    """Return outcomes of tools as the model may read them, and then what the guards said."""
    watching = [guard for guard in guards if "result" in guard.gates]
    if not watching:
        return outcomes
    passed, said = list[Event](), list[GuardJudged]()
    for outcome in outcomes:
        match outcome:
            case ToolReturned(key=key, parts=parts):
                new, heard = _parts(watching, parts, key)
                allowed = () if heard else tuple([guard.name for guard in watching])
                passed.append(replace(outcome, parts=new, allowed=allowed))
                said += heard
            case (
                ToolFailed(key=key, text=text)
                | ToolUnknown(key=key, text=text)
                | ToolReconciled(key=key, text=text)
            ):
                text, heard = _text(watching, text, key)
                passed.append(replace(outcome, text=text))
                said += heard
            case _:
                passed.append(outcome)
    return [*passed, *said]


def _parts(
    guards: Sequence[Guard], parts: tuple[Content, ...], key: str
) -> tuple[tuple[Content, ...], Sequence[GuardJudged]]:
    text = "".join([part.text for part in parts if isinstance(part, Text)])
    passed, said = _text(guards, text, key)
    if passed == text:
        return parts, said
    return (Text(passed), *(part for part in parts if not isinstance(part, Text))), said


def _text(guards: Sequence[Guard], text: str, key: str) -> tuple[str, Sequence[GuardJudged]]:
    passed, said = judge(guards, "result", text, key)
    if not said:
        return text, said
    withheld = next((each for each in said if each.decision in {"ask", "block"}), None)
    return (f"[This result was withheld: {withheld.reason}.]" if withheld else passed), said


def naming(session: Session) -> Callable[[str], bool]:
    """Return what says of a URL whether the session's user or its developer has named it."""

    @cache
    def named() -> Callable[[str], bool]:
        from jackline.core.redaction import Named  # noqa: PLC0415 - heavy, and few replies have links

        return Named(named_by(session))

    def is_named(url: str) -> bool:
        return named()(url)

    return is_named


class Gate:
    """Lets text through as it comes, as far as the guards at the output can tell.

    They stand one behind another: each is shown what those before it let through, as `judge`
    does with the whole. So whatever the pieces are, what goes out is a beginning of what is
    judged, and all of it where no guard objects but such as filter. What is to pass `before`
    them all, they see what is left of.
    """

    def __init__(self, guards: Sequence[Guard], before: Filter | None = None) -> None:
        self._before = before
        watching = [guard for guard in guards if "output" in guard.gates]
        self._stages = [
            stage
            for filtering, group in groupby(watching, lambda guard: isinstance(guard, Filtering))
            for stage in (map(_Filtered, group) if filtering else [_Watched(list(group))])
        ]

    def feed(self, delta: str) -> str:
        """Return what may go out now that `delta` has come."""
        if self._before:
            delta = self._before.feed(delta)
        for stage in self._stages:
            delta = stage.feed(delta)
        return delta

    def finish(self) -> str:
        """Return what was held back, at the end of a text that every guard allows."""
        rest = self._before.finish() if self._before else ""
        for stage in self._stages:
            rest = stage.feed(rest) + stage.finish()
            if stage.closed:
                # What stands behind it has seen no end: what it holds back may yet change.
                return ""
        return rest


class _Filtered:
    """Lets through what a guard makes of a text; nothing more once that guard has failed."""

    def __init__(self, guard: Guard) -> None:
        self.closed = False
        self._guard = guard
        self._filter: Filter | None = None

    def feed(self, delta: str) -> str:
        """See `Gate.feed`."""
        return self._guarded(lambda passing: passing.feed(delta))

    def finish(self) -> str:
        """See `Gate.finish`."""
        return self._guarded(lambda passing: passing.finish())

    def _guarded(self, step: Callable[[Filter], str]) -> str:
        if self.closed:
            return ""
        try:
            if self._filter is None:
                assert isinstance(self._guard, Filtering)
                self._filter = self._guard.stream()
            return step(self._filter)
        except Exception:  # noqa: BLE001 - somebody's guard broke: `judge` blocks the whole then
            self.closed = True
            return ""


class _Watched:
    """Lets text through until a guard objects.

    A guard that has to see `hold_back` characters more gets them first, one that needs none is
    shown all so far at each piece: how much of that it reads anew is its own affair. Once a guard
    objects nothing more goes out: the whole text is judged when it is complete.
    """

    def __init__(self, guards: Sequence[Guard]) -> None:
        self._near = [guard for guard in guards if guard.hold_back]
        self._whole = [guard for guard in guards if guard.hold_back == 0]
        self._hold_back = max((guard.hold_back or 0 for guard in self._near), default=0)
        self.closed = any(guard.hold_back is None for guard in guards)
        self._sent = 0
        self._tail = ""
        self._said = ""

    def feed(self, delta: str) -> str:
        """See `Gate.feed`."""
        if self.closed:
            return ""
        if self._whole:
            # Python lengthens a string where it lies as long as only one name has it: otherwise
            # each of a long reply's pieces would copy all that was said before.
            said, self._said = self._said, ""
            said += delta
            self.closed = bool(judge(self._whole, "output", said, "")[1])
            self._said = said
        window = self._tail + delta
        if self._near and not self.closed:
            self.closed = bool(judge(self._near, "output", window, "")[1])
        if self.closed:
            return ""
        return self._release(window, len(window) - self._hold_back)

    def finish(self) -> str:
        """See `Gate.finish`."""
        return "" if self.closed else self._release(self._tail, len(self._tail))

    def _release(self, window: str, upto: int) -> str:
        """Pass what stands before `upto`, and keep as much before it as a guard looks back on."""
        ready = window[self._sent : max(upto, self._sent)]
        end = self._sent + len(ready)
        start = max(0, end - self._hold_back)
        self._tail, self._sent = window[start:], end - start
        return ready
