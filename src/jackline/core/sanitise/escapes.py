"""Control characters, and the escape sequences that they begin (ECMA-48, ISO 6429)."""

from collections.abc import Iterator

from jackline.core.patterns import Pattern
from jackline.core.sanitise.characters import CONTROLS, outline
from jackline.core.sanitise.reading import Edit

_ESCAPE, _CSI = "\x1b", "\x9b"
_STARTS = _ESCAPE + _CSI
_ENDS = "\x07\x9c"
_CONTROL = Pattern(f"[{CONTROLS.expression}]")


def escapes(text: str) -> Iterator[Edit]:
    """Return the removal of each escape sequence, and of each run of other control characters.

    What a control string holds (a window's title, a link's address) is what it `said`.
    """
    if _CONTROL.search(text) is None:
        return
    kinds = outline(text)
    at = kinds.find("c")
    while at >= 0:
        end, said = _sequence(text, kinds, at)
        if end:
            yield Edit(at, end, "", "escape", said)
        else:
            end = at + 1
            while kinds[end : end + 1] == "c" and text[end] not in _STARTS:
                end += 1
            yield Edit(at, end, "", "control")
        at = kinds.find("c", end)


def _sequence(text: str, kinds: str, at: int) -> tuple[int, str]:
    """Return where the sequence that begins here ends, and what it holds. 0: none begins here."""
    first, second = text[at], text[at + 1 : at + 2]
    if first == _CSI:
        # As UTF-8 that was taken for Latin-1 it is half of a letter: then no number follows.
        return (_final(text, at + 1, "@") if second.isdigit() else 0), ""
    if first != _ESCAPE:
        return 0, ""
    if second == "[":
        return _final(text, at + 2, "@") or at + 2, ""
    if second and second in "]PX^_":
        end, said = _string(text, kinds, at + 2)
        return end or at + 2, said
    return _final(text, at + 1, "0"), ""


def _final(text: str, at: int, lowest: str) -> int:
    """Return the end of a sequence: parameters, and then a character from `lowest` on. 0: none."""
    while at < len(text) and " " <= text[at] < lowest:
        at += 1
    return at + 1 if lowest <= text[at : at + 1] <= "~" else 0


def _string(text: str, kinds: str, at: int) -> tuple[int, str]:
    """Return the end of a control string, and what it holds; 0 where it does not end.

    It goes no further than to the next control of any kind: else a text full of beginnings would
    be read from each of them to its end.
    """
    end = kinds.find("c", at)
    if end < 0:
        return 0, ""
    if text[end] in _ENDS:
        return end + 1, text[at:end]
    if text[end : end + 2] == "\x1b\\":
        return end + 2, text[at:end]
    return 0, ""
