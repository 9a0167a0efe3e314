"""The keys with which a provider of identities signs (RFC 7517), fetched where they are needed.

Whoever asks with a key that is known does not wait for anybody. For one that is not known the
provider is asked at most every `RETRY_S`, once however many ask, and not for longer than
`ANSWER_S`; nothing that it answers is taken beyond `ANSWER_BYTES`, nor from where it redirects.
"""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar

import httpx2
import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from jackline.core.errors import DefinitionError, ProviderError
from jackline.ports import Clock

T = TypeVar("T")

RETRY_S = 5.0
ANSWER_S = 5.0
ANSWER_BYTES = 1 << 18
REFRESH_S = 300.0
BELIEVED_S = 3_600.0

_LOG = logging.getLogger("jackline")
_DISCOVERY = "/.well-known/openid-configuration"
_KEYS_MAX = 100
_OF_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_ALGORITHMS = frozenset((*_OF_RSA, "ES256", "ES384", "ES512", "EdDSA"))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the algorithms that it is for: no token has a say in that."""

    key: Any  # of a kind that `cryptography` has
    algorithms: Sequence[str]


class _Set(msgspec.Struct):
    keys: list[dict[str, Any]]


class _Found(msgspec.Struct):
    issuer: str
    jwks_uri: str


class SigningKeys:
    """The keys of one provider, by their ids."""

    def __init__(self, issuer: str, jwks_url: str, clock: Clock) -> None:
        self.fetched = 0
        self._issuer = issuer
        self._url = checked_url(jwks_url or issuer)
        self._discovers = not jwks_url
        self._clock = clock
        self._keys: Mapping[str, SigningKey] = {}
        self._fetched_at = self._tried_at = -math.inf
        self._lock = asyncio.Lock()

    async def key(self, id: str) -> SigningKey | None:  # noqa: A002 - it is one
        """Return the key of this id. Raises `ProviderError` where no key of the provider is known.

        Others of its keys are believed for `BELIEVED_S` though it does not answer.
        """
        busy = self._lock.locked() and id in self._known()
        if self._wants(id) and not busy:
            async with self._lock:
                if self._wants(id):
                    await self._refresh()
        known = self._known()
        if not known:
            raise ProviderError("The provider that signs tokens does not answer: try again.")
        return known.get(id)

    def _known(self) -> Mapping[str, SigningKey]:
        return self._keys if self._clock() < self._fetched_at + BELIEVED_S else {}

    def _wants(self, id: str) -> bool:  # noqa: A002 - it is one
        """Whether to ask: this key is not known, or all are old, and nobody has just asked."""
        now = self._clock()
        wanted = now >= self._fetched_at + REFRESH_S or id not in self._keys
        return wanted and now >= self._tried_at + RETRY_S

    async def _refresh(self) -> None:
        self.fetched += 1
        asked_at = self._clock()
        try:
            async with asyncio.timeout(ANSWER_S):
                self._keys = await self._asked()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ProviderError) as error:
            _LOG.warning("The keys of %s cannot be had: %r", self._issuer, error)
        else:
            self._fetched_at = asked_at
        finally:
            self._tried_at = self._clock()

    async def _asked(self) -> Mapping[str, SigningKey]:
        url = self._url
        async with httpx2.AsyncClient(trust_env=False, timeout=ANSWER_S) as client:
            if self._discovers:
                place = url.rstrip("/") + _DISCOVERY
                found = _parsed(await _got(client, place), _Found, place)
                if found.issuer != self._issuer:
                    raise ProviderError(f"{place} speaks for {found.issuer[:200]!r}.")
                url = _named(found.jwks_uri, self._url)
            keys = _parsed(await _got(client, url), _Set, url).keys
        return dict(_usable(keys[:_KEYS_MAX]))


async def _got(client: httpx2.AsyncClient, url: str) -> bytes:
    """Return what a URL answers, as it comes: unpacked it might be a thousand times as long."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    body = bytearray()
    async with client.stream("GET", url, headers=headers, follow_redirects=False) as answer:
        packed = answer.headers.get("content-encoding", "identity") != "identity"
        if not answer.is_success or packed:
            raise ProviderError(f"{url} answers {answer.status_code}, and nothing to be read.")
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > ANSWER_BYTES:
                raise ProviderError(f"{url} answers more than {ANSWER_BYTES:,} bytes.")
    return bytes(body)


def _parsed(body: bytes, kind: type[T], url: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProviderError(f"{url} answers something else: {error}.") from None


def _usable(found: Sequence[Mapping[str, Any]]) -> Sequence[tuple[str, SigningKey]]:
    """Return the keys that verify signatures, leaving out secret ones and those for other uses."""
    keys: list[tuple[str, SigningKey]] = []
    for each in found:
        if each.get("use", "sig") != "sig" or each.get("kty") == "oct" or "d" in each:
            continue
        try:
            made = PyJWK(dict(each))
        except (PyJWTError, ValueError, TypeError, KeyError):
            continue
        name = made.algorithm_name
        algorithms = _OF_RSA if each.get("kty") == "RSA" and "alg" not in each else (name,)
        if name in _ALGORITHMS:
            keys.append((str(each.get("kid", "")), SigningKey(made.key, algorithms)))
    return keys


def checked_url(url: str) -> str:
    """Return the URL. Raises `DefinitionError` unless it is https, or http of this machine."""
    parsed = _url(url)
    secure = parsed and parsed.scheme == "https" and parsed.host
    if parsed is None or not (secure or (parsed.scheme == "http" and _is_loopback(parsed.host))):
        raise DefinitionError(
            f"{url[:200]!r} is nowhere to take keys from: write https://, and a host."
        )
    return url


def _named(url: str, by: str) -> str:
    """Return a URL that another named: out of this machine none leads into it."""
    parsed, origin = _url(url), _url(by)
    here = origin is not None and _is_loopback(origin.host)
    if parsed is None or not (parsed.scheme == "https" or (here and _is_loopback(parsed.host))):
        raise ProviderError(f"{by} names {url[:200]!r}, which is not https.")
    return url


def _url(text: str) -> httpx2.URL | None:
    try:
        return httpx2.URL(text)
    except (httpx2.InvalidURL, TypeError):
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
