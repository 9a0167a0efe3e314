"""Where somebody goes on in a list: opaque, as it would say how many sessions others have."""

from base64 import urlsafe_b64encode
from hashlib import sha256

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from jackline.core.errors import InputError
from jackline.ports import EVERYONES


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
