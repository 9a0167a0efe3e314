"""What a name says of the value behind it: a secret, or something else of one."""

import json

import pytest
from tests.core.redaction.test_detectors import found

from jackline.core.redaction.kinds import SECRETS
from jackline.core.redaction.search import Search

SECRETS_ONLY = Search(SECRETS)
OF_OTHER_THINGS: dict[str, object] = {
    "password_reset_at": "2024-05-06T12:30:00Z",
    "passwordLastChanged": "Mon, 06 May 2024 12:30:00 GMT",
    "token_expires_at": "2024-05-06T12:30:00.123+02:00",
    "secretRotation": "2024-05-06 12:30:45",
    "new_secret": "2024-05-06T12:30:00Z",
    "passwordExpires": 1714998600,
    "password_attempts": 12345,
    "badPasswordCount": 12345,
    "pwdLastSet": "133595022000000000",
    "passwordMinLength": 1024,
    "password_policy": "Aa1!-2024",
    "PASSWORD_HINT": "the dog of 2019",
    "private_key_id": "0a1b" * 10,
    "api_key_id": "key_01HZX4abcd9",
    "secretRef": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbC123",
    "db_secret": "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:prod/db-AbC123",
    "password": "string",
    "old_password": "required",
    "password_was_set": "2024-05-06",
}


@pytest.mark.parametrize("name", OF_OTHER_THINGS)
def test_what_says_something_else_of_a_secret_is_none(name: str) -> None:
    value = OF_OTHER_THINGS[name]
    for text in (
        json.dumps({name: value}),
        f"{name}: {value}\n",
        f"{name}={value}",
        f"<{name}>{value}</{name}>",
        f"{name}:\n  {value}\n",
    ):
        assert found(text, SECRETS_ONLY) == []


@pytest.mark.parametrize(
    "name",
    ["password", "db_password_prod", "PASSWORD2", "passwordConfirm", "password_hash", "passwords"],
)
def test_no_other_word_behind_its_name_makes_less_of_a_password(name: str) -> None:
    for text in (f'{{"{name}": "Winter2024x"}}', f"{name}=Winter2024x", f"{name}: Winter2024x"):
        assert found(text, SECRETS_ONLY) == [("password", "Winter2024x")]
    assert found("arn:x:password:Winter2024x", SECRETS_ONLY) == [("password", "Winter2024x")]
