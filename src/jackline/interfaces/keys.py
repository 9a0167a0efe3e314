"""API keys: how they are made, and who shows one.

A key is `jl_`, 12 hexadecimal digits that name it together with that, `_`, 256 random bits, and
a seal that only the store can set. What was not made here is known by its seal: it costs no
question to the database, and leaves nothing in memory, however many of them come.
"""

import asyncio
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from weakref import WeakValueDictionary

from jackline.core.access import Table, expanded
from jackline.core.errors import UnauthenticatedError
from jackline.core.user import User
from jackline.interfaces.identity import Caller
from jackline.ports import ApiKey, Clock, Keys

FRESH_S = 3.0
"""For how long a key that was revoked may still be taken, by a process that knew it."""

_MARK = "jl_"
_FORM = re.compile(r"(jl_[0-9a-f]{12})_([A-Za-z0-9_-]{43})([0-9a-f]{16})")
_SEALED = b"an API key of jackline\0"
_NAME_BYTES, _SECRET_BYTES, _SEAL_DIGITS = 6, 32, 16
_KEPT_MAX = 10_000
_UNKNOWN = "This key is not known here."


@dataclass(frozen=True, slots=True, repr=False)
class NewKey:
    """A key, as it is once: afterwards only its hash is known."""

    prefix: str
    shown: str

    @property
    def digest(self) -> bytes:
        """What is kept of it."""
        return sha256(self.shown.encode()).digest()


def new_key(seals: bytes) -> NewKey:
    """Return a key that nobody has, sealed with what the store alone knows."""
    name = _MARK + secrets.token_hex(_NAME_BYTES)
    body = f"{name}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    return NewKey(name, body + _seal(body, seals))


@dataclass(frozen=True, slots=True)
class _Kept:
    caller: Caller | None
    until: float
    why: str = ""


class KeyIdentity:
    """Tells who shows an API key. What it has found is believed for `FRESH_S`, then asked again.

    `seals` gives the store's own secret: see `Archive.key`.
    """

    def __init__(
        self, keys: Keys, seals: Callable[[], Awaitable[bytes]], clock: Clock, table: Table
    ) -> None:
        self._keys = keys
        self._seals = seals
        self._clock = clock
        self._table = table
        self._kept: dict[bytes, _Kept] = {}
        self._asking: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def caller(self, credentials: str) -> Caller | None:
        """See `Identity.caller`."""
        if not credentials.startswith(_MARK):
            return None
        match = _FORM.fullmatch(credentials)
        body, seal = credentials[:-_SEAL_DIGITS], credentials[-_SEAL_DIGITS:]
        if not match or not hmac.compare_digest(_seal(body, await self._seals()), seal):
            raise UnauthenticatedError(_UNKNOWN)
        digest = sha256(credentials.encode()).digest()
        kept = self._fresh(digest) or await self._asked(match[1], digest)
        if kept.caller is None:
            raise UnauthenticatedError(kept.why)
        return kept.caller

    def _fresh(self, digest: bytes) -> _Kept | None:
        kept = self._kept.get(digest)
        return kept if kept and self._clock() < kept.until else None

    async def _asked(self, prefix: str, digest: bytes) -> _Kept:
        """Ask the store. Who shows the same key meanwhile waits for the same answer."""
        lock = self._asking.setdefault(digest, asyncio.Lock())
        async with lock:
            if kept := self._fresh(digest):
                return kept
            asked_at = self._clock()
            kept = await self._found(prefix, digest, asked_at)
            self._kept.pop(digest, None)
            if len(self._kept) >= _KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[digest] = kept
            return kept

    async def _found(self, prefix: str, digest: bytes, asked_at: float) -> _Kept:
        found = await self._keys.find(prefix)
        if found is None or not hmac.compare_digest(found.digest, digest):
            return _Kept(None, asked_at + FRESH_S, _UNKNOWN)
        lives_s = found.lives_s
        if lives_s == 0:
            why = "This key was revoked." if found.key.revoked_at else "This key has expired."
            return _Kept(None, asked_at + FRESH_S, why)
        believed_s = FRESH_S if lives_s is None else min(FRESH_S, lives_s)
        return _Kept(_caller(found.key, self._table), asked_at + believed_s)


def _caller(key: ApiKey, table: Table) -> Caller:
    return Caller(User(key.user, key.tenant, expanded(key.roles, table), key.scopes), key.prefix)


def _seal(body: str, seals: bytes) -> str:
    return hmac.digest(seals, _SEALED + body.encode(), "sha256").hex()[:_SEAL_DIGITS]
