"""What becomes of each kind of data, for whom."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b
from typing import Literal, get_args

from jackline.core.errors import DefinitionError
from jackline.core.redaction.kinds import ALL, KINDS, PII, SECRETS
from jackline.core.value import Value

Action = Literal["redact", "mask", "tokenise", "allow"]
_GROUPS = {"pii": PII, "secret": SECRETS, "*": ALL}


class Rule(Value, frozen=True):
    """What becomes of some kinds, for users with one of `roles` in one of `tenants`; empty: all.

    `kinds` are names of kinds, or `pii`, `secret` and `*` for all of a group.
    """

    action: Action
    kinds: tuple[str, ...] = ("*",)
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise DefinitionError(
                f"{self.action!r} is nothing to do with data: redact, mask, tokenise or allow it."
            )
        for name in self.kinds:
            if name not in KINDS and name not in _GROUPS:
                raise DefinitionError(
                    f"{name!r} is no kind of data: give {', '.join([*_GROUPS, *KINDS])}."
                )

    def fits(self, kind: str, roles: Collection[str], tenant: str) -> bool:
        """Whether it says what becomes of this kind for this user."""
        if kind not in self.kinds and not any(kind in _GROUPS.get(name, ()) for name in self.kinds):
            return False
        if self.tenants and tenant not in self.tenants:
            return False
        return not self.roles or not set(self.roles).isdisjoint(roles)


class Policy(Value, frozen=True):
    """Rules, of which the first that fits holds. What none fits is redacted."""

    rules: tuple[Rule, ...] = ()

    def actions(self, roles: Iterable[str] = (), tenant: str = "") -> Mapping[str, Action]:
        """Return what becomes of each kind for a user with these roles."""
        held = frozenset(roles)
        return {kind: self._action(kind, held, tenant) for kind in KINDS}

    def _action(self, kind: str, roles: Collection[str], tenant: str) -> Action:
        for rule in self.rules:
            if rule.fits(kind, roles, tenant):
                return rule.action
        return "redact"


DEFAULT = Policy((Rule("allow", ("email", "phone", "ip")),))
"""What every agent has: an answer that may not name the user's own address helps nobody."""

_DIGEST_BYTES = 8
_KEY_MAX = 64
_SHOWN_SIGNS = 4


class Redacted:
    """Shows of what kind it was."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def take(self, text: str) -> None:
        """See `Blank.take`."""

    def shown(self) -> str:
        """See `Blank.shown`."""
        return f"[redacted:{self._kind}]"


class Masked:
    """Shows an e-mail address's host, or the last four letters and digits of others.

    Of what is as short as that, and of secrets, nothing is shown.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._text = ""

    def take(self, text: str) -> None:
        """See `Blank.take`."""
        self._text += text

    def shown(self) -> str:
        """See `Blank.shown`."""
        if self._kind in SECRETS:
            return f"[redacted:{self._kind}]"
        if self._kind == "email":
            local, _, host = self._text.rpartition("@")
            return f"{local[0]}***@{host}"
        signs = [place for place, sign in enumerate(self._text) if sign.isalnum()]
        hidden = set(signs[:-_SHOWN_SIGNS])
        return "".join(["*" if place in hidden else sign for place, sign in enumerate(self._text)])


class Tokenised:
    """Shows a name that is the same wherever the same data stands, under one key."""

    def __init__(self, kind: str, key: bytes, prefix: str = "") -> None:
        self._begin = f"{prefix}{kind}"
        self._digest = blake2b(kind.encode(), digest_size=_DIGEST_BYTES, key=key[:_KEY_MAX])

    def take(self, text: str) -> None:
        """See `Blank.take`."""
        self._digest.update(text.encode("utf-8", "surrogatepass"))

    def shown(self) -> str:
        """See `Blank.shown`."""
        return f"[{self._begin}:{self._digest.hexdigest()}]"
