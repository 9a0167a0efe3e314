"""The guard that takes personal data and secrets out of what is said."""

from collections.abc import Sequence
from functools import lru_cache

from jackline.core.errors import DefinitionError
from jackline.core.events import Finding, Gate
from jackline.core.guards import ALLOW, NOBODY, Audience, Verdict
from jackline.core.redaction.phones import Dialable
from jackline.core.redaction.policy import Action, Masked, Policy, Redacted, Tokenised
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
        self.search = Search(looked_for, dialable)
        self.hold_back = self.search.hold_back + STEP
        self._fitting = lru_cache(_FITTED_MAX)(self._fitted)
        self._alike = dict[tuple[Action, ...], Redactor]()

    def fit(self, audience: Audience) -> "Redactor":
        """Return what redacts for a user with these roles, in this tenant.

        It is one for all for whom the policy says the same.
        """
        return self._fitting(audience.roles, audience.tenant)

    def _fitted(self, roles: frozenset[str], tenant: str) -> "Redactor":
        alike = tuple(self._policy.actions(roles, tenant).values())
        if alike not in self._alike:
            self._alike[alike] = Redactor(
                self._policy,
                key=self._key,
                gates=tuple(self.gates),
                dialable=self._dialable,
                audience=Audience(tenant, roles),
            )
        return self._alike[alike]

    def judge(self, gate: Gate, text: str) -> Verdict:  # noqa: ARG002 - the same at every gate
        """See `Guard.judge`."""
        found = spans(self.search, text)
        if not found:
            return ALLOW
        kinds = ", ".join(sorted({span.kind for span in found}))
        findings = tuple([Finding(*span) for span in found])
        return Verdict(
            "redact", f"it contains {kinds}", findings, redacted(text, found, self.blank)
        )

    def redact(self, text: str) -> str:
        """Return `text` as it may be shown."""
        return redacted(text, spans(self.search, text), self.blank)

    def stream(self) -> Stream:
        """Return what redacts one text that comes in pieces, as `redact` does the whole."""
        return Stream(self.search, self.blank)

    def blank(self, kind: str) -> Blank:
        """Return what stands for something of a kind."""
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
