"""What a store's URL says, and what of it may be shown."""

import re

SQLITE = "sqlite:///"
_SECRETS = re.compile(r"(://[^:/@?#]*:)[^/?#]*(?=@)|(\bpassword=)[^&\s]*", re.IGNORECASE)


def is_postgres(url: str) -> bool:
    """Whether it names a Postgres database."""
    return url.startswith(("postgresql://", "postgres://"))


def without_secrets(url: str) -> str:
    """Return the URL with dots for passwords."""
    return _SECRETS.sub(lambda found: f"{found[1] or found[2]}…", url)
