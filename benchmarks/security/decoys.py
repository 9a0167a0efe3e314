"""What only looks like personal data: dates, versions, prices, numbers of orders and books."""

import random
import string
from collections.abc import Callable, Sequence

Make = Callable[[random.Random], str]


def _of(draw: random.Random, signs: str, count: int) -> str:
    return "".join(draw.choices(signs, k=count))


def _digits(draw: random.Random, count: int) -> str:
    return _of(draw, string.digits, count)


def _time(draw: random.Random) -> str:
    form = draw.choice(
        (
            "{y}-{m:02}-{d:02}",
            "{d:02}.{m:02}.{y}",
            "{m}/{d}/{y}",
            "{y}{m:02}{d:02}",
            "{d} {m} {y}",
            "{y}-{m:02}-{d:02}T{h:02}:{n:02}:{n:02}Z",
            "{d:02}.{m:02}.{y} {h:02}:{n:02}",
            "{y}/{m:02}/{d:02}",
            "{h:02}:{n:02}:{n:02}.123",
            "{y}-{m:02}-{d:02} {h:02}:{n:02}:{n:02}.123456",
            "{d:02}-{m:02}-{y}",
            "{y}{m:02}{d:02}{h:02}{n:02}{n:02}",
            "{y}\u2013{m:02}",
        )
    )
    return form.format(
        y=draw.randint(1950, 2030),
        m=draw.randint(1, 12),
        d=draw.randint(1, 28),
        h=draw.randint(0, 23),
        n=draw.randint(10, 59),
    )


def _uuid(draw: random.Random) -> str:
    return "-".join([_of(draw, "0123456789abcdef", n) for n in (8, 4, 4, 4, 12)])


def _isbn(draw: random.Random) -> str:
    return draw.choice(("978-3-{}-{}-{}", "978 0 {} {} {}", "978{}{}{}", "ISBN 0-{}-{}-{}")).format(
        _digits(draw, 3), _digits(draw, 5), _digits(draw, 1)
    )


DECOYS: Sequence[Make] = (
    _time,
    _time,
    _uuid,
    _isbn,
    lambda draw: _digits(draw, draw.choice((7, 8, 9, 10, 12))),
    lambda draw: f"{_digits(draw, 3)}-{_digits(draw, 7)}-{_digits(draw, 7)}",
    lambda draw: f"ORD-{_digits(draw, 8)}",
    lambda draw: f"{draw.randint(2000, 2030)}-{_digits(draw, 6)}",
    lambda draw: ".".join([str(draw.randint(0, 20)) for _ in range(3)]),
    lambda draw: (
        f"{draw.randint(0, 20)}.{draw.randint(0, 20)}.{draw.randint(0, 9)}-rc.{draw.randint(1, 9)}"
    ),
    lambda draw: f"{draw.randint(1, 9)}.0.{draw.randint(1000, 99999)}.{draw.randint(300, 9999)}",
    lambda draw: _of(draw, "0123456789abcdef", draw.choice((7, 32, 40, 64))),
    lambda draw: f"${draw.randint(1, 9)},{_digits(draw, 3)},{_digits(draw, 3)}.{_digits(draw, 2)}",
    lambda draw: f"{draw.randint(1, 9)}.{_digits(draw, 3)}.{_digits(draw, 3)},{_digits(draw, 2)} €",
    lambda draw: f"{draw.randint(1, 999)} {_digits(draw, 3)} {_digits(draw, 3)} kr",
    lambda draw: f"{draw.uniform(-90, 90):.6f}, {draw.uniform(-180, 180):.6f}",
    lambda draw: f"52°{draw.randint(10, 59)}'{draw.randint(10, 59)}.{_digits(draw, 2)}\"N",
    lambda draw: str(draw.randint(1_600_000_000, 1_800_000_000)),
    lambda draw: str(draw.randint(1_600_000_000_000, 1_800_000_000_000)),
    lambda draw: f"1Z{_of(draw, string.ascii_uppercase + string.digits, 16)}",
    lambda draw: ":".join([_of(draw, "0123456789abcdef", 2) for _ in range(6)]),
    lambda draw: f"{draw.randint(1, 60)}:{draw.randint(1, 9)}:{draw.randint(1, 9)}",
    lambda draw: draw.choice(
        ("std::vector", "a[1::2]", "x[::-1]", "Foo::bar", "abc::def", "@media")
    ),
    lambda draw: draw.choice(("user@host", "git@", "a @ b", "@ann", "x@y", "package@1.2.3")),
    lambda draw: f"{_digits(draw, 5)}-{_digits(draw, 4)}",
    lambda draw: f"{draw.randint(1, 200)} x {draw.randint(1, 200)} x {draw.randint(1, 200)} mm",
    lambda draw: " ".join([str(draw.randint(1, 400)) for _ in range(draw.randint(3, 9))]),
    lambda draw: (
        f"10.{_digits(draw, 4)}/s{_digits(draw, 5)}-0{_digits(draw, 2)}-{_digits(draw, 5)}-3"
    ),
    lambda draw: draw.choice(
        (
            "password: required",
            "token count: 123456",
            "max_tokens=4096",
            "secret: string",
            "api_key: str",
            "the password is wrong",
            "key: value",
            "sk-toggleable__control",
            "sk-learn",
        )
    ),
)
