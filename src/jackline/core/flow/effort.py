"""How much may be looked at for one verdict, so that no call stops the event loop."""

_ALL_CHARS = 1 << 18
_EACH_CHARS = 16
_SKIMMED_CHARS = 128


class Effort:
    """What is left of it, in characters that are looked at one by one. Once spent it stays so.

    To skim a text for something costs little for each character, and anything costs a bit.
    """

    def __init__(self) -> None:
        self._left = _ALL_CHARS

    def spend(self, chars: int) -> bool:
        """Spend as much, and return whether there was as much left."""
        self._left -= chars
        return self._left >= 0

    def find(self, value: str, text: str, start: int = 0) -> int:
        """Return where a value stands in a text from there on, or -1, also once all is spent."""
        if self._left < 0:
            return -1
        found = text.find(value, start)
        end = found if found >= 0 else len(text)
        return found if self.spend(_EACH_CHARS + (end - start) // _SKIMMED_CHARS) else -1
