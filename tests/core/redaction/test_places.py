"""A number is found wherever it stands, but as a part of something else."""

# ruff: noqa: RUF001 - signs of other scripts that look like ours are meant

import pytest
from tests.core.redaction.fragments import ESCAPES

from jackline.core.redaction.kinds import ALL
from jackline.core.redaction.search import Search
from jackline.core.redaction.stream import spans

PHONES = Search({"phone"})
NUMBERS = Search(ALL - {"phone"})


def found(text: str, search: Search = NUMBERS) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for kind, start, end in spans(search, text)]


PERSONAL = (
    ("card", "4111111111111111"),
    ("card", "5105105105105100"),
    ("card", "4111 1111 1111 1111"),
    ("card", "378282246310005"),
    ("us-ssn", "123-45-6789"),
    ("iban", "DE89370400440532013000"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("es-dni", "12345678Z"),
    ("es-dni", "X1234567L"),
    ("fr-nir", "255081416802538"),
    ("fr-nir", "1 84 12 2A 451 089 33"),
    ("it-codice-fiscale", "RSSMRA85T10A562S"),
    ("uk-nino", "AB123456C"),
    ("uk-nino", "AB 12 34 56 C"),
)


@pytest.mark.parametrize(
    "escape", [*ESCAPES, r"\u0027", r"\x27", r"\U00000027", r"\u00a0", r"\ufeff", "%22", "=20"]
)
@pytest.mark.parametrize(("kind", "written"), PERSONAL)
def test_a_number_is_found_behind_whatever_writes_a_sign(
    kind: str, written: str, escape: str
) -> None:
    # What digits follow is another sign.
    end = ";" if escape == "&#10" else ""
    for before in ("", "A=1", "a ", escape):
        assert found(before + escape + end + written) == [(kind, written)], before
    assert (kind, written) in found(repr(f"a\n{written}\n"))
    assert (kind, written) in found(repr(f"a\t{written}\t".encode()))


@pytest.mark.parametrize(("kind", "written"), PERSONAL)
def test_a_number_is_found_in_a_row_in_a_path_and_behind_a_word(kind: str, written: str) -> None:
    for text in (
        "Ann,{},12/27",
        "17,{},3",
        "{},{}",
        "card-{}",
        "visa.{}",
        "/card/{}",
        "/card/{}/pay",
        "q=my+card+{}",
    ):
        wanted = [(kind, written)] * text.count("{}")
        assert found(text.format(written, written)) == wanted, text


@pytest.mark.parametrize("after", ["/12/27", "/2027", ":12/27:123", ":123", "/12/pay"])
@pytest.mark.parametrize("card", [written for kind, written in PERSONAL if kind == "card"])
def test_a_card_ends_where_its_date_or_more_of_a_path_follows(card: str, after: str) -> None:
    assert found(f"/cards/{card}{after}") == [("card", card)]


@pytest.mark.parametrize(
    "space",
    ["%20", "%2520", "%C2%A0", "=20", "=C2=A0", "&nbsp;", "&#32;", "&#xA0;", r"\u0020", r"\u00A0"],
)
def test_a_space_in_a_card_may_be_written_as_an_escape(space: str) -> None:
    for groups in ("4111 1111 1111 1111", "3782 822463 10005", "4111 1111 1111 1111 110"):
        card = groups.replace(" ", space)
        for text in (card, f"q=a{space}{card}{space}b", f"{card};{card}"):
            assert set(found(text)) == {("card", card)}, text
    for other in ("4111 1111 1111 1112", "_4111 1111 1111 1111", "4111 1111 1111 1111.25"):
        assert found(other.replace(" ", space)) == []


@pytest.mark.parametrize(
    "card",
    [
        "4111  1111  1111  1111",
        "4111\t1111\t1111\t1111",
        "4111\n1111\n1111\n1111",
        "4111 1111\r\n1111 1111",
        r"4111\n1111\n1111\n1111",
        "4111 1111&nbsp;1111 1111",
        "4111%201111+1111%201111",
        "3782 &nbsp;822463  10005",
        "۴۱۱۱ ۱۱۱۱ ۱۱۱۱ ۱۱۱۱",
        "٤١١١١١١١١١١١١١١١",
        "४१११-११११-११११-११११",
        "𝟒𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏 𝟏𝟏𝟏𝟏",
    ],
)
def test_a_card_is_found_with_whatever_blanks_and_digits_it_is_written(card: str) -> None:
    for text in ("{}", "It is {}, so.", "{}\t12/27", "a\n{}\nb"):
        assert found(text.format(card)) == [("card", card)], text


def test_figures_in_columns_are_no_card() -> None:
    for gap in ("\t", "\n", "  ", "&nbsp; "):
        row = gap.join(("2023", "4111", "1111", "1111", "1111", "2027"))
        assert found(row) == []
        assert found(row.replace("2023" + gap, "")) == []
        assert found(row.replace(gap + "2027", "")) == []
    assert found("4111" + "&#x000A0;" * 4 + ("1111" + r"\U00000020" * 4) * 2 + "1111") == []


def test_a_phone_is_found_in_a_row_and_in_no_amount() -> None:
    assert found("Ann,030 1234567,x", PHONES) == [("phone", "030 1234567")]
    assert found("7,+49 170 1234567,x", PHONES) == [("phone", "+49 170 1234567")]
    assert found("tel-0301234567", PHONES) == [("phone", "0301234567")]
    assert found(",0301234567", PHONES) == [("phone", "0301234567")]
    for text in ("1,0301234567", "ORD-0301234567", "PX-0049891234567", "0301234567,50"):
        assert found(text, PHONES) == [], text


def test_a_letter_before_a_number_makes_it_a_part_of_a_word() -> None:
    assert found("an4111 1111 1111 1111") == []
    assert found("card_4111111111111111") == []
