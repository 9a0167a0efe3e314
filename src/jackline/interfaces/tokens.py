"""Tokens of a provider of identities: JSON Web Tokens (RFC 7519), as RFC 8725 says to take them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import jwt
import msgspec
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from jackline.core.access import Table, expanded
from jackline.core.errors import DefinitionError, InputError, UnauthenticatedError
from jackline.core.user import User
from jackline.interfaces.identity import Caller
from jackline.interfaces.jwks import SigningKeys
from jackline.ports import Clock

LEEWAY_S = 30
"""By how much the provider's clock and ours may differ."""

_TOKEN_CHARACTERS = 16_384
_ROLES_MAX = 100
_Roles = list[Annotated[str, msgspec.Meta(max_length=200)]]
_POINTS = 2


@dataclass(frozen=True, slots=True)
class Provider:
    """Who signs tokens, for whom they are, and which of their claims say who comes.

    Without `jwks_url` the issuer is asked where its keys are (OpenID Connect Discovery 1.0). A
    claim may stand within another: `realm_access.roles`. Without a tenant's claim all are of
    `tenant`.
    """

    issuer: str
    audience: str
    jwks_url: str = ""
    tenant_claim: str = "tenant"
    user_claim: str = "sub"
    role_claim: str = "roles"
    tenant: str = "default"

    def __post_init__(self) -> None:
        """Refuse a provider whose tokens for somebody else would be taken, too."""
        if not self.audience:
            raise DefinitionError(
                f"Tokens of {self.issuer} are for many: say oidc_audience, and which are for here."
            )
        if not self.user_claim:
            raise DefinitionError("Say which claim of a token names the user: oidc_user_claim.")


class TokenIdentity:
    """Tells who shows a token that the provider has signed."""

    def __init__(self, provider: Provider, clock: Clock, table: Table) -> None:
        self.keys = SigningKeys(provider.issuer, provider.jwks_url, clock)
        self._provider = provider
        self._table = table

    async def caller(self, credentials: str) -> Caller | None:
        """See `Identity.caller`. Raises `ProviderError` where nobody can say who signs."""
        if credentials.count(".") != _POINTS:
            return None
        if len(credentials) > _TOKEN_CHARACTERS or not credentials.isascii():
            raise UnauthenticatedError(f"A token has at most {_TOKEN_CHARACTERS:,} letters.")
        claims = await self._claims(credentials)
        user = self._user(claims)
        return Caller(user, f"token:{user.tenant}/{user.id}")

    async def _claims(self, token: str) -> Mapping[str, Any]:
        try:
            named = jwt.get_unverified_header(token).get("kid", "")
            signing = await self.keys.key(named)
            if signing is None:
                raise UnauthenticatedError("Nobody whom we know has signed this token.")
            return jwt.decode(
                token,
                signing.key,
                list(signing.algorithms),
                {"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
                audience=self._provider.audience,
                issuer=self._provider.issuer,
                leeway=LEEWAY_S,
            )
        except ExpiredSignatureError:
            raise UnauthenticatedError("This token has expired.") from None
        except (PyJWTError, ValueError, OverflowError, TypeError, RecursionError) as error:
            kind = type(error).__name__
            raise UnauthenticatedError(f"This token does not hold: {kind}.") from None

    def _user(self, claims: Mapping[str, Any]) -> User:
        said = self._provider
        tenant = _name(claims, said.tenant_claim) if said.tenant_claim else said.tenant
        roles = expanded(_roles(claims, said.role_claim), self._table)
        try:
            return User(_name(claims, said.user_claim), tenant, roles)
        except InputError as error:
            raise UnauthenticatedError(f"This token's {error}") from None


def _claim(claims: Mapping[str, Any], name: str) -> Any:  # a claim is whatever the provider says
    """Return a claim, or what stands within it. None where there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    try:
        for step in name.split("."):
            found = found[step]
    except (KeyError, TypeError):
        return None
    return found


def _name(claims: Mapping[str, Any], claim: str) -> str:
    found = _claim(claims, claim)
    if not isinstance(found, str):
        raise UnauthenticatedError(f"This token does not say who comes: it lacks {claim!r}.")
    return found


def _roles(claims: Mapping[str, Any], claim: str) -> list[str]:
    """Return the roles: a list, or words of one text. None named is no role."""
    found = _claim(claims, claim)
    try:
        named = found.split() if isinstance(found, str) else msgspec.convert(found or [], _Roles)
    except msgspec.ValidationError:
        named = None
    if named is None or len(named) > _ROLES_MAX:
        raise UnauthenticatedError(f"This token's {claim!r} is no list of at most 100 roles.")
    return named
