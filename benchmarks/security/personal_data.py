"""Texts in many languages in which personal data and keys stand, or what only looks like them.

All of it is made up. Numbers with check digits are made by the rules of those who give them.
"""
# ruff: noqa: RUF001 - signs of other scripts that look like ours are meant

import random
import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

from jackline.core.redaction.stream import Span

Make = Callable[[random.Random], str]


class Sample(NamedTuple):
    """A text, and what personal data stands where in it."""

    text: str
    planted: Sequence[Span]


def sample(draw: random.Random, makes: dict[str, Make], decoys: Sequence[Make]) -> Sample:
    """Return a few sentences, each with something that is personal or only looks so."""
    text, planted = "", list[Span]()
    for _ in range(draw.randint(1, 4)):
        if draw.random() < 0.5:
            kind = draw.choice(list(makes))
            made, template = makes[kind](draw), draw.choice(_FRAMES.get(kind, ()) + _ANY)
        else:
            kind, made, template = "", draw.choice(decoys)(draw), draw.choice(_THINGS)
        before, after = template.split("{}")
        start = len(text) + len(before)
        text += before + made + after + draw.choice((" ", " ", "\n", "\n\n"))
        if kind:
            planted.append(Span(kind, start, start + len(made)))
    return Sample(text, planted)


_ANY = (
    "{}",
    "Here it is: {}.",
    "I think it was {}, but please check.",
    "({})",
    "“{}”",
    "- {}",
    "Hier steht {}, bitte notieren.",
    "Voilà : {}.",
    "Es {}.",
    "Ecco: {}!",
    "Aqui está {}.",
    "Это {}.",
    "こちらです：{}。",
    "我的是{}，谢谢。",
    "이것은 {} 입니다.",
    "هذا هو {} شكرا",
    "यह {} है।",
    "| name | {} |",
    '{{"value": "{}"}}',
    "Value\t{}\tok",
    "Tak, {}.",
    "İşte {} burada.",
    "Det är {}.",
)
_FRAMES: dict[str, tuple[str, ...]] = {
    "email": (
        "Write to {} today.",
        "<{}>",
        "mailto:{}",
        "From: Ann Lee <{}>",
        "请发邮件到{}。",
        "Schreib an {}, ja?",
        "cc {};",
        "E-mail:{}",
        "メールは{}まで",
    ),
    "iban": (
        "IBAN: {}",
        "Please wire it to {}.",
        "Überweisung auf {} bis Freitag",
        "IBAN {} BIC X",
    ),
    "card": ("Card {} exp 12/27", "My Visa is {}, cvv 123.", "Karte: {}", "carte {}", "卡号{}"),
    "phone": (
        "Call me at {}.",
        "Tel.: {}",
        "phone {}",
        "Meine Nummer: {}",
        "Tél. {}",
        "WhatsApp {}",
        "Mobil: {}",
        "teléfono {}",
        "电话：{}",
        "My number is {}",
        "телефон {}",
        "Cell: {} (after 5)",
    ),
    "ip": (
        "Host {} is down.",
        "from {}:8080",
        "ping {}",
        "http://{}/x",
        "client={}",
        "IP-Adresse {}",
    ),
    "key": (
        "export KEY={}",
        "key: {}",
        "Use {} for now.",
        "Authorization: {}",
        '"token": "{}"',
        "密钥：{}",
    ),
}
_THINGS = (
    "Order {} was shipped.",
    "order #{}",
    "Invoice no. {} is due.",
    "Ref: {}",
    "{}",
    "It says {}.",
    "Am {} gesehen.",
    "Réf. {}",
    "Total: {}",
    "see {}",
    "at {}, roughly",
    "版本{}",
    "v{}",
    "Nr. {}",
)


def email(draw: random.Random) -> str:
    """Return an address."""
    names = (
        "ann",
        "li.wei",
        "o'neil",
        "j_doe",
        "maría".replace("í", "i"),
        "r2d2",
        "x",
        "info",
        "sales-eu",
        "karl.heinz.müller",
        "josé",
        "a.b.c",
        "USER",
        "first.last+news",
        "b%c",
        "7even",
    )
    hosts = (
        "example.com",
        "mail.example.co.uk",
        "müller.de",
        "firma.example",
        "x.io",
        "corp.local",
        "a-b.org",
        "sub.domain.example.museum",
        "EXAMPLE.COM",
        "xn--mller-kva.de",
        "例子.中国",
        "почта.рф",
        "dept.uni.edu",
    )
    return f"{draw.choice(names)}@{draw.choice(hosts)}"


