"""What is found, and what only looks like it."""

# ruff: noqa: RUF001 - signs of other scripts that look like ours are meant

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import pytest
from tests.core.redaction.fragments import ESCAPES, JWT, PEM, SPELLINGS

from jackline.core.redaction.assigned import entropy
from jackline.core.redaction.checksums import ean, isbn, luhn, mod11_10, mod97, verhoeff
from jackline.core.redaction.kinds import ALL, KINDS
from jackline.core.redaction.phones import known_plans
from jackline.core.redaction.search import Search
from jackline.core.redaction.stream import spans

SEARCH = Search(ALL)


SURE = (
    ("aws-key", "AKIAIOSFODNN7EXAMPLE"),
    ("gcp-key", "AIza" + "aB3-" * 8 + "xyz"),
    ("azure-key", "abc8Q~" + "aB3~" * 8),
    ("github-token", "ghp_" + "a1B2" * 9),
    ("gitlab-token", "glpat-" + "a1B2" * 5),
    ("slack-token", "xoxb-1234567890-abcDEF"),
    ("npm-token", "npm_" + "a1B2" * 9),
    ("huggingface-token", "hf_" + "a1B2" * 9),
    ("digitalocean-token", "dop_v1_" + "0a1b" * 16),
    ("shopify-token", "shpat_" + "0a1b" * 8),
    ("openrouter-key", "sk-or-v1-" + "a1b2" * 16),
    ("groq-key", "gsk_" + "aB3d" * 13),
    ("xai-key", "xai-" + "aB3d" * 20),
    ("perplexity-key", "pplx-" + "aB3d" * 12),
    ("jwt", JWT),
)
KEYS_AND_TOKENS = (
    *SURE,
    ("slack-token", "xapp-1234567890-abcDEF"),
    ("stripe-key", "sk_live_" + "a1B2" * 6),
    ("anthropic-key", "sk-ant-api03-" + "a1B2" * 6),
    ("openai-key", "sk-proj-" + "a1B2" * 6),
    ("sendgrid-key", "SG." + "aB3d" * 5 + "ab." + "cD4e" * 10 + "abc"),
    ("twilio-key", "SK" + "0a1b" * 8),
    ("jwt", "eyJ" + "aB3_" * 9 + ".aB3_"),
)


