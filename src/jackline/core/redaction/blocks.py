"""Private keys in blocks of PEM, which have no longest length."""

from collections.abc import Iterator

from jackline.core.patterns import Pattern
from jackline.core.redaction.sight import Match, Sight

# The longest key that is in use, RSA with 16,384 bits, takes 12,700 characters.
BLOCK_MAX = 1 << 14
_BEGIN = Pattern(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_END = Pattern(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")


class Block:
    """The rest of a block: up to the line that ends it, or as much as a key can take."""

    reach = 96

    def close(self, plain: str, at: int, left: int) -> int:
        """See `Tail.close`."""
        found = _END.search(plain[at : at + left])
        if found:
            return at + found.end()
        return at + left if len(plain) - at >= left else -1


_BLOCK = Block()


def blocks(seen: Sight) -> Iterator[Match]:
    """Find where private keys begin (RFC 7468, RFC 9580, and what OpenSSH writes)."""
    if "PRIVATE KEY" in seen.plain:
        for found in _BEGIN.finditer(seen.plain):
            yield Match(found.start(), found.end(), "private-key", _BLOCK)