def _digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choices(string.digits, k=count))


def _luhn(digits: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 - place % 2)
        total += value - 9 * (value > 9)
    return digits + str(-total % 10)


def card(draw: random.Random) -> str:
    """Return a card's number, plain or in groups."""
    begin, length = draw.choice(
        (
            ("4", 16),
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("2221", 16),
            ("2720", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("65", 16),
            ("3530", 16),
            ("36", 14),
            ("300", 14),
            ("62", 16),
            ("4", 13),
            ("4", 19),
            ("6759", 16),
        )
    )
    digits = _luhn(begin + _digits(draw, length - len(begin) - 1))
    sign = draw.choice(("", " ", "-", " "))
    if not sign or length in {13, 19}:
        return digits
    cuts = {16: (4, 8, 12), 15: (4, 10), 14: (4, 10)}[length]
    return sign.join([digits[a:b] for a, b in zip((0, *cuts), (*cuts, length), strict=True)])


_BBAN = {
    "DE": "18",
    "FR": "10n11c2n",
    "GB": "4a14n",
    "NL": "4a10n",
    "ES": "20",
    "IT": "1a10n12c",
    "AT": "16",
    "BE": "12",
    "CH": "5n12c",
    "PL": "24",
    "PT": "21",
    "SE": "20",
    "NO": "11",
    "DK": "14",
    "FI": "14",
    "IE": "4a14n",
    "LU": "3n13c",
    "CZ": "20",
    "GR": "7n16c",
    "TR": "6n16c",
    "SA": "2n18c",
    "AE": "19",
    "MT": "4a5n18c",
    "RO": "4a16c",
    "HU": "24",
    "BR": "23n1a1c",
    "IL": "19",
    "CY": "8n16c",
}


def iban(draw: random.Random) -> str:
    """Return an IBAN, together, in groups, or in small letters."""
    country, form = draw.choice(list(_BBAN.items()))
    signs = {
        "n": string.digits,
        "a": string.ascii_uppercase,
        "c": string.digits + string.ascii_uppercase,
    }
    bban, count = "", ""
    for sign in form if form[-1].isalpha() else form + "n":
        if sign.isdigit():
            count += sign
        else:
            bban, count = bban + "".join(draw.choices(signs[sign], k=int(count))), ""
    number = "".join([str(int(sign, 36)) for sign in f"{bban}{country}00"])
    whole = f"{country}{98 - int(number) % 97:02}{bban}"
    form = draw.choice(("plain", "groups", "groups", "hyphens", "small", "unbroken"))
    if form in {"groups", "hyphens", "unbroken"}:
        sign = {"groups": " ", "hyphens": "-", "unbroken": "\u00a0"}[form]
        return sign.join([whole[n : n + 4] for n in range(0, len(whole), 4)])
    return whole.lower() if form == "small" else whole


_PHONES = (
    # North America.
    "(555) 2dd-dddd",
    "555-2dd-dddd",
    "555.2dd.dddd",
    "+1 555 2dd dddd",
    "+15552dddddd",
    "1-800-2dd-dddd",
    "+1 (415) 5dd-dddd",
    "415 5dd dddd",
    "4155dddddd",
    "+1-212-5dd-dddd",
    # Europe.
    "+49 170 ddddddd",
    "0170 ddddddd",
    "0171/ddddddd",
    "+49 (0)30 dddddddd",
    "030 dddddddd",
    "(030) dddddddd",
    "+4915ddddddddd",
    "0049 89 ddddddd",
    "+33 6 dd dd dd dd",
    "06 dd dd dd dd",
    "01.dd.dd.dd.dd",
    "+336dddddddd",
    "+44 20 7ddd dddd",
    "020 7ddd dddd",
    "07700 9ddddd",
    "+44 7700 9ddddd",
    "(0161) 4dd dddd",
    "+34 6dd ddd ddd",
    "6dd dd dd dd",
    "+39 3dd ddd dddd",
    "3dd ddddddd",
    "+31 6 dddddddd",
    "06-dddddddd",
    "+46 70 ddd dd dd",
    "070-ddd dd dd",
    "+48 6dd ddd ddd",
    "5dd-ddd-ddd",
    "+41 44 ddd dd dd",
    "044 ddd dd dd",
    "+45 dd dd dd dd",
    "+7 (495) ddd-dd-dd",
    "8 (495) ddd-dd-dd",
    "+380 44 ddd dddd",
    "+351 9dd ddd ddd",
    "+43 1 ddddddd",
    "+420 6dd ddd ddd",
    "+90 532 ddd dd dd",
    "0532 ddd dd dd",
    # Elsewhere.
    "+91 98ddd ddddd",
    "98ddd ddddd",
    "+86 138 dddd dddd",
    "138 dddd dddd",
    "138dddddddd",
    "+81 90-dddd-dddd",
    "090-dddd-dddd",
    "03-dddd-dddd",
    "+82 10-dddd-dddd",
    "010-dddd-dddd",
    "+55 11 9dddd-dddd",
    "(11) 9dddd-dddd",
    "+61 4dd ddd ddd",
    "04dd ddd ddd",
    "(02) 9ddd dddd",
    "+52 55 dddd dddd",
    "+972 52-ddd-dddd",
    "052-ddd-dddd",
    "+971 50 ddd dddd",
    "+27 82 ddd dddd",
    "082 ddd dddd",
    "+65 9ddd dddd",
    "+234 803 ddd dddd",
    "+254 7dd dddddd",
)


def phone(draw: random.Random) -> str:
    """Return a phone number as people write it."""
    form = draw.choice(_PHONES)
    made = "".join([draw.choice("23456789") if sign == "d" else sign for sign in form])
    return made.replace(" ", "\u00a0") if draw.random() < 0.05 else made


def ip(draw: random.Random) -> str:
    """Return an address of version 4 or 6."""
    if draw.random() < 0.6:
        return ".".join([str(draw.randint(1, 254)) for _ in range(4)])
    groups = [f"{draw.randrange(1 << 16):x}" for _ in range(8)]
    groups[0] = draw.choice(("2001", "2a02", "fe80", "fd12"))
    if draw.random() < 0.5:
        start = draw.randint(1, 5)
        return ":".join(groups[:start]) + "::" + ":".join(groups[draw.randint(start + 1, 7) :])
    if draw.random() < 0.2:
        return "::ffff:" + ".".join([str(draw.randint(1, 254)) for _ in range(4)])
    return ":".join(groups) if draw.random() < 0.7 else ":".join(groups).upper()


def _of(draw: random.Random, signs: str, count: int) -> str:
    return "".join(draw.choices(signs, k=count))


def key(draw: random.Random) -> str:
    """Return a key or token as its issuer makes it."""
    alnum, upper, hexa = (
        string.ascii_letters + string.digits,
        string.ascii_uppercase + string.digits,
        "0123456789abcdef",
    )
    url = alnum + "-_"
    forms: Sequence[Callable[[], str]] = (
        lambda: draw.choice(("AKIA", "ASIA")) + _of(draw, upper, 16),
        lambda: "AIza" + _of(draw, url, 34) + "a",
        lambda: "gh" + draw.choice("pousr") + "_" + _of(draw, alnum, 36),
        lambda: "github_pat_" + _of(draw, alnum, 22) + "_" + _of(draw, alnum, 59),
        lambda: "glpat-" + _of(draw, alnum, 20),
        lambda: f"xoxb-{_digits(draw, 12)}-{_digits(draw, 12)}-{_of(draw, alnum, 24)}",
        lambda: draw.choice(("sk_live_", "sk_test_", "rk_live_")) + _of(draw, alnum, 24),
        lambda: "sk-proj-a1B" + _of(draw, url, 60) + "x",
        lambda: "sk-" + _of(draw, alnum, 47) + "7",
        lambda: "sk-ant-api03-" + _of(draw, url, 92) + "A",
        lambda: "SG." + _of(draw, alnum, 22) + "." + _of(draw, alnum, 43),
        lambda: "SK" + _of(draw, hexa, 32),
        lambda: "npm_" + _of(draw, alnum, 36),
        lambda: "pypi-AgEIcHlwaS5vcmc" + _of(draw, alnum, 60),
        lambda: "hf_" + _of(draw, alnum, 34),
        lambda: f"eyJ{_of(draw, alnum, 33)}.eyJ{_of(draw, alnum, 60)}.{_of(draw, url, 42)}a",
        lambda: f"eyJ{_of(draw, alnum, 33)}.eyJ{_of(draw, alnum, 900)}.{_of(draw, url, 85)}a",
        lambda: f"a1b8Q~{_of(draw, alnum, 34)}",
        lambda: (
            f"-----BEGIN PRIVATE KEY-----\n{_of(draw, alnum + '+/', 64)}\n-----END PRIVATE KEY-----"
        ),
    )
    return draw.choice(forms)()


MAKES: dict[str, Make] = {
    "email": email,
    "card": card,
    "iban": iban,
    "phone": phone,
    "ip": ip,
    "key": key,
}
