"""Where somebody goes on in a list: opaque, as it would say how many sessions others have."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from jackline.core.errors import InputError
from jackline.core.value import replace
from jackline.interfaces.identity import Caller
from jackline.interfaces.service import Service
from jackline.ports import EVERYONES, Listing, SessionRow


async def page(
    service: Service, caller: Caller, wanted: Listing, cursor: str
) -> tuple[Sequence[SessionRow], str | None]:
    """Return the sessions after a cursor, and the one that goes on, if there are more."""
    key, tenant = await service.store.key(), caller.user.tenant
    one_more = replace(wanted, before=opened(key, tenant, cursor), limit=wanted.limit + 1)
    rows = await service.sessions.listed(caller.user, one_more)
    shown = rows[: wanted.limit]
    return shown, sealed(key, tenant, shown[-1].number) if len(rows) > len(shown) else None


def sealed(key: bytes, tenant: str, number: int) -> str:
    """Return the cursor that goes on after the session of this number, for this tenant."""
    return _fernet(key).encrypt(msgspec.json.encode((tenant, number))).decode()


def opened(key: bytes, tenant: str, cursor: str) -> int:
    """Return the number that a cursor goes on after. Raises `InputError` where it is not ours."""
    if not cursor:
        return EVERYONES.before
    try:
        whose, number = msgspec.json.decode(
            _fernet(key).decrypt(cursor.encode()), type=tuple[str, int]
        )
    except (InvalidToken, ValueError):
        whose, number = "", 0
    if whose != tenant:
        raise InputError("This cursor is none of this list: begin anew, without one.")
    return number


def _fernet(key: bytes) -> Fernet:
    return Fernet(urlsafe_b64encode(sha256(b"jackline cursor" + key).digest()))
