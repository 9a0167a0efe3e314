"""What a name says of the value behind it: a secret, or something else of one."""

import json

import pytest
from tests.core.redaction.test_detectors import found

from jackline.core.redaction.assigned import secret_under
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


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r'{"password": "Winter\"2024!Tail99", "x": 1', r"Winter\"2024!Tail99"),
        (r'{"password": "ends\\", "x": "y"', r"ends\\"),
        (r"{'password': 'it\'s2024', 'x': 1", r"it\'s2024"),
        (r"{\"password\": \"Win\\\"ter2024\", \"x\": 1", r"Win\\\"ter2024"),
        (r"password='Winter2024\' x", "Winter2024"),
        ("PGPASSWORD=Winter2024!", "Winter2024!"),
        ("PGPASSWORD=Winter2024* x", "Winter2024*"),
        ("**password: Winter2024**", "Winter2024"),
        ("the password is Winter2024.", "Winter2024"),
        ("the password is Winter-2024![redacted:email]", "Winter-2024!"),
        ("password=2Winter2024(1)", "2Winter2024"),
        ("<DB_PASSWORD>Troubador-!</DB_PASSWORD>", "Troubador-!"),
        ("DB_PASS=Winter2024!", "Winter2024!"),
        ("{'pass': 'Winter2024!'}", "Winter2024!"),
        ("password: $ecret2024!", "$ecret2024!"),
        ("password: '$2b$12$abcdefghijklmnopqrstuv'", "$2b$12$abcdefghijklmnopqrstuv"),
        ("password: '/Winter2024!'", "/Winter2024!"),
        ("password: '%abc12X%'", "%abc12X%"),
        ("password: your_Ab12cd34", "your_Ab12cd34"),
    ],
)
def test_a_password_is_taken_whole(text: str, written: str) -> None:
    assert found(text, SECRETS_ONLY) == [("password", written)]


@pytest.mark.parametrize(
    "value",
    [
        "$DB_PASSWORD_2",
        "$password",
        "$env:DB_PW",
        "$this.config.pw2",
        "${PW:-none}",
        "$(cat /run/secrets/pw1)",
        "{{ .Values.password1 }}",
        "%DB_PASSWORD%",
        "your-256-bit-secret",
        "YOUR_API_KEY_HERE",
        "process.env.DB_PW2",
        "/run/secrets/db_password.v2",
        "~/.config/app-2/pw1",
        "https://vault.example/v1/Pw1",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db",
    ],
)
def test_where_a_secret_is_kept_is_none(value: str) -> None:
    for name in ("password", "api_key"):
        assert found(f'"{name}": "{value}"', SECRETS_ONLY) == []
        assert secret_under(name, value, quoted=True) is None


@pytest.mark.parametrize(
    "text",
    ["tests pass: 120of120", "BYPASS=Winter2024", "DB_PASS=20241231", "password = pw2.get1(x)"],
)
def test_what_passes_is_no_password(text: str) -> None:
    assert found(text, SECRETS_ONLY) == []


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("password", 'a"bCd1234!', "password"),
        ("password", "pass\nword12!X", "password"),
        ("DB_PASSWORD", "hunter2 " * 2, "password"),
        ("Contraseña", "hunter2", "password"),
        ("密码", "hunter2", "secret"),
        ("client_secret", '9f8a7b6c"5d4e3f2a1b0c', "secret"),
        ("pass", "Winter2024!", "password"),
        ("token", "aB3" * 400, "secret"),
        ("password", "Winter2024! " * 40, "password"),
        ("password", "To get in you need " * 40, None),
        ("boarding_pass", "XK12J4", None),
        ("pass", "12 of 14 passed", None),
        ("password_hint", "Winter2024!", None),
        ("the password of the lobby", "Winter2024!", None),
        ("text", "Winter2024!", None),
    ],
)
def test_a_whole_value_is_judged_by_its_name(name: str, value: str, kind: str | None) -> None:
    assert secret_under(name, value, quoted=True) == kind


@pytest.mark.parametrize(
    "text",
    [
        '{"pass": "test_login_v2"}',
        '{"pass":"2024-run-7"}',
        'FIRST_PASS = "phase-1a"',
        'VK_RENDER_PASS: "0x1a2b3c"',
        "BOARDING_PASS: LH1234",
        "TESTS_PASS: 120of120",
    ],
)
def test_what_passes_and_what_a_pass_is_called_are_no_passwords(text: str) -> None:
    assert found(text, SECRETS_ONLY) == []


@pytest.mark.parametrize("text", ['{"pass": "Winter2024!"}', "DB_PASS=Winter2024!"])
def test_what_looks_like_a_password_behind_pass_is_one(text: str) -> None:
    assert found(text, SECRETS_ONLY) == [("password", "Winter2024!")]
