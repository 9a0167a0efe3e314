"""Who asks: what a request says of itself, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jackline.core.access import Right
from jackline.core.errors import ForbiddenError, UnauthenticatedError
from jackline.core.user import User


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is known. `key` names what they have shown, for limits and logs."""

    user: User
    key: str

    def may(self, right: Right) -> bool:
        """Whether their roles give them the right, and what they have shown does not narrow it."""
        return self.user.may(right)

    def check(self, right: Right) -> None:
        """Raise `ForbiddenError` unless they may."""
        if not self.may(right):
            raise ForbiddenError(
                f"{self.user.id!r} lacks the right {right!r} here: it takes a role, and a key, "
                "that have it."
            )


class Identity(Protocol):
    """Tells who asks."""

    async def caller(self, credentials: str) -> Caller | None:
        """Return who shows this key or token. None: it is not of the kind that is known here.

        Raises `UnauthenticatedError` where it is, and does not hold.
        """
        ...


class Development:
    """Whoever comes is the developer, and may do everything. For loopback alone."""

    def __init__(self, user: User) -> None:
        roles = user.roles | {"admin"}
        self._caller = Caller(User(user.id, user.tenant, roles), "development")

    async def caller(self, credentials: str) -> Caller | None:  # noqa: ARG002 - whatever it is
        """See `Identity.caller`."""
        return self._caller


async def known_caller(identities: Sequence[Identity], authorization: str) -> Caller:
    """Return who shows an `Authorization` header. Raises `UnauthenticatedError`."""
    scheme, _, credentials = authorization.partition(" ")
    shown = credentials.strip() if scheme.lower() == "bearer" else ""
    for identity in identities:
        if caller := await identity.caller(shown):
            return caller
    if shown:
        raise UnauthenticatedError("This key or token is not known here.")
    raise UnauthenticatedError("Say who you are: Authorization: Bearer, and a key or a token.")
