"""The guard that takes personal data and secrets out of what is said."""

from collections.abc import Sequence
from functools import lru_cache

from jackline.core.errors import DefinitionError
from jackline.core.events import Finding, Gate
from jackline.core.guards import ALLOW, NOBODY, Audience, Verdict
from jackline.core.redaction.phones import Dialable
from jackline.core.redaction.policy import Masked, Policy, Redacted, Tokenised
from jackline.core.redaction.search import Search
from jackline.core.redaction.stream import STEP, Blank, Stream, redacted, spans


class Redactor:
    """Redacts, masks or tokenises what it finds, at the gates where it stands.

    `policy` says what becomes of each kind: for `audience`, or for whom it is fitted to. `key`,
    at least 16 bytes, is what tokens are made with: keep one for each tenant, and nobody can tell
    from another's tokens whether the same data is behind them. `dialable` says of a text whether
    it is a phone number; without it the ways of writing decide.
    """

    name = "redactor"

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        key: bytes = b"",
        gates: Sequence[Gate] = ("output",),
        dialable: Dialable | None = None,
        audience: Audience = NOBODY,
    ) -> None:
        self._policy = policy or Policy()
        tokenises = any(rule.action == "tokenise" for rule in self._policy.rules)
        self._key = checked(key) if tokenises else key
        self.gates: frozenset[Gate] = frozenset(gates)
        self._dialable = dialable
        self._actions = self._policy.actions(audience.roles, audience.tenant)
        looked_for = {kind for kind, action in self._actions.items() if action != "allow"}
        self._search = Search(looked_for, dialable)
        self.hold_back = self._search.hold_back + STEP
        self._fitting = lru_cache(_FITTED_MAX)(self._fitted)

    def fit(self, audience: Audience) -> "Redactor":
        """Return what redacts for a user with these roles, in this tenant: one for all of them."""
        return self._fitting(audience.roles, audience.tenant)

    def _fitted(self, roles: frozenset[str], tenant: str) -> "Redactor":
        audience = Audience(tenant, roles)
        return Redactor(
            self._policy,
            key=self._key,
            gates=tuple(self.gates),
            dialable=self._dialable,
            audience=audience,
        )

    def judge(self, gate: Gate, text: str) -> Verdict:  # noqa: ARG002 - the same at every gate
        """See `Guard.judge`."""
        found = spans(self._search, text)
        if not found:
            return ALLOW
        kinds = ", ".join(sorted({span.kind for span in found}))
        findings = tuple([Finding(*span) for span in found])
        return Verdict(
            "redact", f"it contains {kinds}", findings, redacted(text, found, self._blank)
        )

    def redact(self, text: str) -> str:
        """Return `text` as it may be shown."""
        return redacted(text, spans(self._search, text), self._blank)

    def stream(self) -> Stream:
        """Return what redacts one text that comes in pieces, as `redact` does the whole."""
        return Stream(self._search, self._blank)

    def _blank(self, kind: str) -> Blank:
        match self._actions[kind]:
            case "tokenise":
                return Tokenised(kind, self._key)
            case "mask":
                return Masked(kind)
            case _:
                return Redacted(kind)


_KEY_MIN = 16
_FITTED_MAX = 256


def checked(key: bytes) -> bytes:
    """Return a key that is long enough. Raises `DefinitionError` for others."""
    if len(key) < _KEY_MIN:
        raise DefinitionError(f"A key of {len(key)} bytes can be guessed: give {_KEY_MIN} or more.")
    return key
