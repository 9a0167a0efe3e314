"""Who uses an agent."""

from collections.abc import Iterable
from dataclasses import dataclass

from jackline.core.access import Right, rights
from jackline.core.errors import InputError
from jackline.core.events import Principal

_NAME_MAX = 200


@dataclass(frozen=True, slots=True, init=False)
class User:
    """A person or a program on whose behalf turns run, within one tenant.

    `scopes` narrow what the roles may do: those of the key that was shown. None: they do not.
    """

    id: str
    tenant: str
    roles: frozenset[str]
    scopes: frozenset[Right] | None

    def __init__(
        self,
        id: str,  # noqa: A002 - it is one
        tenant: str = "default",
        roles: Iterable[str] = (),
        scopes: Iterable[Right] | None = None,
    ) -> None:
        for name in (id, tenant):
            if not name or len(name) > _NAME_MAX or not name.isprintable() or "/" in name:
                raise InputError(
                    f"{name[:40]!r} names nobody: 1 to {_NAME_MAX} printable characters, no slash."
                )
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "tenant", tenant)
        object.__setattr__(self, "roles", frozenset([roles] if isinstance(roles, str) else roles))
        object.__setattr__(self, "scopes", None if scopes is None else frozenset(scopes))

    def may(self, right: Right) -> bool:
        """Whether the roles give the right, and nothing narrows it away."""
        return right in rights(self.roles) and (self.scopes is None or right in self.scopes)

    @property
    def principal(self) -> Principal:
        """The user as events name it."""
        return Principal(self.id, self.roles)


def known(user: object) -> User:
    """Return the user. Raises `InputError` for anything else, such as a name."""
    if not isinstance(user, User):
        raise InputError(f"{user!r:.60} is no user: give User('ann').")
    return user
