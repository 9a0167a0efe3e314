"""API keys: what programs show to say on whose behalf they come."""

from typing import Protocol, runtime_checkable

from jackline.core.access import Right
from jackline.core.value import Value


class ApiKey(Value, frozen=True):
    """All of a key that may be seen. `prefix` is how it begins, and names it.

    `scopes` narrow what its roles may do; None: they do not. A key holds from `made_at` until
    `expires_at` or `revoked_at`, in the database's time; the store says these.
    """

    prefix: str
    name: str
    tenant: str
    user: str
    roles: tuple[str, ...] = ()
    scopes: tuple[Right, ...] | None = None
    made_at: float = 0.0
    expires_at: float | None = None
    revoked_at: float | None = None


class KeyFound(Value, frozen=True):
    """A key, the SHA-256 of all of it, and the time at which it was looked up."""

    key: ApiKey
    digest: bytes
    at: float

    @property
    def lives_s(self) -> float | None:
        """For how long it holds, as far as one can say now. None: no end is set."""
        if self.key.revoked_at is not None:
            return 0.0
        return None if self.key.expires_at is None else max(0.0, self.key.expires_at - self.at)


class Keys(Protocol):
    """The keys of a store. Raises `StoreError` like a journal."""

    async def add(self, key: ApiKey, digest: bytes, lives_s: float | None) -> ApiKey:
        """Keep a key, and return it with its times. Raises `ConflictError` where one begins so."""
        ...

    async def exist(self) -> bool:
        """Whether a key was ever made, for whatever tenant: one that holds no longer counts."""
        ...

    async def find(self, prefix: str) -> KeyFound | None:
        """Return the key of any tenant, whether it holds or not."""
        ...

    async def listed(self, tenant: str) -> list[ApiKey]:
        """Return the tenant's keys, those that hold no longer too, latest first."""
        ...

    async def revoke(self, tenant: str, prefix: str) -> ApiKey:
        """End a key for good. Once more changes nothing. Raises `NotFoundError`."""
        ...


@runtime_checkable
class KeepsKeys(Protocol):
    """A store that keeps API keys, too."""

    @property
    def keys(self) -> Keys:
        """Those of the database."""
        ...
