"""Private keys in blocks, as PEM has them, which have no longest length."""

from collections.abc import Iterator

from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import BLANK, HYPHEN, Match, Sight

# The longest key that is in use, RSA with 16,384 bits, takes 12,700 characters.
BLOCK_MAX = 1 << 14
_WHAT = rf"(?:{BLANK}[A-Z0-9]{{1,12}}){{0,3}}{BLANK}PRIVATE{BLANK}KEY"


def _line(word: str, field: str) -> Pattern:
    """Return the pattern of a line of PEM, of SSH2, or of PuTTY's field at the same place."""
    pem = rf"{HYPHEN}{{5}}{word}{_WHAT}(?:{BLANK}BLOCK)?{HYPHEN}{{5}}"
    return Pattern(rf"{pem}|{HYPHEN}{{4}}{BLANK}{word}{_WHAT}{BLANK}{HYPHEN}{{4}}|{field}")


_BEGIN, _END = _line("BEGIN", "Private-Lines:"), _line("END", "Private-MAC:")
# What may be the first line of one when more has come.
_SPELT = r"[\-&%=\\][A-Za-z0-9+&%=#;\\\-]*"
BEGUN = rf"-{{4}} B?E?G?I?|{_SPELT}(?:[ \t]?BEGIN(?:[A-Z0-9 \t]|{_SPELT})*)?"


class Block:
    """The rest of a block: up to the line that ends it, or as much as a key can take."""

    reach = 256

    def close(self, plain: str, at: int, left: int) -> int:
        """See `Tail.close`."""
        found = _END.search(plain[at : at + left])
        if found:
            return at + found.end()
        return at + left if len(plain) - at >= left else -1


_BLOCK = Block()


def blocks(seen: Sight) -> Iterator[Match]:
    """Find where private keys begin (RFC 7468, RFC 4716, RFC 9580, OpenSSH, PuTTY)."""
    if "PRIVATE" in seen.plain or "Private-" in seen.plain:
        for found in _BEGIN.finditer(seen.plain):
            yield Match(found.start(), found.end(), "private-key", _BLOCK)
