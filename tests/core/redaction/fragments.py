"""Texts made of pieces of everything that is looked for, whole, cut, and one beside another."""
# ruff: noqa: RUF001 - signs of other scripts that look like ours are meant

import random
from collections.abc import Callable

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nab+/==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
# How else the signs of a block may be written.
SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda block: block.replace(" ", "+").replace("\n", "%0A"),
    lambda block: block.replace(" ", "%20").replace("\n", "%0A"),
    lambda block: block.replace(" ", "%2520").replace("-", "%252D"),
    lambda block: block.replace(" ", "&nbsp;").replace("-", "&#45;"),
    lambda block: block.replace(" ", "&#x20;").replace("-", "&#x2d;"),
    lambda block: block.replace(" ", r"\u0020").replace("-", r"\u002d").replace("\n", r"\n"),
    lambda block: block.replace(" ", r"\x20").replace("-", r"\055"),
    lambda block: block.replace(" ", "=20").replace("-", "=2D"),
    lambda block: block.replace(" ", "\t"),
)
# Each ends as a word might.
ESCAPES = (
    r"\n",
    r"\t",
    r"\\n",
    r"\0",
    r"\033",
    r"\x3d",
    r"\u003d",
    r"\U0000003d",
    "%3D",
    "%20",
    "%253D",
    "%25252520",
    "=3D",
    "&#10",
    "&#x3D",
    "&nbsp",
    "\x1b[31m",
    "\x1b[0;38;5;196m",
    r"\x1b[1m",
)
WHOLE = (
    "ann.lee+x@mail.example.co.uk",
    "josé@müller.de",
    "o'neil@example.com",
    "a@b.рф",
    "4111 1111 1111 1111",
    "4111111111111111",
    "378282246310005",
    "3782-822463-10005",
    "Ann,4111111111111111,12/27",
    "17,123-45-6789,x",
    r"card\u003d4111111111111111",
    r"\x27378282246310005\x27",
    "card%204111 1111 1111 1111",
    "/cards/4111111111111111/12/27",
    "4111%201111%201111%201111",
    r"4111\u00201111\u00a01111\u00201111",
    "3782&nbsp;822463&#160;10005",
    r"a\nDE89 3704 0044 0532 0130 00",
    "%3D1 84 12 2A 451 089 33",
    "\x1b[31mAB 12 34 56 C",
    "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432",
    "fr1420041010050500013M02606",
    "+49 170 1234567",
    "+1 (555) 234-5678",
    "(555) 234-5678",
    "030/1234567",
    "+44 (0)20 7946 0958",
    "01 23 45 67 89",
    "tel: 5552345678",
    "415-234-5678 ext. 123",
    "(415) 234-5678x12345",
    "(351) 920 245 374",
    "手机 13845678901",
    "Телефон 84955551234",
    "0397258627",
    "GB66LTPU9190748337887",
    "00 33 1 23 45 67 89",
    "123-45-6789",
    "AB 12 34 56 C",
    "12345678Z",
    "X-1234567-L",
    "12.345.678-Z",
    "811218-9876",
    "1 84 12 76 451 089 46",
    "1 84 12 2A 451 089 33",
    "RSSMRA85T10A562S",
    "BSN 111222333",
    "529.982.247-25",
    "44051401359",
    "cpf 52998224725",
    "10.0.0.1",
    "255.255.255.255",
    "2001:db8::8a2e:370:7334",
    "fe80::1",
    "::ffff:1.2.3.4",
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "aB3-" * 8 + "xyz",
    "ghp_" + "a1B2" * 9,
    "sk-" + "aB3_" * 9,
    "sk-ant-api03-" + "Zz9-" * 8,
    "xoxb-1234567890-abcDEF",
    "SG." + "aB3" * 7 + "a." + "cD4" * 14 + "e",
    "SK" + "0a1b" * 8,
    "npm_" + "a1B2" * 9,
    "123456789:AA" + "aB3_" * 8 + "x",
    "abc8Q~" + "aB3~" * 8,
    "password: hunter2!",
    'api_key = "A1b2C3d4E5f6G7h8"',
    "token=deadBEEF0123456789abcdef",
    "the password is hunter22",
    'secret": "q9W8e7R6t5Y4u3I2',
    "пароль: щука42",
    "密码：abc12345",
    "https://ann:s3cr3t@example.com/x",
    "postgres://u:p@ss@h:1/x",
    "Bearer abcDEF1234567890xyz",
    JWT,
    PEM,
    *(spelt(PEM) for spelt in SPELLINGS),
    "---- BEGIN SSH2 PRIVATE KEY ----\nP2/56wAA\n---- END SSH2 PRIVATE KEY ----",
    "Private-Lines: 1\nAAAAIDkq7xY2sEcrEt\nPrivate-MAC:",
    "hooks.slack.com/services/T00000000/B00000000/abcDEF",
)
BITS = (
    " ",
    " ",
    " ",
    "\n",
    ", ",
    ". ",
    ": ",
    "-",
    "--",
    "(",
    ")",
    "@",
    "a",
    "is",
    "=",
    '"',
    "'",
    "/",
    "://",
    "1",
    "12",
    "2024-05-06",
    "v1.2.3.4",
    "order 4711002233",
    "and then",
    "é",
    "中文",
    "😀",
    "\ud83d",
    "\u00a0",
    "—",
    "eyJ",
    r"\n",
    r"\u003d",
    r"\u0027",
    r"\ufeff",
    "%20",
    "=20",
    "%3D",
    "%252520",
    "=3D",
    "&#x3D",
    "\x1b[0;31m",
    "AKIA",
    "ghp_",
    "gl",
    "-----BEGIN ",
    "-----END PRIVATE KEY-----",
    "sk-",
    "password",
    "[redacted:email]",
    "::",
    "0",
    "+",
    "AB",
    "DE89",
    "x" * 70,
    "7" * 25,
    "a1B2" * 70,
    "a." * 40,
)


def text(draw: random.Random, pieces_max: int = 5) -> str:
    """Return a few pieces, of which some are cut, with or without something between them."""
    pieces = list[str]()
    for _ in range(draw.randint(1, pieces_max)):
        piece = draw.choice(WHOLE) if draw.random() < 0.55 else draw.choice(BITS)
        if draw.random() < 0.25:
            start = draw.randrange(len(piece))
            piece = piece[start : draw.randint(start, len(piece)) + 1]
        pieces.append(piece)
        pieces.append(draw.choice(("", "", " ", " ", ", ", "\n", "x")))
    return "".join(pieces)


def chunks(draw: random.Random, whole: str) -> list[str]:
    """Return the text in pieces: of one character, of a few, or cut anywhere."""
    if draw.random() < 0.1:
        return list(whole)
    longest = draw.choice((2, 5, 12, 40, 200))
    pieces, at = list[str](), 0
    while at < len(whole):
        length = draw.randint(0 if draw.random() < 0.05 else 1, longest)
        pieces.append(whole[at : at + length])
        at += length
    return pieces
