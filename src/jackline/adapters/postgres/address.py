"""Where a database is, as its URL says, and how it is connected to."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jackline.core.errors import DefinitionError

_DIRECT = "direct"
# A host that is gone is noticed before its leases have been over for long.
_OPTIONS: dict[str, str | int | None] = {
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 4,
    "tcp_user_timeout": 12_000,
    "application_name": "jackline",
}


def options(url: str) -> str:
    """Return how to connect: as the URL says, and as we want it where that says nothing."""
    fields, _ = _read(url)
    return make_conninfo("", **{**_OPTIONS, **fields})


def direct_options(url: str) -> str:
    """Return how to connect past a pooler: to `direct=host:port`, where the URL says that.

    What listens needs a connection that stays its own, which a pooler in transaction mode has not.
    """
    fields, direct = _read(url)
    if direct:
        host, port = direct
        there = {"host": host, "port": port, "hostaddr": None}
        fields = {**fields, **there}
    given = {name: value for name, value in fields.items() if value is not None}
    return make_conninfo("", **{**_OPTIONS, **given})


def place(url: str) -> str:
    """Return where a database is, without the secrets that its URL may hold."""
    try:
        fields, _ = _read(url)
    except DefinitionError:
        return "the Postgres database"
    host = fields.get("host") or fields.get("hostaddr") or "the local host"
    return f"Postgres {fields.get('dbname') or fields.get('user') or 'database'!s} on {host}"


def _read(url: str) -> tuple[Mapping[str, str | int | None], tuple[str, int | None] | None]:
    """Return what the URL says for libpq, and what it says for us. Raises `DefinitionError`."""
    try:
        parts = urlsplit(url)
        said = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        ours = [value for name, value in said if name == _DIRECT]
        if not ours:
            return conninfo_to_dict(url), None
        theirs = urlencode([(name, value) for name, value in said if name != _DIRECT])
        return conninfo_to_dict(parts._replace(query=theirs).geturl()), _host_and_port(ours[-1])
    except (psycopg.Error, ValueError) as error:
        raise DefinitionError(
            "The store's URL is none of Postgres's: write postgresql://user@host/database, and "
            "?direct=host:port where a pooler stands before it."
        ) from error


def _host_and_port(text: str) -> tuple[str, int | None]:
    """Return what `host:port` says, or a host or a socket's folder alone. Raises `ValueError`."""
    if text.startswith("/"):
        return text, None
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.netloc != text or "@" in text:
        raise ValueError(text)
    return parts.hostname, parts.port
