"""Secrets are replaced before anything is written down, so that no journal has one."""

from functools import cache, partial

from jackline.core.redaction.kinds import SECRETS
from jackline.core.redaction.policy import Tokenised
from jackline.core.redaction.redactor import checked
from jackline.core.redaction.search import Search
from jackline.core.redaction.stream import Stream, redacted, spans


def secrets_handled(text: str, key: bytes) -> str:
    """Return `text` with a handle for each secret, as `[secret:aws-key:3f9a2c…]`.

    The same secret has the same handle under the same key, and none can be turned back; what
    has handles is returned as it is. Use one key for each tenant or session, of 16 bytes or more.
    """
    return redacted(
        text, spans(_search(), text), partial(Tokenised, key=checked(key), prefix="secret:")
    )


def secrets_stream(key: bytes) -> Stream:
    """Return what does the same to a text that comes in pieces."""
    return Stream(_search(), partial(Tokenised, key=checked(key), prefix="secret:"))


@cache
def _search() -> Search:
    return Search(SECRETS)