def found(text: str, search: Search = SEARCH) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for kind, start, end in spans(search, text)]


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        *SURE,
        ("email", "ann@example.com"),
        ("email", "a.b+c_d%e@x-y.example.co.uk"),
        ("email", "josé@müller.de"),
        ("email", "ann@例子.中国"),
        ("email", "ann@почта.рф"),
        ("email", "ann@x.xn--p1ai"),
        ("email", "a@b.c.de"),
        ("ip", "10.0.0.1"),
        ("ip", "2001:db8::8a2e:370:7334"),
        ("ip", "2001:db8:0:0:0:0:0:1"),
        ("ip", "::1"),
        ("ip", "::ffff:192.0.2.1"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "gb82west12345698765432"),
        ("iban", "NO93-8601-1117-947"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5555555555554444"),
        ("card", "3782-822463-10005"),
        ("card", "6011000990139424"),
        ("card", "30569309025904"),
        ("card", "4222222222222"),
        ("us-ssn", "123-45-6789"),
        ("uk-nino", "AB123456C"),
        ("uk-nino", "AB 12 34 56 C"),
        ("de-tax-id", "86095742719"),
        ("de-tax-id", "86 095 742 719"),
        ("es-dni", "12345678Z"),
        ("es-dni", "12.345.678-Z"),
        ("es-dni", "X1234567L"),
        ("fr-nir", "1 84 12 76 451 089 46"),
        ("fr-nir", "184127645108946"),
        ("fr-nir", "1 84 12 2A 451 089 33"),
        ("fr-nir", "184122B45108960"),
        ("it-codice-fiscale", "RSSMRA85T10A562S"),
        ("br-cpf", "529.982.247-25"),
        ("pl-pesel", "44051401359"),
        ("se-personnummer", "811218-9876"),
        ("se-personnummer", "19811218-9876"),
        ("be-rijksregister", "85.07.30-033.28"),
        ("ch-ahv", "756.9217.0769.85"),
        ("cn-resident-id", "11010519491231002X"),
        ("tr-kimlik", "10000000146"),
        ("phone", "+49 170 1234567"),
        ("phone", "+44 (0)20 7946 0958"),
        ("phone", "0049 89 1234567"),
        ("phone", "(555) 234-5678"),
        ("phone", "01 23 45 67 89"),
        ("phone", "+599 9 123 4567"),
        ("private-key", PEM),
        (
            "private-key",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----",
        ),
        ("slack-token", "hooks.slack.com/services/T00000000/B00000000/abcDEF"),
        ("stripe-key", "sk_live_" + "a1B2" * 6),
        ("anthropic-key", "sk-ant-api03-" + "a1B2" * 6),
        ("openai-key", "sk-proj-" + "a1B2" * 6),
        ("openai-key", "sk-" + "0a1b" * 8),
        ("sendgrid-key", "SG." + "aB3d" * 5 + "ab." + "cD4e" * 10 + "abc"),
        ("twilio-key", "SK" + "0a1b" * 8),
        ("pypi-token", "pypi-AgEIcHlwaS5vcmc" + "a1B2" * 9),
        ("jackline-key", "jl_0a1b2c3d4e5f_" + "Ab-0_" * 8 + "xyz" + "0a1b" * 4),
        ("telegram-token", "123456789:AA" + "aB3_" * 8 + "x"),
    ],
)
def test_it_is_found_wherever_it_stands(kind: str, written: str) -> None:
    for text in (
        "{}",
        "It is {}, I think.",
        "({})",
        '"{}"',
        "这是{}。",
        "a\n{}\nb",
        "x={};",
        "\u2013 {} \u2013",
    ):
        assert found(text.format(written)) == [(kind, written)], text


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize(("kind", "written"), KEYS_AND_TOKENS)
def test_a_key_is_found_behind_whatever_writes_a_sign(kind: str, written: str, escape: str) -> None:
    for before in ("", "A=1", "a ", escape):
        assert (kind, written) in found(before + escape + written), before
    assert kind in {each for each, _ in found(repr({"env": f"A=1\n{written}\n"}))}
    assert kind in {each for each, _ in found(repr(f"A=1\t{written}".encode()))}


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_a_private_key_is_found_however_its_blanks_and_hyphens_are_written(
    spelt: Callable[[str], str],
) -> None:
    for block in (PEM, PEM.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK")):
        assert found(f"key={spelt(block)}&x=1") == [("private-key", spelt(block))]


@pytest.mark.parametrize(
    "block",
    [
        "---- BEGIN SSH2 PRIVATE KEY ----\nP2/56\n---- END SSH2 PRIVATE KEY ----",
        "Private-Lines: 1\nAAAAIDkq7xY2sEcrEt\nPrivate-MAC:",
    ],
)
def test_a_private_key_is_found_as_other_programs_write_it(block: str) -> None:
    assert found(f"a\n{block}\nb") == [("private-key", block)]


@pytest.mark.parametrize("begin", ["x", "Z9", "key"])
def test_a_beginning_that_no_word_holds_begins_a_key_within_one(begin: str) -> None:
    for kind, written in (*SURE, ("telegram-token", "2345678901:AA" + "aB3_" * 8 + "x")):
        assert (kind, written) in found(begin + written)


@pytest.mark.parametrize(
    ("text", "kind", "written"),
    [
        ("My SSN is 123456789.", "us-ssn", "123456789"),
        ("BSN 111222333", "nl-bsn", "111222333"),
        ("cpf: 52998224725", "br-cpf", "52998224725"),
        ("personnummer 8112189876", "se-personnummer", "8112189876"),
        ("aadhaar no 234123412346", "in-aadhaar", "234123412346"),
        ("Aadhaar: 2341 2341 2346", "in-aadhaar", "2341 2341 2346"),
        ("UID 2341-2341-2346", "in-aadhaar", "2341-2341-2346"),
        ("Card #4111111111111111", "card", "4111111111111111"),
        ("card id: 4111111111111111", "card", "4111111111111111"),
        ("customer 4111111111111111", "card", "4111111111111111"),
        ("DNI 12345678Z", "es-dni", "12345678Z"),
        ("call 5552345678", "phone", "5552345678"),
        ("телефон: 5552345678", "phone", "5552345678"),
        ("(030 12345678)", "phone", "030 12345678"),
        ("我的是13845678901。", "phone", "13845678901"),
        ("Это 84955551234", "phone", "84955551234"),
        ("Call 415-234-5678 ext. 12", "phone", "415-234-5678 ext. 12"),
        ("415-234-5678x12345 or so", "phone", "415-234-5678x12345"),
        ("IBAN GB66LTPU9190748337887", "iban", "GB66LTPU9190748337887"),
        ("tel. 030 123456 (24 h)", "phone", "030 123456"),
        ("password: hunter2", "password", "hunter2"),
        ("PASSWORD=Sesame", "password", "Sesame"),
        ("PASSWORD=hunter2", "password", "hunter2"),
        ("pwd=letmein", "password", "letmein"),
        ('"password": "open sesame"', "password", "open sesame"),
        ('{\\"password\\": \\"hunter2\\"}', "password", "hunter2"),
        ("password: 'cut2 off", "password", "cut2"),
        ('password: "a1b2\nc"', "password", "a1b2"),
        ("the password is hunter2.", "password", "hunter2"),
        ('the passphrase is "open sesame"', "password", "open sesame"),
        ("**Password:** hunter2", "password", "hunter2"),
        ("password: 123456", "password", "123456"),
        ("contraseña: abc123", "password", "abc123"),
        ("пароль: щука42", "secret", "щука42"),
        ("密码是 abc12345", "secret", "abc12345"),
        ("api_key = 'A1b2C3d4E5f6'", "secret", "A1b2C3d4E5f6"),
        ("CLIENT_SECRET=q9w8-e7r6_t5y4.u3i2", "secret", "q9w8-e7r6_t5y4.u3i2"),
        ("token is A1b2C3d4", "secret", "A1b2C3d4"),
        ("Authorization: Bearer abcDEF1234567890xyz.", "bearer-token", "abcDEF1234567890xyz"),
        ("<a><db_password>x&amp;y1 z</db_password></a>", "password", "x&amp;y1 z"),
        ("<apiKey>aB3dEf6hIj9kLm2nOpQ</apiKey>", "secret", "aB3dEf6hIj9kLm2nOpQ"),
        ("<password>Tr0ub4dor", "password", "Tr0ub4dor"),
        ("mysql --password Tr0ub4dor&3x -h db", "password", "Tr0ub4dor&3x"),
        ("x --db-password 'open sesame'", "password", "open sesame"),
        ("x --api-key A1b2C3d4E5f6", "secret", "A1b2C3d4E5f6"),
        ("password:\n  Tr0ub4dor&3x\n", "password", "Tr0ub4dor&3x"),
        ("password: >-\r\n    Tr0ub4dor&3x\r\n", "password", "Tr0ub4dor&3x"),
        ("api_key: |\n  A1b2C3d4E5f6\n", "secret", "A1b2C3d4E5f6"),
        ("密码：abc12345。", "secret", "abc12345"),
        ("Authorization: Token aB3dEf6hIj9kLm2nOpQr", "bearer-token", "aB3dEf6hIj9kLm2nOpQr"),
        ("Authorization: token " + "0a1b" * 10, "bearer-token", "0a1b" * 10),
        ("password = Sesame2.open", "password", "Sesame2.open"),
        (r"A=1\nBearer abcDEF1234567890xyz", "bearer-token", "abcDEF1234567890xyz"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZDE=", "bearer-token", "dXNlcjpwYXNzd29yZDE="),
        ("postgres://u:p@ss@h.example/x", "url-password", "p@ss"),
        ("https://ann:s3cr3t@localhost", "url-password", "s3cr3t"),
        ("IP fe80::1:2:3:4.", "ip", "fe80::1:2:3:4"),
        ("from 2001:db8:0:0:0:0:0:1:8080", "ip", "2001:db8:0:0:0:0:0:1"),
        ("node:fe80::1:2", "ip", "fe80::1:2"),
        ("ip:2001:db8::1:2", "ip", "2001:db8::1:2"),
        ("http://[::1]:80/", "ip", "::1"),
        ("host 10.0.0.1:", "ip", "10.0.0.1"),
        ("'ann@example.com'", "email", "ann@example.com"),
        ("ann@example.com谢谢", "email", "ann@example.com"),
        ("ann@x.рф12", "email", "ann@x.рф"),
        ("tel 55 (52345678", "phone", "55 (52345678"),
        ("+49 (170 1234567", "phone", "+49 (170 1234567"),
    ],
)
def test_it_is_found_behind_what_says_so(text: str, kind: str, written: str) -> None:
    assert (kind, written) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "@ann a@b x@y.1 @@ a@.com a@b..com a@-b.com ann@host .@x.de",
        "a@" + "b" * 64 + ".com",
        "4111 1111 1111 1112",
        "1234 5678 9012 3452",
        "0000 0000 0000 0000",
        "order 4111111111111111",
        "4006381333931",
        "x4111111111111111 4111111111111111x 1-4111111111111111 4111111111111111-2",
        "| Year | 2023 2024 2025 2026 | 2341 2341 2346 | 2009 2014 2019 2024",
        "SKU 123-45-6789, lot 123-45-6789, part no. 123-45-6789",
        "Kundennummer: 12345678Z, Konto 12345678 Z, customer id 12345678-Z",
        "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 123456789",
        "DE00 3704 0044 0532 0130 00",
        "DE89 3704 0044 0532 0130 00x",
        "DE89370400440532013000x XX89 3704 0044 0532 0130 00",
        "DE89  3704 0044 0532 0130 00",
        "DE89 3704",
        "BG123456A GB123456A AB123456E AB123456C1",
        "12345678A X1234567A RSSMRA85T10A562A 1 84 12 2A 451 089 34",
        "529.982.247-26 111.111.111-11 44051401358 44993101359 811218-9877 819918-9876",
        "2341 2341 2347 1341 2341 2346 85.07.30-033.29 756.9217.0769.86 11010519491231002Y",
        "12345678901 00000000000 184127645108947 111222333",
        "2024-05-06 06.05.2024 12:30:45 2024-05-06T12:30:45.123Z 20240506123045",
        "v1.2.3.4 version 1.2.3.4 1.2.3 1.2.3.4.5 256.1.1.1 lib-1.2.3.4 Chrome/120.0.0.0 1.2.3.4x",
        "section 4.2.1.3 1.2.3.4_a 01.02.03.04 " + "1." * 30,
        "std::vector a::b a[1::2] x[::1] 12:30:45 aa:bb:cc:dd:ee:ff 1::2x ::",
        "deadbeefdeadbeef::1x " + "1:" * 40 + " abcdefabcdg:1:2 cafecafecafecafe9g:1:2",
        "wxyzabcdefabcdef:fe80::1:2",
        "550e8400-e29b-41d4-a716-446655440000 d41d8cd98f00b204e9800998ecf8427e",
        "/orders/4111111111111111 ORD-4111111111111111 inv.4111111111111111",
        "?id=204111111111111111 0.4111111111111111 a-1-4111111111111111",
        "backup-20240507-1230.tar /logs/20240507-1230 log.240507-1230",
        "img-d41d8cd98f004111.js lib-1.2.41111111 x/550e8400-e29b-41d4-a716-446655440000",
        "EUR-1.234.567,89 USD,1,234,567.89 a,0.4111111111111111,2",
        "$1,234,567.89 1.234.567,89 € 978-3-16-148410-0 52.520008, 13.404954",
        "415-234-5678x1234567",
        "13845678901 84955551234 0306406152 0098476315377 rv:1.9.3.20 4922-3079-3134",
        "4711002233 1712345678 1712345678901 order #555-234-5678",
        "55 66 77 88 99 11 22 33 44 55 66 77 030 1234",
        "02134-1234 0123 45 +012345678 +1 555 23",
        "password: required password is wrong password: ${PW} password: **** password: <pw>",
        "password: string; password=password) password = getpass() password: a pwd: /home/ann",
        "max_tokens=4096 token: 12345678 token: abc secret: my-service-prod-2 api_key: str",
        "token: https://example.com/a1B2 tokens: short1 secret = os.environ['A1b2']",
        'token="" token: token: aaaa1111aaaa1111 key: A1b2C3d4',
        "bearer of bad news, Bearer short1, bearer abcdefghijklmnopqrstuvwxyz",
        "http://example.com:80/a@b http://a:b/c@d " + "http://" + "u" * 60 + ":pw@h",
        "sk-toggleable__control-and-more sk-learn AKIAshort AC SK 8Q~ :AA 12:AAb",
        "AKIAIOSFODNN7EXAMPLE7 SKabc ghp_short SG.short xghp_short Mac0a1b SLOVAKIA",
        "task_test_connection1 task-ant-colony-optimisation-2 maxapp-development1 ALGO" + "AC" * 20,
        "xSK" + "0a1b" * 8 + " risk-" + "aB3_" * 9 + " xeyJ" + "aB3_" * 9 + ".aB3_",
        "[task_live_" + "a1B2" * 6 + " a[ta" + "sk-" + "aB3_" * 9 + " %2task-" + "aB3_" * 9,
        "eyJhbGciOiJIUzI1NiJ9 eyJhbGciOiJIUzI1NiJ9.js x8Q~" + "a" * 40,
        "1234567:AA" + "aB3_" * 8 + "x abc8Q~" + "a" * 50,
        "密码：至少8位 パスワード：8文字以上 password: 至少12个字符 비밀번호: 8자이상",
        "api_key = settings.OPENAI_API_KEY_2 token = config.stripeToken2.value3",
        "password = settings.DB_PASSWORD_2 basic understanding2024Of things",
        "Basic Authentication2Scheme is old, Basic Authentication2.Sch.me too",
        "<password>abc</password> <token>none</token> x --password --token abc </password>x",
        "password:\n  minLength: 8\n  see: x password:\n  OpenAI says <password /> a <b>c",
        "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY----- a PRIVATE KEY",
        "[redacted:password] [password:3f9a2c3d4e5f6a7b] [secret:aws-key:3f9a2c3d4e5f6a7b]",
        "пароль неверный. 密码错误 пароль",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert found(text) == []


def test_of_two_at_one_place_the_longer_is_taken_and_of_two_the_leftmost() -> None:
    assert found("555-234-5678@example.com") == [("email", "555-234-5678@example.com")]
    assert found("https://u:ann@example.com") == [("email", "ann@example.com")]
    assert found("token=ghp_" + "a1B2" * 9)[0][0] == "github-token"
    assert found(f"token={JWT}")[0][0] == "jwt"


def test_only_what_is_asked_for_is_found() -> None:
    text = "ann@example.com 4111111111111111 AKIAIOSFODNN7EXAMPLE пароль: щука42"
    for kind in KINDS:
        assert {each for each, _ in found(text, Search({kind}))} <= {kind}
    assert found(text, Search({"card"})) == [("card", "4111111111111111")]
    assert found(text, Search(())) == []


def test_checksums_are_those_of_their_documents() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert ean("4006381333931")
    assert isbn("0306406152")
    assert not isbn("0306406153")
    assert mod97("3214282912345698765432161182") == 1
    assert mod11_10("86095742719")
    assert verhoeff("2363")
    assert not verhoeff("2364")
    assert entropy("aabb") == 1.0
    assert entropy("") == 0.0


class ParseError(Exception):
    pass


def test_phonenumbers_says_what_an_international_number_is_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def parse(text: str, region: object) -> str:
        assert region is None
        if text == "+4900":
            raise ParseError
        return text

    def is_valid_number(text: str) -> bool:
        return text == "+492079460958"

    library = SimpleNamespace(
        parse=parse, is_valid_number=is_valid_number, NumberParseException=ParseError, __spec__=1
    )
    monkeypatch.setitem(sys.modules, "phonenumbers", library)
    dialable = known_plans()
    assert dialable is not None
    assert not dialable("+4900")
    search = Search({"phone"}, dialable)
    assert found("+49 (0)20 7946 0958 or 0049 20 79460959", search) == [
        ("phone", "+49 (0)20 7946 0958")
    ]
    assert found("(555) 234-5678", search) == [("phone", "(555) 234-5678")]


def absent(name: str) -> ModuleSpec | None:
    assert name == "phonenumbers"
    return None


def test_without_it_the_ways_of_writing_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jackline.core.redaction.phones.find_spec", absent)
    assert known_plans() is None
