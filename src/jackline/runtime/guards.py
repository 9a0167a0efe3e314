"""The gates at results and at the output: what a model reads, and what streams to a user."""

from collections.abc import Sequence

from jackline.core.events import (
    Event,
    GuardJudged,
    ToolFailed,
    ToolReconciled,
    ToolReturned,
    ToolUnknown,
)
from jackline.core.guards import Guard, Streaming, judge
from jackline.core.messages import Content, Text
from jackline.core.value import replace


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


class Gate:
    """Lets text through as it comes, as far as the guards at the output can tell.

    A guard that has to see `hold_back` characters more gets them first, one that needs none is
    shown all so far at each piece: how much of that it reads anew is its own affair. Once a guard
    objects nothing more goes out: the whole text is judged when it is complete. A guard that
    redacts streams does so with what the others let pass. So whatever the pieces are, what goes out
    is a beginning of what is judged.
    """

    def __init__(self, guards: Sequence[Guard]) -> None:
        there = [guard for guard in guards if "output" in guard.gates]
        self._streams = [guard.stream() for guard in there if isinstance(guard, Streaming)]
        watching = [guard for guard in there if not isinstance(guard, Streaming)]
        self._near = [guard for guard in watching if guard.hold_back]
        self._whole = [guard for guard in watching if guard.hold_back == 0]
        self._hold_back = max((guard.hold_back or 0 for guard in self._near), default=0)
        self._closed = any(guard.hold_back is None for guard in watching)
        self._sent = 0
        self._tail = ""
        self._said = ""

    def feed(self, delta: str) -> str:
        """Return what may go out now that `delta` has come."""
        if self._closed:
            return ""
        if self._whole:
            # Python lengthens a string where it lies as long as only one name has it: otherwise
            # each of a long reply's pieces would copy all that was said before.
            said, self._said = self._said, ""
            said += delta
            self._closed = bool(judge(self._whole, "output", said, "")[1])
            self._said = said
        window = self._tail + delta
        if self._near and not self._closed:
            self._closed = bool(judge(self._near, "output", window, "")[1])
        if self._closed:
            return ""
        ready = self._release(window, len(window) - self._hold_back)
        for stream in self._streams:
            ready = stream.feed(ready)
        return ready

    def finish(self) -> str:
        """Return what was held back, at the end of a text that no guard withholds."""
        if self._closed:
            return ""
        rest = self._release(self._tail, len(self._tail))
        for stream in self._streams:
            rest = stream.feed(rest) + stream.finish()
        return rest

    def _release(self, window: str, upto: int) -> str:
        """Pass what stands before `upto`, and keep as much before it as a guard looks back on."""
        ready = window[self._sent : max(upto, self._sent)]
        end = self._sent + len(ready)
        start = max(0, end - self._hold_back)
        self._tail, self._sent = window[start:], end - start
        return ready
