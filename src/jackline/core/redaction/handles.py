"""Secrets are replaced before anything is written down, so that no journal has one."""

from collections.abc import Callable, Sequence
from functools import cache, partial

from jackline.core.redaction.kinds import SECRETS
from jackline.core.redaction.policy import Tokenised
from jackline.core.redaction.redactor import checked
from jackline.core.redaction.search import Search
from jackline.core.redaction.stream import Blank, Span, Stream, redacted, spans


def secrets_in(text: str) -> Sequence[Span]:
    """Return where the secrets of a text stand."""
    return spans(secrets_search(), text)


def handles(key: bytes) -> Callable[[str], Blank]:
    """Return what makes a handle of a secret of a kind. The key has 16 bytes or more."""
    return partial(Tokenised, key=checked(key), prefix="secret:")


def secrets_handled(text: str, key: bytes) -> str:
    """Return `text` with a handle for each secret, as `[secret:aws-key:3f9a2c…]`.

    The same secret has the same handle under the same key, and none can be turned back; what
    has handles is returned as it is. Use one key for each tenant or session, of 16 bytes or more.
    """
    return redacted(text, secrets_in(text), handles(key))


def secrets_stream(key: bytes) -> Stream:
    """Return what does the same to a text that comes in pieces."""
    return Stream(secrets_search(), handles(key))


@cache
def secrets_search() -> Search:
    """Return what finds secrets."""
    return Search(SECRETS)
