"""API keys in memory, and how a database writes them in its columns."""

import json
from collections.abc import Sequence
from typing import Any

from jackline.core.errors import ConflictError, NotFoundError
from jackline.core.value import replace
from jackline.ports import ApiKey, Clock, KeyFound

COLUMNS = (
    "prefix",
    "name",
    "tenant",
    "user",
    "roles",
    "scopes",
    "made_at",
    "expires_at",
    "revoked_at",
)


class MemoryKeys:
    """`Keys` that are gone with their process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[ApiKey, bytes]] = {}

    async def add(self, key: ApiKey, digest: bytes, lives_s: float | None) -> ApiKey:
        """See `Keys.add`."""
        if key.prefix in self._kept:
            raise taken(key.prefix)
        made = dated(key, self._clock(), lives_s)
        self._kept[key.prefix] = made, digest
        return made

    async def exist(self) -> bool:
        """See `Keys.exist`."""
        return bool(self._kept)

    async def find(self, prefix: str) -> KeyFound | None:
        """See `Keys.find`."""
        kept = self._kept.get(prefix)
        return KeyFound(*kept, self._clock()) if kept else None

    async def listed(self, tenant: str) -> list[ApiKey]:
        """See `Keys.listed`."""
        mine = [key for key, _ in self._kept.values() if key.tenant == tenant]
        return sorted(mine, key=lambda key: (-key.made_at, key.prefix))

    async def revoke(self, tenant: str, prefix: str) -> ApiKey:
        """See `Keys.revoke`."""
        key, digest = self._kept.get(prefix, (None, b""))
        if key is None or key.tenant != tenant:
            raise unknown(prefix)
        if key.revoked_at is None:
            key = replace(key, revoked_at=self._clock())
            self._kept[prefix] = key, digest
        return key


def dated(key: ApiKey, at: float, lives_s: float | None) -> ApiKey:
    """Return the key as made now."""
    expires_at = None if lives_s is None else at + lives_s
    return replace(key, made_at=at, expires_at=expires_at, revoked_at=None)


def written(key: ApiKey) -> tuple[object, ...]:
    """Return what stands in `COLUMNS`."""
    scopes = None if key.scopes is None else json.dumps(key.scopes)
    times = (key.made_at, key.expires_at, key.revoked_at)
    return (key.prefix, key.name, key.tenant, key.user, json.dumps(key.roles), scopes, *times)


def read(columns: Sequence[Any]) -> ApiKey:
    """Return the key of which this stands in `COLUMNS`."""
    prefix, name, tenant, user, roles, scopes, *times = columns
    narrowed = None if scopes is None else tuple(json.loads(scopes))
    made_at, expires_at, revoked_at = times
    held = tuple(json.loads(roles))
    return ApiKey(prefix, name, tenant, user, held, narrowed, made_at, expires_at, revoked_at)


def taken(prefix: str) -> ConflictError:
    """Return what is raised where a key begins so already."""
    return ConflictError(f"There is a key {prefix} already.")


def unknown(prefix: str) -> NotFoundError:
    """Return what is raised where a tenant has no such key."""
    return NotFoundError(
        f"There is no key {prefix[:40]!r}: `jackline keys list` shows which there are."
    )
