"""Check digits, by the documents that define them."""

from collections.abc import Iterable


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    even = sum(int(digit) for digit in digits[-1::-2])
    odd = sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return (even + odd) % 10 == 0


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def ean(digits: str) -> bool:
    """Whether the last digit checks the others (GS1 General Specifications, 7.9)."""
    return (weighted(digits[-1::-2], [1]) + weighted(digits[-2::-2], [3])) % 10 == 0


def isbn(digits: str) -> bool:
    """Whether ten digits are a book's (ISO 2108, edition of 1992)."""
    return len(digits) == 10 and weighted(digits, range(10, 0, -1)) % 11 == 0  # noqa: PLR2004 - it has ten


def mod97(letters_and_digits: str) -> int:
    """Return the remainder by 97, with A as 10 to Z as 35 (ISO/IEC 7064, MOD 97-10)."""
    return int("".join([str(int(sign, 36)) for sign in letters_and_digits])) % 97


def weighted(digits: str, weights: Iterable[int]) -> int:
    """Return the sum of each digit times its weight; the last weight holds for all that follow."""
    total, weight, rest = 0, 0, iter(weights)
    for digit in digits:
        weight = next(rest, weight)
        total += weight * int(digit)
    return total


def mod11_10(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7064, MOD 11,10)."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def verhoeff(digits: str) -> bool:
    """Whether the last digit checks the others (Verhoeff, Error Detecting Decimal Codes, 1969)."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _DIHEDRAL[check][_PERMUTED[place % 8][int(digit)]]
    return check == 0


def _dihedral(a: int, b: int) -> int:
    """Multiply in the group of a pentagon's symmetries."""
    turned = (a + b) % 5 if a < 5 else (a - b) % 5  # noqa: PLR2004 - it has five corners
    return turned + 5 * ((a < 5) == (b >= 5))  # noqa: PLR2004 - as above


_DIHEDRAL = tuple(tuple(_dihedral(a, b) for b in range(10)) for a in range(10))


def _permutations() -> tuple[tuple[int, ...], ...]:
    rows = [tuple(range(10)), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)]
    while len(rows) < 8:  # noqa: PLR2004 - the permutation's order
        rows.append(tuple([rows[-1][value] for value in rows[1]]))
    return tuple(rows)


_PERMUTED = _permutations()
