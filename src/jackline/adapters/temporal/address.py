"""Where Temporal is, as a URL says it. Nothing of Temporal's own is imported here."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from jackline.adapters.urls import without_secrets
from jackline.core.errors import DefinitionError

_SCHEME = "temporal"
_PORT = 7233


@dataclass(frozen=True, slots=True)
class Address:
    """A server, and the namespace there that belongs to one database of jackline's."""

    host: str
    namespace: str


def parse(url: str) -> Address:
    """Return what `temporal://host:port/namespace` says. Raises `DefinitionError`."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError:
        raise _wrong(url) from None
    namespace = parts.path.removeprefix("/") or "default"
    strange = parts.query or parts.fragment or parts.username or "/" in namespace
    if parts.scheme != _SCHEME or not parts.hostname or strange:
        raise _wrong(url)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Address(f"{host}:{port}", namespace)


def _wrong(url: str) -> DefinitionError:
    shown = without_secrets(url)
    return DefinitionError(f"{shown!r} is no engine: write temporal://host:{_PORT}/namespace.")
